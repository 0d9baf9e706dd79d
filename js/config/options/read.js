'use strict';
// Owns reading options by the table: from an object in code, from a variable, and from the argument of a call.
// Refuses to correct what is invalid: in code that is an error which names the option, the value and what is
// expected; in a variable it is told through diag, and the default holds.

const { inspect } = require('node:util');
const { isNativeError } = require('node:util/types');
const { diag } = require('../../otel/diag.js');
const { isOutOfStack } = require('../../guards/unwinding.js');
const { contained, ignore } = require('../../guards/user_code.js');
const { INVALID } = require('./kinds.js');
const { isOfNoClass, namesAboutIn, unknownIn } = require('./names.js');
const { OPTIONS, VARIABLES } = require('./table.js');

const MAX_SHOWN_UNITS = 100;
const MAX_SHOWN_ITEMS = 8;
const CODE = 'ERR_OFFLOOP_CONFIG';

/**
 * Calls `read()`, which reads options. What it throws says by its code that the configuration is wrong. Class and message
 * stay as they are: those of the stock exporter are searched for. A code that a getter of the application's has given its
 * error stays, too.
 */
function configured(read) {
  try {
    return read();
  } catch (error) {
    contained(ignore, mark, error);
    throw error;
  }
}

function mark(error) {
  if (isNativeError(error) && !isOutOfStack(error) && error.code === undefined) error.code = CODE;
}

/** A value as an error may show it, without running code of it. */
function show(value) {
  if (typeof value === 'string') return `'${value.slice(0, MAX_SHOWN_UNITS)}'`;
  if (typeof value === 'number' || value === null) return `'${value}'`;
  if (typeof value === 'bigint') return `'${String(value).slice(0, MAX_SHOWN_UNITS)}n'`;
  if (typeof value === 'boolean') return `${value}`;
  return isArray(value) ? 'array' : typeof value;
}

/** The same as the stock exporter writes it into its errors, where that can be done at all. */
function textOf(value) {
  try {
    return String(value);
  } catch {
    return typeof value;
  }
}

function showList(values) {
  return `[${Array.from({ length: Math.min(values.length, MAX_SHOWN_ITEMS) }, (_, n) => show(values[n])).join(', ')}]`;
}

function invalid(name, expected, actual) {
  let shown = show(actual);
  try {
    if (Array.isArray(actual)) shown = showList(actual);
  } catch {
    // A getter of the application's: the word `array` will do.
  }
  return new Error(`Configuration: ${name} is invalid, expected ${expected} (actual: ${shown})`);
}

/** @throws {Error} naming the option */
function readOption(name, { kind, fallback }, value) {
  if (value == null) return fallback;
  let meant;
  try {
    meant = kind.read(value);
  } catch {
    meant = INVALID; // a getter or a proxy of the application's
  }
  if (meant === INVALID) throw invalid(name, kind.expected, kind.show(value));
  return meant;
}

/**
 * The values of `rows` in `given`; `a.b` is member `b` of section `a`, and sections are frozen.
 * @throws {Error} naming the first option that is invalid
 */
function readOptions(rows, given) {
  const result = {};
  const sections = new Map();
  for (const [name, row] of Object.entries(rows)) {
    const [first, second] = name.split('.');
    if (second === undefined) {
      result[first] = readOption(name, row, readMember(given, first, name, row.kind.expected));
      continue;
    }
    if (!sections.has(first)) {
      sections.set(first, openSection(first, readMember(given, first, first, 'object')));
      result[first] = {};
    }
    result[first][second] = readOption(name, row, readMember(sections.get(first), second, name, row.kind.expected));
  }
  for (const [section, values] of sections) {
    Object.freeze(result[section]);
    const names = readable(section, 'object', () => Object.keys(values));
    const unknown = names.filter((option) => !Object.hasOwn(result[section], option));
    if (unknown.length === 0) continue;
    const about = { section: `${section}.`, hasRules: hasRules(rows) };
    const stray = contained(ignore, strayIn, unknown, values, about);
    if (typeof stray === 'string') throw new Error(stray);
    contained(ignore, () => wordsOfUnknown().tellUnknownOptions(unknown, rows, `${section}.`));
  }
  return result;
}

/** Loaded where somebody has misspelt something. */
const wordsOfUnknown = () => require('./unknown.js');

/**
 * Tells of options that do not exist. An instance of a class has members of its own, which are no options.
 * @param {object} rows of the table  @param {unknown} given as the user gave it  @param {string[]} [also] that are known
 */
