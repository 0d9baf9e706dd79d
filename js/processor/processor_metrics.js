'use strict';
// Owns the metrics that a batch processor records about itself when the user gives it a meter provider.
// It refuses to cost anything without one.

const { diag } = require('../otel/diag.js');
const { contained, ignore } = require('../guards/user_code.js');

const COMPONENT_TYPE = 'batching_span_processor';

let processorsInProcess = 0;

const told = (error) => diag.error('Offloop: a meter threw', error);

const NONE = Object.freeze({ dropSpans: ignore, finishSpans: ignore, shutdown: ignore });

/**
 * @param options.capacity spans that the queue can hold
 * @param options.queueSize `() => number`, asked at each collection
 */
function createProcessorMetrics({ meterProvider, capacity, queueSize }) {
  const number = processorsInProcess++;
  if (!meterProvider) return NONE;
  const attributes = { 'otel.component.type': COMPONENT_TYPE, 'otel.component.name': `${COMPONENT_TYPE}/${number}` };
  return contained(told, () => metricsOf(meterProvider, attributes, { capacity, queueSize })) ?? NONE;
}

function metricsOf(meterProvider, attributes, { capacity, queueSize }) {
  const meter = meterProvider.getMeter('@opentelemetry/sdk-trace');
  const processed = meter.createCounter('otel.sdk.processor.span.processed', {
    unit: '{span}',
    description: 'The number of spans for which the processing has finished, either successful or failed.',
  });
  const room = meter.createUpDownCounter('otel.sdk.processor.span.queue.capacity', {
    unit: '{span}',
    description: 'The maximum number of spans the queue of a given instance of an SDK span processor can hold.',
  });
  contained(told, () => room.add(capacity, attributes));
  const size = meter.createObservableUpDownCounter('otel.sdk.processor.span.queue.size', {
    unit: '{span}',
    description: 'The number of spans in the queue of a given instance of an SDK span processor.',
  });
  const observe = (result) => result.observe(queueSize(), attributes);
  contained(told, () => size.addCallback(observe));
  return {
    dropSpans(count, reason = 'queue_full') {
      contained(told, () => processed.add(count, { ...attributes, 'error.type': reason }));
    },
    finishSpans(count, error) {
      contained(told, () => processed.add(count, error ? { ...attributes, 'error.type': error.name } : attributes));
    },
    shutdown() {
      contained(told, () => size.removeCallback(observe));
    },
  };
}

module.exports = { createProcessorMetrics };
