'use strict';
// Calls that are cut off where an exporter turns them away, or in an exporter that is not ours.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { BatchSpanProcessor, OTLPTraceExporter } = require('../..');
const { PlainSpans } = require('../helpers/plain_spans.js');
const { startReceiver } = require('../helpers/receiver.js');
const { nearTheEnd, withinMillis } = require('../helpers/torn.js');

const plain = new PlainSpans(31);
const pause = (millis) => new Promise((resolve) => setTimeout(resolve, millis));

test('a refusal by concurrencyLimit that is cut off takes no place and gives none', async (t) => {
  const receiver = await startReceiver({ otherwise: { delayMillis: 300 } }, t);
  const exporter = new OTLPTraceExporter({ url: receiver.url, concurrencyLimit: 1 });
  t.after(() => exporter.shutdown({ timeoutMillis: 0 }));
  for (let round = 0; round < 2; round++) {
    const first = exporter.exportSpans([plain.span()]);
    for (let frames = 0; frames < 60; frames++) {
      nearTheEnd(() => exporter.export([plain.span()], () => {}), frames, frames % 16);
    }
    assert.equal((await exporter.exportSpans([plain.span()])).error?.message, 'Concurrent export limit reached');
    assert.equal((await first).delivered, 1);
  }
});

test('an export that is cut off in an exporter that is not ours is no unhandled rejection', async (t) => {
  const strays = [];
  const note = (error) => strays.push(error);
  process.on('unhandledRejection', note);
  t.after(() => process.off('unhandledRejection', note));
  let isSpinning = true;
  let exported = 0;
  const exporter = {
    export(spans, answer) {
      while (isSpinning);
      exported += spans.length;
      answer({ code: 0 });
    },
    shutdown: async () => {},
  };
  const processor = new BatchSpanProcessor(exporter, { maxExportBatchSize: 1, exportTimeoutMillis: 30 });
  processor.onStart(plain.span());
  assert.equal(
    withinMillis(() => processor.onEnd(plain.span()), 20),
    false,
  );
  isSpinning = false;
  await pause(100);
  processor.onEnd(plain.span());
  await processor.forceFlush();
  await processor.shutdown();
  assert.deepEqual({ strays, exported }, { strays: [], exported: 1 });
});
