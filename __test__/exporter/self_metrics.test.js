'use strict';
// The exporter's own metrics, beside those the stock exporter records for the same outcomes.

const assert = require('node:assert/strict');
const { after, before, describe, it } = require('node:test');
const {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} = require('@opentelemetry/sdk-metrics');
const { buildExportError } = require('../../js/exporter/errors.js');
const { BatchSpanProcessor: StockProcessor } = require('@opentelemetry/sdk-trace');
const { BatchSpanProcessor } = require('../..');
const { createSelfMetrics } = require('../../js/exporter/self_metrics.js');
const { startRecorder, withEnvironment } = require('../helpers/config/recorder.js');
const { span } = require('../helpers/config/runner.js');
const { OURS, STOCK } = require('../helpers/config/subjects.js');

let recorder;
before(async () => {
  recorder = await startRecorder();
});
after(() => recorder.close());

/** Everything a meter provider was told during `work`, without times and without the account, which stock has not. */
async function collect(work) {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 30 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  await work(meterProvider);
  await reader.forceFlush();
  await meterProvider.shutdown();
  const scopes = exporter.getMetrics().at(-1)?.scopeMetrics ?? [];
  const shared = scopes.filter(({ scope }) => scope.name !== 'offloop');
  return shared.map(({ scope, metrics }) => ({
    scope: { ...scope },
    metrics: metrics.map(({ descriptor, dataPointType, dataPoints }) => ({
      descriptor,
      dataPointType,
      points: dataPoints.map(({ attributes, value }) => ({
        attributes: {
          ...attributes,
          'otel.component.name': String(attributes['otel.component.name']).replace(/\d+$/, '<n>'),
        },
        value:
          typeof value === 'number'
            ? value
            : { count: value.count, seconds: value.sum >= 0 && value.sum < 5, buckets: value.buckets },
      })),
    })),
  }));
}

const exportWith = (Exporter, config) => (selfObsMeterProvider) =>
  withEnvironment({}, async () => {
    recorder.reset(config.respond);
    const exporter = new Exporter({ url: `${recorder.origin}/x`, ...config.options, selfObsMeterProvider });
    await new Promise((resolve) => exporter.export([span, span], resolve));
    await exporter.shutdown();
  });

const status = (code) => (_request, response) => response.writeHead(code).end();
const stockOptions = { timeoutMillis: 300 };
const outcomes = {
  success: { respond: undefined, error: undefined },
  'another success status': { respond: status(202), error: undefined },
  'a refusal': {
    respond: status(404),
    error: () => buildExportError({ kind: 'status', message: 'x', httpStatus: 404 }),
  },
  'exhausted retries after a status': {
    respond: status(503),
    error: () => buildExportError({ kind: 'retries_exhausted', httpStatus: 503 }),
    retriesExhausted: true,
  },
  'exhausted retries after a network error': {
    respond: (request) => request.socket.destroy(),
    error: () => buildExportError({ kind: 'network', code: 'ECONNRESET', message: 'socket hang up' }),
    retriesExhausted: true,
  },
  'an error of the user': {
    respond: undefined,
    options: { headers: () => Promise.reject(new RangeError('x')) },
    error: () => new RangeError('x'),
  },
  'a rejection that is no Error': {
    respond: undefined,
    options: { headers: () => Promise.reject('text') },
    error: () => 'text',
  },
};

describe("self-metrics are the stock exporter's after", () => {
  for (const [name, outcome] of Object.entries(outcomes)) {
    it(name, async () => {
      const config = { respond: outcome.respond, options: { ...stockOptions, ...outcome.options } };
      const stock = await collect(exportWith(STOCK['http/json'], config));
      assert.equal(stock[0].metrics.length, 3);
      const hooks = await collect((meterProvider) => {
        const metrics = createSelfMetrics({ meterProvider, url: `${recorder.origin}/x` });
        const finish = metrics.start(2);
        finish(outcome.error?.(), outcome.retriesExhausted);
      });
      assert.deepEqual(hooks, stock);
      assert.deepEqual(await collect(exportWith(OURS['http/json'], config)), stock);
    });
  }
});

/** Batch processor and exporter of one side, told by one meter provider; `end(count)` ends spans. */
const processWith = (Processor, Exporter, config, work) => (selfObsMeterProvider) =>
  withEnvironment({}, async () => {
    recorder.reset(config.respond);
    const exporter = new Exporter({ url: `${recorder.origin}/x`, timeoutMillis: 5000, selfObsMeterProvider });
    // Without a bound of the user ours has another capacity.
    const options = { maxQueueSize: 2048, scheduledDelayMillis: 40, ...config.options };
    const processor = new Processor({ exporter, ...options, selfObsMeterProvider });
    const end = (count) => {
      for (let nth = 0; nth < count; nth++) processor.onEnd(span);
    };
    await work({ end, processor });
    await later(150);
    await processor.shutdown().catch(() => {});
  });

