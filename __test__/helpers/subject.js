'use strict';

const { asLine2 } = require('./plain_spans.js');

/**
 * The one place where the tests choose what they test: our public API, or, with OFFLOOP_TEST_SUBJECT=stock, the stock
 * exporters behind the same calls, which proves the tests themselves.
 */
const subjectName = process.env.OFFLOOP_TEST_SUBJECT === 'stock' ? 'stock' : 'offloop';

const subject = subjectName === 'stock' ? stockSubject() : require('../..');

function stockSubject() {
  const stock = {
    'http/protobuf': require('@opentelemetry/exporter-trace-otlp-proto').OTLPTraceExporter,
    'http/json': require('@opentelemetry/exporter-trace-otlp-http').OTLPTraceExporter,
  };
  class OTLPTraceExporter {
    constructor({ protocol = 'http/protobuf', ...config } = {}) {
      this.inner = new stock[protocol](config);
    }

    export(spans, resultCallback) {
      this.inner.export(spans.map(asLine2), resultCallback);
    }

    exportSpans(spans) {
      const { length } = spans;
      return new Promise((resolve) => {
        this.export(spans, ({ code, error }) => {
          const delivered = code === 0 ? length : 0;
          resolve({
            delivered,
            rejected: 0,
            dropped: {},
            attempts: 1,
            ...(error && { error: { code: error.code, message: error.message } }),
          });
        });
      });
    }

    forceFlush() {
      return this.inner.forceFlush();
    }

    shutdown() {
      return this.inner.shutdown();
    }
  }
  return { OTLPTraceExporter };
}

/** A stock exporter of the 2.x line for a protocol, to compare with. */
function stockExporter({ protocol = 'http/protobuf', ...config }) {
  const name = protocol === 'http/json' ? 'http' : 'proto';
  const { OTLPTraceExporter } = require(`@opentelemetry/exporter-trace-otlp-${name}`);
  return new OTLPTraceExporter(config);
}

/** `export()` as a promise of its ExportResult. */
function exportOnce(exporter, spans) {
  return new Promise((resolve) => {
    exporter.export(spans, resolve);
  });
}

const protocols = ['http/protobuf', 'http/json'];

module.exports = { ...subject, subjectName, stockExporter, exportOnce, protocols };
