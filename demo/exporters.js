'use strict';

// Owns what differs between the phases: which exporter, which processor, and how both are described in the report.
// Everything that is not named here is at its default.

const { BatchSpanProcessor: StockBatchSpanProcessor } = require('@opentelemetry/sdk-trace-base');

function versionOf(name) {
  return require(`${name}/package.json`).version;
}

function stock({ url }) {
  const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-proto');
  const exporter = new OTLPTraceExporter({ url });
  return {
    exporter,
    processor: new StockBatchSpanProcessor(exporter),
    exporterName: `@opentelemetry/exporter-trace-otlp-proto ${versionOf('@opentelemetry/exporter-trace-otlp-proto')}`,
    processorName: `BatchSpanProcessor of @opentelemetry/sdk-trace-base ${versionOf('@opentelemetry/sdk-trace-base')}`,
    options: 'url; everything else at its default',
  };
}

function offloop(exporter, name, options) {
  const { BatchSpanProcessor = StockBatchSpanProcessor } = require('offloop');
  const ours = BatchSpanProcessor !== StockBatchSpanProcessor;
  return {
    exporter,
    processor: new BatchSpanProcessor(exporter),
    exporterName: `offloop ${versionOf('offloop')} ${name}`,
    processorName: ours
      ? `BatchSpanProcessor of offloop ${versionOf('offloop')}`
      : `BatchSpanProcessor of @opentelemetry/sdk-trace-base ${versionOf('@opentelemetry/sdk-trace-base')}`,
    options: `${options}; everything else at its default`,
  };
}

const factories = {
  none: () => ({
    exporterName: 'none',
    processorName: 'none',
    options: 'spans are recorded and ended, nothing takes them',
  }),
  stock,
  'offloop-http': ({ url }) => {
    const { OTLPTraceExporter } = require('offloop');
    return offloop(new OTLPTraceExporter({ url }), 'OTLPTraceExporter', 'url');
  },
  'offloop-file': ({ directory }) => {
    const { FileSpanExporter } = require('offloop');
    return offloop(new FileSpanExporter({ directory }), 'FileSpanExporter', 'directory');
  },
};

/** Builds the exporter of a phase: `{ exporter?, processor?, exporterName, processorName, options }`. */
function createExporter(phase, settings) {
  return factories[phase](settings);
}

module.exports = { createExporter };
