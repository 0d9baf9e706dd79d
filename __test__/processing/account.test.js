'use strict';
// What the caller, the account, the metrics and the log hear of spans that rules have dropped, and of rules.

const assert = require('node:assert/strict');
const { createHmac } = require('node:crypto');
const { describe, it } = require('node:test');
const { diag } = require('@opentelemetry/api');
const { BatchSpanProcessor, OTLPTraceExporter } = require('../../index.js');
const { diagLines } = require('../helpers/diag_lines.js');
const { assertConserved, assertOutcome, assertSettled } = require('../helpers/conservation.js');
const { decodeRequest } = require('../helpers/otlp_decoder.js');
const { PlainSpans, asLine1, randomSpans } = require('../helpers/plain_spans.js');
const { startReceiver } = require('../helpers/receiver.js');

async function received(t, options) {
  const receiver = await startReceiver(options, t);
  return receiver;
}

const spans = new PlainSpans(1);
const noise = () => spans.span({ name: 'GET /health' });
const wanted = (attributes = {}) => spans.span({ name: 'GET /pay', attributes });
const DROP = { drop: [{ name: 'GET /health' }] };

/** Attributes of the first span of a request. */
function attributesOf({ body, headers }) {
  const [{ scopes }] = decodeRequest(body, headers['content-type']);
  return Object.fromEntries(scopes[0].spans[0].attributes.map(([key, [, value]]) => [key, value]));
}

