'use strict';
// Owns the shape of `@opentelemetry/exporter-trace-otlp-http`: one export, one wire format.

const { OTLPTraceExporter } = require('../exporter/trace_exporter_class.js');
const { FIXED_PROTOCOL } = require('../config/resolve_config.js');

class OTLPJsonTraceExporter extends OTLPTraceExporter {
  static [FIXED_PROTOCOL] = 'http/json';
}
Object.defineProperty(OTLPJsonTraceExporter, 'name', { value: 'OTLPTraceExporter' });

exports.OTLPTraceExporter = OTLPJsonTraceExporter;
