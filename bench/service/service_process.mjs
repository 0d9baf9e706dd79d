// One service under load: Node's http server under OpenTelemetry's http instrumentation, with one processor and exporter.
// Its parent says when the load is on; it measures its own main thread and refuses to know what the others got.
import { createRequire } from 'node:module';

import { NO_EXPORTER, processors, stock, STOCK, tracerFor } from '../harness/contenders.mjs';
import { processCpuMicros, threadCpuMicros } from '../harness/cpu.mjs';
import { watchBlocks, watchGarbageCollection, watchLoopDelay } from '../harness/meter.mjs';
import { RECORDED_LIBRARY, recorders } from '../harness/recorders.mjs';
import { BUSY_WORKER, createBusyWorker } from '../in_situ/busy_worker.mjs';
import { applications } from './applications.mjs';

const require = createRequire(import.meta.url);
const { context, trace } = require('@opentelemetry/api');
const { registerInstrumentations } = require('@opentelemetry/instrumentation');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { AsyncLocalContextManager } = require('../../demo/context.js');

const settings = JSON.parse(process.argv[2]);

/** Counts the spans that a processor is given. */
class CountingProcessor {
  ended = 0;

  onStart() {}

  onEnd() {
    this.ended += 1;
  }

  async forceFlush() {}

  async shutdown() {}
}

function createProvider(counter) {
  if (settings.who === NO_EXPORTER) return tracerFor(stock[STOCK].sdkModule(), counter);
  if (settings.who === BUSY_WORKER) return tracerFor(stock[STOCK].sdkModule(), counter, createBusyWorker());
  const chosen = [...processors(), ...recorders()].find(({ name }) => name === settings.who);
  const config = { url: settings.url, timeoutMillis: 30_000, directory: settings.directory };
  const processor = chosen.create(config, settings.ours);
  return tracerFor(chosen.sdkModule(), counter, processor);
}

const counter = new CountingProcessor();
const { provider, tracer: plainTracer } = createProvider(counter);
const tracer = settings.isRecorded ? provider.getTracer(RECORDED_LIBRARY) : plainTracer;
context.setGlobalContextManager(new AsyncLocalContextManager().enable());
trace.setGlobalTracerProvider(provider);
registerInstrumentations({ tracerProvider: provider, instrumentations: [new HttpInstrumentation()] });

const http = require('node:http'); // after the instrumentation, which patches it
const application = await applications[settings.application]({ ...settings, tracer });
const server = http.createServer((_request, response) => {
  application.respond().then(
    (body) => {
      response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) });
      response.end(body);
    },
    (error) => {
      response.writeHead(500, { 'Content-Length': Buffer.byteLength(error.message) });
      response.end(error.message);
    },
  );
});

let watched;

async function begin(flushesFirst) {
  if (flushesFirst) await provider.forceFlush().catch(() => {});
  application.reset();
  globalThis.gc?.();
  watched = {
    ended: counter.ended,
    loop: watchLoopDelay(),
    blocks: watchBlocks(),
    garbage: watchGarbageCollection(),
    main: threadCpuMicros(),
    process: processCpuMicros(),
    start: performance.now(),
  };
  process.send({ type: 'begun' });
}

/** What was measured while the load was on; then everything is flushed and the process ends. */
async function end() {
  const seconds = (performance.now() - watched.start) / 1000;
  const sample = {
    seconds,
    ...watched.loop.stop(),
    ...watched.blocks.stop(),
    mainCpuPercent: (threadCpuMicros() - watched.main) / seconds / 1e4,
    processCpuPercent: (processCpuMicros() - watched.process) / seconds / 1e4,
    gcMillisPerSecond: (await watched.garbage.stop()) / seconds,
    spansUnderLoad: counter.ended - watched.ended,
    peakRssMiB: process.resourceUsage().maxRSS / 1024,
    ...application.counts(),
  };
  server.close();
  server.closeAllConnections();
  await application.close();
  // An exporter that fails or is late rejects here: what that cost shows in the spans that arrived.
  await provider.forceFlush().catch(() => {});
  process.send({ type: 'flushed', spansUnderLoad: counter.ended - watched.ended });
  await isLookedAt;
  await provider.shutdown().catch(() => {});
  process.send({ type: 'result', sample, ended: counter.ended }, () => process.exit(0));
}

/** The parent has read what this process has used until the last flush. */
const isLookedAt = new Promise((resolve) => {
  process.on('message', ({ type, flushesFirst }) => {
    if (type === 'begin') begin(flushesFirst);
    if (type === 'end') end();
    if (type === 'exit') resolve();
  });
});
process.on('disconnect', () => process.exit(1)); // without its parent there is nobody to report to
server.listen(0, '127.0.0.1', () => process.send({ type: 'ready', port: server.address().port }));
