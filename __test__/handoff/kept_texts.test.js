'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { ProtobufTraceSerializer } = require('@opentelemetry/otlp-transformer');
const { BatchSpanProcessor } = require('../..');
const { OTLPTraceExporter } = require('../helpers/subject.js');
const { PlainSpans } = require('../helpers/plain_spans.js');
const { startReceiver } = require('../helpers/receiver.js');
const { CopiedMemory } = require('../../js/handoff/memory.js');
const { getEngine } = require('../../js/native/engine.js');
const { SpanWriter } = require('../../js/handoff/span_writer.js');

// Spans of many long texts, once a batch has copied its share: a span's texts are kept by one reference to their list.

const plain = new PlainSpans(23);
const PAIRS = 2 * 32; // numbers and texts of one native call

/** A text as programs build it: V8 keeps the pieces until somebody reads it. */
function rope(length, piece) {
  let text = '';
  while (text.length < length) text += piece;
  return text;
}

/** What comes among long texts, so that their numbers and those of other values interleave. */
function manyLongTexts(nth) {
  const attributes = {};
  for (let at = 0; at < 24; at++) {
    attributes[`text.${at}`] = `${nth} ${at} `.repeat(60 + at * 9);
    if (at % 5 === 0) attributes[`bytes.${at}`] = new Uint8Array(300).fill(nth + at);
    if (at % 7 === 0) attributes[`list.${at}`] = ['x'.repeat(400), at, { deep: 'y'.repeat(500) }];
    if (at % 6 === 0) attributes[`wide.${at}`] = `${nth} 漢字 `.repeat(120);
    if (at % 4 === 0) attributes[`rope.${at}`] = rope(700, `piece ${nth} `);
    if (at % 8 === 0) attributes[`short.${at}`] = `short ${nth}`;
  }
  attributes[`new key of ${nth}`] = 'its text is long, and it comes '.repeat(20);
  attributes[`${'long key '.repeat(40)}${nth}`] = 'so is the key '.repeat(30);
  attributes.last = rope(9_000, `nearly the last piece of ${nth} `);
  attributes.longest = nth % 40 === 0 ? rope(70_000, `more than one write takes, ${nth} `) : nth;
  return attributes;
}

const batch = () =>
  Array.from({ length: 120 }, (_, nth) => plain.span({ name: `span ${nth}`, attributes: manyLongTexts(nth) }));

async function assertArrives(t, spans, written = spans) {
  const receiver = await startReceiver({}, t);
  const exporter = new OTLPTraceExporter({ url: receiver.url, timeoutMillis: 30_000 });
  t.after(() => exporter.shutdown());
  for (let round = 0; round < 2; round++) {
    const outcome = await exporter.exportSpans(spans);
    assert.equal(outcome.delivered, spans.length, JSON.stringify(outcome));
    const expected = Buffer.from(ProtobufTraceSerializer.serializeRequest(written));
    assert.ok(receiver.completed.at(-1).body.equals(expected), `the body of round ${round} differs`);
  }
}

test('spans of many long texts, among values of every other kind', (t) => assertArrives(t, batch()));

test('the same where Rust copies each batch', async (t) => {
  const engine = getEngine();
  const { memory } = engine;
  engine.memory = new CopiedMemory();
  t.after(() => {
    engine.memory = memory;
  });
  await assertArrives(t, batch());
});

test('a span that cannot be read takes nothing of its neighbours with it', async (t) => {
  const spans = batch();
  const written = [...spans];
  for (const nth of [60, 61, 90]) {
    // Its texts are kept when the list turns out to be without an end; it is read again, one attribute after the other.
    const endless = [];
    endless.push(endless);
    const { attributes } = spans[nth];
    spans[nth].attributes = { ...attributes, endless, after: 'z'.repeat(600) };
    written[nth] = { ...spans[nth], attributes: { ...attributes, after: 'z'.repeat(600) }, droppedAttributesCount: 1 };
  }
  await assertArrives(t, spans, written);
});

test('as many texts as one call takes, one fewer and one more', async (t) => {
  const spans = [31, 32, 33, 63, 64, 65, PAIRS + 1].map((count) => {
    const attributes = {};
    for (let at = 0; at < count; at++) attributes[`text.${at}`] = rope(5_000, `${count} ${at} `);
    return plain.span({ name: `of ${count}`, attributes });
  });
  await assertArrives(t, spans);
});

// A block is 32,766 words of records, one of a long text 5 and the text. These fill it to the last byte but one, the last, or
// leave one: the writer needs a byte behind a text, and one more to know that it was the whole.
const FILLS = [303, 647, 975, 991, 1991, 2023, 3007, 6055].flatMap((units) => [units - 1, units, units + 1]);

test('texts that fill a block to the last byte', async (t) => {
  for (const units of FILLS) {
    const spans = Array.from({ length: 120 }, (_, nth) =>
      plain.span({ attributes: { text: `${nth} `.padEnd(units, 'x'), same: 'y'.repeat(units) } }),
    );
    await assertArrives(t, spans);
  }
});

test('texts that fill a block, captured by the processor', async (t) => {
  const receiver = await startReceiver({}, t);
  const exporter = new OTLPTraceExporter({ url: receiver.url, timeoutMillis: 30_000 });
  const processor = new BatchSpanProcessor(exporter, { maxExportBatchSize: 1000 });
  t.after(() => processor.shutdown());
  let ended = 0;
  for (let units = 257; units < 6100; units += 8) {
    for (const length of [units + ((7 - (units % 8)) % 8), units]) {
      processor.onEnd(plain.span({ attributes: { text: 'x'.repeat(length), more: 'y'.repeat(length) } }));
      ended += 1;
    }
  }
  await processor.forceFlush();
  const { delivered, refused, dropped } = exporter.stats();
  assert.deepEqual([delivered, refused, dropped], [ended, {}, {}]);
});

test('nothing is held of texts that are written', () => {
  const { memory } = getEngine();
  const writer = new SpanWriter(memory, { maxSpanBytes: 1 << 24 }, true);
  writer.begin(Number.POSITIVE_INFINITY, 120);
  for (const span of batch()) writer.write(span);
  const { deferred } = writer;
  assert.ok(!deferred.isEmpty);
  while (!writer.copyDeferred(deferred, 0));
  assert.deepEqual([deferred.texts, deferred.lists, deferred.taken, deferred.copy.text], [[], [], [], '']);
  writer.stream.takeSegments();
  writer.longStream.takeSegments();
  writer.release();
});
