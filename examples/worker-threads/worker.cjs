const { parentPort, workerData } = require('node:worker_threads');
const { BasicTracerProvider } = require('@opentelemetry/sdk-trace-base');
const { BatchSpanProcessor, FileSpanExporter, OTLPTraceExporter } = require('offloop');

// Without a collector the spans go to files, which `npx --no-install offloop stats spans` shows.
const hasCollector = process.env.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined;
const exporter = hasCollector ? new OTLPTraceExporter() : new FileSpanExporter({ directory: 'spans' });
const provider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] });
const tracer = provider.getTracer(workerData.name);
for (let n = 0; n < workerData.spans; n += 1) tracer.startSpan(`work ${n}`).end();
parentPort.postMessage('done');
if (workerData.name === 'terminated') setInterval(() => {}, 1000);
