'use strict';
// A `vm` script that runs out of time in any call between the code that fills a batch and the native side, before the call
// has had its effect or right after it: what JavaScript has not noted it does again, and the native side has it once.
// OFFLOOP_TEST_LONG=1 has more spans end after each.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { Trap, withinMillis } = require('../helpers/torn.js');
const { Subject } = require('../helpers/torn_subject.js');
const { OpenBatch } = require('../../js/handoff/open_batch.js');
const { RecordStream } = require('../../js/handoff/record_stream.js');
const { SpanWriter } = require('../../js/handoff/span_writer.js');
const { getEngine } = require('../../js/native/engine.js');
const { loadBinding } = require('../../js/native/binding.js');

const isLong = process.env.OFFLOOP_TEST_LONG === '1';
const AFTER = isLong ? 1000 : 20; // spans that end after a call was cut off

// Their effect outlives a call that is cut off right behind them; the others only answer.
const HAVE_EFFECT = ['openWindow', 'growWindow', 'handOver', 'register'];

/** Makes every call of a method of `classes` a question of `trap`, for the time of the test. */
function watchCalls(t, trap, classes) {
  for (const { prototype } of classes) {
    for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      const original = property.value;
      if (name === 'constructor' || typeof original !== 'function') continue;
      const isAskedAfter = HAVE_EFFECT.includes(name);
      Object.defineProperty(prototype, name, {
        ...property,
        value(...args) {
          trap.ask();
          const result = original.apply(this, args);
          if (isAskedAfter) trap.ask();
          return result;
        },
      });
      t.after(() => Object.defineProperty(prototype, name, property));
    }
  }
}

const PAD = 'p'.repeat(10_000); // so that the batch goes on in other blocks
const LONG = 'x'.repeat(300_000); // goes on in another block
const CASES = {
  'the first span of a batch': { before: 0, ends: 1 },
  'a span that goes on in another block': { before: 2, ends: 1, attributes: { LONG } },
  'the last span of a batch': { before: 3, ends: 1, processor: { maxExportBatchSize: 4 } },
  'a batch and the next one': { before: 1, ends: 4, processor: { maxExportBatchSize: 2 } },
};

for (const [name, { before, ends, attributes, processor }] of Object.entries(CASES)) {
  test(`out of time at every call of ours: ${name}`, async (t) => {
    const trap = new Trap();
    const subject = await Subject.start(t, { processor });
    const { account } = subject;
    subject.end(account.innocentSpans(1)); // loads everything
    await subject.settle('at first');
    watchCalls(t, trap, [OpenBatch, RecordStream, SpanWriter, getEngine().constructor, loadBinding().Lane]);
    let cutOff = 0;
    for (let at = 0; ; at++) {
      trap.set(-1);
      subject.end(account.innocentSpans(before));
      const torn = Array.from({ length: ends }, () => account.tornSpan());
      if (attributes !== undefined) for (const span of torn) Object.assign(span.attributes, attributes);
      trap.set(at);
      const returned = withinMillis(() => subject.end(torn), 3);
      const isOver = returned && trap.asked <= at;
      trap.set(-1);
      if (!returned) cutOff += 1;
      subject.end(account.innocentSpans(2)); // in the same turn, while nobody can know
      await null;
      const spans = account.innocentSpans(AFTER);
      for (const span of spans) span.attributes.pad = PAD;
      subject.end(spans);
      await subject.settle(`after call ${at}`);
      if (isOver) break;
    }
    t.diagnostic(`${cutOff} calls were cut off`);
    assert.ok(cutOff > 5, `only ${cutOff} calls were cut off`);
    await subject.close();
  });
}
