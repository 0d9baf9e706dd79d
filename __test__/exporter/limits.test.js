'use strict';
// The size limits of ours: what is left out, what is dropped, and that neighbours do not pay for it.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, beforeEach, it } = require('node:test');
const offloop = require('../..');
const { startRecorder } = require('../helpers/config/recorder.js');
const { span } = require('../helpers/config/runner.js');

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

for (const overflow of ['drop-newest', 'drop-oldest']) {
  for (const way of ['export()', 'a processor']) {
    it(`a full queue with ${overflow} over ${way} keeps the ${overflow === 'drop-newest' ? 'oldest' : 'newest'}`, async () => {
      let isDown = true;
      recorder.reset((_request, response) => {
        response.statusCode = isDown ? 503 : 200;
        response.end();
      });
      const exporter = new offloop.OTLPTraceExporter({
        url: `${recorder.origin}/x`,
        protocol: 'http/json',
        queue: { maxSpans: 100, overflow },
        retry: { maxElapsedMillis: 60_000 },
        maxConcurrency: 1,
      });
      const processor = new offloop.BatchSpanProcessor(exporter, { maxExportBatchSize: 20 });
      const context = { ...span.spanContext(), traceFlags: 1 };
      for (let batch = 0; batch < 20; batch++) {
        const spans = Array.from({ length: 20 }, (_, nth) => ({
          ...span,
          name: `${batch * 20 + nth}`,
          spanContext: () => context,
        }));
        if (way === 'export()') exporter.export(spans, () => {});
        else for (const each of spans) processor.onEnd(each);
        await exporter.forceFlush({ mode: 'attempt', timeoutMillis: 30 });
      }
      isDown = false;
      const before = recorder.requests.length;
      await exporter.shutdown(); // which asks at once, however long the retry would wait
      const names = recorder.requests
        .slice(before)
        .flatMap(({ body }) => body.resourceSpans[0].scopeSpans[0].spans.map(({ name }) => Number(name)));
      const stats = exporter.stats();
      assert.equal(stats.delivered, 100, JSON.stringify(stats));
      const isKept = (name) => (overflow === 'drop-newest' ? name < 100 : name >= 300);
      // The batch that is on its way when the queue fills up stays, whatever its age.
      assert.ok(names.filter(isKept).length >= 80, `${names}`);
      assert.equal(overflow === 'drop-newest' ? stats.refused.queue_full : stats.dropped.queue_full, 300);
      assert.equal(stats.offered, stats.accepted + (stats.refused.queue_full ?? 0));
      await processor.shutdown();
    });
  }
}

it('the types declare what the package has, no more and no less', () => {
  const declared = fs
    .readFileSync(path.join(__dirname, '..', '..', 'index.d.ts'), 'utf8')
    .matchAll(/^export class (\w+)/gm);
  assert.deepEqual([...declared].map(([, name]) => name).sort(), Object.keys(offloop).sort());
});
