const { parentPort, workerData } = require('node:worker_threads');
const { BasicTracerProvider } = require('@opentelemetry/sdk-trace-base');
const { BatchSpanProcessor, OTLPTraceExporter } = require('offloop');

const provider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())] });
const tracer = provider.getTracer(workerData.name);
for (let n = 0; n < workerData.spans; n += 1) tracer.startSpan(`work ${n}`).end();
parentPort.postMessage('done');
if (workerData.name === 'terminated') setInterval(() => {}, 1000);
