'use strict';

const assert = require('node:assert/strict');
const { AsyncLocalStorage } = require('node:async_hooks');
const { test } = require('node:test');
const { OTLPTraceExporter, stockExporter, exportOnce, protocols, subjectName } = require('../helpers/subject.js');
const { runProgram } = require('../helpers/child.js');
const { assertOutcome, assertSettled } = require('../helpers/conservation.js');
const { diagLines } = require('../helpers/diag_lines.js');
const { decodeRequest } = require('../helpers/otlp_decoder.js');
const { PlainSpans } = require('../helpers/plain_spans.js');
const { startReceiver, refusedUrl } = require('../helpers/receiver.js');

// The answers of the class: results, promises, callbacks, what is read when (O10 to O13, O80 to O82).

const oursOnly = { skip: subjectName === 'stock' && 'a rule of ours' };
const plain = new PlainSpans(7);

function makeSpans(count, overrides) {
  return Array.from({ length: count }, () => plain.span(overrides));
}

/** An exporter that talks to a receiver of its own. */
async function pair(t, receiverOptions, config) {
  const receiver = await startReceiver(receiverOptions, t);
  const exporter = new OTLPTraceExporter({ url: receiver.url, ...config });
  t.after(() => exporter.shutdown());
  return { receiver, exporter };
}

test('export() answers once, later, with code 0', async (t) => {
  const { receiver, exporter } = await pair(t);
  let calls = 0;
  const result = await new Promise((resolve) => {
    const returned = exporter.export(makeSpans(3), (answer) => {
      calls += 1;
      resolve(answer);
    });
    assert.equal(returned, undefined);
    assert.equal(calls, 0, 'never synchronously');
  });
  assert.deepEqual(result, { code: 0 });
  await exporter.forceFlush();
  assert.equal(calls, 1);
  assert.equal(receiver.completed.length, 1);
});

test('exportSpans() resolves with the outcome', async (t) => {
  const { exporter } = await pair(t);
  const outcome = await exporter.exportSpans(makeSpans(5));
  assert.deepEqual(outcome, { delivered: 5, rejected: 0, dropped: {}, attempts: 1 });
});

test('a failing status: both answers', oursOnly, async (t) => {
  const { exporter } = await pair(t, { otherwise: { status: 404, body: 'not here' } });
  const outcome = await exporter.exportSpans(makeSpans(4));
  assert.deepEqual(outcome.dropped, { non_retryable: 4 });
  assert.equal(outcome.delivered, 0);
  assert.equal(outcome.attempts, 1);
  assert.equal(outcome.error.code, '404');
  assert.equal(outcome.error.httpStatus, 404);
  assert.equal(typeof outcome.error.message, 'string');
  const { code, error } = await exportOnce(exporter, makeSpans(1));
  assert.equal(code, 1);
  assert.equal(error.name, 'OTLPExporterError');
  assert.equal(error.message, 'Not Found');
  assert.equal(error.code, 404);
  assert.equal(error.data, 'not here');
});

for (const protocol of protocols) {
  test(`${protocol}: the request`, async (t) => {
    const { receiver, exporter } = await pair(t, {}, { protocol, headers: { 'x-key': 'secret', n: 5 } });
    await exporter.exportSpans(makeSpans(1));
    const [request] = receiver.completed;
    assert.equal(request.method, 'POST');
    assert.equal(request.target, '/v1/traces');
    assert.equal(request.httpVersion, 'HTTP/1.1');
    assert.equal(request.headers.host, `127.0.0.1:${receiver.port}`);
    assert.equal(
      request.headers['content-type'],
      protocol === 'http/json' ? 'application/json' : 'application/x-protobuf',
    );
    assert.equal(request.headers['x-key'], 'secret');
    assert.equal(request.headers.n, '5');
    assert.match(request.headers['user-agent'], /OTel-OTLP-Exporter-JavaScript\/\d+\.\d+\.\d+/);
    for (const absent of ['content-encoding', 'accept-encoding', 'expect'])
      assert.equal(request.headers[absent], undefined, absent);
    // Ours has a length in place of chunks (X4).
    if (subjectName !== 'stock') assert.equal(Number(request.headers['content-length']), request.wireBytes);
  });
}

