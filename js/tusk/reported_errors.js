'use strict';
// Owns which failures an adapter's own health already shows, so that the sum that the sampler builds counts them once.
// Refuses to keep errors alive.

const reported = new WeakSet();

function markReported(error) {
  reported.add(error);
  return error;
}

function isReported(error) {
  return reported.has(error);
}

module.exports = { isReported, markReported };
