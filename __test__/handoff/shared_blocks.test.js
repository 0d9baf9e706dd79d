'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { getEngine, IDLE_STEP_BYTES } = require('../../js/native/engine.js');
const { BatchSpanProcessor, OTLPTraceExporter, subjectName } = require('../helpers/subject.js');
const { assertSettled } = require('../helpers/conservation.js');
const { decodeRequest } = require('../helpers/otlp_decoder.js');
const { PlainSpans } = require('../helpers/plain_spans.js');
const { Random } = require('../helpers/random.js');
const { startReceiver } = require('../helpers/receiver.js');

// Whoever has handed its batch over leaves the rest of its block to the next writer of this environment, whosever batch comes
// then; and blocks that nobody has needed for a while are gone, and made again.

const ROUNDS = 400;
const MEMBERS = 6;
const options = { skip: subjectName === 'stock' && 'about our blocks' };
const plain = new PlainSpans(17);

/** Gives back what is free, as after 30 seconds without use. */
function forgetIdle() {
  const { memory } = getEngine();
  memory.noteIdle();
  while (memory.giveBack(IDLE_STEP_BYTES));
}

/** Every span that has arrived: name and text. */
function arrived(receiver) {
  return receiver.completed
    .flatMap(({ body }) => decodeRequest(body))
    .flatMap(({ scopes }) => scopes.flatMap(({ spans }) => spans))
    .map(({ name, attributes }) => [name, attributes.find(([key]) => key === 'text')[1][1]]);
}

test('exporters and processors take turns in the blocks of their environment', options, async (t) => {
  const receiver = await startReceiver({}, t);
  const random = new Random(4711);
  const members = Array.from({ length: MEMBERS }, (_, nth) => {
    const exporter = new OTLPTraceExporter({ url: receiver.url });
    // Native threads take some batches, others are full, and some wait while others write.
    const config = { scheduledDelayMillis: 2 + 20 * nth, maxExportBatchSize: 1 + nth * 7 };
    const processor = nth % 2 === 0 ? new BatchSpanProcessor(exporter, config) : null;
    return { exporter, processor };
  });
  const expected = [];
  const outcomes = [];
  for (let round = 0; round < ROUNDS; round++) {
    const nth = random.below(MEMBERS);
    const { exporter, processor } = members[nth];
    const spans = Array.from({ length: 1 + random.below(4) }, (_, number) => {
      const units = random.below(20) === 0 ? 300_000 : random.below(4000); // some are copied in a later turn
      const name = `${nth} ${round} ${number}`;
      const text = name.padEnd(units, 'x');
      expected.push([name, text]);
      return plain.span({ name, attributes: { text } });
    });
    if (processor === null) outcomes.push(exporter.exportSpans(spans));
    else for (const span of spans) processor.onEnd(span);
    if (round % 50 === 0) forgetIdle();
    if (round % 10 === 0) await new Promise((resolve) => setTimeout(resolve, random.below(8)));
  }
  await Promise.all(members.map(({ exporter, processor }) => (processor ?? exporter).forceFlush()));
  for (const { error } of await Promise.all(outcomes)) assert.equal(error, undefined);
  const spans = arrived(receiver);
  assert.equal(spans.length, expected.length);
  const textOf = new Map(spans);
  for (const [name, text] of expected) assert.ok(textOf.get(name) === text, name);
  await Promise.all(members.map(({ exporter, processor }) => (processor ?? exporter).shutdown()));
  for (const { exporter } of members) assertSettled(exporter.stats());
});

test('blocks that nobody needs are forgotten while exporters live, and made again', options, async (t) => {
  const receiver = await startReceiver({}, t);
  const exporter = new OTLPTraceExporter({ url: receiver.url });
  const processor = new BatchSpanProcessor(exporter);
  t.after(() => processor.shutdown());
  for (let round = 1; round <= 3; round++) {
    processor.onEnd(plain.span());
    assert.equal(getEngine().memory.isEmpty, false, 'a span waits in one');
    forgetIdle();
    assert.equal(getEngine().memory.isEmpty, false, 'it still does');
    await processor.forceFlush();
    assert.equal((await exporter.exportSpans([plain.span()])).delivered, 1);
    // A native thread may let go of the last one a moment after its result.
    for (let tries = 0; !getEngine().memory.isEmpty && tries < 200; tries++) {
      forgetIdle();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.equal(getEngine().memory.isEmpty, true);
    assert.equal(exporter.stats().delivered, 2 * round);
  }
});
