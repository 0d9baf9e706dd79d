'use strict';
// Owns reading rules out of what a user wrote: each member once, and an error that names the path of whatever is wrong.
// Refuses to show a value: a rule may hold what it is there to hide.

const UNPAIRED = /\p{Surrogate}/u;
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;
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
  if (isList(value)) return isEmpty(value) ? 'an empty list' : 'a list';
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

function isEmpty(list) {
  try {
    return list.length === 0;
  } catch {
    return false;
  }
}

/** The beginning of a name, on one line and without what a terminal obeys. */
function shown(name) {
  return name.slice(0, SHOWN_UNITS).replace(UNPRINTABLE, '?');
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
  const { entries, isPlain } = reading(path, () => ({
    entries: entriesOf(value, known),
    isPlain: isPlainObject(value),
  }));
  for (const [name] of entries) {
    if (known === undefined || known.includes(name)) continue;
    const expected = known.join(', ');
    throw new Error(
      `Configuration: ${path}.${shown(name)} is invalid, expected ${expected} (actual: an unknown member)`,
    );
  }
  // A promise of rules or a Map of them would ask for nothing.
  if (entries.length === 0 && !isPlain) wrong(path, 'a plain object', value);
  return new Map(entries);
}

/** Its own members, and what an instance of a class has of the known ones in its prototype. */
function entriesOf(value, known = []) {
  const own = Object.entries(value);
  const names = new Set(own.map(([name]) => name));
  const inherited = known.filter((name) => !names.has(name)).map((name) => [name, value[name]]);
  return [...own, ...inherited.filter(([name, member]) => member !== Object.prototype[name])].filter(
    ([, member]) => member != null,
  );
}

function isPlainObject(value) {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null; // of another realm, too
}

function list(path, value, item, expected = 'a list') {
  const items = isList(value) ? reading(path, () => Array.from(value)) : [];
  if (items.length === 0) wrong(path, `${expected} that is not empty`, value);
  return items.map((each, index) => item(`${path}[${index}]`, each));
}

function text(path, value) {
  if (typeof value !== 'string' || value === '') wrong(path, 'a text', value);
  if (UNPAIRED.test(value)) wrong(path, 'a text without half surrogate pairs', value);
  return value;
}

/** What lines of the log and keys of `stats()` call a rule. */
function name(path, value) {
  if (text(path, value).search(UNPRINTABLE) >= 0)
    wrong(path, 'a text without line breaks and control characters', value);
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
  name,
  number,
  oneOf,
  reading,
  shown,
  simple,
  someOf,
  text,
  textOrTexts,
  texts,
  unsupported,
  wrong,
};
