'use strict';
// The file that the documentation of sdk-node asks for: loaded before the service with `--require`.

const { getNodeAutoInstrumentations } = require('@opentelemetry/auto-instrumentations-node');
const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-http');
const { NodeSDK } = require('@opentelemetry/sdk-node');

const sdk = new NodeSDK({
  serviceName: 'express-service',
  traceExporter: new OTLPTraceExporter({ headers: { 'x-from': 'code' } }),
  instrumentations: [getNodeAutoInstrumentations()],
});
sdk.start();
process.once('beforeExit', () => sdk.shutdown());