test('partial success: code 0, counts, the stock warning', async (t) => {
  const body = {
    protobuf: Buffer.concat([Buffer.from([0x0a, 0x09, 0x08, 0x02, 0x12, 0x05]), Buffer.from('weird')]),
    json: '{"partialSuccess":{"rejectedSpans":"2","errorMessage":"weird","extra":[1]}}',
  };
  for (const protocol of protocols) {
    const { receiver, exporter } = await pair(
      t,
      { otherwise: { body: protocol === 'http/json' ? body.json : body.protobuf } },
      { protocol },
    );
    const stock = stockExporter({ protocol, url: receiver.url });
    const warnings = async (target) =>
      (await diagLines(() => exportOnce(target, makeSpans(5)))).filter(([level]) => level === 'warn');
    const expected = await warnings(stock);
    assert.equal(expected.length, 1);
    assert.deepEqual(await warnings(exporter), expected);
    const outcome = await exporter.exportSpans(makeSpans(5));
    assert.equal(outcome.error, undefined);
    if (subjectName !== 'stock') assert.deepEqual([outcome.delivered, outcome.rejected, outcome.dropped], [3, 2, {}]);
    assert.equal(receiver.completed.length, 3, 'no retry');
  }
});

test('partial success: a message alone is a warning, too many rejected are clamped', oursOnly, async (t) => {
  const reply = (json) => ({ body: JSON.stringify({ partialSuccess: json }) });
  const script = [
    reply({ errorMessage: 'slow down' }),
    reply({ rejectedSpans: '900' }),
    reply({ rejectedSpans: -3 }),
    reply({}),
  ];
  const { exporter } = await pair(t, { script }, { protocol: 'http/json' });
  const counts = [];
  for (let nth = 0; nth < script.length; nth++) {
    const { delivered, rejected, error } = await exporter.exportSpans(makeSpans(4));
    assert.equal(error, undefined);
    counts.push([delivered, rejected]);
  }
  assert.deepEqual(counts, [
    [4, 0],
    [0, 4],
    [4, 0],
    [4, 0],
  ]);
});

test('a 200 that cannot be decoded is a success with a warning', async (t) => {
  for (const protocol of protocols) {
    const bodies =
      protocol === 'http/json'
        ? ['<html>a captive portal</html>', '[1,2', 'null']
        : [Buffer.from([0xff, 0xff, 0xff, 0xff]), '<html></html>'];
    for (const body of bodies) {
      const { exporter } = await pair(t, { otherwise: { body } }, { protocol });
      const outcome = await exporter.exportSpans(makeSpans(2));
      assert.equal(outcome.error, undefined);
      assert.equal(outcome.delivered, 2);
    }
  }
});

test('the callback runs in the async context of its export()', async (t) => {
  const { exporter } = await pair(t);
  const storage = new AsyncLocalStorage();
  const seen = await Promise.all(
    Array.from({ length: 20 }, (_, nth) => {
      return storage.run(
        nth,
        () => new Promise((resolve) => exporter.export(makeSpans(1), () => resolve(storage.getStore()))),
      );
    }),
  );
  assert.deepEqual(
    seen,
    Array.from({ length: 20 }, (_, nth) => nth),
  );
});

test('a callback that throws harms nobody', async (t) => {
  const { receiver, exporter } = await pair(t);
  const strays = [];
  const onStray = (error) => strays.push(error);
  process.on('unhandledRejection', onStray);
  process.on('uncaughtException', onStray);
  t.after(() => {
    process.off('unhandledRejection', onStray);
    process.off('uncaughtException', onStray);
  });
  const lines = await diagLines(async () => {
    exporter.export(makeSpans(1), () => {
      throw new Error('thrown by the callback');
    });
    await receiver.waitForRequests(1);
    await exporter.exportSpans(makeSpans(1));
    await exporter.forceFlush().catch(() => {});
    await new Promise(setImmediate);
  });
  assert.deepEqual(strays, []);
  assert.equal(receiver.completed.length, 2, 'it goes on working');
  // Ours logs what the callback throws (X19).
  if (subjectName !== 'stock') {
    const errors = lines.filter(([level]) => level === 'error');
    assert.equal(errors.length, 1, JSON.stringify(errors));
    assert.match(errors[0].map(String).join(' '), /thrown by the callback/);
  }
});