describe('the account of rules', () => {
  it('P54 P55 P56 P57: filtered spans are neither lost nor delivered', async (t) => {
    const receiver = await received(t, {});
    const failures = [];
    const exporter = new OTLPTraceExporter({
      url: receiver.url,
      process: DROP,
      onError: (told) => failures.push(told),
    });
    const outcome = await exporter.exportSpans([noise(), wanted(), noise(), wanted()]);
    assert.deepEqual(outcome, { delivered: 2, rejected: 0, filtered: 2, dropped: {}, attempts: 1 });
    const none = await exporter.exportSpans([noise(), noise()]);
    assert.deepEqual(none, { delivered: 0, rejected: 0, filtered: 2, dropped: {}, attempts: 0 });
    const result = await new Promise((resolve) => exporter.export([noise()], resolve));
    assert.deepEqual(result, { code: 0 });
    assert.equal(receiver.requests.length, 1);
    const broken = Object.defineProperty(wanted(), 'attributes', { get: () => assert.fail('unreadable') });
    const mixed = await exporter.exportSpans([noise(), broken]);
    assert.deepEqual(mixed, { delivered: 0, rejected: 0, filtered: 1, dropped: { invalid: 1 }, attempts: 0 });
    await exporter.shutdown();
    const stats = exporter.stats();
    assertSettled(stats);
    assert.deepEqual([stats.delivered, stats.filtered, stats.dropped], [2, 6, {}]);
    assert.deepEqual(stats.process.rules, { 'drop[0]': 6 });
    assert.deepEqual(failures, []);
  });

  it('P56: the sum holds in every snapshot, whatever the endpoint does', async (t) => {
    let number = 0;
    const receiver = await received(t, { otherwise: () => [200, 503, 413, 400, 200][number++ % 5] });
    const exporter = new OTLPTraceExporter({ url: receiver.url, process: DROP, retry: { maxAttempts: 2 } });
    const pending = [];
    for (let batch = 0; batch < 60; batch++) {
      const some = Array.from({ length: 1 + (batch % 7) }, (_, nth) => ((batch + nth) % 3 === 0 ? noise() : wanted()));
      pending.push(exporter.exportSpans(some).then((outcome) => assertOutcome(outcome, some.length)));
      assertConserved(exporter.stats());
    }
    const watch = setInterval(() => assertConserved(exporter.stats()), 1);
    await Promise.all(pending);
    clearInterval(watch);
    await exporter.shutdown();
    assertSettled(exporter.stats());
    assert.ok(exporter.stats().filtered > 0);
  });

  it('P13 P9: without rules nothing has a key that it did not have', async (t) => {
    const receiver = await received(t, {});
    for (const process of [undefined, null, {}]) {
      const exporter = new OTLPTraceExporter({ url: receiver.url, process });
      const batch = randomSpans(7, 20);
      const outcome = await exporter.exportSpans(batch);
      assert.deepEqual(Object.keys(outcome), ['delivered', 'rejected', 'dropped', 'attempts']);
      const keys =
        'offered accepted refused delivered rejected dropped pending pendingBytes inFlight requests sentBytes retries breaker lastExportLatencyMillis threads';
      assert.deepEqual(Object.keys(exporter.stats()), keys.split(' '));
      const said = await diagLines(() => new Promise((resolve) => exporter.export(batch, resolve)));
      const [items] = said.filter(([, , text]) => text === 'items to be sent');
      assert.equal(items[3], batch);
      assert.equal(
        said.some((line) => JSON.stringify(line.slice(1, 3)).includes('process:')),
        false,
      );
      await exporter.shutdown();
    }
    const [first, ...others] = receiver.requests.map(({ body }) => body);
    for (const body of others) assert.ok(body.equals(first));
  });

  it('P14 P23: rules that take nothing change no byte', async (t) => {
    const receiver = await received(t, {});
    const process = { ...DROP, redact: [{ keys: ['nowhere.to.be.found'] }, { match: ['awsKey'] }] };
    for (const protocol of ['http/protobuf', 'http/json']) {
      const plain = new OTLPTraceExporter({ url: receiver.url, protocol });
      const ruled = new OTLPTraceExporter({ url: receiver.url, protocol, process });
      for (let seed = 1; seed < 30; seed++) {
        const batch = randomSpans(seed, 20);
        await plain.exportSpans(batch);
        await ruled.exportSpans(seed % 2 === 0 ? batch : batch.map(asLine1Safe));
        const [one, other] = receiver.requests.splice(0).map(({ body }) => body);
        if (seed % 2 === 0) assert.ok(one.equals(other), `${protocol} ${seed}`);
      }
      await Promise.all([plain.shutdown(), ruled.shutdown()]);
    }
  });

  it('P97 P58: a logger gets the number of spans, and one line about a first hit', async (t) => {
    const receiver = await received(t, {});
    const exporter = new OTLPTraceExporter({
      url: receiver.url,
      process: { redact: [{ name: 'mine', keys: ['password'] }] },
    });
    const said = await diagLines(async () => {
      for (let round = 0; round < 2; round++)
        await new Promise((resolve) => exporter.export([wanted({ password: 'plantedSecret' })], resolve));
      await exporter.shutdown();
    });
    const items = said.filter((line) => line.includes('items to be sent'));
    assert.deepEqual(
      items.map((line) => line.at(-1)),
      [1, 1],
    );
    assert.equal(JSON.stringify(said).includes('plantedSecret'), false);
    assert.equal(said.filter((line) => line.join(' ').includes('process: mine has its first hit')).length, 1);
    assert.deepEqual(exporter.stats().process, {
      rules: { mine: 2 },
      failClosed: { json: 0, sql: 0, depth: 0, base64: 0 },
    });
  });

  it('P59: metrics count filtered spans as neither exported nor failed', async (t) => {
    const receiver = await received(t, {});
    const counts = {};
    const add = (name) => (count, attributes) => {
      const key = attributes['error.type'] === undefined ? name : `${name} failed`;
      counts[key] = (counts[key] ?? 0) + count;
    };
    const meter = {
      createCounter: (name) => ({ add: add(name) }),
      createUpDownCounter: (name) => ({ add: add(name) }),
      createHistogram: () => ({ record() {} }),
      createObservableUpDownCounter: () => ({ addCallback() {}, removeCallback() {} }),
    };
    const meterProvider = { getMeter: () => meter };
    const exporter = new OTLPTraceExporter({ url: receiver.url, process: DROP, selfObsMeterProvider: meterProvider });
    await exporter.exportSpans([noise(), wanted(), noise()]);
    await exporter.exportSpans([noise()]);
    assert.deepEqual(counts, { 'otel.sdk.exporter.span.inflight': 0, 'otel.sdk.exporter.span.exported': 1 });
    const processor = new BatchSpanProcessor(exporter, { selfObsMeterProvider: meterProvider });
    for (const span of [noise(), wanted()]) {
      processor.onEnd(
        Object.assign(span, {
          spanContext: (
            (own) => () =>
              own
          )({ ...span.spanContext(), traceFlags: 1 }),
        }),
      );
    }
    await processor.forceFlush();
    assert.equal(counts['otel.sdk.processor.span.processed'], 2);
    await processor.shutdown();
    assertSettled(exporter.stats());
  });

  it('P41: tokens are an HMAC with the key, the same in every exporter and format', async (t) => {
    const receiver = await received(t, {});
    const hashKey = Buffer.from('a key of thirty-two bytes or more');
    const process = { hashKey, redact: [{ keys: ['user.id', 'enduser.id'], action: 'hash' }] };
    const seen = [];
    for (const protocol of ['http/protobuf', 'http/json']) {
      const exporter = new OTLPTraceExporter({ url: receiver.url, protocol, process });
      await exporter.exportSpans([wanted({ 'user.id': 'ada é 🚀', 'enduser.id': 'ada é 🚀', other: 'ada' })]);
      await exporter.exportSpans([wanted({ 'user.id': 1234.5 })]);
      seen.push(...receiver.requests.splice(0).map(attributesOf));
      await exporter.shutdown();
    }
    const token = (text) => createHmac('sha256', hashKey).update(text).digest('hex').slice(0, 32);
    const id = createHmac('sha256', hashKey).update('offloop key id').digest('hex').slice(0, 4);
    for (const [first, second] of [seen.slice(0, 2), seen.slice(2)]) {
      assert.deepEqual(first, {
        'user.id': `h${id}:${token('ada é 🚀')}`,
        'enduser.id': `h${id}:${token('ada é 🚀')}`,
        other: 'ada',
      });
      assert.deepEqual(second, { 'user.id': `h${id}:${token('1234.5')}` });
    }
  });

  it('P102: what limits leave out is not processed', async (t) => {
    const receiver = await received(t, {});
    const process = { redact: [{ keys: ['password'] }] };
    const exporter = new OTLPTraceExporter({ url: receiver.url, process, limits: { maxAttributeBytes: 10 } });
    await exporter.exportSpans([wanted({ password: 'x'.repeat(100), short: 'y' })]);
    assert.deepEqual(attributesOf(receiver.requests[0]), { short: 'y' });
    assert.equal(exporter.stats().process.rules['redact[0]'], 0);
    await exporter.shutdown();
  });

  it('P16 P20: attributes are changed after the redaction, and counts of the SDK stay', async (t) => {
    const receiver = await received(t, {});
    const process = {
      redact: [{ keys: ['a'], action: 'delete' }, { keys: ['secret'] }],
      attributes: [
        { copy: 'secret', to: 'copy' },
        { where: { kind: ['server'] }, insert: 'server', value: true },
        { upsert: 'deployment', value: 'blue' },
      ],
    };
    const exporter = new OTLPTraceExporter({ url: receiver.url, process });
    const span = spans.span({ kind: 1, attributes: { a: 1, secret: 's' }, droppedAttributesCount: 3 });
    await exporter.exportSpans([span]);
    assert.deepEqual(attributesOf(receiver.requests[0]), {
      secret: '[redacted]',
      copy: '[redacted]',
      server: true,
      deployment: 'blue',
    });
    const [{ scopes }] = decodeRequest(receiver.requests[0].body, 'application/x-protobuf');
    assert.equal(Number(scopes[0].spans[0].droppedAttributesCount ?? scopes[0].spans[0].dropped?.attributes ?? 3), 3);
    await exporter.shutdown();
    diag.disable();
  });
});

/** The shape of SDK 1.x, where the span has the shape of 2.x. */
function asLine1Safe(span) {
  return span.instrumentationScope === undefined ? span : asLine1(span);
}
