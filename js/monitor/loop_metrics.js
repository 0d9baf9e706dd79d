'use strict';
// Owns the runtime metrics of the event loop (`nodejs.eventloop.*`) for a user who gives a meter provider.
// Refuses to cost anything without one, and to measure by itself: the native side counts every turn anyway.

const { diag } = require('../otel/diag.js');
const { contained } = require('../guards/user_code.js');
const { version } = require('../../package.json');

const told = (error) => diag.error('Offloop: a meter threw', error);

const DELAYS = {
  min: 'Event loop minimum delay.',
  max: 'Event loop maximum delay.',
  mean: 'Event loop mean delay.',
  stddev: 'Event loop standard deviation delay.',
  p50: 'Event loop 50 percentile delay.',
  p90: 'Event loop 90 percentile delay.',
  p99: 'Event loop 99 percentile delay.',
};

class LoopMetrics {
  #native;
  #meter;
  #instruments = null;
  #lastUtilization = null;

  /** @param native `() => ` the native monitor, or null while it is disabled */
  constructor(meterProvider, native) {
    this.#native = native;
    this.#meter = contained(told, () => meterProvider?.getMeter('offloop/event-loop-monitor', version)) ?? null;
  }

  start() {
    if (this.#meter === null) return;
    this.#lastUtilization = performance.eventLoopUtilization();
    contained(told, () => {
      this.#instruments ??= this.#make();
      this.#meter.addBatchObservableCallback(this.#observe, Object.values(this.#instruments));
    });
  }

  stop() {
    if (this.#instruments === null) return;
    const instruments = Object.values(this.#instruments);
    contained(told, () => this.#meter.removeBatchObservableCallback(this.#observe, instruments));
  }

  #make() {
    const instruments = {};
    for (const [name, description] of Object.entries(DELAYS)) {
      const options = { unit: 's', description };
      instruments[name] = this.#meter.createObservableGauge(`nodejs.eventloop.delay.${name}`, options);
    }
    instruments.utilization = this.#meter.createObservableGauge('nodejs.eventloop.utilization', {
      unit: '1',
      description: 'Event loop utilization.',
    });
    instruments.time = this.#meter.createObservableCounter('nodejs.eventloop.time', {
      unit: 's',
      description: 'Cumulative duration of time the event loop has been in each state.',
    });
    return instruments;
  }

  #observe = (result) => {
    const delays = this.#native()?.takeDelays();
    if (delays == null) return;
    for (const name of Object.keys(DELAYS)) result.observe(this.#instruments[name], delays[name] / 1000);
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, this.#lastUtilization);
    this.#lastUtilization = now;
    result.observe(this.#instruments.utilization, Number.isFinite(utilization) ? utilization : 0);
    result.observe(this.#instruments.time, now.active / 1000, { 'nodejs.eventloop.state': 'active' });
    result.observe(this.#instruments.time, now.idle / 1000, { 'nodejs.eventloop.state': 'idle' });
  };
}

module.exports = { LoopMetrics };
