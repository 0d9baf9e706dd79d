'use strict';
// Owns reading rules out of what a user wrote: each member once, and an error that names the path of whatever is wrong.
// Refuses to show a value: a rule may hold what it is there to hide.

const UNPAIRED = /\p{Surrogate}/u;
const SHOWN_UNITS = 64;

/** @throws {Error} always */
function wrong(path, expected, actual) {
  throw new Error(`Configuration: ${path} is invalid, expected ${expected} (actual: ${kindOf(actual)})`);
}

/** What is no error of the user's, but nothing that exists yet. */
function unsupported(path, instead) {
  throw new Error(`Configuration: ${path} is not supported yet, ${instead}`);
}

function kindOf(value) {
  if (value === null || value === undefined) return 'nothing';
  if (isList(value)) return value.length === 0 ? 'an empty list' : 'a list';
  return (
    { string: value === '' ? 'an empty text' : 'a text', object: 'an object' }[typeof value] ?? `a ${typeof value}`
  );
}

function isList(value) {
  try {
    return Array.isArray(value);
  } catch {
    return false; // a Proxy that was revoked
  }
}

/** Reads what code of the application's may be behind. */
function reading(path, read) {
  try {
    return read();
  } catch (cause) {
    throw new Error(`Configuration: ${path} is invalid, expected values (actual: cannot be read)`, { cause });
  }
}

/** The members of an object, read once. What is null or undefined is absent. */
function members(path, value, known) {
  if (typeof value !== 'object' || value === null || isList(value)) wrong(path, 'an object', value);
  const entries = reading(path, () => Object.entries(value)).filter(([, member]) => member != null);
  for (const [name] of entries) {
    if (known === undefined || known.includes(name)) continue;
    const shown = name.slice(0, SHOWN_UNITS).replace(/\p{Cc}/gu, '?');
    const expected = known.join(', ');
    throw new Error(`Configuration: ${path}.${shown} is invalid, expected ${expected} (actual: an unknown member)`);
  }
  return new Map(entries);
}

function list(path, value, item, expected = 'a list') {
  if (!isList(value) || value.length === 0) wrong(path, `${expected} that is not empty`, value);
  return reading(path, () => Array.from(value)).map((each, index) => item(`${path}[${index}]`, each));
}

function text(path, value) {
  if (typeof value !== 'string' || value === '') wrong(path, 'a text', value);
  if (UNPAIRED.test(value)) wrong(path, 'a text without half surrogate pairs', value);
  return value;
}

const texts = (path, value) => list(path, value, text, 'a list of texts');

const textOrTexts = (path, value) => (isList(value) ? texts(path, value) : [text(path, value)]);

function oneOf(path, value, words) {
  if (!words.includes(value)) wrong(path, words.map((word) => `'${word}'`).join(', '), value);
  return value;
}

const someOf = (path, value, words) => list(path, value, (at, each) => oneOf(at, each, words));

function boolean(path, value) {
  if (typeof value !== 'boolean') wrong(path, 'a boolean', value);
  return value;
}

function number(path, value) {
  if (typeof value !== 'number' || Number.isNaN(value)) wrong(path, 'a number', value);
  return value;
}

/** A value of an attribute. */
function simple(path, value) {
  if (typeof value === 'string') return { type: 'text', value: value === '' ? '' : text(path, value) };
  if (typeof value === 'number') return { type: 'number', value: number(path, value) };
  if (typeof value === 'boolean') return { type: 'boolean', value };
  return wrong(path, 'a text, a number or a boolean', value);
}

module.exports = {
  boolean,
  isList,
  list,
  members,
  number,
  oneOf,
  simple,
  someOf,
  text,
  textOrTexts,
  texts,
  unsupported,
  wrong,
};
