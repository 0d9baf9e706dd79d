'use strict';

const assert = require('node:assert/strict');
const { performance } = require('node:perf_hooks');
const { test } = require('node:test');
const { OTLPTraceExporter, stockExporter, exportOnce, subjectName } = require('../helpers/subject.js');
const { runProgram } = require('../helpers/child.js');
const { assertSettled } = require('../helpers/conservation.js');
const { describeResult } = require('../helpers/export_result.js');
const { PlainSpans } = require('../helpers/plain_spans.js');
const { startReceiver } = require('../helpers/receiver.js');

// Faults between request and answer (F8 to F20, F33), beside the stock exporter where it sets the measure.
// After each the same exporter delivers a healthy batch.

const oursOnly = { skip: subjectName === 'stock' && 'a rule of ours' };
const plain = new PlainSpans(13);
const oneSpan = [plain.span()];

async function observe(t, makeExporter, script, config) {
  const receiver = await startReceiver({ script }, t);
  const exporter = makeExporter({ url: receiver.url, timeoutMillis: 400, ...config });
  const started = performance.now();
  const result = describeResult(await exportOnce(exporter, oneSpan));
  const millis = performance.now() - started;
  return { receiver, exporter, result, millis };
}

async function healthyAfter({ receiver, exporter }) {
  receiver.plan(200, 200, 200);
  const healthy = new Promise((resolve) => exporter.export(oneSpan, resolve));
  assert.deepEqual(await healthy, { code: 0 });
  await exporter.shutdown();
  if (subjectName !== 'stock') assertSettled(exporter.stats());
}

const ours = (config) => new OTLPTraceExporter(config);

// Here the answer is the stock one, property by property.
const sameAsStock = {
  'F15: end within the body of a 200': [{ body: 'x'.repeat(1000), hangUp: 'body' }],
  'F16: several interim replies': [{ interim: [103, 102, 103], status: 200 }],
  'F17: an empty body': [200],
  'F19: an HTML page with 200': [{ body: '<html></html>', headers: { 'Content-Type': 'text/html' } }],
  'F20: 204': [204],
  'F10: an early 400, then close': [{ early: true, close: true, status: 400, body: 'too early' }],
  'a reply in pieces': [{ status: 404, body: 'piece by piece', drip: { bytes: 20, everyMillis: 1 } }],
  'a reply with a hundred headers': [
    { status: 200, headers: Array.from({ length: 100 }, (_, nth) => [`X-Header-${nth}`, 'v']) },
  ],
};

for (const [name, script] of Object.entries(sameAsStock)) {
  test(name, async (t) => {
    const stock = await observe(t, (config) => stockExporter(config), script);
    const observed = await observe(t, ours, script);
    assert.deepEqual(observed.result, stock.result);
    assert.equal(observed.receiver.requests.length, stock.receiver.requests.length);
    await healthyAfter(observed);
  });
}

test('F15: a reset within the body: a success is one, a refusal is repeated', oursOnly, async (t) => {
  const cut = { body: 'x'.repeat(1000), reset: 'body' };
  const success = await observe(t, ours, [cut]);
  assert.deepEqual(success.result, { code: 0 });
  assert.equal(success.receiver.requests.length, 1);
  await healthyAfter(success);
  const stock = await observe(t, (config) => stockExporter(config), [cut], { timeoutMillis: 5000 });
  assert.equal(stock.receiver.requests.length, 2, 'the stock exporter sends again what has been delivered');
  for (const status of [503, 404, 401, 413]) {
    const retried = await observe(t, ours, [{ ...cut, status }], { timeoutMillis: 5000 });
    assert.deepEqual(retried.result, { code: 0 }, String(status));
    assert.equal(retried.receiver.requests.length, 2, String(status));
    await healthyAfter(retried);
  }
});

test('F9, X15: a reset while the request is read is retried', async (t) => {
  for (const step of [{ reset: 'head' }, { reset: 'request' }]) {
    const observed = await observe(t, ours, [step], { timeoutMillis: 5000 });
    assert.deepEqual(observed.result, { code: 0 });
    assert.equal(observed.receiver.requests.length, 2);
    await healthyAfter(observed);
  }
});

test('X15: a disconnect without a response is retried', oursOnly, async (t) => {
  const observed = await observe(t, ours, [{ hangUp: 'request' }], { timeoutMillis: 5000 });
  assert.deepEqual(observed.result, { code: 0 });
  assert.equal(observed.receiver.requests.length, 2);
  await healthyAfter(observed);
});

test('F34, X15: malformed HTTP is retried, then the batch is delivered', oursOnly, async (t) => {
  const garbage = [
    'HTTP/9.9 what\r\n\r\n',
    'not http at all\r\n\r\n',
    '\0\x01\x02\x03',
    'HTTP/1.1 abc OK\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx',
    '\x16\x03\x01\x02\x00',
  ];
  await Promise.all(
    garbage.map(async (raw) => {
      const observed = await observe(t, ours, [{ raw }], { timeoutMillis: 8000 });
      assert.deepEqual(observed.result, { code: 0 }, JSON.stringify(raw));
      await healthyAfter(observed);
    }),
  );
});

