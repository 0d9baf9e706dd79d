'use strict';

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const { LaneExporter } = require('../../js/exporter/lane_exporter.js');
const { ApiSpanAdapter, NonRetryableError } = require('../../js/entries/tusk.js');
const { refusedUrl } = require('../helpers/receiver.js');
const { runProgram } = require('../helpers/child.js');
const { readFields, SUCCESS_RESPONSE, spansOf } = require('../helpers/drift_request.js');
const { diagLines } = require('../helpers/diag_lines.js');
const { API_KEY, apiExporter, apiReceiver, exported, recordedSpan } = require('../helpers/tusk_exporter.js');

// The remote API: what counts as a success, what is repeated and when, the breaker, health; natively and from objects.

const REFUSAL = Buffer.concat([Buffer.from([0x08, 0x00, 0x12, 0x02]), Buffer.from('no')]);
const success = { body: SUCCESS_RESPONSE };

/** `[reply, attempts, message]` of exports that fail. */
const FAILURES = {
  'a server error': [500, 3, /^Remote export failed with status 500$/],
  'a bad gateway': [502, 3, /^Remote export failed with status 502$/],
  'success is false': [{ body: REFUSAL }, 3, /^Remote export failed: no$/],
  'an empty body': [{ body: '' }, 3, /^Remote export failed: $/],
  'a body that is no message': [{ body: 'plain text' }, 3, /./],
  'a reset': [{ reset: 'request' }, 3, /./],
  'a body that ends early': [{ hangUp: 'body', body: 'x'.repeat(100) }, 3, /./],
  'another success status': [{ status: 201, body: SUCCESS_RESPONSE }, 1, /^Remote export failed with status 201$/],
  'no content': [204, 1, /^Remote export failed with status 204$/],
  'a bad request': [400, 1, /^Remote export failed with status 400$/],
  'bad credentials': [401, 1, /^Remote export failed with status 401$/],
  'too large': [413, 1, /^Remote export failed with status 413$/],
  'too many requests': [{ status: 429, headers: { 'retry-after': '1' } }, 1, /^Remote export failed with status 429$/],
};

