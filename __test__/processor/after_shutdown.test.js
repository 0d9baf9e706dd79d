'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { BatchSpanProcessor, OTLPTraceExporter } = require('../..');
const { PlainSpans } = require('../helpers/plain_spans.js');
const { startReceiverProcess } = require('../helpers/receiver_process.js');

// Spans that end after the processor's shutdown() are in the account, and the application hears nothing of them.

const NONE_SAMPLED = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 0 };

async function processorOver(t, config) {
  const { url } = await startReceiverProcess({}, t);
  const exporter = new OTLPTraceExporter({ url, ...config });
  const processor = new BatchSpanProcessor(exporter);
  const plain = new PlainSpans(1);
  const end = (count) => {
    for (let n = 0; n < count; n += 1) assert.equal(processor.onEnd(plain.span()), undefined);
  };
  return { exporter, processor, plain, end };
}

for (const [name, before, config] of [
  ['spans, shutdown(), and more of them', 3, {}],
  ['shutdown() before the first span', 0, {}],
  ['the same by export()', 3, { concurrencyLimit: 3 }],
  ['by export(), before the first span', 0, { concurrencyLimit: 3 }],
]) {
  test(name, async (t) => {
    const { exporter, processor, plain, end } = await processorOver(t, config);
    end(before);
    const over = processor.shutdown();
    end(7);
    await over;
    end(10);
    processor.onEnd({ ...plain.span(), spanContext: () => NONE_SAMPLED });
    const { offered, accepted, refused, delivered, pending } = exporter.stats();
    assert.deepEqual(
      { offered, accepted, refused, delivered, pending },
      { offered: before + 17, accepted: before, refused: { after_shutdown: 17 }, delivered: before, pending: 0 },
    );
  });
}

test("somebody else's exporter has no such count", async () => {
  const exporter = { export: (_spans, done) => done({ code: 0 }), shutdown: async () => {} };
  const processor = new BatchSpanProcessor(exporter);
  await processor.shutdown();
  assert.equal(processor.onEnd(new PlainSpans(1).span()), undefined);
});
