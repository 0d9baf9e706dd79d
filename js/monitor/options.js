'use strict';
// Owns the options of the event-loop monitor: defaults, and errors for what cannot be meant.
// Refuses to correct: a value outside its range is an error at construction.

const { checkOption } = require('../config_limits.js');

const MAX_MILLIS = 24 * 3600 * 1000;

const millis = {
  accepts: (value) => typeof value === 'number' && value >= 1 && value <= MAX_MILLIS,
  expected: `number between 1 and ${MAX_MILLIS}`,
};
const count = {
  accepts: (value) => Number.isInteger(value) && value >= 1 && value < 2 ** 32,
  expected: 'integer of at least 1',
};
const boolean = { accepts: (value) => typeof value === 'boolean', expected: 'boolean' };
const withMethod = (name) => ({
  accepts: (value) => typeof value?.[name] === 'function',
  expected: `object with the method ${name}`,
});

/** @throws {Error} naming the option */
function resolveMonitorOptions(config = {}) {
  const { thresholdMillis = 100, criticalMillis = 1000, stacks = true, maxPerMinute = 60 } = config ?? {};
  const { exporter, processor, resource, meterProvider, isAutomatic = false, heartbeatOnly = false } = config ?? {};
  checkOption('thresholdMillis', thresholdMillis, millis);
  checkOption('criticalMillis', criticalMillis, millis);
  checkOption('maxPerMinute', maxPerMinute, count);
  checkOption('stacks', stacks, boolean);
  checkOption('exporter', exporter ?? undefined, withMethod('export'));
  checkOption('processor', processor ?? undefined, withMethod('onEnd'));
  checkOption('meterProvider', meterProvider ?? undefined, withMethod('getMeter'));
  if (exporter != null && processor != null) {
    throw new Error('Configuration: exporter and processor exclude each other');
  }
  const options = { thresholdMillis, criticalMillis, stacks, maxPerMinute, exporter, processor, meterProvider };
  return { ...options, resource: resource ?? undefined, isAutomatic, heartbeatOnly };
}

module.exports = { resolveMonitorOptions };
