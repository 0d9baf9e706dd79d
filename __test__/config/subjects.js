'use strict';
// Owns which exporter classes are compared: the stock ones and ours, by wire format.

const fs = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..', '..');

const STOCK = {
  'http/protobuf': require('@opentelemetry/exporter-trace-otlp-proto').OTLPTraceExporter,
  'http/json': require('@opentelemetry/exporter-trace-otlp-http').OTLPTraceExporter,
};

/** Our classes, or null as long as the exporter is not part of this tree. A tree that has it but fails to load throws. */
function loadOurs() {
  if (!fs.existsSync(path.join(root, 'js', 'otlp_trace_exporter.js'))) return null;
  return {
    'http/protobuf': require('../../js/otlp_proto.js').OTLPTraceExporter,
    'http/json': require('../../js/otlp_http.js').OTLPTraceExporter,
  };
}

module.exports = { loadOurs, STOCK };
