'use strict';
// Owns the diag lines with which the stock exporter reports how its retries ended; people search for them.
// It refuses to know the schedule: native threads have decided it, and what is said here follows from the outcome.

const { diag } = require('./diag.js');

const MAX_RETRIES = 5;
const INITIAL_BACKOFF_MILLIS = 1000;
const MAX_BACKOFF_MILLIS = 5000;
const BACKOFF_MULTIPLIER = 1.5;

/** The longest wait before the retry that follows attempt number `attempts`. */
function nextBackoffMillis(attempts) {
  return Math.min(INITIAL_BACKOFF_MILLIS * BACKOFF_MULTIPLIER ** (attempts - 1), MAX_BACKOFF_MILLIS);
}

/**
 * @param {object} outcome
 * @param {number} outcome.attempts requests made; nothing is said about an export that made none
 * @param {string} [outcome.reason] drop reason of a failed export
 * @param {unknown} [outcome.error] its error
 * @param {boolean} [outcome.thrown] the error was thrown before a request existed (a header, an agent, a function)
 * @param {number} outcome.remainingMillis what is left of the export's time
 */
function logRetryOutcome({ attempts, reason, error, thrown, remainingMillis }) {
  if (attempts === 0 || thrown) return;
  if (reason === undefined) {
    diag.verbose(`Export succeeded after ${attempts - 1} retry attempts.`);
  } else if (reason === 'non_retryable') {
    diag.info(`Export failed with non-retryable error: ${error}`);
  } else if (reason === 'retries_exhausted' && attempts > MAX_RETRIES) {
    diag.info(`Export failed after maximum retry attempts (${attempts - 1}).`);
  } else if (reason === 'retries_exhausted') {
    const wait = Math.round(nextBackoffMillis(attempts));
    const remaining = Math.round(remainingMillis);
    diag.info(`Export retry time ${wait}ms exceeds remaining timeout ${remaining}ms, not retrying further.`);
  }
}

module.exports = { logRetryOutcome };