for (const way of ['native', 'objects']) {
  describe(`R76 every failing response is FAILED: ${way}`, { concurrency: true }, () => {
    for (const [name, [reply, attempts, message]] of Object.entries(FAILURES)) {
      test(name, async (t) => {
        const receiver = await apiReceiver(t, { otherwise: reply });
        const exporter = apiExporter(t, { receiver, way });
        const { code, error } = await exported(exporter, [recordedSpan(), recordedSpan()]);
        assert.equal(code, 1);
        assert.ok(error instanceof Error);
        assert.match(error.message, message);
        assert.equal(receiver.requests.length, attempts);
        const times = receiver.requests.map(({ arrivedMillis }) => arrivedMillis);
        const waits = times.slice(1).map((time, nth) => time - times[nth]);
        for (const [nth, wait] of waits.entries()) assert.ok(wait >= [495, 995][nth], `waited ${wait} ms`);
        const bodies = new Set(receiver.completed.map(({ wireBody }) => wireBody.toString('hex')));
        assert.equal(bodies.size, 1, 'the same bytes again');
        const { lastExportLatencyMs, ...health } = exporter.getHealthSnapshot();
        assert.deepEqual(health, { failureCount: 1, timeoutCount: 0, circuitOpen: false });
        assert.ok(lastExportLatencyMs >= (attempts === 3 ? 1490 : 0));
      });
    }

    test('the failure is hidden if asked', async (t) => {
      const receiver = await apiReceiver(t, { otherwise: 400 });
      const exporter = apiExporter(t, { receiver, way, ignoreSinkErrors: true });
      assert.deepEqual(await exported(exporter, [recordedSpan()]), { code: 0 });
      assert.equal(exporter.getHealthSnapshot().failureCount, 1);
    });

    test('nobody listens', async (t) => {
      const url = await refusedUrl();
      const exporter = apiExporter(t, { receiver: { origin: new URL(url).origin }, way });
      const { code, error } = await exported(exporter, [recordedSpan()]);
      assert.equal(code, 1);
      assert.equal(error.code ?? error.cause.code, 'ECONNREFUSED');
      assert.equal(exporter.getHealthSnapshot().failureCount, 1);
    });

    test('time-outs count one by one, and cover the body', async (t) => {
      const script = [{ stall: 'response' }, { stall: 'body', body: 'x'.repeat(50) }, success];
      const receiver = await apiReceiver(t, { script });
      const exporter = apiExporter(t, { receiver, way, exportTimeoutMillis: 200 });
      assert.deepEqual(await exported(exporter, [recordedSpan()]), { code: 0 });
      assert.equal(receiver.requests.length, 3);
      const { timeoutCount, failureCount } = exporter.getHealthSnapshot();
      assert.deepEqual({ timeoutCount, failureCount }, { timeoutCount: 2, failureCount: 0 });
    });

    test('three time-outs are a failure', async (t) => {
      const receiver = await apiReceiver(t, { otherwise: { stall: 'response' } });
      const exporter = apiExporter(t, { receiver, way, exportTimeoutMillis: 100 });
      const { error } = await exported(exporter, [recordedSpan()]);
      assert.equal(error.message, 'Remote export timed out');
      const { timeoutCount, failureCount } = exporter.getHealthSnapshot();
      assert.deepEqual({ timeoutCount, failureCount }, { timeoutCount: 3, failureCount: 1 });
    });

    test('an export is one request, whatever its size', async (t) => {
      const receiver = await apiReceiver(t);
      const exporter = apiExporter(t, { receiver, way });
      const spans = Array.from({ length: 300 }, (_, nth) =>
        recordedSpan({ attributes: { 'td.outputValue': JSON.stringify({ nth, pad: 'é'.repeat(15_000) }) } }),
      );
      assert.deepEqual(await exported(exporter, spans), { code: 0 });
      const [request] = await receiver.waitForRequests(1);
      assert.equal(receiver.requests.length, 1);
      assert.ok(request.wireBytes > 300 * 30_000);
      assert.equal(request.headers['content-length'], String(request.wireBytes));
      assert.equal(request.headers['content-encoding'], undefined);
      const ids = spansOf(request.wireBody).map((fields) => fields.get(2).toString());
      assert.deepEqual(
        ids,
        spans.map((span) => span.spanContext().spanId),
      );
    });
  });

  test(`five failed exports open the breaker for half a minute: ${way}`, async (t) => {
    let now = Date.now();
    t.mock.method(Date, 'now', () => now);
    const script = [...Array.from({ length: 5 }, () => 400), 400];
    const receiver = await apiReceiver(t, { script });
    const exporter = apiExporter(t, { receiver, way });
    const once = async () => (await exported(exporter, [recordedSpan()])).error?.message;
    const [adapter] = exporter.getAdapters();
    const state = () => adapter.getHealthSnapshot().circuitState;
    for (let nth = 0; nth < 5; nth++) {
      assert.equal(state(), 'closed');
      assert.equal(await once(), 'Remote export failed with status 400');
    }
    assert.equal(state(), 'open');
    assert.equal(exporter.getHealthSnapshot().circuitOpen, true);
    assert.equal(await once(), 'Remote export circuit breaker is open');
    now += 29_999;
    assert.equal(await once(), 'Remote export circuit breaker is open');
    assert.equal(receiver.requests.length, 5, 'nothing is sent meanwhile');
    assert.equal(exporter.getHealthSnapshot().failureCount, 5, 'and nothing counted');
    now += 1;
    assert.equal(await once(), 'Remote export failed with status 400', 'one more failure opens it again');
    assert.equal(state(), 'open');
    now += 30_000;
    assert.equal(await once(), undefined);
    assert.equal(state(), 'closed');
    assert.equal(exporter.getHealthSnapshot().circuitOpen, false);
    assert.equal(exporter.getHealthSnapshot().failureCount, 6);
  });
}

test('Retry-After is heard only if asked', async (t) => {
  const asking = (status) => ({ status, headers: { 'retry-after': '2' } });
  const receiver = await apiReceiver(t, { script: [asking(503), asking(429)] });
  const exporter = apiExporter(t, { receiver, honorRetryAfter: true });
  assert.deepEqual(await exported(exporter, [recordedSpan()]), { code: 0 });
  const times = receiver.requests.map(({ arrivedMillis }) => arrivedMillis);
  assert.equal(times.length, 3);
  assert.ok(times[1] - times[0] >= 1990 && times[2] - times[1] >= 1990);
});

test('the global fetch is never used; a method of the adapter that is somebody else’s is', async (t) => {
  const receiver = await apiReceiver(t);
  t.mock.method(globalThis, 'fetch', () => assert.fail('called'));
  const lines = await diagLines(async () => {
    const exporter = apiExporter(t, { receiver, transport: 'fetch' });
    assert.deepEqual(await exported(exporter, [recordedSpan()]), { code: 0 });
  });
  assert.ok(lines.some(([level, text]) => level === 'warn' && text.includes("transport 'fetch'")));
  assert.equal(receiver.requests.length, 1);
  const patched = apiExporter(t, { receiver });
  const bodies = [];
  patched.getAdapters()[0].postExportRequest = async (bytes) => bodies.push(bytes);
  assert.deepEqual(await exported(patched, [recordedSpan(), recordedSpan()]), { code: 0 });
  assert.equal(spansOf(bodies[0]).length, 2);
  assert.equal(receiver.requests.length, 1);
});

