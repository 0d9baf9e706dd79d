'use strict';
// Owns what an error of an export says beside its text: whether an adapter's own health already shows it, so that the sum
// that the sampler builds counts it once, and whether it is that of an adapter that does not answer.
// Refuses to keep errors alive.

const reported = new WeakSet();
const silent = new WeakSet();

function markReported(error) {
  reported.add(error);
  return error;
}

function isReported(error) {
  return reported.has(error);
}

/** The error of something that has not answered within `millis`. */
function unanswered(what, millis) {
  const error = new Error(`Timeout: ${what} has not answered within ${millis} ms`);
  silent.add(error);
  return error;
}

function isUnanswered(error) {
  return silent.has(error);
}

module.exports = { isReported, isUnanswered, markReported, unanswered };
