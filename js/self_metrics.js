'use strict';
// Owns the metrics that the exporter records about itself when the user gives it a meter provider.
// It refuses to cost anything without one.

const { COMPATIBLE_VERSION } = require('./user_agent.js');
const { OTLPExporterError } = require('./errors.js');

const COMPONENT_TYPE = 'otlp_http_span_exporter';
const DEFAULT_PORTS = { 'http:': 80, 'https:': 443 };

let exportersInProcess = 0;

function standardAttributes(url) {
  const attributes = {
    'otel.component.type': COMPONENT_TYPE,
    'otel.component.name': `${COMPONENT_TYPE}/${exportersInProcess++}`,
  };
  const { hostname, port, protocol } = new URL(url);
  attributes['server.address'] = hostname;
  const number = port === '' ? DEFAULT_PORTS[protocol] : Number(port);
  if (number !== undefined) attributes['server.port'] = number;
  return attributes;
}

function statusAttributes(error) {
  if (error === undefined) return { 'http.response.status_code': 200 };
  return error instanceof OTLPExporterError ? { 'http.response.status_code': error.code } : {};
}

const ignore = () => {};

/**
 * Metrics of one exporter, to be made in its constructor: the component's number counts constructions.
 *
 * `start(spanCount, startedMillis)` belongs to the turn in which a batch is handed over; an export that the concurrency
 * limit refused or that could not be encoded is not counted. It returns `finish(error, retriesExhausted)`, to be called once with the
 * error of the result (nothing on success) and whether the last attempt was one that a retry could have mended.
 *
 * @param {{ meterProvider?: object, url: string }} options
 */
function createSelfMetrics({ meterProvider, url }) {
  const attributes = standardAttributes(url);
  if (!meterProvider) return { isRecording: false, start: () => ignore };

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

  function start(spanCount, startedMillis = performance.now()) {
    inFlight.add(spanCount, attributes);
    return function finish(error, retriesExhausted = false) {
      const seconds = (performance.now() - startedMillis) / 1000;
      inFlight.add(-spanCount, attributes);
      const failed = error !== undefined || retriesExhausted;
      const type = retriesExhausted || !(error instanceof Error) ? 'export_failed' : error.name;
      const resultAttributes = failed ? { ...attributes, 'error.type': type } : attributes;
      exported.add(spanCount, resultAttributes);
      const status = retriesExhausted ? {} : statusAttributes(error);
      duration.record(seconds, { ...resultAttributes, ...status });
    };
  }
  return { isRecording: true, start };
}

module.exports = { createSelfMetrics };
