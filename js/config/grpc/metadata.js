'use strict';
// Owns which metadata goes out with a request and in what precedence: code first, then what the environment has for keys
// that code has not.
// It refuses to freeze anything: what code gives is read again for each attempt, so that a token may change.

const { diag } = require('../../otel/diag.js');
const { isSendable, toWire, validate } = require('./metadata_values.js');

/**
 * Where the metadata of an attempt comes from, in the form of `createHeaderSource` (../headers.js): entries of name and
 * value in their order, values as they go on the wire.
 *
 * @param {object} sources
 * @param {boolean} sources.isGiven whether code gives any; without it nothing ever changes
 * @param {() => unknown} sources.metadata an object of @grpc/grpc-js, a plain object, a function that answers one or a
 *   promise of one
 * @param {() => unknown} sources.headers the same in second place
 * @param {Map<string, string>} sources.environment entries by key
 * @param {{ generate: () => Promise<object> } | null} sources.callCredentials metadata of composed credentials
 */
function createMetadataSource({ isGiven, metadata, headers, environment, callCredentials }) {
  const merge = (...given) => {
    const byKey = new Map();
    for (const each of given) addMissing(byKey, entriesOf(each));
    addMissing(byKey, environment);
    return [...byKey];
  };
  if (!isGiven && callCredentials === null) {
    return Object.freeze({ kind: 'static', entries: freezeEntries([...environment]) });
  }
  if (callCredentials !== null || isCode(metadata()) || isCode(headers())) {
    const read = async () => {
      const given = [await ask(metadata()), await ask(headers())];
      const entries = merge(...given);
      // These come in addition, whatever the others are called.
      if (callCredentials !== null) entries.push(...allEntriesOf(await callCredentials.generate()));
      return freezeEntries(entries);
    };
    return Object.freeze({ kind: 'async', read });
  }
  let last = freezeEntries([]);
  const read = () => {
    const entries = merge(metadata(), headers());
    if (!isSame(entries, last)) last = freezeEntries(entries);
    return last;
  };
  return Object.freeze({ kind: 'live', read });
}

function isCode(given) {
  if (typeof given === 'function') return true;
  try {
    return typeof given?.then === 'function';
  } catch {
    return false; // whoever reads it finds out
  }
}

function ask(given) {
  return typeof given === 'function' ? given() : given;
}

function addMissing(byKey, entries) {
  for (const [key, value] of entries) if (!byKey.has(key)) byKey.set(key, value);
}

/** The first value of each key. */
function entriesOf(given) {
  if (given == null) return [];
  const values = typeof given.getMap === 'function' ? given.getMap() : given;
  const entries = [];
  for (const [name, value] of Object.entries(values)) {
    const first = Array.isArray(value) ? value[0] : value;
    if (first === undefined) diag.warn(`Metadata "${name}" has invalid value (${first}) and will be ignored`);
    else addEntry(entries, name, first);
  }
  return entries;
}

/** Every value of each key, of an object of @grpc/grpc-js. */
function allEntriesOf(metadata) {
  const entries = [];
  for (const name of Object.keys(metadata.getMap()))
    for (const value of metadata.get(name)) addEntry(entries, name, value);
  return entries;
}

function addEntry(entries, name, value) {
  const key = name.toLowerCase();
  const plain = value instanceof Uint8Array ? value : String(value);
  validate(key, plain);
  if (isSendable(key)) entries.push([key, toWire(plain)]);
}

function isSame(left, right) {
  return (
    left.length === right.length && left.every(([name, value], i) => name === right[i][0] && value === right[i][1])
  );
}

function freezeEntries(entries) {
  for (const entry of entries) Object.freeze(entry);
  return Object.freeze(entries);
}

module.exports = { createMetadataSource };
