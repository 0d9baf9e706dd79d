'use strict';
// Owns which exporter classes are compared: the stock ones and ours, by wire format.

const STOCK = {
  'http/protobuf': require('@opentelemetry/exporter-trace-otlp-proto').OTLPTraceExporter,
  'http/json': require('@opentelemetry/exporter-trace-otlp-http').OTLPTraceExporter,
};

const OURS = {
  'http/protobuf': require('../../../js/entries/otlp_proto.js').OTLPTraceExporter,
  'http/json': require('../../../js/entries/otlp_http.js').OTLPTraceExporter,
};

module.exports = { OURS, STOCK };
