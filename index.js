'use strict';

const { FileSpanExporter } = require('./js/file_span_exporter.js');
const { OTLPTraceExporter } = require('./js/otlp_trace_exporter.js');

module.exports = { FileSpanExporter, OTLPTraceExporter };
