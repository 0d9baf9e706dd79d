'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { OTLPTraceExporter, stockExporter, protocols, subjectName } = require('../helpers/subject.js');
const { runProgram } = require('../helpers/child.js');
const { decodeRequest } = require('../helpers/otlp_decoder.js');
const { firstDifference } = require('../helpers/expected_request.js');
const { Random } = require('../helpers/random.js');
const { startReceiver } = require('../helpers/receiver.js');
const { line3Unavailable, requireLine3 } = require('../helpers/sdk_spans.js');

// One program, two exporters: behind the processors of each SDK line the receiver sees the same bytes.

const SPANS = 650;

const lines = {
  '1.x': () => {
    const sdk = require('sdk-trace-1x');
    const { Resource } = require('resources-1x');
    return {
      api: require('@opentelemetry/api'),
      stock: (config, protocol) => stockOf('otlp-proto-1x', 'otlp-http-1x', protocol)(config),
      provider: (processor, idGenerator) => {
        return new sdk.BasicTracerProvider({
          resource: new Resource({ r: 1 }),
          spanProcessors: [processor],
          idGenerator,
        });
      },
      batch: (exporter, config) => new sdk.BatchSpanProcessor(exporter, config),
      simple: (exporter) => new sdk.SimpleSpanProcessor(exporter),
    };
  },
  '2.x': () => {
    const sdk = require('@opentelemetry/sdk-trace-base');
    const { resourceFromAttributes } = require('@opentelemetry/resources');
    return {
      api: require('@opentelemetry/api'),
      stock: (config, protocol) => stockExporter({ protocol, ...config }),
      provider: (processor, idGenerator) => {
        const resource = resourceFromAttributes({ r: 1 });
        return new sdk.BasicTracerProvider({ resource, spanProcessors: [processor], idGenerator });
      },
      batch: (exporter, config) => new sdk.BatchSpanProcessor(exporter, config),
      simple: (exporter) => new sdk.SimpleSpanProcessor(exporter),
    };
  },
  '3.x': () => {
    const sdk = requireLine3('@opentelemetry/sdk-trace');
    const { resourceFromAttributes } = requireLine3('@opentelemetry/resources');
    return {
      api: requireLine3('@opentelemetry/api'),
      stock: (config, protocol) => {
        const name = protocol === 'http/json' ? 'http' : 'proto';
        return new (requireLine3(`@opentelemetry/exporter-trace-otlp-${name}`).OTLPTraceExporter)(config);
      },
      provider: (processor, idGenerator) => {
        const resource = resourceFromAttributes({ r: 1 });
        return new sdk.TracerProvider({ resource, spanProcessors: [processor], idGenerator });
      },
      batch: (exporter, config) => new sdk.BatchSpanProcessor({ exporter, ...config }),
      simple: (exporter) => new sdk.SimpleSpanProcessor({ exporter }),
    };
  },
};

function stockOf(proto, http, protocol) {
  const { OTLPTraceExporter: Stock } = require(protocol === 'http/json' ? http : proto);
  return (config) => new Stock(config);
}

/** Ends spans with fixed ids and times; the receiver's bodies in the order of their arrival. */
async function runProgramOf(line, kind, makeExporter) {
  const { api, provider: makeProvider, batch, simple } = line;
  const receiver = await startReceiver();
  const exporter = makeExporter({ url: receiver.url, concurrencyLimit: 2000 });
  const random = new Random(5);
  const idGenerator = { generateTraceId: () => random.hex(32), generateSpanId: () => random.hex(16) };
  const processor = kind === 'batch' ? batch(exporter, { scheduledDelayMillis: 20 }) : simple(exporter);
  const provider = makeProvider(processor, idGenerator);
  const tracer = provider.getTracer('drop-in', '1.0');
  let parent = api.ROOT_CONTEXT;
  for (let nth = 0; nth < SPANS; nth++) {
    const startTime = 1_700_000_000_000 + nth;
    const span = tracer.startSpan(`op ${nth}`, { startTime, attributes: { nth, text: 'é'.repeat(nth % 90) } }, parent);
    span.addEvent('event', { a: [1, 2] }, startTime);
    if (nth % 9 === 0) span.setStatus({ code: api.SpanStatusCode.ERROR, message: 'failed' });
    if (nth % 50 === 0) parent = api.trace.setSpan(api.ROOT_CONTEXT, span);
    span.end(startTime + 5);
    if (nth === 300) await new Promise((resolve) => setTimeout(resolve, 60));
  }
  await provider.forceFlush();
  await provider.shutdown();
  const requests = receiver.completed.map(({ body, headers }) => ({ body, contentType: headers['content-type'] }));
  await receiver.close();
  return requests;
}

function spansOf(requests) {
  const spans = requests.flatMap(({ body, contentType }) => decodeRequest(body, contentType));
  return spans
    .flatMap(({ scopes }) => scopes.flatMap((scope) => scope.spans))
    .sort((a, b) => (a.spanId < b.spanId ? -1 : 1));
}

/** The 1.x exporters send no flags. */
function withoutFlags(spans) {
  return spans.map((span) => ({ ...span, flags: 0 }));
}

for (const name of Object.keys(lines)) {
  for (const kind of ['batch', 'simple']) {
    for (const protocol of protocols) {
      const skip = name === '3.x' && (line3Unavailable() ?? false);
      test(`SDK ${name}, ${kind} processor, ${protocol}`, { skip }, async () => {
        const line = lines[name]();
        const stock = await runProgramOf(line, kind, (config) => line.stock(config, protocol));
        const ours = await runProgramOf(line, kind, (config) => new OTLPTraceExporter({ ...config, protocol }));
        const normal = name === '1.x' ? withoutFlags : (spans) => spans;
        // How a batch processor cuts its batches depends on its timer; what arrives does not.
        if (kind === 'simple') assert.equal(ours.length, stock.length, 'requests');
        assert.equal(firstDifference(normal(spansOf(ours)), normal(spansOf(stock))), null);
        assert.equal(spansOf(ours).length, SPANS);
      });
    }
  }
}

// The stock exporter relies on a context manager for this; native requests are out of sight of any instrumentation.
test('the exporter does not trace its own requests', {
  skip: subjectName === 'stock' && 'it needs a context manager',
}, async (t) => {
  const receiver = await startReceiver({}, t);
  const source = `
    const { BasicTracerProvider, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-base');
    const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
    const { registerInstrumentations } = require('@opentelemetry/instrumentation');
    const exporter = new OTLPTraceExporter({ url });
    const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
    registerInstrumentations({ tracerProvider, instrumentations: [new HttpInstrumentation()] });
    require('http');
    tracerProvider.getTracer('t').startSpan('the only one').end();
    setTimeout(() => tracerProvider.shutdown(), 200);
  `;
  const ended = await runProgram(source, { url: receiver.url });
  assert.equal(ended.code, 0, ended.stderr);
  const requests = receiver.completed.map(({ body, headers }) => ({ body, contentType: headers['content-type'] }));
  assert.deepEqual(
    spansOf(requests).map(({ name }) => name),
    ['the only one'],
  );
});
