'use strict';
// Owns the metrics of an exporter's account: what `stats()` counts, for whoever gives a meter provider.
// It refuses to cost anything between two collections: instruments are asked, and nothing is counted twice.

const { diag } = require('../otel/diag.js');
const { contained } = require('../guards/user_code.js');
const { version } = require('../../package.json');

/** A meter is the application's: what it throws costs no span. */
const told = (error) => diag.error('Offloop: a meter threw', error);

/** By instrument: its kind, its unit, what it says, and what it observes of a snapshot. */
const INSTRUMENTS = {
  'offloop.exporter.spans': {
    kind: 'createObservableCounter',
    unit: '{span}',
    description: 'Spans by what became of them; error.type is the reason of those that were dropped or refused.',
    observe(result, { delivered, rejected, filtered, dropped, refused }, attributes) {
      const outcome = (name, more) => ({ ...attributes, 'offloop.outcome': name, ...more });
      result(delivered, outcome('delivered'));
      result(rejected, outcome('rejected'));
      if (filtered != null) result(filtered, outcome('filtered'));
      for (const [name, reasons] of Object.entries({ dropped, refused }))
        for (const [reason, spans] of Object.entries(reasons)) result(spans, outcome(name, { 'error.type': reason }));
    },
  },
  'offloop.exporter.queue.spans': gauge('{span}', 'Spans whose fate is open.', 'pending'),
  'offloop.exporter.queue.size': gauge('By', 'Memory that they take.', 'pendingBytes'),
  'offloop.exporter.requests': counter('{request}', 'Requests begun, or writes to a file.', 'requests'),
  'offloop.exporter.retries': counter('{request}', 'Those among them that repeated an earlier one.', 'retries'),
  'offloop.exporter.sent': counter('By', 'Bytes of their bodies, as compressed.', 'sentBytes'),
  'offloop.exporter.breaker.open': {
    kind: 'createObservableGauge',
    unit: '1',
    description: '1 while batches are held because of what the endpoint said, else 0.',
    observe: (result, { breaker }, attributes) => result(breaker === 'closed' ? 0 : 1, attributes),
  },
};

function gauge(unit, description, member) {
  const observe = (result, stats, attributes) => result(stats[member], attributes);
  return { kind: 'createObservableUpDownCounter', unit, description, observe };
}

function counter(unit, description, member) {
  return { ...gauge(unit, description, member), kind: 'createObservableCounter' };
}

/**
 * Observes `lane` (lazy_lane.js) at each collection of `meterProvider`, for as long as somebody else holds it.
 * @param {object} meterProvider
 */
function observeAccount(meterProvider, lane, attributes) {
  contained(told, () => {
    const meter = meterProvider.getMeter('offloop', version);
    if (typeof meter.addBatchObservableCallback !== 'function') return; // older than version 1.3 of the API
    const weak = new WeakRef(lane);
    const instruments = Object.entries(INSTRUMENTS).map(([name, { kind, unit, description, observe }]) => {
      return { instrument: meter[kind](name, { unit, description }), observe };
    });
    const all = instruments.map(({ instrument }) => instrument);
    const collect = (result) => {
      const held = weak.deref();
      if (held === undefined) {
        meter.removeBatchObservableCallback(collect, all);
        return;
      }
      const stats = held.native?.stats();
      if (stats === undefined) return; // no span yet
      for (const { instrument, observe } of instruments)
        observe((value, more) => result.observe(instrument, value, more), stats, attributes);
    };
    meter.addBatchObservableCallback(collect, all);
  });
}

module.exports = { INSTRUMENTS, observeAccount };