const later = (millis) => new Promise((resolve) => setTimeout(resolve, millis));
const sorted = (scopes) => scopes.sort((left, right) => left.scope.name.localeCompare(right.scope.name));
const ways = {
  'a batch that its delay ends': { work: ({ end }) => end(3) },
  'a batch that its delay ends while the loop is blocked': {
    work({ end }) {
      end(3);
      for (const until = Date.now() + 200; Date.now() < until; );
    },
  },
  'batches that are full': { options: { maxExportBatchSize: 2 }, work: ({ end }) => end(6) },
  'a flush': {
    work({ end, processor }) {
      end(3);
      return processor.forceFlush();
    },
  },
  'spans that a full queue drops': {
    options: { maxExportBatchSize: 2, maxQueueSize: 2, scheduledDelayMillis: 1000 },
    respond: (_request, response) => setTimeout(() => response.end(), 50),
    work: ({ end }) => end(7),
  },
  'a failure': { respond: status(400), work: ({ end }) => end(3) },
};

describe("self-metrics behind a batch processor are the stock exporter's after", () => {
  for (const [name, { work, ...config }] of Object.entries(ways)) {
    it(name, async () => {
      const stock = await collect(processWith(StockProcessor, STOCK['http/json'], config, work));
      const ours = await collect(processWith(BatchSpanProcessor, OURS['http/json'], config, work));
      assert.equal(stock.length, 2);
      assert.deepEqual(sorted(ours), sorted(stock));
    });
  }
});

it('a batch that was taken from a blocked loop, as the next span shows, is counted', async () => {
  const work = ({ end }) => {
    end(3);
    for (const until = Date.now() + 200; Date.now() < until; );
    end(2);
  };
  const scopes = await collect(processWith(BatchSpanProcessor, OURS['http/json'], {}, work));
  const { metrics } = scopes.find(({ scope }) => scope.name === '@opentelemetry/otlp-exporter');
  const values = metrics.map(({ points }) => points.map(({ value }) => value.count ?? value));
  assert.deepEqual(values, [[0], [5], [2]], 'none in flight, five spans exported, two operations');
});

it('the component is numbered by construction, with and without a meter provider', async () => {
  const names = [];
  const meterProvider = {
    getMeter: () => ({
      createUpDownCounter: () => ({ add: (_n, attributes) => names.push(attributes['otel.component.name']) }),
      createCounter: () => ({ add() {} }),
      createHistogram: () => ({ record() {} }),
    }),
  };
  createSelfMetrics({ meterProvider, url: 'https://collector.example/x' }).start(1);
  createSelfMetrics({ url: 'https://collector.example/x' }).start(1)();
  createSelfMetrics({ meterProvider, url: 'https://collector.example/x' }).start(1);
  const [first, second] = names.map((name) => Number(name.split('/')[1]));
  assert.match(names[0], /^otlp_http_span_exporter\/\d+$/);
  assert.equal(second, first + 2);
});

it('a meter that exports does not mix two batches', async () => {
  recorder.reset();
  const spansNamed = (name, length) =>
    Array.from({ length: 40 }, (_, nth) => ({ ...span, name, attributes: { nth, text: name[0].repeat(length) } }));
  let exporter;
  let inner;
  let hasExported = false;
  const instrument = {
    add(spans) {
      if (spans < 0 || hasExported) return;
      hasExported = true;
      inner = exporter.exportSpans(spansNamed('inner', 9_000));
    },
    record() {},
  };
  const make = () => instrument;
  const selfObsMeterProvider = {
    getMeter: () => ({ createUpDownCounter: make, createCounter: make, createHistogram: make }),
  };
  const url = `${recorder.origin}/x`;
  exporter = new OURS['http/json']({ url, selfObsMeterProvider, timeoutMillis: 5000 });
  const outer = await exporter.exportSpans(spansNamed('outer', 20_000));
  assert.deepEqual([outer.delivered, (await inner).delivered], [40, 40]);
  const sent = recorder.requests.map(({ body }) => body.resourceSpans[0].scopeSpans[0].spans);
  assert.deepEqual(
    sent.map((spans) => spans.length),
    [40, 40],
  );
  for (const spans of sent) {
    const [{ name }] = spans;
    const text = name[0].repeat(name === 'outer' ? 20_000 : 9_000);
    for (const each of spans) {
      assert.equal(each.name, name);
      assert.equal(each.attributes.find(({ key }) => key === 'text').value.stringValue, text);
    }
  }
  await exporter.shutdown();
});
