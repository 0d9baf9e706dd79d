'use strict';
// Metrics of the account: what a meter provider collects is what stats() says, for every exporter.

const assert = require('node:assert/strict');
const { mkdtempSync, readFileSync, rmSync, statSync, readdirSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { it } = require('node:test');
const {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} = require('@opentelemetry/sdk-metrics');
const { FileSpanExporter, OTLPTraceExporter } = require('../..');
const { INSTRUMENTS } = require('../../js/exporter/account_metrics.js');
const { startReceiver } = require('../helpers/receiver.js');
const { PlainSpans } = require('../helpers/plain_spans.js');

const root = path.resolve(__dirname, '..', '..');
const plain = new PlainSpans(11);
const makeSpans = (count) => Array.from({ length: count }, () => plain.span());

/** A meter provider, and what it collects of ours: `[name, unit, outcome and reason, value]` of each point. */
function metered() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 30 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  async function collected() {
    await reader.forceFlush();
    const scope = exporter
      .getMetrics()
      .at(-1)
      ?.scopeMetrics.find(({ scope: { name } }) => name === 'offloop');
    return (scope?.metrics ?? []).flatMap(({ descriptor, dataPoints }) =>
      dataPoints.map(({ attributes, value }) => ({ descriptor, attributes, value })),
    );
  }
  return { meterProvider, collected };
}

/** The snapshot of stats() that the points amount to. */
function accountOf(points) {
  const value = (name) => points.find(({ descriptor }) => descriptor.name === name)?.value;
  const spans = (wanted) =>
    points.filter(({ descriptor, attributes }) => {
      return descriptor.name === 'offloop.exporter.spans' && attributes['offloop.outcome'] === wanted;
    });
  const byReason = (wanted) =>
    Object.fromEntries(spans(wanted).map(({ attributes, value: count }) => [attributes['error.type'], count]));
  return {
    delivered: spans('delivered')[0].value,
    rejected: spans('rejected')[0].value,
    dropped: byReason('dropped'),
    refused: byReason('refused'),
    pending: value('offloop.exporter.queue.spans'),
    pendingBytes: value('offloop.exporter.queue.size'),
    requests: value('offloop.exporter.requests'),
    retries: value('offloop.exporter.retries'),
    sentBytes: value('offloop.exporter.sent'),
    isOpen: value('offloop.exporter.breaker.open'),
  };
}

function wantedOf({
  delivered,
  rejected,
  dropped,
  refused,
  pending,
  pendingBytes,
  requests,
  retries,
  sentBytes,
  breaker,
}) {
  const isOpen = breaker === 'closed' ? 0 : 1;
  return { delivered, rejected, dropped, refused, pending, pendingBytes, requests, retries, sentBytes, isOpen };
}

it('M1: what is collected is what stats() says, losses, retries, requests and bytes included', async (t) => {
  const receiver = await startReceiver({ script: [200, 503, 200, 400] }, t);
  const { meterProvider, collected } = metered();
  const exporter = new OTLPTraceExporter({
    url: receiver.url,
    selfObsMeterProvider: meterProvider,
    queue: { maxSpans: 8 },
  });
  assert.deepEqual(await collected(), [], 'nothing before the first span');
  for (const spans of [2, 3, 4, 9]) await exporter.exportSpans(makeSpans(spans));

  const stats = exporter.stats();
  assert.deepEqual(accountOf(await collected()), wantedOf(stats));
  assert.deepEqual([stats.delivered, stats.dropped, stats.refused], [13, { non_retryable: 4 }, { queue_full: 1 }]);
  assert.deepEqual([stats.requests, stats.retries], [5, 1]);
  const bytes = receiver.requests.map(({ headers }) => Number(headers['content-length']));
  assert.equal(
    stats.sentBytes,
    bytes.reduce((sum, each) => sum + each),
  );
  const [{ attributes }] = await collected();
  assert.equal(attributes['otel.component.type'], 'otlp_http_span_exporter');
  assert.equal(attributes['server.port'], receiver.port);
  await exporter.shutdown();
  assert.equal(accountOf(await collected()).delivered, 13, 'a counter goes on after the shutdown');
});

it('M1: spans that a rule has dropped are an outcome of their own, and there is none without rules', async (t) => {
  const receiver = await startReceiver({}, t);
  for (const [process, wanted] of [
    [{ drop: [{ not: { name: 'nobody' } }] }, [2]],
    [undefined, []],
  ]) {
    const { meterProvider, collected } = metered();
    const exporter = new OTLPTraceExporter({ url: receiver.url, process, selfObsMeterProvider: meterProvider });
    await exporter.exportSpans(makeSpans(2));
    const filtered = (await collected()).filter(({ attributes }) => attributes['offloop.outcome'] === 'filtered');
    assert.deepEqual(
      [filtered.map(({ value }) => value), accountOf(await collected())],
      [wanted, wantedOf(exporter.stats())],
    );
    await exporter.shutdown();
  }
});

it('M1: an exporter to files has them, too, and counts what it has written', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'offloop-metrics-'));
  const { meterProvider, collected } = metered();
  const exporter = new FileSpanExporter({ directory, selfObsMeterProvider: meterProvider });
  await exporter.exportSpans(makeSpans(3));
  await exporter.exportSpans(makeSpans(4));
  const stats = exporter.stats();
  assert.deepEqual(accountOf(await collected()), wantedOf(stats));
  const [file] = readdirSync(directory);
  assert.equal(stats.sentBytes, statSync(path.join(directory, file)).size);
  assert.equal((await collected())[0].attributes['otel.component.type'], 'offloop_file_span_exporter');
  await exporter.shutdown();
  rmSync(directory, { recursive: true });
});

it('M1: a meter that throws costs nothing, one without observable instruments is left alone', async (t) => {
  const receiver = await startReceiver({}, t);
  const throwing = new Proxy({}, { get: () => () => assert.fail('a meter') });
  for (const selfObsMeterProvider of [throwing, { getMeter: () => throwing }, { getMeter: () => ({}) }]) {
    const exporter = new OTLPTraceExporter({ url: receiver.url, selfObsMeterProvider });
    assert.equal((await exporter.exportSpans(makeSpans(2))).delivered, 2);
    await exporter.shutdown();
  }
});

/** As the OpenTelemetry Collector's Prometheus exporter writes a name. */
function prometheusName(name, { kind, unit }) {
  const units = { By: '_bytes', 1: '_ratio' };
  const isCounter = kind === 'createObservableCounter';
  const suffix = unit.startsWith('{') ? '' : units[unit];
  return `${name.replaceAll('.', '_')}${isCounter || suffix !== '_ratio' ? suffix : ''}${isCounter ? '_total' : ''}`;
}

it('M2: the page names every instrument with its unit, and the dashboard uses no other', () => {
  const page = readFileSync(path.join(root, 'docs/metrics.md'), 'utf8');
  const rows = [...page.matchAll(/^\| `(offloop\.exporter\.[\w.]+)` \| `([^`]+)` \|/gm)].map(([, name, unit]) => [
    name,
    unit,
  ]);
  assert.deepEqual(
    rows,
    Object.entries(INSTRUMENTS).map(([name, { unit }]) => [name, unit]),
  );
  const dashboard = readFileSync(path.join(root, 'docs/grafana.json'), 'utf8');
  JSON.parse(dashboard);
  const used = new Set([...dashboard.matchAll(/offloop_exporter_\w+/g)].map(([name]) => name));
  assert.deepEqual(
    [...used].sort(),
    Object.entries(INSTRUMENTS)
      .map(([name, about]) => prometheusName(name, about))
      .sort(),
  );
});
