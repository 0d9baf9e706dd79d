'use strict';

const { BatchSpanProcessor } = require('./js/batch_span_processor.js');
const { FileSpanExporter } = require('./js/file_span_exporter.js');
const { OTLPTraceExporter } = require('./js/trace_exporter_class.js');

module.exports = { BatchSpanProcessor, FileSpanExporter, OTLPTraceExporter };