test('F11: a receiver that never answers ends at the deadline, with the stock error', async (t) => {
  const script = [{ stall: 'response' }];
  const stock = await observe(t, (config) => stockExporter(config), script);
  const observed = await observe(t, ours, script);
  assert.deepEqual(observed.result, stock.result);
  assert.ok(observed.millis >= 350 && observed.millis < 3000, `${observed.millis} ms`);
  await healthyAfter(observed);
});

test('F12: a stall within the body of a 200: the data has arrived', oursOnly, async (t) => {
  const observed = await observe(t, ours, [{ stall: 'body', body: 'x'.repeat(100) }]);
  assert.deepEqual(observed.result, { code: 0 });
  assert.ok(observed.millis < 3000);
  await healthyAfter(observed);
});

test('F13, X1: a dripping body ends at the total deadline', oursOnly, async (t) => {
  const drip = { from: 'body', bytes: 1, everyMillis: 50 };
  const observed = await observe(t, ours, [{ status: 400, body: 'x'.repeat(1000), drip }]);
  assert.equal(observed.result.code, 1);
  assert.ok(observed.millis < 3000, `${observed.millis} ms`);
  await healthyAfter(observed);
});

test('F14, X1: a dripping head ends at the total deadline', oursOnly, async (t) => {
  const drip = { from: 'head', bytes: 1, everyMillis: 100 };
  const observed = await observe(t, ours, [{ status: 200, drip }]);
  assert.equal(observed.result.code, 1);
  assert.equal(observed.result.error.message, 'Request timed out');
  assert.ok(observed.millis < 3000, `${observed.millis} ms`);
  await healthyAfter(observed);
});

test('F33: a reply over 4 MiB is the stock error, once', async (t) => {
  const body = Buffer.alloc(4 * 1024 * 1024 + 1, 'x');
  for (const step of [{ body }, { body, chunked: true }, { body, contentLength: false }, { status: 503, body }]) {
    const stock = await observe(t, (config) => stockExporter(config), [step], { timeoutMillis: 5000 });
    const observed = await observe(t, ours, [step], { timeoutMillis: 5000 });
    assert.deepEqual(observed.result, stock.result);
    assert.equal(observed.receiver.requests.length, 1);
    await healthyAfter(observed);
  }
});

test('a reply of exactly 4 MiB is read', async (t) => {
  const observed = await observe(t, ours, [{ status: 400, body: Buffer.alloc(4 * 1024 * 1024, 'x') }], {
    timeoutMillis: 5000,
  });
  assert.equal(observed.result.error.own.data.length, 4 * 1024 * 1024);
  await healthyAfter(observed);
});

test('keep-alive: sequential exports share a connection; keepAlive: false does not', async (t) => {
  for (const [keepAlive, connections] of [
    [true, 1],
    [false, 5],
  ]) {
    const receiver = await startReceiver({}, t);
    const exporter = ours({ url: receiver.url, keepAlive });
    for (let nth = 0; nth < 5; nth++) assert.deepEqual(await exportOnce(exporter, oneSpan), { code: 0 });
    assert.equal(receiver.connections.length, connections);
    await exporter.shutdown();
  }
});

test('F8, X10: connections that the server closes while idle cost nothing', oursOnly, async (t) => {
  const receiver = await startReceiver({ otherwise: { closeAfterMillis: 5 } }, t);
  const exporter = ours({ url: receiver.url });
  for (let nth = 0; nth < 40; nth++) {
    // Around the moment of the close on purpose: this races with it.
    await new Promise((resolve) => setTimeout(resolve, 3 + (nth % 5)));
    const outcome = await exporter.exportSpans(oneSpan);
    assert.equal(outcome.delivered, 1);
  }
  await exporter.shutdown();
  assertSettled(exporter.stats());
});

test('F7: proxies of the environment are ignored', async (t) => {
  const proxy = await startReceiver({}, t);
  const receiver = await startReceiver({}, t);
  const names = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'];
  const env = Object.fromEntries(names.map((name) => [name, proxy.origin]));
  const source = "new OTLPTraceExporter({ url }).export(makeSpans(2), ({ code }) => console.log('code', code));";
  const ended = await runProgram(source, { url: receiver.url, env });
  assert.equal(ended.stdout, 'code 0\n', ended.stderr);
  assert.equal(proxy.connections.length, 0);
  assert.equal(receiver.completed.length, 1);
});

test('X9: a request over 64 MiB is not sent', oursOnly, async (t) => {
  const receiver = await startReceiver({ record: 'head' }, t);
  const config = { url: receiver.url, queue: { maxBytes: 1024 * 1024 * 1024 }, timeoutMillis: 60_000 };
  const exporter = ours(config);
  const payload = 'p'.repeat(12 * 1024 * 1024);
  const spans = Array.from({ length: 7 }, () => plain.span({ attributes: { payload } }));
  const outcome = await exporter.exportSpans(spans);
  for (const request of receiver.completed)
    assert.ok(request.wireBytes <= 64 * 1024 * 1024, `${request.wireBytes} bytes`);
  assert.equal(outcome.delivered, 7, 'it is split instead');
  await exporter.shutdown();
});
