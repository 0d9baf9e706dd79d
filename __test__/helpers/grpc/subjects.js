'use strict';
// Owns which exporter classes for OTLP over gRPC are compared: the stock ones by version, and ours.

// What grpc-js prints by itself is not compared: it is told to print nothing before it is loaded.
process.env.GRPC_VERBOSITY = 'NONE';

const path = require('node:path');
const { viewForLine1 } = require('../plain_spans.js');
const { span } = require('../config/runner.js');

const line3 = (name) => require(path.join(__dirname, '..', '..', 'sdk-3.x', 'node_modules', ...name.split('/')));

/** `load()` gives the class, `grpc()` the grpc-js whose objects it takes, `span` is what its serializer reads. */
const STOCK = {
  '0.57.2': {
    load: () => require('otlp-grpc-1x').OTLPTraceExporter,
    grpc: () => require('@grpc/grpc-js'),
    span: viewForLine1(span),
  },
  '0.223.1': {
    load: () => require('@opentelemetry/exporter-trace-otlp-grpc').OTLPTraceExporter,
    grpc: () => require('@grpc/grpc-js'),
    span,
  },
  '0.301.0': {
    load: () => line3('@opentelemetry/exporter-trace-otlp-grpc').OTLPTraceExporter,
    grpc: () => line3('@grpc/grpc-js'),
    span,
  },
};

/** The entry that takes the place of the stock package. */
const loadOurs = () => require('../../../js/entries/otlp_grpc.js').OTLPTraceExporter;

module.exports = { loadOurs, STOCK };
