'use strict';
// Owns whether a proxy is between us and an endpoint of gRPC: the variables that @grpc/grpc-js reads, and their names in
// capitals. All connections go through it by CONNECT, those without TLS too.
// It refuses proxies that are spoken to in anything but plain HTTP, as that package does.

const { builtIn } = require('../../guards/built_in.js');
const { diag } = require('../../otel/diag.js');

const { isIPv4 } = builtIn('node:net');

const PROXIES = ['grpc_proxy', 'https_proxy', 'http_proxy'];
const EXCEPTIONS = ['no_grpc_proxy', 'no_proxy'];

/**
 * @param {string} hostname of the endpoint, without brackets
 * @returns {{ url: string, authorization: string | null } | null}
 */
function resolveProxy(hostname) {
  const [name, text] = firstSet(PROXIES) ?? [];
  if (name === undefined || isException(hostname)) return null;
  if (!URL.canParse(text)) {
    diag.warn(`Cannot parse the value of ${name}, no proxy is used`);
    return null;
  }
  const url = new URL(text);
  if (url.protocol !== 'http:') {
    diag.warn(`The scheme ${url.protocol} of ${name} is not supported, no proxy is used`);
    return null;
  }
  return { url: `http://${url.hostname}:${url.port || 80}`, authorization: authorizationOf(url) };
}

function firstSet(names) {
  for (const name of names) {
    for (const each of [name, name.toUpperCase()]) {
      const text = process.env[each]?.trim();
      if (text) return [each, text];
    }
  }
  return null;
}

function authorizationOf({ username, password }) {
  if (username === '') return null;
  let pair = password === '' ? username : `${username}:${password}`;
  try {
    if (password !== '') pair = decodeURIComponent(pair);
  } catch {
    // Whoever wrote a per cent sign meant one.
  }
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

/** A list of suffixes of names, ranges of IPv4 addresses, and `*` for everything. */
function isException(hostname) {
  const [, list = ''] = firstSet(EXCEPTIONS) ?? [];
  return list.split(',').some((entry) => {
    const text = entry.trim();
    if (text === '') return false;
    return text === '*' || isInRange(text, hostname) || hostname.endsWith(text);
  });
}

function isInRange(text, hostname) {
  const [, ip, bits] = /^([\d.]+)\/(\d{1,2})$/.exec(text) ?? [];
  if (ip === undefined || !isIPv4(ip) || !isIPv4(hostname) || Number(bits) > 32) return false;
  const mask = Number(bits) === 0 ? 0 : -1 << (32 - Number(bits));
  return (numberOf(ip) & mask) === (numberOf(hostname) & mask);
}

function numberOf(ip) {
  return ip.split('.').reduce((number, part) => (number << 8) + Number(part), 0);
}

module.exports = { resolveProxy };
