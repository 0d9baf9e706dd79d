'use strict';
// The exporter over gRPC as its users see it: results, errors, lines of the logger, metadata, metrics, flush and shutdown, by
// the native sender and by those of Node, beside the stock exporter where it has the same.

const assert = require('node:assert/strict');
const { after, before, describe, it } = require('node:test');
const grpc = require('@grpc/grpc-js');
const { OTLPTraceExporter: Stock } = require('@opentelemetry/exporter-trace-otlp-grpc');
const {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} = require('@opentelemetry/sdk-metrics');
const { BatchSpanProcessor, OTLPTraceExporter } = require('../..');
const { OTLPTraceExporter: Entry } = require('../../js/entries/otlp_grpc.js');
const { issue } = require('../helpers/config/certificates.js');
const { recordDiag } = require('../helpers/config/recorder.js');
const { span } = require('../helpers/config/runner.js');
const { partialSuccess } = require('../helpers/grpc/framing.js');
const { startGrpcReceiver } = require('../helpers/grpc/receiver.js');

// What the machine says about gRPC and proxies is not the test's.
for (const name of Object.keys(process.env)) if (/^GRPC_|proxy$/i.test(name)) delete process.env[name];

const ca = issue({ commonName: 'a CA', authority: true });
const server = issue({ commonName: 'localhost', issuer: ca, names: ['localhost', '127.0.0.1'] });
const roots = Buffer.from(ca.cert);
let receiver;
before(async () => {
  receiver = await startGrpcReceiver({ tls: { key: server.key, cert: server.cert } });
});
after(() => receiver.close());

// By name: @grpc/grpc-js gives TLS the host of an address as a name, which Node 26 refuses.
const secureUrl = () => `https://localhost:${receiver.port}`;
const once = { retry: { maxAttempts: 1 } };
const exported = (exporter, spans = [span]) => new Promise((resolve) => exporter.export(spans, resolve));

/** One export: its result, the lines of the logger, and the calls that came. */
async function run(Exporter, config, script, spans) {
  receiver.reset({ script });
  return recordDiag(async () => {
    const exporter = new Exporter({ url: receiver.origin, timeoutMillis: 5000, ...config });
    const result = await exported(exporter, spans);
    await exporter.shutdown();
    return result;
  }).then(({ value, lines }) => ({ ...value, lines, calls: receiver.calls }));
}

const WAYS = {
  'the native sender': () => ({}),
  'the native sender, TLS': () => ({ url: secureUrl(), credentials: { rootCerts: roots } }),
  "Node's http2": () => ({ transport: 'node' }),
  '@grpc/grpc-js': () => ({ url: secureUrl(), credentials: grpc.credentials.createSsl(roots) }),
};

// What ours tells on top: that it loses spans, holds them, or has no attempt left.
const OURS = /^warn: Dropped |^warn: \S+ does not take spans|^info: Export failed after maximum retry attempts/;

const seen = ({ code, error, lines }) => ({
  code,
  error: error && { text: String(error), code: error.code, details: error.details, keys: Object.keys(error) },
  lines: lines
    .filter((line) => !line.startsWith('debug') && !OURS.test(line))
    .map((line) => line.replace(/(is the response specification compliant\?).*/, '$1')),
});

for (const [way, options] of Object.entries(WAYS)) {
  describe(`results through ${way}`, () => {
    const same = (name, script, more = {}) =>
      it(name, async () => {
        const stock = await run(Stock, {}, [script], more.spans);
        const ours = await run(Entry, { ...options(), ...once, ...more.config }, [script, script], more.spans);
        const [expected, view] = [seen(stock), seen(ours)];
        assert.deepEqual(view, expected);
        assert.equal(ours.calls.length, more.calls ?? 1);
      });

    same('success', undefined);
    same('partial success', { body: partialSuccess(1, 'one') });
    same('a body that is no answer', { body: Buffer.from('not protobuf \xff', 'latin1') });
    for (const status of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]) {
      same(`status ${status}`, { status, message: `it%20is ${status}` });
    }
    same('metadata of a refusal', { status: 7, message: 'no', trailers: { 'x-why': 'because' } });

    it('delivers spans with their metadata, read for each export', async () => {
      receiver.reset();
      const metadata = new grpc.Metadata();
      const exporter = new Entry({ url: receiver.origin, ...options(), metadata });
      for (const token of ['1', '2']) {
        metadata.set('authorization', token);
        assert.equal((await exporter.exportSpans([span])).delivered, 1);
      }
      await exporter.shutdown();
      assert.deepEqual(
        receiver.calls.map(({ headers, spans }) => [headers.authorization, spans]),
        [
          ['1', 1],
          ['2', 1],
        ],
      );
    });

    it('functions are asked for each attempt, and what they throw is the error', async () => {
      receiver.reset({ script: [14] });
      let asked = 0;
      const metadata = async () => {
        asked += 1;
        if (asked === 3) throw new RangeError('no token');
        return { token: String(asked) };
      };
      const exporter = new Entry({ url: receiver.origin, ...options(), metadata });
      assert.equal((await exported(exporter)).code, 0);
      assert.deepEqual(
        receiver.calls.map(({ headers }) => headers.token),
        ['1', '2'],
      );
      const { code, error } = await exported(exporter);
      assert.deepEqual([code, error instanceof RangeError, receiver.calls.length], [1, true, 2]);
      await exporter.shutdown();
    });

    it('gzip', async () => {
      const { code, calls } = await run(Entry, { ...options(), compression: 'gzip' }, []);
      assert.deepEqual([code, calls[0].headers['grpc-encoding'], calls[0].spans], [0, 'gzip', 1]);
    });

    it('an export after the shutdown fails, another shutdown does not', async () => {
      receiver.reset();
      const exporter = new Entry({ url: receiver.origin, ...options() });
      await exporter.shutdown();
      await exporter.shutdown();
      assert.equal((await exported(exporter)).code, 1);
      assert.equal(receiver.calls.length, 0);
    });

    it('a flush waits for what is under way', async () => {
      let open;
      receiver.reset({ script: [{ gate: new Promise((resolve) => (open = resolve)) }] });
      const exporter = new Entry({ url: receiver.origin, ...options() });
      const results = [];
      exporter.export([span], ({ code }) => results.push(code));
      await receiver.waitForCalls(1);
      const flush = exporter.forceFlush();
      open();
      await flush;
      assert.deepEqual(results, [0]);
      assert.equal(exporter.stats().pending, 0);
      await exporter.shutdown();
    });

    it('the deadline', async () => {
      receiver.reset({ script: Array(10).fill({ stall: 'answer' }) });
      const exporter = new Entry({ url: receiver.origin, ...options(), timeoutMillis: 300 });
      const { code, error } = await exported(exporter);
      assert.deepEqual([code, error.code], [1, 4], String(error));
      assert.match(error.message, /^4 DEADLINE_EXCEEDED: /);
      await exporter.shutdown();
    });
  });
}

