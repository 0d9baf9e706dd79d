'use strict';
// Owns the shape of `@opentelemetry/exporter-trace-otlp-grpc`: one export, one wire format.

const { OTLPTraceExporter } = require('../exporter/trace_exporter_class.js');
const { FIXED_PROTOCOL } = require('../config/resolve_config.js');

class OTLPGrpcTraceExporter extends OTLPTraceExporter {
  static [FIXED_PROTOCOL] = 'grpc';
}
Object.defineProperty(OTLPGrpcTraceExporter, 'name', { value: 'OTLPTraceExporter' });

exports.OTLPTraceExporter = OTLPGrpcTraceExporter;
