'use strict';

const { BatchSpanProcessor } = require('./js/processor/batch_span_processor.js');
const { DropSampler } = require('./js/sampler/drop_sampler.js');
const { EventLoopMonitor } = require('./js/monitor/event_loop_monitor.js');
const { FileSpanExporter } = require('./js/exporter/file_span_exporter.js');
const { OTLPTraceExporter } = require('./js/exporter/trace_exporter_class.js');

module.exports = { BatchSpanProcessor, DropSampler, EventLoopMonitor, FileSpanExporter, OTLPTraceExporter };
