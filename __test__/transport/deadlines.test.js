'use strict';
// This file measures time, so it runs alone.

const assert = require('node:assert/strict');
const net = require('node:net');
const { describe, test } = require('node:test');
const stockTrace = require('@opentelemetry/sdk-trace-base');
const { OTLPTraceExporter: StockExporter } = require('@opentelemetry/exporter-trace-otlp-proto');
const { BatchSpanProcessor, OTLPTraceExporter } = require('../..');
const { issue } = require('../helpers/config/certificates.js');
const { runProgram } = require('../helpers/child.js');
const { assertSettled } = require('../helpers/conservation.js');
const { PlainSpans } = require('../helpers/plain_spans.js');
const { refusedUrl, startReceiver } = require('../helpers/receiver.js');

// The worst cases that docs/delivery.md states, measured against collectors that do their worst, beside the SDK's processor
// over the stock exporter. Retries may take a minute here, so that nothing but the deadlines under test ends a wait.

const EXPORT_TIMEOUT_MILLIS = 700;
const SHUTDOWN_MILLIS = 500; // in place of the exporter's 30 seconds
const SLACK_MILLIS = 350;
const config = { scheduledDelayMillis: 60_000, exportTimeoutMillis: EXPORT_TIMEOUT_MILLIS };
const native = { timeoutMillis: 60_000, retry: { maxElapsedMillis: 60_000, maxAttempts: 100 } };

const authority = issue({ commonName: 'a CA', authority: true });
const server = issue({ commonName: 'localhost', names: ['localhost'], issuer: authority });

/** A TLS collector whose first word takes `millis`; without, it never comes. */
async function slowTls(t, millis) {
  const receiver = await startReceiver({ tls: { key: server.key, cert: server.cert } }, t);
  const sockets = new Set();
  const proxy = net.createServer((socket) => {
    const onward = net.connect(receiver.port, '127.0.0.1');
    for (const each of [socket, onward]) sockets.add(each.on('error', () => {}));
    socket.on('close', () => onward.destroy()).pipe(onward);
    if (millis !== undefined) setTimeout(() => onward.pipe(socket), millis);
  });
  await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => proxy.close(resolve));
  });
  return {
    url: `https://127.0.0.1:${proxy.address().port}/v1/traces`,
    httpAgentOptions: { ca: authority.cert, servername: 'localhost' },
  };
}

const scripted = (otherwise) => async (t) => ({ url: (await startReceiver({ otherwise }, t)).url });

const collectors = [
  ['silent', scripted({ stall: 'response' })],
  ['dripping', scripted({ drip: { bytes: 1, everyMillis: 200, from: 'head' } })],
  ['refusing', async () => ({ url: await refusedUrl() })],
  ['mute in the TLS handshake', (t) => slowTls(t)],
  ['slow in the TLS handshake', (t) => slowTls(t, 300), true],
];

/** Waits for the answer of a call: when it came, and which it was. */
async function answerOf(promise) {
  const started = performance.now();
  const answer = await promise.then(
    () => 'resolved',
    (error) => error.message,
  );
  return { answer, millis: Math.round(performance.now() - started) };
}

function within(measured, limit, what) {
  assert.ok(measured.millis <= limit + SLACK_MILLIS, `${what} took ${measured.millis} ms, its limit is ${limit} ms`);
}

describe('forceFlush() and shutdown() of the processor', { concurrency: true }, () => {
  for (const [name, start, delivers = false] of collectors) {
    test(`a collector that is ${name}`, async (t) => {
      const spans = new PlainSpans(5);
      const address = await start(t);
      const stock = new stockTrace.BatchSpanProcessor(new StockExporter({ ...address, timeoutMillis: 2000 }), config);
      const exporter = new OTLPTraceExporter({ ...address, ...native });
      const { shutdown } = exporter;
      exporter.shutdown = () => shutdown.call(exporter, { timeoutMillis: SHUTDOWN_MILLIS });
      const processor = new BatchSpanProcessor(exporter, config);
      for (const each of [stock, processor]) each.onEnd(spans.span());

      const [theirs, ours] = await Promise.all([answerOf(stock.forceFlush()), answerOf(processor.forceFlush())]);
      assert.equal(ours.answer, delivers ? 'resolved' : 'Timeout');
      assert.equal(ours.answer, theirs.answer, 'as the stock pair');
      within(ours, EXPORT_TIMEOUT_MILLIS, 'forceFlush()');
      assert.ok(ours.millis <= theirs.millis + SLACK_MILLIS, `${ours.millis} ms, stock ${theirs.millis} ms`);
      assert.deepEqual(exporter.stats().dropped, {}, 'a flush drops nothing');

      processor.onEnd(spans.span());
      const end = await answerOf(processor.shutdown());
      within(end, EXPORT_TIMEOUT_MILLIS + SHUTDOWN_MILLIS, 'shutdown()');
      const stats = exporter.stats();
      assertSettled(stats);
      if (delivers) assert.equal(stats.delivered, 2);
      else assert.deepEqual(stats.dropped, { shutdown_deadline: 2 });
    });
  }
});

describe('from SIGTERM to the end of the process', { concurrency: true }, () => {
  const setUp = (exit) => `
    const { BatchSpanProcessor } = subject;
    const exporter = new OTLPTraceExporter({ url, timeoutMillis: 60000, exit: ${exit} });
    const { shutdown } = exporter;
    exporter.shutdown = () => shutdown.call(exporter, { timeoutMillis: ${SHUTDOWN_MILLIS} });
    const processor = new BatchSpanProcessor(exporter, { exportTimeoutMillis: ${EXPORT_TIMEOUT_MILLIS} });
    for (const span of makeSpans(3)) processor.onEnd(span);
    setInterval(() => {}, 1000);
    const raise = () => { console.log(Date.now()); process.kill(process.pid, 'SIGTERM'); };
    setTimeout(raise, 50);`;
  const awaited = 'const end = () => process.exit(0); processor.shutdown().then(end, end);';
  const rows = [
    ['an awaited shutdown()', '{}', awaited, EXPORT_TIMEOUT_MILLIS + SHUTDOWN_MILLIS, { code: 0, signal: null }],
    ['process.exit() alone', '{ blockMillis: 400 }', 'process.exit(0);', 400, { code: 0, signal: null }],
    ['exit.signals alone', "{ signals: ['SIGTERM'], drainMillis: 600 }", null, 600, { code: null, signal: 'SIGTERM' }],
  ];
  for (const [name, exit, onSignal, limit, ending] of rows) {
    test(name, { skip: process.platform === 'win32' && 'no death by signal there' }, async (t) => {
      const { url } = await startReceiver({ otherwise: { stall: 'response' } }, t);
      const listener = onSignal === null ? '' : `process.on('SIGTERM', () => { ${onSignal} });`;
      const { code, signal, stdout } = await runProgram(`${listener} ${setUp(exit)}`, { url });
      const millis = Date.now() - Number(stdout);
      assert.deepEqual({ code, signal }, ending);
      within({ millis }, limit, name);
      assert.ok(millis >= limit / 2, `it waited for ${millis} ms only: nothing was measured`);
    });
  }
});