it('nobody listens: the status, the words and the keys of the stock exporter', async () => {
  const url = 'http://127.0.0.1:1';
  const stock = seen(await run(Stock, { url, timeoutMillis: 1000 }));
  for (const more of [{}, { transport: 'node' }]) {
    const ours = seen(await run(Entry, { url, ...once, ...more }));
    assert.deepEqual(ours, stock);
  }
});

it('a target that is none: the error of the stock exporter, each time', async () => {
  const url = 'dns:///h:1';
  const stock = await run(Stock, { url });
  const exporter = new Entry({ url });
  for (let nth = 0; nth < 2; nth++) {
    const { code, error } = await exported(exporter);
    assert.deepEqual([code, error.name, error.message], [1, 'Error', stock.error.message]);
  }
  assert.equal(exporter.stats().refused.non_retryable, 2);
  await exporter.shutdown();
});

it('metadata that cannot be sent fails every export', async () => {
  receiver.reset();
  const exporter = new OTLPTraceExporter({ protocol: 'grpc', url: receiver.origin, metadata: { 'a b': '1' } });
  const { code, error } = await exported(exporter);
  assert.deepEqual([code, error.message], [1, 'Metadata key "a b" contains illegal characters']);
  await exporter.shutdown();
  assert.equal(receiver.calls.length, 0);
});

it('the limit of concurrent exports refuses in the words of the stock exporter', async () => {
  const refused = async (Exporter) => {
    let open;
    receiver.reset({ script: [{ gate: new Promise((resolve) => (open = resolve)) }] });
    const exporter = new Exporter({ url: receiver.origin, concurrencyLimit: 1 });
    const first = exported(exporter);
    const { code, error } = await exported(exporter);
    open();
    assert.equal((await first).code, 0);
    await exporter.shutdown();
    return [code, error.name, error.message, Object.keys(error)];
  };
  assert.deepEqual(await refused(Entry), await refused(Stock));
});

it('exportSpans, onError and stats tell the number of the status', async () => {
  receiver.reset({ script: [{ status: 7, message: 'no' }] });
  const failures = [];
  const config = { protocol: 'grpc', url: receiver.origin, onError: (failure) => failures.push(failure) };
  const exporter = new OTLPTraceExporter(config);
  const { dropped, error, attempts } = await exporter.exportSpans([span, span]);
  await exporter.shutdown();
  assert.deepEqual([dropped, attempts], [{ non_retryable: 2 }, 1]);
  assert.deepEqual(error, { code: '7', message: '7 PERMISSION_DENIED: no' });
  assert.deepEqual([failures[0].code, failures[0].spans, failures[0].endpoint], ['7', 2, receiver.origin]);
});

it('the processor of ours fills batches of an exporter over gRPC', async () => {
  receiver.reset();
  const exporter = new OTLPTraceExporter({ protocol: 'grpc', url: receiver.origin });
  const processor = new BatchSpanProcessor(exporter);
  for (let nth = 0; nth < 1000; nth++) processor.onEnd(span);
  await processor.forceFlush();
  assert.equal(receiver.spans, 1000);
  assert.equal(receiver.connections.length, 1);
  await processor.shutdown();
});

describe("self-metrics are the stock exporter's after", () => {
  /** Everything a meter provider was told, without times and numbers of components. */
  async function collect(Exporter, config, step) {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 30 });
    const selfObsMeterProvider = new MeterProvider({ readers: [reader] });
    receiver.reset({ script: [step] });
    const subject = new Exporter({ url: receiver.origin, ...config, selfObsMeterProvider });
    await exported(subject, [span, span]);
    await subject.shutdown();
    await reader.forceFlush();
    await selfObsMeterProvider.shutdown();
    return exporter
      .getMetrics()
      .at(-1)
      ?.scopeMetrics.filter(({ scope }) => scope.name !== 'offloop') // the account, which stock has not
      .map(({ scope, metrics }) => ({
        scope: { ...scope },
        metrics: metrics.map(({ descriptor, dataPoints }) => [
          descriptor,
          dataPoints.map(({ attributes, value }) => [
            { ...attributes, 'otel.component.name': attributes['otel.component.name'].replace(/\d+$/, '<n>') },
            typeof value === 'number' ? value : value.count,
          ]),
        ]),
      }));
  }

  for (const [name, step] of Object.entries({
    success: undefined,
    'a refusal': 7,
    'a failure': 14,
    'no status of any name': 99,
  })) {
    it(name, async () => {
      assert.deepEqual(await collect(Entry, once, step), await collect(Stock, {}, step));
    });
  }
});
