'use strict';
// Owns how long adapters may take: ours by their schedules, those of others as long as an export to the backend.
// Refuses to cancel: what an adapter does after its time is its own.

const { settledWithin } = require('../native/deadlines.js');
const { unanswered } = require('./reported_errors.js');

const MAX_ATTEMPTS = 3;
const RETRY_WAITS_MILLIS = 1500; // before the second and the third attempt together
const MAX_RETRY_AFTER_MILLIS = 30000; // each of two, as in src/recorder/api_verdict.rs
const WRITE_TIMEOUT_MILLIS = 30000;
const WRITE_MILLIS = WRITE_TIMEOUT_MILLIS + 1000; // with the way back of the answer

/** How long an export to the backend may take with all its attempts. */
function exportMillisOf(attemptMillis, honorRetryAfter) {
  return MAX_ATTEMPTS * attemptMillis + (honorRetryAfter ? 2 * MAX_RETRY_AFTER_MILLIS : RETRY_WAITS_MILLIS);
}

/** An adapter that throws has failed like one that rejects. */
async function started(adapter, cleanSpans) {
  return adapter.exportSpans(cleanSpans);
}

/** As `Promise.allSettled` tells it; an adapter that has not answered after `millis` has failed. Holds no process. */
async function answered(adapter, cleanSpans, millis) {
  let answer = null;
  const accept = (value) => {
    answer = { status: 'fulfilled', value };
  };
  const fail = (reason) => {
    answer = { status: 'rejected', reason };
  };
  await settledWithin(started(adapter, cleanSpans).then(accept), millis, fail);
  return answer ?? { status: 'rejected', reason: unanswered('an adapter', millis) };
}

module.exports = { answered, exportMillisOf, WRITE_MILLIS, WRITE_TIMEOUT_MILLIS };
