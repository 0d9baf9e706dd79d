'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { loadBinding } = require('../../js/native/binding.js');
const { IDLE_STEP_BYTES, threadCpuMicros } = require('../../js/native/engine.js');

// This file measures time, so it runs alone.

const LARGE_BYTES = 64 * 2 ** 20; // the largest block that a batch asks for
const MAX_STEP_MILLIS = 2;
const ROUNDS = 5;
const { Environment } = loadBinding();

/** Time of this thread, or of the clock where the system does not tell: a busy machine may keep the thread waiting. */
function millis() {
  const micros = threadCpuMicros();
  return micros < 0 ? performance.now() : micros / 1000;
}

/** Milliseconds that each step took, until a large block, all of it written, has been given back. */
function stepsOf(environment) {
  const id = environment.acquireBlock(LARGE_BYTES);
  try {
    Buffer.from(environment.blockBuffer(id)).fill(1, 16);
  } finally {
    environment.releaseBlock(id);
  }
  const before = process.memoryUsage.rss();
  environment.releaseIdlePages(IDLE_STEP_BYTES); // from here on it is idle
  const steps = [];
  for (let isMore = true; isMore; ) {
    const began = millis();
    isMore = environment.releaseIdlePages(IDLE_STEP_BYTES);
    steps.push(millis() - began);
  }
  return { steps, released: before - process.memoryUsage.rss() };
}

test('memory of a large idle block goes back in steps that the event loop does not notice', (t) => {
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) {
    // An environment of its own: a block may have only one buffer.
    const { steps, released } = stepsOf(new Environment(() => {}));
    assert.ok(steps.length > LARGE_BYTES / IDLE_STEP_BYTES, `${steps.length} steps`);
    if (process.platform === 'linux') assert.ok(released > 0.9 * LARGE_BYTES, `${released} bytes came back`);
    rounds.push(Math.max(...steps));
  }
  t.diagnostic(`longest step of each round: ${rounds.map((longest) => longest.toFixed(2)).join(', ')} ms`);
  assert.ok(Math.min(...rounds) < MAX_STEP_MILLIS, `the longest step took ${Math.min(...rounds)} ms`);
});