test('what replaces postExportRequest is asked again as the backend would be, and its failure is told', async (t) => {
  const receiver = await apiReceiver(t);
  const told = [];
  const exporter = apiExporter(t, { receiver, onError: (failure) => told.push(failure) });
  const [adapter] = exporter.getAdapters();
  let attempts = 0;
  adapter.postExportRequest = async () => {
    attempts += 1;
    throw attempts <= 3 ? new Error('of the user’s') : new NonRetryableError('for good');
  };
  assert.equal((await exported(exporter, [recordedSpan()])).error.message, 'of the user’s');
  assert.equal(attempts, 3);
  assert.equal((await exported(exporter, [recordedSpan()])).error.message, 'for good');
  assert.equal(attempts, 4);
  assert.deepEqual(
    told.map(({ spans, message }) => [spans, message]),
    [
      [1, 'of the user’s'],
      [1, 'for good'],
    ],
  );
  assert.equal(exporter.getHealthSnapshot().failureCount, 2);
});

test('what replaces postExportRequest has the time of an attempt, and its abort is a time-out', async (t) => {
  const receiver = await apiReceiver(t);
  const exporter = apiExporter(t, { receiver, exportTimeoutMillis: 60 });
  const [adapter] = exporter.getAdapters();
  const abort = Object.assign(new Error('aborted'), { name: 'AbortError' });
  const answers = [() => new Promise(() => {}), () => Promise.reject(abort), () => {}];
  adapter.postExportRequest = () => answers.shift()();
  assert.deepEqual(await exported(exporter, [recordedSpan()]), { code: 0 });
  const { timeoutCount, failureCount } = exporter.getHealthSnapshot();
  assert.deepEqual({ timeoutCount, failureCount }, { timeoutCount: 2, failureCount: 0 });
});

test('postExportRequest by itself: one attempt with the bytes as they are, and what its failure means', async (t) => {
  const receiver = await apiReceiver(t, { script: [success, 503, 400, { body: REFUSAL }] });
  const [adapter] = apiExporter(t, { receiver }).getAdapters();
  const bytes = Buffer.alloc(20 << 20, 'request '); // more than one span may have
  await adapter.postExportRequest(bytes);
  assert.ok(receiver.requests[0].wireBody.equals(bytes));
  const thrownBy = async () => adapter.postExportRequest(Buffer.from('x')).then(assert.fail, (error) => error);
  const [unavailable, bad, refused] = [await thrownBy(), await thrownBy(), await thrownBy()];
  assert.equal(unavailable.message, 'Remote export failed with status 503');
  assert.equal(bad.message, 'Remote export failed with status 400');
  assert.equal(refused.message, 'Remote export failed: no');
  assert.deepEqual(
    [unavailable, bad, refused].map((error) => error instanceof NonRetryableError),
    [false, true, false],
  );
  assert.equal(receiver.requests.length, 4);
});

test('many objects are one request with one header', async (t) => {
  const receiver = await apiReceiver(t);
  const exporter = apiExporter(t, { receiver, way: 'objects', environment: 'test' });
  const spans = Array.from({ length: 300 }, (_, nth) =>
    recordedSpan({ attributes: { 'td.inputValue': JSON.stringify({ nth, pad: 'x'.repeat(60_000) }) } }),
  );
  assert.deepEqual(await exported(exporter, spans), { code: 0 });
  const [{ wireBody }] = receiver.completed;
  assert.equal(spansOf(wireBody).length, 300);
  const heads = [...readFields(wireBody)].filter(([number]) => number !== 5);
  assert.deepEqual(
    heads.map(([number, value]) => [number, value.toString()]),
    [
      [1, 'svc-1'],
      [2, 'test'],
      [3, '0.0.1'],
      [4, 'sdk-inst-1'],
    ],
  );
});

test('a base URL that cannot be parsed fails exports, not the constructor', async (t) => {
  for (const tuskBackendBaseUrl of ['not a url', '', 'ftp://127.0.0.1']) {
    const exporter = apiExporter(t, { receiver: {}, tuskBackendBaseUrl });
    const { code, error } = await exported(exporter, [recordedSpan()]);
    assert.equal(code, 1);
    assert.ok(error instanceof Error);
  }
});

