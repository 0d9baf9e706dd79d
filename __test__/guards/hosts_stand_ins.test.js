'use strict';
// What an application makes of an exporter or a processor (a Proxy, an object created from it, a copy of its properties, a
// subclass) does with ours what it does with the stock ones: each stand-in is tried with both, in every place where one fits.

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { inspect } = require('node:util');
const sdk = require('@opentelemetry/sdk-trace-base');
const stock = require('@opentelemetry/exporter-trace-otlp-proto');
const ours = require('../..');
const { decodeRequest } = require('../helpers/otlp_decoder.js');
const { startReceiver } = require('../helpers/receiver.js');
const { standIns } = require('../helpers/stand_ins.js');

const SECRET = 'planted-header-secret';

let receiver;
before(async () => {
  receiver = await startReceiver();
});
after(() => receiver.close());

const sdks = {
  ours: { Exporter: ours.OTLPTraceExporter, Processor: ours.BatchSpanProcessor },
  stock: { Exporter: stock.OTLPTraceExporter, Processor: sdk.BatchSpanProcessor },
  "ours with the SDK's processor": { Exporter: ours.OTLPTraceExporter, Processor: sdk.BatchSpanProcessor },
  'ours with a stock exporter': { Exporter: stock.OTLPTraceExporter, Processor: ours.BatchSpanProcessor },
  "ours with the SDK's simple processor": { Exporter: ours.OTLPTraceExporter, Processor: sdk.SimpleSpanProcessor },
};

/** Spans that arrive through the stand-ins, and what was thrown or rejected meanwhile. */
async function tried({ Exporter, Processor }, standIn, which) {
  const from = receiver.requests.length;
  const makes = (here) => (here ? standIn : standIns.itself);
  const exporter = makes(which !== 'processor')(Exporter, [{ url: receiver.url, headers: { 'x-key': SECRET } }]);
  const processor = makes(which !== 'exporter')(Processor, [exporter]);
  const provider = new sdk.BasicTracerProvider({ spanProcessors: [processor] });
  const tracer = provider.getTracer('stand-ins');
  for (let n = 0; n < 3; n += 1) tracer.startSpan(`span ${n}`).end();
  await processor.forceFlush();
  tracer.startSpan('last').end();
  await provider.shutdown();
  tracer.startSpan('too late').end();
  return receiver.requests
    .slice(from)
    .flatMap(({ body, headers }) => decodeRequest(body, headers['content-type']))
    .flatMap(({ scopes }) => scopes.flatMap(({ spans }) => spans))
    .map(({ name }) => name)
    .sort();
}

/** The SDK's processors keep their queue in plain properties: a copy of one has a queue of its own, or cannot write it. */
function isBeyond({ Processor }, name) {
  return Processor !== ours.BatchSpanProcessor && /copy|create|frozen/.test(name);
}

for (const which of ['exporter', 'processor', 'both']) {
  test(`stand-ins for ${which}: every span arrives, as with the stock classes`, async () => {
    for (const [name, standIn] of Object.entries(standIns)) {
      for (const [kit, classes] of Object.entries(sdks)) {
        if (which !== 'exporter' && isBeyond(classes, name)) continue;
        const arrived = await tried(classes, standIn, which).catch((error) => error);
        assert.deepEqual(arrived, ['last', 'span 0', 'span 1', 'span 2'], `${name}, ${kit}`);
      }
    }
  });
}

test('what a stand-in is asked for, the object does: the calls of our own, too', async () => {
  const span = () => new sdk.BasicTracerProvider().getTracer('calls').startSpan('one');
  for (const [name, standIn] of Object.entries(standIns)) {
    const exporter = standIn(ours.OTLPTraceExporter, [{ url: receiver.url }]);
    assert.deepEqual((await exporter.exportSpans([span()])).delivered, 1, name);
    if (exporter.stats !== undefined) assert.equal(exporter.stats().delivered, 1, name);
    assert.deepEqual(await exporter.forceFlush(), { timedOut: false, outstanding: 0 }, name);
    await exporter.shutdown();
    assert.deepEqual((await exporter.exportSpans([span()])).delivered, 0, `${name} after shutdown`);
  }
});

test('a stand-in is called: what it does at each export is not bypassed', async () => {
  const target = new ours.OTLPTraceExporter({ url: receiver.url });
  const batches = [];
  const trap = (object, name, self) =>
    name !== 'export'
      ? Reflect.get(object, name, self)
      : (spans, done) => {
          batches.push(spans.length);
          object.export(spans, done);
        };
  const processor = new ours.BatchSpanProcessor(new Proxy(target, { get: trap }));
  const tracer = new sdk.BasicTracerProvider({ spanProcessors: [processor] }).getTracer('called');
  for (let n = 0; n < 2; n += 1) tracer.startSpan('a').end();
  await processor.shutdown();
  assert.deepEqual(batches, [2]);
});

test('nothing of the state can be seen, and no header', async () => {
  const exporter = new ours.OTLPTraceExporter({ url: receiver.url, headers: { 'x-key': SECRET } });
  const processor = new ours.BatchSpanProcessor(exporter);
  for (const object of [exporter, processor, { ...exporter }, { ...processor }, new Proxy(exporter, {})]) {
    assert.deepEqual(Object.keys(object), []);
    assert.equal(JSON.stringify(object), '{}');
    for (const options of [{}, { showHidden: true, depth: null, getters: true }]) {
      const seen = inspect(object, options);
      assert.doesNotMatch(seen, new RegExp(`${SECRET}|x-key|127\\.0\\.0\\.1`), seen);
    }
    for (const key of Reflect.ownKeys(object)) {
      const value = object[key];
      assert.deepEqual([Object.isFrozen(value), Reflect.ownKeys(value)], [true, []], 'a token leads nowhere');
    }
  }
  await processor.shutdown();
});

test('onEnd never throws, on whatever it is called', () => {
  const processor = new ours.BatchSpanProcessor(new ours.OTLPTraceExporter({ url: receiver.url }));
  const { onEnd, onStart } = processor;
  const { proxy, revoke } = Proxy.revocable(processor, {});
  revoke();
  const hostile = { get: () => assert.fail('read') };
  const spans = [undefined, null, {}, { spanContext: 1 }, new Proxy({}, hostile)];
  for (const self of [undefined, null, 1, {}, proxy, new Proxy({}, hostile), processor]) {
    for (const span of spans) {
      onEnd.call(self, span);
      onStart.call(self, span);
    }
  }
  return processor.shutdown();
});
