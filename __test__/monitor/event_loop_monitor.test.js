'use strict';
// This file measures time, so it runs alone.

const { describe, test } = require('node:test');
const { compareWithTruth, kinds } = require('../helpers/block_kinds.js');
const { runBlocks, underControl } = require('../helpers/blocks.js');

// The same on a worker thread: event_loop_monitor_workers.long.test.js.

describe('blocks that the loop suffers (R88, R89, R90, R93)', () => {
  test('eight kinds on the main thread: one final span each, start and length as they were; 60 ms: none', async (t) => {
    await underControl(() => runBlocks(t, kinds, { limitMillis: 60_000 }), compareWithTruth);
  });
});
