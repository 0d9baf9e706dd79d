'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { detectResources, resourceFromAttributes } = require('@opentelemetry/resources');
const { ProtobufTraceSerializer, JsonTraceSerializer } = require('@opentelemetry/otlp-transformer');
const { Resource: Resource1 } = require('resources-1x');
const { OTLPTraceExporter, protocols } = require('../helpers/subject.js');
const { diagLines } = require('../helpers/diag_lines.js');
const { PlainSpans, asLine1, asLine2, resource } = require('../helpers/plain_spans.js');
const { startReceiver } = require('../helpers/receiver.js');

// Resources and scopes between exports (O40): what an exporter remembers of them must never be stale.

const plain = new PlainSpans(71);
const serializers = { 'http/protobuf': ProtobufTraceSerializer, 'http/json': JsonTraceSerializer };

async function pair(t, protocol) {
  const receiver = await startReceiver({}, t);
  const exporter = new OTLPTraceExporter({ url: receiver.url, protocol });
  t.after(() => exporter.shutdown());
  const assertAsStock = async (spans, message) => {
    const expected = Buffer.from(serializers[protocol].serializeRequest(spans.map(asLine2)));
    const outcome = await exporter.exportSpans(spans);
    assert.equal(outcome.delivered, spans.length);
    assert.ok(receiver.completed.at(-1).body.equals(expected), `${protocol}: ${message}`);
  };
  return { receiver, exporter, assertAsStock };
}

function deferred() {
  let resolve;
  const promise = new Promise((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

for (const protocol of protocols) {
  test(`${protocol}: pending attributes are missed, then sent`, async (t) => {
    const { assertAsStock, exporter } = await pair(t, protocol);
    const late = deferred();
    const detector = { detect: () => ({ attributes: { early: 1, late: late.promise } }) };
    const pending = detectResources({ detectors: [detector] }).merge(resourceFromAttributes({ other: 'x' }));
    const spans = [plain.span({ resource: pending }), plain.span({ resource: pending })];
    assert.equal(pending.asyncAttributesPending, true);
    await assertAsStock(spans, 'while pending');
    const lines = await diagLines(() => exporter.exportSpans(spans));
    const errors = lines.filter(([level]) => level === 'error').map(([, text]) => text);
    assert.ok(errors.includes('Accessing resource attributes before async attributes settled'), JSON.stringify(lines));
    late.resolve('arrived');
    await pending.waitForAsyncAttributes();
    await assertAsStock(spans, 'once settled');
    await assertAsStock(spans, 'once settled, again');
  });

  test(`${protocol}: pending attributes of the 1.x line`, async (t) => {
    const { assertAsStock } = await pair(t, protocol);
    const late = deferred();
    const pending = new Resource1({ early: 1 }, late.promise);
    const spans = [asLine1(plain.span({ resource: pending }))];
    await assertAsStock(spans, 'while pending');
    late.resolve({ late: 'arrived' });
    await pending.waitForAsyncAttributes();
    await assertAsStock(spans, 'once settled');
  });

  test(`${protocol}: a hand-made resource that changes between exports`, async (t) => {
    const { assertAsStock } = await pair(t, protocol);
    const changing = resource({ version: 1 });
    const spans = [plain.span({ resource: changing })];
    await assertAsStock(spans, 'at first');
    changing.attributes = { version: 2, more: 'x' };
    await assertAsStock(spans, 'with other attributes');
    changing.schemaUrl = 'https://schema.test/late';
    await assertAsStock(spans, 'with a schema URL');
    changing.attributes.version = 3;
    await assertAsStock(spans, 'with an attribute changed in place');
  });

  test(`${protocol}: a hand-made scope that changes between exports`, async (t) => {
    const { assertAsStock } = await pair(t, protocol);
    const changing = { name: 'before' };
    const spans = [plain.span({ instrumentationScope: changing })];
    await assertAsStock(spans, 'at first');
    changing.name = 'after';
    changing.version = '2';
    changing.attributes = { a: 1 };
    await assertAsStock(spans, 'changed');
  });

  test(`${protocol}: many resources, more than anything keeps`, async (t) => {
    const { assertAsStock } = await pair(t, protocol);
    for (let round = 0; round < 3; round++) {
      const spans = Array.from({ length: 400 }, (_, nth) => plain.span({ resource: resource({ nth, round }) }));
      await assertAsStock(spans, `round ${round}`);
    }
  });
}
