'use strict';

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const { BatchSize } = require('../../js/processor/batch_size.js');

const QUEUE = 16_384;

/** The sizes of `count` batches, one after the other, while `spansPerSecond` end; a batch leaves after `delayMillis` at the latest. */
function sizes(size, count, spansPerSecond, { delayMillis = 5000, underWay = 0 } = {}) {
  return Array.from({ length: count }, () => {
    const limit = size.next(underWay);
    const millis = (limit / spansPerSecond) * 1000;
    const isFull = millis <= delayMillis;
    size.noteLeft(isFull, isFull ? millis : delayMillis);
    return limit;
  });
}

describe('how many spans a batch takes', () => {
  test('it follows the rate', () => {
    for (const spansPerSecond of [1, 100, 1000, 5000, 10_000, 40_000, 200_000]) {
      const last = sizes(new BatchSize(512, false, QUEUE), 50, spansPerSecond).at(-1);
      const expected = { 10000: 1024, 40000: 4096, 200000: 4096 }[spansPerSecond] ?? 512;
      assert.equal(last, expected, `${spansPerSecond} spans/s`);
    }
  });

  test('it comes back when the rate falls, or when batches leave for another reason', () => {
    for (const [spansPerSecond, delayMillis] of [
      [100, 5000],
      [2000, 5000],
      [40_000, 5],
    ]) {
      const size = new BatchSize(512, false, QUEUE);
      assert.deepEqual(sizes(size, 5, 100_000), [512, 1024, 2048, 4096, 4096]);
      assert.deepEqual(sizes(size, 5, spansPerSecond, { delayMillis }), [4096, 2048, 1024, 512, 512]);
    }
  });

  test('a size between two limits stays as it is', () => {
    const size = new BatchSize(512, false, QUEUE);
    sizes(size, 10, 10_000);
    assert.deepEqual(sizes(size, 3, 6_000), [1024, 1024, 1024]);
  });

  test('a batch is a quarter of the queue at most, and at least what the user asked for', () => {
    assert.equal(sizes(new BatchSize(512, false, 2048), 9, 1e6).at(-1), 512);
    assert.equal(sizes(new BatchSize(512, false, 4096), 9, 1e6).at(-1), 1024);
    assert.equal(sizes(new BatchSize(512, false, 100), 9, 1e6).at(-1), 512);
    assert.equal(sizes(new BatchSize(512, false, Number.POSITIVE_INFINITY), 9, 1e6).at(-1), 4096);
    assert.equal(sizes(new BatchSize(3, false, 1000), 12, 1e6).at(-1), 250);
  });

  test('with four batches on their way it is 2,048, whatever the rate', () => {
    const size = new BatchSize(512, false, QUEUE);
    assert.equal(size.next(3), 512);
    assert.equal(size.next(4), 2048);
    sizes(size, 5, 1e6);
    assert.equal(size.next(4), 4096);
  });

  test('a size that was given holds always', () => {
    for (const spans of [1, 512, 10_000]) {
      assert.deepEqual(sizes(new BatchSize(spans, true, QUEUE), 9, 1e6, { underWay: 9 }), Array(9).fill(spans));
    }
  });
});
