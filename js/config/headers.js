'use strict';
// Owns which request headers go out and in what precedence: environment, user, URL credentials, required.
// It refuses to copy the user's object once and for all: it is read again for each attempt.

const { diag } = require('../otel/diag.js');

const TOKEN = /^[\^_`a-zA-Z\-0-9!#$%&'*+.|~]+$/;
const INVALID_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
// Node's http gives these a meaning for the framing of the request.
const FRAMING = new Set(['content-length', 'transfer-encoding', 'expect', 'upgrade', 'trailer', 'te']);

/**
 * Every header in sending order, names compared without case: a later one replaces value and spelling of an earlier one.
 * @param {Record<string, string>} headers merged headers of environment, user and required ones
 * @param {{ authorization: string | null, connection: string | null }} fallbacks what goes out where no header of the
 *   user says otherwise: the Basic credential of the URL, and what Node's agent would announce
 */
function toEntries(headers, { authorization, connection }) {
  const byName = new Map();
  for (const [name, value] of Object.entries(headers)) byName.set(name.toLowerCase(), [name, value]);
  if (authorization !== null && !byName.get('authorization')?.[1]) {
    byName.set('authorization', ['Authorization', authorization]);
  }
  if (connection !== null && !byName.has('connection')) byName.set('connection', ['Connection', connection]);
  return [...byName.values()];
}

function stringifyUserHeaders(headers) {
  const result = {};
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (value === undefined) {
      diag.warn(`Header "${name}" has invalid value (${value}) and will be ignored`);
    } else {
      result[name] = String(value);
    }
  }
  return result;
}

/** Throws the TypeError that Node's http would throw for the first header it refuses. */
function assertSendable(entries) {
  for (const [name, value] of entries) {
    if (!TOKEN.test(name) || INVALID_IN_VALUE.test(value)) {
      require('../node_http/sender.js').throwHeaderError(name, value);
    }
  }
}

/**
 * Where the headers of an attempt come from. `read` is called once per attempt, on the JavaScript thread, in the context
 * of the caller of `export()`; it throws or rejects with the error that the export has to fail with.
 *
 * - `static`: `entries` never change.
 * - `live`: `read()` gives the entries as the user's object has them now (the same array while nothing has changed).
 * - `async`: `read()` gives a promise of them.
 *
 * Entries are `[name, value]` pairs, complete but for Content-Encoding, Content-Length, Host and what keep-alive decides
 * alone. Values are Latin-1: one byte per character.
 */
function createHeaderSource({ userHeaders, environmentHeaders, required, fallbacks }) {
  const merge = (user) => {
    const merged = Object.assign({}, environmentHeaders, stringifyUserHeaders(user), required);
    const entries = toEntries(merged, fallbacks);
    assertSendable(entries);
    return entries;
  };
  if (isCode(userHeaders)) {
    const ask = typeof userHeaders === 'function' ? userHeaders : () => userHeaders;
    return Object.freeze({ kind: 'async', read: async () => freezeEntries(merge(await ask())) });
  }
  if (userHeaders == null) {
    const entries = toEntries(Object.assign({}, environmentHeaders, required), fallbacks);
    return Object.freeze({ kind: 'static', entries: freezeEntries(entries) });
  }
  let last = freezeEntries([]);
  const read = () => {
    const entries = merge(userHeaders);
    if (!sameEntries(entries, last)) last = freezeEntries(entries);
    return last;
  };
  return Object.freeze({ kind: 'live', read });
}

/** A function, or a promise of headers, which the stock exporter awaits. */
function isCode(userHeaders) {
  if (typeof userHeaders === 'function') return true;
  try {
    return typeof userHeaders === 'object' && typeof userHeaders?.then === 'function';
  } catch {
    return false; // whoever reads its headers finds out
  }
}

function freezeEntries(entries) {
  for (const entry of entries) Object.freeze(entry);
  return Object.freeze(entries);
}

function sameEntries(left, right) {
  return (
    left.length === right.length && left.every(([name, value], i) => name === right[i][0] && value === right[i][1])
  );
}

/**
 * Why only Node's http can send these headers as it would, or null. Values of the user's object are not looked at here:
 * reading them may run code, and it may hold others by then. `isOfProxyEnv`: Node's agent would go through a proxy.
 */
function reasonForNode({ environmentHeaders, userHeaders, userAgent, scheme, isOfProxyEnv }) {
  for (const name of [...Object.keys(environmentHeaders), ...namesOf(userHeaders)]) {
    const lower = name.toLowerCase();
    if (!TOKEN.test(name)) return 'a header name that cannot be sent';
    if (FRAMING.has(lower)) return `the header ${lower}`;
    if (lower === 'host' && scheme === 'https:') return 'a Host header that names the TLS server';
    // Some versions of Node ask the proxy for that host, others refuse.
    if (lower === 'host' && isOfProxyEnv) return 'a Host header with httpAgentOptions.proxyEnv';
  }
  const values = [...Object.values(environmentHeaders), userAgent];
  return values.some((value) => INVALID_IN_VALUE.test(value)) ? 'a header value that cannot be sent' : null;
}

function namesOf(userHeaders) {
  if (userHeaders == null || isCode(userHeaders)) return [];
  try {
    return Object.keys(userHeaders);
  } catch {
    return []; // each export fails with what reading them throws
  }
}

module.exports = { createHeaderSource, reasonForNode };
