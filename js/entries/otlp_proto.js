'use strict';
// Owns the shape of `@opentelemetry/exporter-trace-otlp-proto`: one export, one wire format.

const { OTLPTraceExporter } = require('../exporter/trace_exporter_class.js');
const { FIXED_PROTOCOL } = require('../config/resolve_config.js');

class OTLPProtoTraceExporter extends OTLPTraceExporter {
  static [FIXED_PROTOCOL] = 'http/protobuf';
}
Object.defineProperty(OTLPProtoTraceExporter, 'name', { value: 'OTLPTraceExporter' });

exports.OTLPTraceExporter = OTLPProtoTraceExporter;
