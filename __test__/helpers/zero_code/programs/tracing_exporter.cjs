'use strict';
// An exporter of the program's own: the SDK puts its batch processor in front of it.

const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-http');
const { NodeSDK } = require('@opentelemetry/sdk-node');

new NodeSDK({ serviceName: 'shop', traceExporter: new OTLPTraceExporter({ headers: { 'x-from': 'code' } }) }).start();
