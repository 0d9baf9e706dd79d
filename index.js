'use strict';

const { BatchSpanProcessor } = require('./js/batch_span_processor.js');
const { EventLoopMonitor } = require('./js/event_loop_monitor.js');
const { FileSpanExporter } = require('./js/file_span_exporter.js');
const { OTLPTraceExporter } = require('./js/trace_exporter_class.js');

module.exports = { BatchSpanProcessor, EventLoopMonitor, FileSpanExporter, OTLPTraceExporter };
