'use strict';
// Owns which proxy is between us and an endpoint, by the option `proxy` and by what Node's agents are told in `proxyEnv`.
// It refuses to look up names, and to show the credentials of a proxy.

const { diag } = require('../otel/diag.js');
const { isException, isExceptionOfNode } = require('./proxy_exceptions.js');
const { maskCredentials } = require('./url.js');

const DEFAULT_PORTS = { 'http:': 80, 'https:': 443 };
const SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;
const OVER_TLS = 'a proxy that is spoken to over TLS';

/**
 * @typedef {{ url: string, isSecure: boolean, hostname: string, port: number, authorization: string | null }} Proxy
 *   `url` is `scheme://host:port` and may be shown; `hostname` has no brackets.
 */

/** @returns {Proxy} */
function toProxy(url, authorization) {
  const port = Number(url.port) || DEFAULT_PORTS[url.protocol];
  return Object.freeze({
    url: `${url.protocol}//${url.hostname}:${port}`,
    isSecure: url.protocol === 'https:',
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    port,
    authorization,
  });
}

/** `Proxy-Authorization` as curl and Node write it. */
function authorizationOf({ username, password }) {
  if (username === '' && password === '') return null;
  return `Basic ${Buffer.from(`${decoded(username)}:${decoded(password)}`).toString('base64')}`;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // whoever wrote a per cent sign meant one
  }
}

/**
 * The proxy that the first of `names` has which is set, in small letters or in capitals.
 * @param {string[]} names of variables
 * @returns {Proxy | null} null, and a line, if it cannot be used
 */
function proxyOfVariables(names) {
  const [name, text] = firstSet(names) ?? [];
  if (name === undefined) return null;
  const full = SCHEME.test(text) ? text : `http://${text}`;
  if (!URL.canParse(full)) {
    diag.warn(`Cannot parse the value of ${name}, no proxy is used`);
    return null;
  }
  const url = new URL(full);
  if (Object.hasOwn(DEFAULT_PORTS, url.protocol)) return toProxy(url, authorizationOf(url));
  diag.warn(`The scheme ${url.protocol} of ${name} is not supported, no proxy is used`);
  return null;
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

/**
 * The proxy of the option, for an endpoint that is no socket of this machine.
 * @param {string} wanted the value of the option
 * @param {{ hostname: string, port: number }} endpoint
 * @param {{ proxies: string[], exceptions: string[] }} variables that `'env'` means
 * @returns {Proxy | null}
 */
function proxyOfOption(wanted, endpoint, variables) {
  if (wanted === '') return null;
  if (wanted !== 'env') {
    const url = new URL(wanted);
    return toProxy(url, authorizationOf(url));
  }
  const proxy = proxyOfVariables(variables.proxies);
  const [, list = ''] = firstSet(variables.exceptions) ?? [];
  return proxy !== null && isException(list, endpoint) ? null : proxy;
}

/**
 * The proxy of an exporter over HTTP.
 * @param {string | undefined} wanted the value of the option
 * @param {object | null} proxyEnv what Node's agent is told
 * @param {{ scheme: string, endpoint: string }} parts of the URL
 * @param {boolean} isSocket whether a socket of this machine is dialled instead of the URL's host
 * @returns {{ proxy: Proxy | null, reason: string | null, refusal: Error | null }} `reason`: why only Node can do it;
 *   `refusal`: what each export has to fail with
 */
function chooseProxy(wanted, proxyEnv, { scheme, endpoint }, isSocket) {
  const { hostname, port } = new URL(endpoint);
  const target = { hostname, port: Number(port) || DEFAULT_PORTS[scheme] };
  const found = { proxy: null, reason: null, refusal: null };
  if (wanted === undefined) Object.assign(found, proxyOfAgent(proxyEnv, scheme, target));
  else found.proxy = proxyOfOption(wanted, target, variablesFor(scheme));
  if (isSocket) found.proxy = null;
  if (found.proxy?.isSecure) found.reason ??= OVER_TLS;
  return found;
}

function variablesFor(scheme) {
  const own = scheme === 'https:' ? 'https_proxy' : 'http_proxy';
  return { proxies: [own, 'all_proxy'], exceptions: ['no_proxy'] };
}

/** As Node's agents read `proxyEnv` when they are made. What throws there is left to them. */
function proxyOfAgent(proxyEnv, scheme, { hostname, port }) {
  const unsure = { reason: 'httpAgentOptions.proxyEnv' };
  let text;
  let list;
  try {
    text =
      scheme === 'https:' ? proxyEnv.https_proxy || proxyEnv.HTTPS_PROXY : proxyEnv.http_proxy || proxyEnv.HTTP_PROXY;
    list = proxyEnv.no_proxy || proxyEnv.NO_PROXY || '';
  } catch {
    return unsure;
  }
  if (!text) return {};
  if (typeof text !== 'string' || typeof list !== 'string') return unsure;
  if (/[\r\n]/.test(text)) return { refusal: invalidConfig(text) };
  if (!/^https?:\/\//.test(text)) return {};
  if (!URL.canParse(text)) return { refusal: invalidConfig(text) };
  const url = new URL(text);
  try {
    decodeURIComponent(url.username + url.password);
  } catch {
    return unsure;
  }
  return isExceptionOfNode(list, hostname, port) ? {} : { proxy: toProxy(url, authorizationOf(url)) };
}

/** Node's error, as the versions word it that show no password. */
function invalidConfig(text) {
  const shown = maskCredentials(text)
    .replace('***@', '[redacted]@')
    .replace(/[\r\n]/g, '');
  return Object.assign(new Error(`Invalid proxy URL: ${shown}`), { code: 'ERR_PROXY_INVALID_CONFIG' });
}

/** How an error names the proxy. */
function throughProxy({ url }) {
  return `through the proxy ${url}`;
}

module.exports = { authorizationOf, chooseProxy, firstSet, OVER_TLS, proxyOfOption, throughProxy, toProxy };
