'use strict';

const assert = require('node:assert/strict');

const DROP_REASONS = [
  'queue_full',
  'bytes_full',
  'too_large',
  'invalid',
  'retries_exhausted',
  'non_retryable',
  'shutdown_deadline',
  'after_shutdown',
  'environment_gone',
  'internal_error',
];

function sum(counts) {
  return Object.values(counts).reduce((a, b) => a + b, 0);
}

/** `offered` is accepted or refused; `accepted` is delivered, rejected, filtered, dropped or pending (R24, P56). */
function assertConserved(stats) {
  for (const reason of [...Object.keys(stats.refused), ...Object.keys(stats.dropped)]) {
    assert.ok(DROP_REASONS.includes(reason), `unknown reason ${reason}`);
  }
  assert.equal(stats.offered, stats.accepted + sum(stats.refused), `offered: ${JSON.stringify(stats)}`);
  const settled = stats.delivered + stats.rejected + (stats.filtered ?? 0) + sum(stats.dropped) + stats.pending;
  assert.equal(stats.accepted, settled, `accepted: ${JSON.stringify(stats)}`);
}

/** Conserved, and nothing is left to settle. */
function assertSettled(stats) {
  assertConserved(stats);
  assert.equal(stats.pending, 0);
  assert.equal(stats.pendingBytes, 0);
  assert.equal(stats.inFlight, 0);
}

/** The counts of one outcome account for all its spans. */
function assertOutcome(outcome, spans) {
  const { delivered, rejected, filtered = 0, dropped } = outcome;
  assert.equal(delivered + rejected + filtered + sum(dropped), spans, JSON.stringify(outcome));
}

module.exports = { assertConserved, assertSettled, assertOutcome, sum };