test('shutdown and forceFlush wait for as long as an export may take with all its attempts (T10)', async (t) => {
  const receiver = await apiReceiver(t);
  const exporter = apiExporter(t, { receiver, exportTimeoutMillis: 20_000 });
  const asked = [];
  for (const method of ['shutdown', 'forceFlush']) {
    const original = LaneExporter.prototype[method];
    t.mock.method(LaneExporter.prototype, method, function (options) {
      asked.push([method, options.timeoutMillis > 3 * 20_000 + 1500]);
      return original.call(this, options);
    });
  }
  assert.deepEqual(await exported(exporter, [recordedSpan()]), { code: 0 });
  await exporter.forceFlush();
  await exporter.shutdown();
  assert.deepEqual(asked, [
    ['forceFlush', true],
    ['shutdown', true],
  ]);
});

test('a full queue is FAILED and says nothing about the backend', async (t) => {
  const receiver = await apiReceiver(t);
  const exporter = apiExporter(t, { receiver, queue: { maxSpans: 2 } });
  for (let nth = 0; nth < 6; nth++) {
    const { code } = await exported(exporter, [recordedSpan(), recordedSpan(), recordedSpan()]);
    assert.equal(code, 1);
  }
  assert.equal(exporter.getHealthSnapshot().circuitOpen, false);
  assert.equal(exporter.getHealthSnapshot().failureCount, 6);
});

test('R78 no log line and no error holds a payload or the key', async (t) => {
  const secret = 'PLANTED-SECRET-5f16b85e';
  const receiver = await apiReceiver(t, { otherwise: 400 });
  const errors = [];
  const lines = await diagLines(async () => {
    for (const way of ['native', 'objects']) {
      const exporter = apiExporter(t, { receiver, way, apiKey: secret });
      const attributes = [
        { 'td.inputValue': JSON.stringify({ secret }) },
        { 'td.inputValue': `{"${secret}": ` },
        { 'td.inputValue': secret },
        { 'td.metadata': `{${secret}` },
        { 'td.transformMetadata': `{${secret}` },
        { 'td.inputValue': `"${secret.repeat(60_000)}"` },
      ];
      for (const each of attributes) {
        const { error } = await exported(exporter, [recordedSpan({ attributes: each })]);
        if (error) errors.push(`${error.stack}`);
      }
    }
  });
  assert.ok(lines.length > 10 && errors.length > 1);
  for (const line of lines) {
    const text = line.map((part) => (part instanceof Error ? part.stack : JSON.stringify(part))).join(' ');
    assert.ok(!text.includes(secret), text.slice(0, 300));
  }
  for (const error of errors) assert.ok(!error.includes(secret), error.slice(0, 300));
});

test('health of a lone adapter', async (t) => {
  const receiver = await apiReceiver(t);
  const adapter = new ApiSpanAdapter({
    apiKey: API_KEY,
    tuskBackendBaseUrl: receiver.origin,
    observableServiceId: 'svc',
    sdkVersion: '1',
    sdkInstanceId: 'i',
    exportTimeoutMillis: 1000,
  });
  const fresh = { failureCount: 0, timeoutCount: 0, circuitState: 'closed', lastExportLatencyMs: null };
  assert.deepEqual(adapter.getHealthSnapshot(), fresh);
  const result = await adapter.exportSpans([]);
  assert.equal(result.code, 0);
  assert.equal(typeof adapter.getHealthSnapshot().lastExportLatencyMs, 'number');
  assert.equal(receiver.requests.length, 1);
  await adapter.shutdown();
});

test('an attempt that nobody can make any more is lost as environment_gone', async (t) => {
  const receiver = await apiReceiver(t);
  const source = `
    const { ApiSpanAdapter } = require('./js/entries/tusk.js');
    const { spanOf } = require('./__test__/helpers/ways_in.js');
    const adapter = new ApiSpanAdapter({
      apiKey: 'k', tuskBackendBaseUrl: url, observableServiceId: 's', sdkVersion: '1', sdkInstanceId: 'i',
      exportTimeoutMillis: 20_000, exit: { blockMillis: 5000 },
    });
    let attempts = 0;
    adapter.postExportRequest = () => { attempts += 1; return new Promise(() => {}); };
    adapter.exportSpans([spanOf.clean()]);
    setTimeout(() => process.exit(7), 100);
    process.on('exit', () => console.log(attempts));`;
  const { code, stdout, millis } = await runProgram(source, { url: receiver.origin });
  assert.deepEqual([code, stdout], [7, '1\n']);
  assert.ok(millis < 4000, `nobody waits for it at the end: ${millis} ms`);
});
