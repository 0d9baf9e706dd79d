'use strict';
// Owns the options that the stock exporter does not have: queue, limits, retry, exit, maxConcurrency, onError.
// It refuses to correct: a value outside its range is an error at construction. Absent numbers stay absent, because
// their defaults belong to the core.

const { constants } = require('node:os');
const { diag } = require('./diag.js');

const MAX_MILLIS = 2 ** 31 - 1;

const integerFrom = (minimum, maximum = Number.MAX_SAFE_INTEGER) => ({
  accepts: (value) => Number.isInteger(value) && value >= minimum && value <= maximum,
  expected:
    maximum === Number.MAX_SAFE_INTEGER
      ? `integer of at least ${minimum}`
      : `integer between ${minimum} and ${maximum}`,
});

const oneOf = (...values) => ({
  accepts: (value) => values.includes(value),
  expected: values.map((value) => `'${value}'`).join(' or '),
});

const signalNames = {
  accepts: (value) => Array.isArray(value) && value.every((name) => Object.hasOwn(constants.signals, name)),
  expected: 'array of signal names',
};

const SECTIONS = {
  queue: {
    maxSpans: integerFrom(1),
    maxBytes: integerFrom(1),
    overflow: oneOf('drop-newest', 'drop-oldest'),
  },
  limits: {
    maxSpanBytes: integerFrom(1),
    maxAttributeBytes: integerFrom(1),
  },
  retry: {
    maxElapsedMillis: integerFrom(0, MAX_MILLIS),
    maxAttempts: integerFrom(1),
  },
  exit: {
    drainMillis: integerFrom(0, MAX_MILLIS),
    blockMillis: integerFrom(0, MAX_MILLIS),
    signals: signalNames,
  },
};

const EXIT_DEFAULTS = { drainMillis: 2000, blockMillis: 500, signals: [] };

function show(value) {
  return typeof value === 'string' || typeof value === 'number' || value === null ? `'${value}'` : typeof value;
}

function invalid(name, expected, actual) {
  return new Error(`Configuration: ${name} is invalid, expected ${expected} (actual: ${show(actual)})`);
}

function checkOption(name, value, rule) {
  if (value == null) return undefined;
  if (!rule.accepts(value)) throw invalid(name, rule.expected, value);
  return Array.isArray(value) ? Object.freeze([...value]) : value;
}

function checkSection(name, given) {
  const result = {};
  if (given != null && typeof given !== 'object') throw invalid(name, 'object', given);
  for (const [option, rule] of Object.entries(SECTIONS[name])) {
    result[option] = checkOption(`${name}.${option}`, given?.[option], rule);
  }
  for (const option of Object.keys(given ?? {})) {
    if (!Object.hasOwn(SECTIONS[name], option)) {
      diag.warn(`Configuration: ${name}.${option} is unknown and will be ignored`);
    }
  }
  return result;
}

/** Our own options, validated and frozen; undefined where the core's default holds. */
function resolveLimits(userConfig) {
  const exit = checkSection('exit', userConfig.exit);
  for (const [option, value] of Object.entries(EXIT_DEFAULTS)) exit[option] ??= Object.freeze(value);
  if (userConfig.onError != null && typeof userConfig.onError !== 'function') {
    throw invalid('onError', 'function', userConfig.onError);
  }
  return {
    queue: Object.freeze(checkSection('queue', userConfig.queue)),
    limits: Object.freeze(checkSection('limits', userConfig.limits)),
    retry: Object.freeze(checkSection('retry', userConfig.retry)),
    exit: Object.freeze(exit),
    maxConcurrency: checkOption('maxConcurrency', userConfig.maxConcurrency, integerFrom(1, 64)),
    onError: userConfig.onError ?? undefined,
  };
}

module.exports = { checkOption, oneOf, resolveLimits };