test('everything is read before export() returns', async (t) => {
  for (const protocol of protocols) {
    const { receiver, exporter } = await pair(t, {}, { protocol });
    const bytes = Uint8Array.of(1, 2, 3);
    const long = 'long '.repeat(100_000);
    const span = plain.span({ name: 'before', attributes: { bytes, list: ['a', 'b'], nested: { x: 1 }, long } });
    const batch = [span, plain.span({ name: 'second' })];
    const pending = exporter.exportSpans(batch);
    span.name = 'after';
    span.attributes.list[0] = 'changed';
    span.attributes.nested.x = 2;
    span.attributes.long = 'short';
    span.attributes.more = true;
    bytes.fill(9);
    batch.length = 0;
    await pending;
    const { body, headers } = receiver.completed[0];
    const [{ scopes }] = decodeRequest(body, headers['content-type']);
    assert.equal(scopes[0].spans.length, 2);
    assert.equal(scopes[0].spans[0].name, 'before');
    assert.deepEqual(scopes[0].spans[0].attributes, [
      ['bytes', ['bytes', '010203']],
      [
        'list',
        [
          'array',
          [
            ['string', 'a'],
            ['string', 'b'],
          ],
        ],
      ],
      ['nested', ['kvlist', [['x', ['int', '1']]]]],
      ['long', ['string', long]],
    ]);
  }
});

test('many exports at once: no limit of its own, each answered, each span once', async (t) => {
  const { receiver, exporter } = await pair(t, { otherwise: { delayMillis: 5 } });
  const exports = subjectName === 'stock' ? 30 : 200;
  const outcomes = await Promise.all(Array.from({ length: exports }, () => exporter.exportSpans(makeSpans(3))));
  for (const outcome of outcomes) assert.deepEqual([outcome.delivered, outcome.error], [3, undefined]);
  const ids = receiver.completed.flatMap(({ body, headers }) => {
    return decodeRequest(body, headers['content-type']).flatMap(({ scopes }) =>
      scopes.flatMap(({ spans }) => spans.map(({ spanId }) => spanId)),
    );
  });
  assert.equal(ids.length, exports * 3);
  assert.equal(new Set(ids).size, exports * 3);
});

test('concurrencyLimit is honoured when it is set', async (t) => {
  const { receiver, exporter } = await pair(t, { otherwise: { delayMillis: 50 } }, { concurrencyLimit: 1 });
  const first = exportOnce(exporter, makeSpans(1));
  let second;
  exporter.export(makeSpans(1), (result) => {
    second = result;
  });
  assert.equal(second?.code, 1, 'answered at once');
  assert.equal(second.error.message, 'Concurrent export limit reached');
  assert.deepEqual(await first, { code: 0 });
  // The stock exporter gives the place back a few microtasks after its answer.
  await new Promise(setImmediate);
  assert.deepEqual(await exportOnce(exporter, makeSpans(1)), { code: 0 });
  assert.equal(receiver.completed.length, 2);
});

test('what concurrencyLimit refuses is in the account and is told, whichever call it was', oursOnly, async (t) => {
  const told = [];
  const onError = (failure) => told.push([failure.reason, failure.spans, failure.code]);
  const options = { concurrencyLimit: 1, onError };
  const { receiver, exporter } = await pair(t, { otherwise: { delayMillis: 50 } }, options);
  const [first, second, third, fourth] = await Promise.all([
    exportOnce(exporter, makeSpans(5)),
    exportOnce(exporter, makeSpans(7)),
    exporter.exportSpans(makeSpans(3)),
    exporter.exportSpans([]),
  ]);
  assert.deepEqual([first, second.code, second.error.message], [{ code: 0 }, 1, 'Concurrent export limit reached']);
  assert.deepEqual([third.dropped, third.error.code, fourth.error], [{ queue_full: 3 }, 'queue_full', undefined]);
  const { offered, accepted, refused, delivered } = exporter.stats();
  assert.deepEqual(
    { offered, accepted, refused, delivered },
    { offered: 15, accepted: 5, refused: { queue_full: 10 }, delivered: 5 },
  );
  assert.deepEqual(told, [
    ['queue_full', 7, 'queue_full'],
    ['queue_full', 3, 'queue_full'],
  ]);
  assert.deepEqual(await exportOnce(exporter, makeSpans(1)), { code: 0 });
  assert.equal(receiver.completed.length, 2);
});

test('an empty batch succeeds without a request', oursOnly, async (t) => {
  const { receiver, exporter } = await pair(t);
  assert.deepEqual(await exportOnce(exporter, []), { code: 0 });
  assert.deepEqual(await exporter.exportSpans([]), { delivered: 0, rejected: 0, dropped: {}, attempts: 0 });
  assert.equal(receiver.requests.length, 0);
  assertSettled(exporter.stats());
});

