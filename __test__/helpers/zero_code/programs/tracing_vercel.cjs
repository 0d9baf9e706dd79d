'use strict';
// With a processor and an exporter that are not Vercel's own.

const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-proto');
const { BatchSpanProcessor } = require('@opentelemetry/sdk-trace-base');
const { registerOTel } = require('@vercel/otel');

registerOTel({ serviceName: 'shop', spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())] });
