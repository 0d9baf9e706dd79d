'use strict';
// The size limits of ours: what is left out, what is dropped, and that neighbours do not pay for it.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, beforeEach, it } = require('node:test');
const offloop = require('..');
const { startRecorder } = require('./config/recorder.js');
const { span } = require('./config/runner.js');

let recorder;
before(async () => {
  recorder = await startRecorder();
});
beforeEach(() => recorder.reset());
after(() => recorder.close());

async function send(limits, ...attributeSets) {
  const exporter = new offloop.OTLPTraceExporter({ url: `${recorder.origin}/x`, protocol: 'http/json', limits });
  const outcome = await exporter.exportSpans(attributeSets.map((attributes) => ({ ...span, attributes })));
  await exporter.shutdown();
  const spans = recorder.requests.flatMap(({ body }) => body.resourceSpans[0].scopeSpans[0].spans);
  return { outcome, spans };
}

for (const limit of [10, 256, 10_000]) {
  it(`an attribute over ${limit} bytes is left out and counted, its neighbours are sent`, async () => {
    const text = (length) => 'x'.repeat(length);
    const { outcome, spans } = await send(
      { maxAttributeBytes: limit },
      { fits: text(limit), over: text(limit + 1), after: 1 },
      { bytes: new Uint8Array(limit + 1), fits: new Uint8Array(limit) },
      { nested: { deep: [text(limit + 1)] }, list: [text(limit)] },
      { untouched: text(limit - 1) },
    );
    assert.equal(outcome.delivered, 4);
    assert.deepEqual(
      spans.map(({ attributes, droppedAttributesCount }) => [attributes.map(({ key }) => key), droppedAttributesCount]),
      [
        [['fits', 'after'], 1],
        [['fits'], 1],
        [['list'], 1],
        [['untouched'], 0],
      ],
    );
    assert.equal(spans[0].attributes[0].value.stringValue.length, limit);
  });
}

it('many long texts are kept by one reference only where none is over the limit', async () => {
  const limit = 10_000;
  const fits = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`text.${at}`, 'x'.repeat(900 + at)]));
  const all = Array.from({ length: 40 }, (_, nth) => (nth % 2 ? { ...fits, over: 'x'.repeat(limit + 1) } : fits));
  const { outcome, spans } = await send({ maxAttributeBytes: limit }, ...all);
  assert.equal(outcome.delivered, 40);
  assert.deepEqual(
    spans.map(({ attributes, droppedAttributesCount }) => [attributes.length, droppedAttributesCount]),
    all.map((_, nth) => [20, nth % 2]),
  );
});

it('the processor, which captures a span as it ends, leaves out the same attributes', async () => {
  const exporter = new offloop.OTLPTraceExporter({
    url: `${recorder.origin}/x`,
    protocol: 'http/json',
    limits: { maxAttributeBytes: 10, maxSpanBytes: 1000 },
  });
  const processor = new offloop.BatchSpanProcessor(exporter);
  const context = { ...span.spanContext(), traceFlags: 1 };
  for (const attributes of [{ fits: 'x'.repeat(10), over: 'x'.repeat(11) }, { list: Array(1001).fill(1) }])
    processor.onEnd({ ...span, spanContext: () => context, attributes });
  await processor.shutdown();
  const spans = recorder.requests.flatMap(({ body }) => body.resourceSpans[0].scopeSpans[0].spans);
  assert.deepEqual(
    spans.map(({ attributes, droppedAttributesCount }) => [attributes.map(({ key }) => key), droppedAttributesCount]),
    [[['fits'], 1]],
  );
  assert.deepEqual(exporter.stats().refused, { too_large: 1 });
});

it('names are not attributes', async () => {
  const exporter = new offloop.OTLPTraceExporter({
    url: `${recorder.origin}/x`,
    protocol: 'http/json',
    limits: { maxAttributeBytes: 3 },
  });
  await exporter.exportSpans([{ ...span, name: 'a long name', attributes: { 'a long key': 'abc' } }]);
  await exporter.shutdown();
  const [sent] = recorder.requests[0].body.resourceSpans[0].scopeSpans[0].spans;
  assert.equal(sent.name, 'a long name');
  assert.deepEqual(sent.attributes, [{ key: 'a long key', value: { stringValue: 'abc' } }]);
});

it('a span over maxSpanBytes is dropped, its neighbours are sent', async () => {
  const { outcome, spans } = await send({ maxSpanBytes: 20_000 }, { a: 1 }, { a: 'x'.repeat(20_001) }, { a: 2 });
  assert.equal(outcome.delivered, 2);
  assert.deepEqual(outcome.dropped, { too_large: 1 });
  assert.equal(spans.length, 2);
});

it('the types declare what the package has, no more and no less', () => {
  const declared = fs.readFileSync(path.join(__dirname, '..', 'index.d.ts'), 'utf8').matchAll(/^export class (\w+)/gm);
  assert.deepEqual([...declared].map(([, name]) => name).sort(), Object.keys(offloop).sort());
});