function tellUnknown(rows, given, also = []) {
  contained(ignore, () => {
    const unknown = unknownIn(rows, given, also);
    if (unknown.length > 0) wordsOfUnknown().tellUnknownOptions(unknown, rows);
  });
}

/**
 * For options before they are read: what does not exist and looks like rules of `process` would be asked for and not done.
 * @param {boolean} isOfClass whether an instance of the class itself is made, and not of a subclass, which may have options of its own
 * @throws {Error} naming the option
 */
function refuseStrays(rows, given, isOfClass, also = []) {
  const stray = contained(ignore, () => {
    const names = namesAboutIn(rows, given, also);
    const mayHaveOwn = !isOfClass || !isOfNoClass(given);
    return names.length === 0 ? null : strayIn(names, given, { hasRules: hasRules(rows), mayHaveOwn });
  });
  if (typeof stray === 'string') throw new Error(stray);
}

/**
 * For the arguments of a constructor behind those that it reads. Other libraries take rules there.
 * @param {number} read how many it reads
 * @throws {Error} naming the argument
 */
function refuseStrayArguments(rows, others, read) {
  const stray = contained(ignore, () => {
    const given = Object.fromEntries(others.map((value, nth) => [`argument ${read + nth + 1}`, value]));
    return strayIn(Object.keys(given), given, { hasRules: hasRules(rows) });
  });
  if (others.length > 0 && typeof stray === 'string') throw new Error(stray);
}

const hasRules = (rows) => Object.hasOwn(rows, 'process');
const strayIn = (...args) => require('./strays.js').strayIn(...args);

/** Whether a constructor makes an instance of `Class` itself, and not of a subclass, which may have options of its own. */
function isItself(newTarget, Class) {
  try {
    return newTarget.prototype.constructor === Class;
  } catch {
    return false; // a Proxy of the application's
  }
}

/** What `read()` gives; code of the application's may throw there. */
function readable(name, expected, read) {
  try {
    return read();
  } catch (cause) {
    const message = `Configuration: ${name} is invalid, expected ${expected} (actual: cannot be read)`;
    throw new Error(message, { cause });
  }
}

function readMember(given, member, name, expected) {
  return readable(name, expected, () => memberOf(given, member));
}

/** An option of the application's object or of its class, and not what something has given to every object there is. */
function memberOf(given, name) {
  if (!Object.hasOwn(Object.prototype, name)) return given[name];
  for (let owner = given; owner != null && owner !== Object.prototype; owner = Object.getPrototypeOf(owner))
    if (Object.hasOwn(owner, name)) return given[name];
  return undefined;
}

function openSection(name, values) {
  if (values == null) return {};
  if (typeof values === 'object' && !isArray(values)) return values;
  throw invalid(name, 'object', values);
}

/** A Proxy that was revoked is none. */
function isArray(value) {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}

/**
 * The argument of a call that the SDK's interface has without one: what is no object is ignored, as the stock exporter
 * does, because such calls are used as listeners and in chains that pass other things.
 * @throws {Error} naming the option
 */
function readCallOptions(rows, given) {
  const isObject = typeof given === 'object' && given !== null;
  const result = {};
  configured(() => {
    for (const [name, row] of Object.entries(rows))
      result[name] = readOption(name, row, isObject ? memberOf(given, name) : undefined);
  });
  contained(ignore, () => {
    const unknown = unknownIn(rows, given);
    if (unknown.length > 0) wordsOfUnknown().tellUnknownOfCall(unknown, rows);
  });
  return result;
}

/** The value of an option that the environment holds as text; undefined where it holds none that can be meant. */
function readVariable(variable) {
  const text = process.env[variable];
  if (text === undefined || text.trim() === '') return undefined;
  const [group, option] = VARIABLES[variable];
  const { kind } = OPTIONS[group][option];
  const value = Number(text);
  const isNumber = !Number.isNaN(value);
  const meant = isNumber ? kind.read(value) : INVALID;
  if (meant !== INVALID) return meant;
  const expected = isNumber ? kind.expected : 'number';
  diag.warn(`Unknown value ${inspect(text)} for ${variable}, expected a ${expected}, using defaults`);
  return undefined;
}

module.exports = {
  configured,
  invalid,
  isItself,
  readCallOptions,
  readMember,
  readOption,
  readOptions,
  readVariable,
  refuseStrayArguments,
  refuseStrays,
  tellUnknown,
  textOf,
};
