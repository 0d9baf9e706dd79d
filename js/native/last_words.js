'use strict';
// Owns what is said of spans that the end of the process costs: how many, for which endpoint, why.
// Refuses to end anything, and to say anything where nothing is lost.

const { contained, ignore } = require('../guards/user_code.js');

const MOST_ENDPOINTS = 8;

/** What all exporters of the process owe, by lane: several members may share one native library. */
function owingOf(members) {
  const owing = new Map();
  for (const member of members) {
    const lanes = contained(ignore, () => member.owing?.()) ?? []; // a copy of an earlier version has none
    for (const each of lanes) owing.set(each.lane, each);
  }
  return owing;
}

/**
 * Null: nothing is lost.
 * @param {Map} before what was owed when the end began  @param {Map} owing what is owed now  @param {number} millis how long was waited
 */
function lossOf(before, owing, millis) {
  const spans = new Map();
  const reasons = new Map();
  for (const { lane, endpoint, pending, dropped, trouble } of owing.values()) {
    const lost = pending + Math.max(0, dropped - (before.get(lane)?.dropped ?? 0));
    if (lost > 0) spans.set(endpoint, (spans.get(endpoint) ?? 0) + lost);
    if (trouble != null) reasons.set(endpoint, trouble);
  }
  if (spans.size === 0) return null;
  const late = `not delivered within ${millis} ms`;
  const parts = [...spans].map(([endpoint, lost]) => `${lost} for ${endpoint} (${reasons.get(endpoint) ?? late})`);
  const more = parts.length - MOST_ENDPOINTS;
  const rest = more > 0 ? `, and more for ${more} other endpoints` : '';
  return parts.slice(0, MOST_ENDPOINTS).join(', ') + rest;
}

module.exports = { lossOf, owingOf };
