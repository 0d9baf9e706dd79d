// Loaded before the service: `node --require ./tracing.cjs app.cjs`.
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { NodeSDK } = require('@opentelemetry/sdk-node');
const { BatchSpanProcessor, OTLPTraceExporter } = require('offloop');

// What ended before a deployment stops the service is delivered.
const exporter = new OTLPTraceExporter({ exit: { signals: ['SIGTERM', 'SIGINT'] } });

new NodeSDK({
  serviceName: 'express-example',
  instrumentations: [new HttpInstrumentation()],
  spanProcessors: [new BatchSpanProcessor(exporter)],
}).start();