test('R25: with nothing to do it is a success at once, and nothing native is called', oursOnly, async () => {
  const { code, stdout, stderr } = await runProgram(
    `
    const binding = require('./addon/index.js');
    let calls = 0;
    for (const name of ['Environment', 'Lane']) {
      const Native = binding[name];
      binding[name] = new Proxy(Native, { construct(...args) { calls += 1; return Reflect.construct(...args); } });
      for (const method of Object.getOwnPropertyNames(Native.prototype)) {
        const original = Object.getOwnPropertyDescriptor(Native.prototype, method).value; // not a getter's
        if (typeof original !== 'function' || method === 'constructor') continue;
        Native.prototype[method] = function (...args) { calls += 1; return original.apply(this, args); };
      }
    }
    const exporter = new OTLPTraceExporter({ url: 'http://127.0.0.1:9/' });
    let isAnswered = false;
    exporter.export([], (result) => { isAnswered = result.code === 0 && result.error === undefined; });
    exporter.exportSpans([]).then((outcome) => { isAnswered &&= outcome.attempts === 0; });
    setImmediate(() => {
      const idle = calls;
      exporter.export(makeSpans(1), () => {});
      console.log(JSON.stringify({ isAnswered, idle, busy: calls > idle }));
      exporter.shutdown({ timeoutMillis: 0 });
    });`,
  );
  assert.deepEqual(
    { code, stdout: stdout.trim() },
    { code: 0, stdout: '{"isAnswered":true,"idle":0,"busy":true}' },
    stderr,
  );
});

test('a retryable status, then success: one outcome, the same bytes', oursOnly, async (t) => {
  for (const compression of ['none', 'gzip']) {
    const { receiver, exporter } = await pair(t, { script: [503, 429] }, { compression });
    const outcome = await exporter.exportSpans(makeSpans(3));
    assert.deepEqual(outcome, { delivered: 3, rejected: 0, dropped: {}, attempts: 3 });
    const [first, ...others] = receiver.completed;
    for (const other of others) assert.ok(other.body.equals(first.body));
    assert.equal(exporter.stats().retries, 2);
  }
});

test('a refused connection is answered with the stock error', async () => {
  const url = await refusedUrl();
  const exporter = new OTLPTraceExporter({ url, timeoutMillis: 300 });
  const stock = stockExporter({ url, timeoutMillis: 300 });
  const [ours, theirs] = await Promise.all([exportOnce(exporter, makeSpans(1)), exportOnce(stock, makeSpans(1))]);
  assert.equal(ours.code, 1);
  for (const key of ['name', 'message', 'code', 'syscall', 'address', 'port', 'errno'])
    assert.equal(ours.error[key], theirs.error[key], key);
  await exporter.shutdown();
});

test('misuse rejects or fails, and never throws', oursOnly, async (t) => {
  const { exporter } = await pair(t);
  for (const misuse of [undefined, null, 42, 'spans', {}]) {
    await assert.rejects(exporter.exportSpans(misuse), TypeError, String(misuse));
    const { code } = await exportOnce(exporter, misuse);
    assert.equal(code, 1);
  }
  // Without a callback there is nobody to answer; the spans are sent all the same.
  assert.doesNotThrow(() => exporter.export(makeSpans(1)));
  await exporter.forceFlush();
  assertSettled(exporter.stats());
});

test('two exporters to one endpoint keep their own accounts', oursOnly, async (t) => {
  const { receiver, exporter } = await pair(t);
  const other = new OTLPTraceExporter({ url: receiver.url });
  assertOutcome(await exporter.exportSpans(makeSpans(2)), 2);
  assertOutcome(await other.exportSpans(makeSpans(7)), 7);
  assert.equal(exporter.stats().delivered, 2);
  assert.equal(other.stats().delivered, 7);
  await other.shutdown();
  assertOutcome(await exporter.exportSpans(makeSpans(1)), 1);
  assert.equal(exporter.stats().delivered, 3);
});

test('named imports from an ES module', oursOnly, async () => {
  const module = await import('../../index.js');
  assert.equal(module.OTLPTraceExporter, OTLPTraceExporter);
  assert.equal(typeof module.FileSpanExporter, 'function');
});
