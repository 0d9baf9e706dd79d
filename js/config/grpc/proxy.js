'use strict';
// Owns whether a proxy is between us and an endpoint of gRPC: without the option `proxy` by the variables that @grpc/grpc-js
// reads, by its rules, and their names in capitals. All connections go through it by CONNECT, those without TLS too.
// It refuses proxies that are spoken to in anything but plain HTTP, as that package does, unless the option asks for them.

const { builtIn } = require('../../guards/built_in.js');
const { diag } = require('../../otel/diag.js');
const { authorizationOf, firstSet, proxyOfOption, toProxy } = require('../proxy.js');

const { isIPv4 } = builtIn('node:net');

const PROXIES = ['grpc_proxy', 'https_proxy', 'http_proxy'];
const EXCEPTIONS = ['no_grpc_proxy', 'no_proxy'];

/**
 * @param {string | undefined} wanted the value of the option
 * @param {{ hostname: string, port: number }} endpoint
 * @returns {import('../proxy.js').Proxy | null}
 */
function chooseGrpcProxy(wanted, endpoint) {
  if (wanted === undefined) return proxyOfGrpcJs(endpoint.hostname.replace(/^\[|\]$/g, ''));
  return proxyOfOption(wanted, endpoint, { proxies: [...PROXIES, 'all_proxy'], exceptions: EXCEPTIONS });
}

function proxyOfGrpcJs(hostname) {
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
  return toProxy(url, authorizationOfGrpcJs(url));
}

/** That package sends a user without a password as it is in the URL. */
function authorizationOfGrpcJs(url) {
  if (url.username === '') return null;
  if (url.password !== '') return authorizationOf(url);
  return `Basic ${Buffer.from(url.username).toString('base64')}`;
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

module.exports = { chooseGrpcProxy };
