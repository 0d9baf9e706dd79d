'use strict';
// Owns the matrix of ends: every way in which a process ends, everything that may hold spans then, and every protocol that
// they may leave by.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, test } = require('node:test');
const { issue } = require('./config/certificates.js');
const { runProgram } = require('./child.js');
const { startGrpcReceiver } = require('./grpc/receiver.js');
const { countSpans } = require('./otlp_decoder.js');
const { startReceiver } = require('./receiver.js');

// Nobody may wait for the timer of a processor, nor for a time that the end of a process is granted at most.
const LONG_MILLIS = 20_000;
const PROMPT_MILLIS = 15_000;

// `isAtOnce`: the event loop does not turn any more.
const ways = {
  'natural end': { end: '', code: 0 },
  'natural end with process.exitCode': { end: 'process.exitCode = 5;', code: 5 },
  'process.exit(3)': { end: 'process.exit(3);', code: 3, isAtOnce: true },
  'process.exit(3) in a later turn': { end: 'setImmediate(() => process.exit(3));', code: 3, isAtOnce: true },
  'process.exit(3) 50 ms later': { end: 'setTimeout(() => process.exit(3), 50);', code: 3, isLate: true },
  'uncaught throw': { end: "throw new Error('the uncaught one');", code: 1, isAtOnce: true, says: /the uncaught one/ },
  'unhandled rejection': {
    end: "Promise.reject(new Error('the unhandled one'));",
    code: 1,
    isAtOnce: true,
    says: /the unhandled one/,
  },
  SIGTERM: { end: "process.kill(process.pid, 'SIGTERM'); setInterval(() => {}, 1000);", signal: 'SIGTERM' },
  SIGINT: { end: "process.kill(process.pid, 'SIGINT'); setInterval(() => {}, 1000);", signal: 'SIGINT' },
};

const holders = {
  'an exporter': 'exporter.export(makeSpans(300), () => {});',
  // Without the drain there are none.
  'an exporter that copies long texts in later turns': `
    const spans = makeSpans(300);
    for (const [nth, span] of spans.entries()) span.attributes = { text: nth + 'x'.repeat(30000) };
    exporter.export(spans, () => {});`,
  'a processor': `
    const processor = new subject.BatchSpanProcessor(exporter, { scheduledDelayMillis: ${LONG_MILLIS} });
    for (const span of makeSpans(300)) processor.onEnd(span);`,
};

/** How many spans arrived in requests that were answered with 200: the `unavailable` first ones were not. */
function acceptedSpans(receiver, unavailable = 0) {
  return receiver.completed
    .filter(({ index }) => index >= unavailable)
    .reduce((spans, { body, headers }) => spans + countSpans(body, headers['content-type']), 0);
}

/** Each has `start(t)`, which answers `{ url, env, spans }`, and `options`, the text of those of the exporter. */
const protocols = {
  HTTP: {
    options: '',
    async start(t) {
      const receiver = await startReceiver({}, t);
      return { url: receiver.url, spans: () => acceptedSpans(receiver) };
    },
  },
  gRPC: {
    options: "protocol: 'grpc',",
    async start(t) {
      const receiver = await startGrpcReceiver({}, t);
      return { url: receiver.origin, spans: () => receiver.spans };
    },
  },
  'gRPC with TLS': {
    options: "protocol: 'grpc',",
    async start(t) {
      const { file, tls } = material();
      const receiver = await startGrpcReceiver({ tls }, t);
      const env = { OTEL_EXPORTER_OTLP_CERTIFICATE: file };
      return { url: `https://localhost:${receiver.port}`, env, spans: () => receiver.spans };
    },
  },
};

// What Node has to send needs turns of the event loop.
const { gRPC } = protocols;
Object.assign(protocols, {
  "gRPC by Node's http2": { ...gRPC, options: `${gRPC.options} transport: 'node',`, needsTurns: true },
  'gRPC by @grpc/grpc-js': {
    ...protocols['gRPC with TLS'],
    options: `${gRPC.options} credentials: require('@grpc/grpc-js').credentials.createSsl(
      require('node:fs').readFileSync(process.env.OTEL_EXPORTER_OTLP_CERTIFICATE)),`,
    needsTurns: true,
  },
});

let made = null;

/** A server's certificate, and a file with what it is trusted by; made once. */
function material() {
  if (made === null) {
    const ca = issue({ commonName: 'authority of ends', authority: true });
    const { cert, key } = issue({ commonName: 'localhost', names: ['localhost'], issuer: ca });
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-ends-'));
    const file = path.join(directory, 'ca.pem');
    fs.writeFileSync(file, ca.cert);
    made = { directory, file, tls: { cert, key } };
  }
  return made;
}

// The last of its listeners tells what has been lost, if anything.
const TELL = `process.on('exit', () => {
  const dropped = JSON.stringify(exporter.stats().dropped);
  if (dropped !== '{}') require('node:fs').writeSync(1, dropped);
});`;

/**
 * Tests every way with each of the holders that are named: 300 of 300 spans arrive, the process ends as it would have without
 * us, at once, and says nothing. Spans that need turns of the event loop are counted where there are no more.
 */
function surviveEnds(protocol, { named = Object.keys(holders), skip = false } = {}) {
  const { options, start, needsTurns = false } = protocols[protocol];
  after(() => {
    if (made !== null) fs.rmSync(made.directory, { recursive: true, force: true });
    made = null;
  });
  for (const holder of named) {
    for (const [name, { end, code = null, signal = null, says, isAtOnce, isLate }] of Object.entries(ways)) {
      if (needsTurns && isLate) continue; // then nobody knows how far it has come
      // Windows has no signals: what Node.js calls so ends a process at once, and none of its code runs.
      const noSignals = signal !== null && process.platform === 'win32' && 'no signals there';
      test(`held by ${holder}: ${name}`, { skip: skip || noSignals }, async (t) => {
        const { url, env, spans } = await start(t);
        const exit = { blockMillis: LONG_MILLIS, drainMillis: LONG_MILLIS, signals: signal === null ? [] : [signal] };
        const ended = await runProgram(
          `const exporter = new OTLPTraceExporter({ ${options} url, exit: ${JSON.stringify(exit)} });
           ${holders[holder]} ${TELL} ${end}`,
          { url, env, limitMillis: 2 * LONG_MILLIS },
        );
        const seen = { code: ended.code, signal: ended.signal, spans: spans(), stdout: ended.stdout };
        const arrives =
          isAtOnce && needsTurns ? { spans: 0, stdout: '{"environment_gone":300}' } : { spans: 300, stdout: '' };
        assert.deepEqual(seen, { code, signal, ...arrives });
        if (says === undefined) assert.equal(ended.stderr, '');
        else assert.match(ended.stderr, says);
        assert.doesNotMatch(ended.stderr, /panick|thread '/);
        assert.ok(ended.millis < PROMPT_MILLIS, `${ended.millis} ms`);
      });
    }
  }
}

module.exports = { acceptedSpans, surviveEnds };
