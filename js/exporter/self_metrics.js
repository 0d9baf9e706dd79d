'use strict';
// Owns the metrics that the exporter records about itself when the user gives it a meter provider.
// It refuses to cost anything without one.

const { diag } = require('../otel/diag.js');
const { COMPATIBLE_VERSION } = require('./user_agent.js');
const { OTLPExporterError } = require('./errors.js');
const { contained, ignore } = require('../guards/user_code.js');
const { now } = require('../guards/timers.js');

const COMPONENT_TYPES = {
  http: 'otlp_http_span_exporter',
  grpc: 'otlp_grpc_span_exporter',
  file: 'offloop_file_span_exporter',
};
const DEFAULT_PORTS = { 'http:': 80, 'https:': 443 };

const exportersInProcess = { http: 0, grpc: 0, file: 0 };

function standardAttributes(url, protocol) {
  const type = COMPONENT_TYPES[protocol];
  const attributes = {
    'otel.component.type': type,
    'otel.component.name': `${type}/${exportersInProcess[protocol]++}`,
  };
  if (URL.canParse(url)) addServer(attributes, new URL(url));
  return attributes;
}

function addServer(attributes, { hostname, port, protocol }) {
  attributes['server.address'] = hostname;
  const number = port === '' ? DEFAULT_PORTS[protocol] : Number(port);
  if (number !== undefined) attributes['server.port'] = number;
}

/** How the protocols write down what became of an export. */
const STATUS_ATTRIBUTES = {
  http: () => httpStatus,
  grpc: () => grpcStatus(require('../config/grpc/status.js').NAMES),
  file: () => () => ({}),
};

function httpStatus(error) {
  if (error === undefined) return { 'http.response.status_code': 200 };
  return isRefusal(error) ? { 'http.response.status_code': error.code } : {};
}

function grpcStatus(names) {
  return (error) => {
    if (error === undefined) return { 'rpc.response.status_code': 'OK' };
    const code = codeOf(error);
    return typeof code === 'number' ? { 'rpc.response.status_code': names[code] ?? 'UNKNOWN' } : {};
  };
}

function codeOf(error) {
  try {
    return Object(error).code;
  } catch {
    return undefined; // a revoked Proxy
  }
}

function isRefusal(error) {
  try {
    return error instanceof OTLPExporterError;
  } catch {
    return false; // a revoked Proxy
  }
}

/** The class of an error, which may be anything that user code throws. */
function errorType(error) {
  try {
    return error instanceof Error ? String(error.name) : 'export_failed';
  } catch {
    return 'export_failed';
  }
}

/** A meter is the application's: what it throws costs no span and no answer. */
const told = (error) => diag.error('Offloop: a meter threw', error);

const NONE = Object.freeze({ isRecording: false, start: () => ignore });

/**
 * Metrics of one exporter, to be made in its constructor: the component's number counts constructions.
 *
 * `start(spanCount, startedMillis)` belongs to the turn in which a batch is handed over; an export that the concurrency
 * limit refused or that could not be encoded is not counted. It returns `finish(error, retriesExhausted)`, to be called once with the
 * error of the result (nothing on success), whether the last attempt was one that a retry could have mended, and how many spans
 * a rule has dropped.
 *
 * @param {{ meterProvider?: object, url: string, protocol?: 'http' | 'grpc' | 'file' }} options
 */
function createSelfMetrics({ meterProvider, url, protocol = 'http' }) {
  const attributes = standardAttributes(url, protocol);
  if (!meterProvider) return NONE;
  const recording = contained(told, () => metricsOf(meterProvider, attributes, protocol)) ?? NONE;
  return { ...recording, meterProvider, attributes };
}

function metricsOf(meterProvider, attributes, protocol) {
  const statusOf = STATUS_ATTRIBUTES[protocol]();
  const meter = meterProvider.getMeter('@opentelemetry/otlp-exporter', COMPATIBLE_VERSION);
  const inFlight = meter.createUpDownCounter('otel.sdk.exporter.span.inflight', {
    unit: '{span}',
    description:
      'The number of spans which were passed to the exporter, but that have not been exported yet ' +
      '(neither successful, nor failed).',
  });
  const exported = meter.createCounter('otel.sdk.exporter.span.exported', {
    unit: '{span}',
    description: 'The number of spans for which the export has finished, either successful or failed.',
  });
  const duration = meter.createHistogram('otel.sdk.exporter.operation.duration', {
    unit: 's',
    description: 'The duration of exporting a batch of telemetry records.',
    advice: { explicitBucketBoundaries: [] },
  });

  function start(spanCount, startedMillis = now()) {
    contained(told, () => inFlight.add(spanCount, attributes));
    return function finish(error, isExhausted = false, filtered = 0) {
      // The stock exporter over gRPC repeats nothing: it reports the status of what failed.
      const retriesExhausted = isExhausted && protocol === 'http';
      const seconds = (now() - startedMillis) / 1000;
      contained(told, () => inFlight.add(-spanCount, attributes));
      const failed = error !== undefined || retriesExhausted;
      const type = retriesExhausted ? 'export_failed' : errorType(error);
      const resultAttributes = failed ? { ...attributes, 'error.type': type } : attributes;
      // What a rule has dropped was neither exported nor lost.
      const count = spanCount - filtered;
      if (count > 0 || filtered === 0) contained(told, () => exported.add(count, resultAttributes));
      const status = retriesExhausted ? {} : statusOf(error);
      contained(told, () => duration.record(seconds, { ...resultAttributes, ...status }));
    };
  }
  return { isRecording: true, start };
}

module.exports = { createSelfMetrics };
