'use strict';
// Owns the words for an option that does not exist: it has no effect, and who misspelt one would not know.
// Refuses to read its value.

const { diag } = require('../../otel/diag.js');
const { editsBetween } = require('./edits.js');

const MOST_TOLD = 8;
const MOST_UNITS = 64;
const SHORT = 4; // a name of so few letters is near to too many others
const MIN_BEGINNING = 3;

// What other exporters, and the stock ones in earlier versions, call it.
const ELSEWHERE = { endpoint: 'url', hostname: 'url' };

const toldOfCalls = new Set();

/** @param {string[]} unknown names  @param {object} rows of the table  @param {string} section with its dot, or nothing */
function tellUnknownOptions(unknown, rows, section = '') {
  for (const name of unknown.slice(0, MOST_TOLD)) {
    const near = nearest(name, rows);
    diag.warn(near === null ? line(section + shownName(name)) : lineWith(section + shownName(name), near));
  }
  const more = unknown.length - MOST_TOLD;
  if (more > 0) diag.warn(`Configuration: ${more} more options are unknown and will be ignored`);
}

/**
 * The same for the argument of a call, which may be anything that a chain of promises passes on: only what was surely meant
 * as an option is told, and once, because such a call comes again and again.
 */
function tellUnknownOfCall(unknown, rows) {
  for (const name of unknown.slice(0, MOST_TOLD)) {
    if (name.length <= SHORT || toldOfCalls.has(name) || toldOfCalls.size === MOST_TOLD) continue;
    const near = nearest(name, rows);
    if (near === null) continue;
    toldOfCalls.add(name);
    diag.warn(lineWith(shownName(name), near));
  }
}

function line(name) {
  return `Configuration: ${name} is unknown and will be ignored`;
}

function lineWith(name, near) {
  return `${line(name)}, did you mean '${near}'?`;
}

/** A name may have any length and any characters. */
function shownName(name) {
  return name.slice(0, MOST_UNITS).replace(/\p{Cc}/gu, '?');
}

/** The one option that was probably meant, also by a name without its section, or null. */
function nearest(name, rows) {
  if (name.length > MOST_UNITS) return null;
  if (Object.hasOwn(ELSEWHERE, name) && Object.hasOwn(rows, ELSEWHERE[name])) return ELSEWHERE[name];
  const wanted = name.toLowerCase();
  let least = wanted.length > SHORT ? 2 : 1;
  let found = [];
  for (const [known, last] of lastWords(rows)) {
    const distance = editsBetween(wanted, last);
    if (distance > least) continue;
    found = distance < least ? [known] : [...found, known];
    least = distance;
  }
  if (found.length === 0 && wanted.length >= MIN_BEGINNING)
    found = lastWords(rows).flatMap(([known, last]) => (last.startsWith(wanted) ? [known] : []));
  return found.length === 1 ? found[0] : null;
}

/** Options and sections, each with its last word in small letters. */
function lastWords(rows) {
  const names = Object.keys(rows);
  const all = new Set([...names, ...names.map((name) => name.split('.')[0])]);
  return [...all].map((name) => [name, name.slice(name.indexOf('.') + 1).toLowerCase()]);
}

module.exports = { tellUnknownOfCall, tellUnknownOptions };
