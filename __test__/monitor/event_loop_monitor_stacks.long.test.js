'use strict';
// This file measures time, so it runs alone.

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const { compareStacks, guilty } = require('../helpers/block_stacks.js');
const { noStacks, runBlocks, underControl } = require('../helpers/blocks.js');

// Who blocked: function and line, and how soon that is known. On a worker thread: event_loop_monitor_workers.long.test.js.

describe('the stack of a block names the guilty function and line', { skip: noStacks }, () => {
  test('on the main thread', async (t) => {
    await underControl(() => runBlocks(t, guilty), compareStacks);
  });

  test('it holds functions by name, innermost first, and stays away when it is not wanted', async (t) => {
    const source = `
      function outer() { middle(); }
      function middle() { innermost(); }
      function innermost() { for (const until = threadCpuMicros() + 400_000; threadCpuMicros() < until; ); }
      monitor.enable();
      setTimeout(() => { outer(); setTimeout(finish, 50); }, 100);`;
    const [span] = (await runBlocks(t, source)).finals;
    assert.match(span.attributes['code.stacktrace'], /at innermost .*\n\s+at middle .*\n\s+at outer /);
    assert.equal(span.attributes['code.function.name'], 'innermost');
    assert.equal(span.attributes['code.file.path'], '[eval]');
    assert.ok(span.events.length >= 2, 'at the threshold and at twice');
    const without = await runBlocks(t, source, { options: { stacks: false } });
    assert.equal(without.finals.length, 1);
    assert.equal(without.finals[0].attributes['code.stacktrace'], undefined);
    assert.equal(without.finals[0].events.length, 0);
  });
});
