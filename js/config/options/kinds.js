'use strict';
// Owns how a value of the user becomes the value of an option: which values are taken, what they mean, and the words for
// the rest. Refuses to run code of the value: nothing here calls `valueOf` or `toString` of an object.

const { constants } = require('node:os');

/** What `read` answers for a value that is invalid. */
const INVALID = Symbol('invalid');

// Nobody can listen to these two.
const DEAF_SIGNALS = new Set(['SIGKILL', 'SIGSTOP']);
const MAX_SIGNALS = 64; // more than any system has

/**
 * A kind has `type`, `range` and `expected` as words, and `read(value)`, which answers what the value means or INVALID.
 * `null` and `undefined` never come here: they mean that the option is absent. `show(value)` is what an error may have of a
 * value that is invalid.
 */
function kind(type, expected, read, range = '') {
  return Object.freeze({ type, expected, read, range, show: same });
}

function same(value) {
  return value;
}

/** A whole number. One over `cap` means `cap`; one outside of `min` to `max` is refused. */
function integer(min, { max = Infinity, cap = Number.MAX_SAFE_INTEGER } = {}) {
  const isBounded = max !== Infinity;
  const read = (value) => (Number.isInteger(value) && value >= min && value <= max ? Math.min(value, cap) : INVALID);
  const expected = isBounded ? `integer between ${min} and ${max}` : `integer of at least ${min}`;
  return kind('integer', expected, read, isBounded ? `${min} to ${max}` : `at least ${min}`);
}

/** A number, fractions included. */
function number(min, max) {
  const read = (value) => (typeof value === 'number' && value >= min && value <= max ? value : INVALID);
  return kind('number', `number between ${min} and ${max}`, read, `${min} to ${max}`);
}

/**
 * A number as the SDK takes it, which compares and computes with whatever it is given: also as text or as a BigInt. What
 * is under `floor` means `floor`, what is over `cap` means `cap`. What is under `min`, or no number, would make the SDK
 * lose spans or spin: it is refused.
 */
function quantity({
  min = -Infinity,
  floor = -Infinity,
  cap = Number.MAX_SAFE_INTEGER,
  round = (value) => value,
} = {}) {
  const read = (value) => {
    const parsed = numberOf(value);
    return parsed >= min ? round(Math.min(Math.max(parsed, floor), cap)) : INVALID;
  };
  const isBounded = min !== -Infinity;
  return kind('number', isBounded ? `number of at least ${min}` : 'number', read, isBounded ? `at least ${min}` : '');
}

/** NaN for what is neither a number nor the text of one. */
function numberOf(value) {
  if (typeof value === 'number') return value;
  const isText = typeof value === 'string' && value.trim() !== '';
  return isText || typeof value === 'bigint' ? Number(value) : Number.NaN;
}

function oneOf(...values) {
  const words = values.map((value) => `'${value}'`);
  return kind('text', words.join(' or '), (value) => (values.includes(value) ? value : INVALID), words.join(', '));
}

const boolean = kind('boolean', 'boolean', (value) => (typeof value === 'boolean' ? value : INVALID));

const func = kind('function', 'function', (value) => (typeof value === 'function' ? value : INVALID));

// No system has a file with a zero byte in its name.
const path = kind('text', 'a path', (value) => {
  return typeof value === 'string' && value !== '' && !value.includes('\0') ? value : INVALID;
});

/** A text; numbers and booleans are written as one, as a header or a protobuf field would have them. */
const text = kind('text', 'text', (value) => {
  return ['string', 'number', 'bigint', 'boolean'].includes(typeof value) ? String(value) : INVALID;
});

function withMethods(...names) {
  const isOne = (value) => value !== null && ['object', 'function'].includes(typeof value);
  const read = (value) => (isOne(value) && names.every((name) => typeof value[name] === 'function') ? value : INVALID);
  const methods = names.length === 1 ? `the method ${names[0]}` : `the methods ${names.join(' and ')}`;
  return kind('object', `object with ${methods}`, read);
}

/** As the SDK asks for it: whatever counts as false is none. */
const meterProvider = (() => {
  const { expected, read } = withMethods('getMeter');
  return kind('object', expected, (value) => (value ? read(value) : undefined));
})();

// `in` and not a look: the SDK logs an error when the attributes of a resource are read that is still being detected.
const resource = kind('object', 'object with attributes', (value) => {
  return typeof value === 'object' && 'attributes' in value ? value : INVALID;
});

const signals = kind('list of texts', 'array of names of signals that a process can listen to', (value) => {
  if (!Array.isArray(value) || value.length > MAX_SIGNALS) return INVALID;
  const names = [...value]; // later changes of the array must not reach us
  const isSignal = (name) => typeof name === 'string' && Object.hasOwn(constants.signals, name);
  return names.every((name) => isSignal(name) && !DEAF_SIGNALS.has(name)) ? Object.freeze(names) : INVALID;
});

/** A limit as the stock exporter compares it: what is no number is no limit. */
const comparable = kind('number', 'number', (value) => {
  return ['string', 'number', 'bigint', 'boolean'].includes(typeof value) ? Number(value) : INVALID;
});

/** A text that may be empty or another false value, which is none; `true` is ours. */
const userAgent = kind('text or true', 'text or true', (value) => {
  if (value === true) return true;
  return value ? text.read(value) : undefined;
});

/** `'env'`, the URL of a proxy, or nothing, which is none. It may hold credentials. */
const proxy = Object.freeze({
  ...kind('text', "'env' or a URL that begins with http:// or https://", readProxy, "'env', a URL"),
  show: (value) => (typeof value === 'string' ? require('../url.js').maskCredentials(value) : value),
});

function readProxy(value) {
  if (value === '' || value === 'env') return value;
  return typeof value === 'string' && /^https?:\/\//i.test(value) && URL.canParse(value) ? value : INVALID;
}

/** An option of the stock exporter whose meaning, errors included, is decided where it is read, as stock decides it. */
function asStock(type, range = '') {
  return kind(type, type, (value) => value, range);
}

module.exports = {
  asStock,
  boolean,
  comparable,
  func,
  integer,
  INVALID,
  meterProvider,
  number,
  oneOf,
  path,
  proxy,
  quantity,
  resource,
  signals,
  text,
  userAgent,
  withMethods,
};
