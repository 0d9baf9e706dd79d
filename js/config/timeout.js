'use strict';
// Owns the deadline of an export: which of option, variable and default holds, and what is an error.

const { textOf } = require('./options/read.js');

const DEFAULT_TIMEOUT_MILLIS = 10000;

/** @throws {Error} the stock exporter's, if the option is no finite number above 0 */
function chooseTimeoutMillis(option, ofEnvironment) {
  const timeoutMillis = option ?? ofEnvironment ?? DEFAULT_TIMEOUT_MILLIS;
  if (Number.isFinite(timeoutMillis) && timeoutMillis > 0) return timeoutMillis;
  throw new Error(
    `Configuration: timeoutMillis is invalid, expected number greater than 0 (actual: '${textOf(timeoutMillis)}')`,
  );
}

module.exports = { chooseTimeoutMillis };
