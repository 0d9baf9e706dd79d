'use strict';

// The demo's service process: Node's http server under OpenTelemetry's http instrumentation, with one exporter, as an
// application would set it up. The parent process tells it when the load is on; it measures itself and reports.

const { context, diag, DiagLogLevel, trace } = require('@opentelemetry/api');
const { registerInstrumentations } = require('@opentelemetry/instrumentation');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { resourceFromAttributes } = require('@opentelemetry/resources');
const { BasicTracerProvider } = require('@opentelemetry/sdk-trace-base');
const { AsyncLocalContextManager } = require('./context.js');
const { createExporter } = require('./exporters.js');
const { LoopWatch } = require('./loop_watch.js');
const { createApplication } = require('./orders.js');

const settings = JSON.parse(process.argv[2]);
const DRAIN_STEP_MILLIS = 10_000; // a bound for forceFlush and for shutdown, each
const PROGRESS_MILLIS = 500;

/** Counts the spans that the SDK would hand to an exporter. */
class CountingProcessor {
  ended = 0;

  onStart() {}

  onEnd(span) {
    if (span.spanContext().traceFlags & 1) this.ended++;
  }

  async forceFlush() {}

  async shutdown() {}
}

function collectDiagnostics() {
  const kept = new Map();
  const keep = (...parts) => {
    const line = parts
      .map((part) => (typeof part === 'string' ? part : String(part?.message ?? part)))
      .join(' ')
      .slice(0, 200);
    if (kept.has(line) || kept.size < 20) kept.set(line, (kept.get(line) ?? 0) + 1);
  };
  const ignore = () => {};
  diag.setLogger({ error: keep, warn: keep, info: ignore, debug: ignore, verbose: ignore }, DiagLogLevel.WARN);
  return kept;
}

async function within(limitMillis, promise) {
  const startedAt = performance.now();
  let timer;
  const expired = new Promise((resolve) => {
    timer = setTimeout(resolve, limitMillis, 'timed out');
  });
  const outcome = await Promise.race([
    promise.then(
      () => 'done',
      (error) => `failed: ${error?.message}`,
    ),
    expired,
  ]);
  clearTimeout(timer);
  return { outcome, millis: performance.now() - startedAt };
}

function start() {
  const diagnostics = collectDiagnostics();
  const counter = new CountingProcessor();
  const { exporter, processor, ...description } = createExporter(settings.phase, settings);
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({
      'service.name': 'orders',
      'service.version': '1.0.0',
      'service.instance.id': settings.phase,
      'host.name': 'demo',
      'process.pid': process.pid,
    }),
    spanProcessors: processor ? [counter, processor] : [counter],
  });
  context.setGlobalContextManager(new AsyncLocalContextManager().enable());
  trace.setGlobalTracerProvider(provider);
  registerInstrumentations({ tracerProvider: provider, instrumentations: [new HttpInstrumentation()] });

  const http = require('node:http'); // after the instrumentation, which patches it
  const ordersPage = createApplication(trace.getTracer('orders', '1.0.0'));
  const server = http.createServer((_request, response) => {
    ordersPage().then(
      (body) => {
        response.writeHead(200, { 'Content-Type': 'application/json' });
        response.end(body);
      },
      (error) => {
        response.writeHead(500);
        response.end(error.message);
      },
    );
  });
  const watch = new LoopWatch();
  const progress = setInterval(() => {
    process.send({ type: 'progress', ended: counter.ended, recentMaxMillis: watch.takeRecentMaxMillis() });
  }, PROGRESS_MILLIS);

  let finishing = false;
  async function finish() {
    finishing = true;
    watch.endOfLoad();
    clearInterval(progress);
    server.close();
    server.closeIdleConnections();
    const flush = await within(DRAIN_STEP_MILLIS, provider.forceFlush());
    const shutdown = await within(DRAIN_STEP_MILLIS, provider.shutdown());
    process.send(
      {
        type: 'result',
        ...description,
        ...watch.end(),
        ended: counter.ended,
        flush,
        shutdown,
        exporterStats: exporter?.stats?.(),
        diagnostics: Object.fromEntries(diagnostics),
      },
      () => process.disconnect(),
    );
  }

  process.on('message', (message) => {
    if (message.type === 'begin') watch.begin();
    if (message.type === 'end') finish();
  });
  // Without its parent there is nobody to report to. After the report the process must end by itself.
  process.on('disconnect', () => {
    if (!finishing) process.exit(1);
  });
  server.listen(0, '127.0.0.1', () => process.send({ type: 'ready', port: server.address().port }));
}

start();
