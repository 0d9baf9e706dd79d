'use strict';
// Owns the diag lines with which the stock exporter reports how an export ended; people search for them.
// It refuses to know the schedule: lines about waits come from the native dispatcher, which decides them.

const { diag } = require('../otel/diag.js');
const { textOfError } = require('../node_http/network_facts.js');
const { shown } = require('../guards/shown.js');

/**
 * @param {object} outcome
 * @param {number} outcome.attempts requests made; nothing is said about an export that made none
 * @param {string} [outcome.reason] drop reason of a failed export
 * @param {unknown} [outcome.error] its error
 * @param {boolean} [outcome.thrown] the error was thrown before a request existed (a header, an agent, a function)
 */
function logRetryOutcome({ attempts, reason, error, thrown }) {
  if (attempts === 0 || thrown) return;
  if (reason === undefined) {
    diag.verbose(`Export succeeded after ${attempts - 1} retry attempts.`);
  } else if (reason === 'non_retryable') {
    diag.info(`Export failed with non-retryable error: ${textOf(error)}`);
  }
}

function textOf(error) {
  try {
    return shown(String(error));
  } catch {
    return textOfError(error);
  }
}

module.exports = { logRetryOutcome };
