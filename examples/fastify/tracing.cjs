// Loaded before the service: `node --require ./tracing.cjs app.cjs`.
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { NodeSDK } = require('@opentelemetry/sdk-node');
const { BatchSpanProcessor, FileSpanExporter, OTLPTraceExporter } = require('offloop');

// What ended before a deployment stops the service is delivered.
const exit = { signals: ['SIGTERM', 'SIGINT'] };
// Without a collector the spans go to files, which `npx --no-install offloop stats spans` shows.
const hasCollector = process.env.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined;
const exporter = hasCollector ? new OTLPTraceExporter({ exit }) : new FileSpanExporter({ directory: 'spans', exit });

new NodeSDK({
  serviceName: 'fastify-example',
  instrumentations: [new HttpInstrumentation()],
  spanProcessors: [new BatchSpanProcessor(exporter)],
}).start();
