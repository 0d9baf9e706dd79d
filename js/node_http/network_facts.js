'use strict';
// Owns the translation of an error of Node's http into the plain facts that the native side reports too.
// It refuses to judge whether a retry helps; that is the dispatcher's.

const { shown } = require('../guards/shown.js');

const KINDS = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  ETIMEDOUT: 'timed_out',
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  EAI_FAIL: 'dns',
  EAI_NODATA: 'dns',
  ENETUNREACH: 'unreachable',
  EHOSTUNREACH: 'unreachable',
  EMFILE: 'exhausted',
  ENFILE: 'exhausted',
  ENOBUFS: 'exhausted',
  ENOMEM: 'exhausted',
  EPROTO: 'tls',
  UNSPECIFIED: 'tls', // the code of every refusal of a certificate that Node has no name for
};

const TLS_CODE =
  /^(ERR_TLS_|ERR_SSL_|ERR_OSSL_|CERT_|CRL_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE)|PATH_LENGTH)|_CERT(_|$)/;

const PROPERTIES = ['message', 'code', 'errno', 'syscall', 'hostname', 'address', 'port', 'errors', 'statusCode'];

function kindOf(code, errno) {
  if (typeof code !== 'string') return 'spent';
  if (Object.hasOwn(KINDS, code)) return KINDS[code];
  if (code.startsWith('HPE_')) return 'malformed';
  if (TLS_CODE.test(code)) return 'tls';
  // Any other error of the system or of Node passes like a reset. What is neither, a look-up, an agent or a check of the
  // application's has thrown: it ends the export, as with the stock exporter.
  return typeof errno === 'number' || code.startsWith('ERR_') ? 'other' : 'spent';
}

/** A proxy's answer to the request for a tunnel, judged as an endpoint's is. */
function isRefusedTunnel(code, status) {
  return code === 'ERR_PROXY_TUNNEL' && Number.isInteger(status) && ![429, 502, 503, 504].includes(status);
}

/** `error` as an object whose properties can be read; a Proxy or a getter may throw even then. */
function readable(error) {
  try {
    return Object.fromEntries(PROPERTIES.map((name) => [name, Object(error)[name]]));
  } catch {
    return { message: 'an error that cannot be read' };
  }
}

/** What an error says; never throws. */
function textOfError(error) {
  const { message, code } = readable(error);
  try {
    return shown(String(message || code || error));
  } catch {
    return 'an error that cannot be read';
  }
}

/** User code may put anything anywhere; the native side takes texts. */
function textOrNothing(value) {
  return typeof value === 'string' ? shown(value) : undefined;
}

function addressFacts(error) {
  const { original, addresses, ...facts } = factsOfError(error);
  return facts;
}

/**
 * Facts of an error that ended an attempt. `original` is the error itself, for the user's callback.
 * @param {unknown} error what was thrown or emitted; user code may throw anything
 * @param {string} [kind] when the place of the failure says more than its code
 */
function factsOfError(error, kind) {
  const { code, errno, syscall, hostname, address, port, errors, statusCode } = readable(error);
  return {
    kind: kind ?? (isRefusedTunnel(code, statusCode) ? 'no_tunnel' : kindOf(code, errno)),
    code: textOrNothing(code),
    message: textOfError(error),
    syscall: textOrNothing(syscall),
    hostname: textOrNothing(hostname),
    address: textOrNothing(address),
    port: Number.isInteger(port) && port >= 0 && port <= 65535 ? port : undefined,
    errno: Number.isInteger(errno) && Math.abs(errno) < 2 ** 31 ? errno : undefined,
    addresses: Array.isArray(errors) ? errors.map(addressFacts) : [],
    original: error,
  };
}

/** Nobody was asked for these. */
const NOT_OF_THE_WAY = new Set(['unsendable', 'exhausted']);

/**
 * Facts of an attempt through a proxy, whose error says so: also the error itself, which the application gets.
 * @param {object | null} facts
 * @param {import('../config/proxy.js').Proxy} proxy
 * @param {boolean} isOfProxy whether a reply may be the proxy's own
 */
function nameProxy(facts, proxy, isOfProxy) {
  const { throughProxy } = require('../config/proxy.js');
  const named = (error) => (error && !NOT_OF_THE_WAY.has(error.kind) ? namedError(error, throughProxy(proxy)) : error);
  if (facts?.outcome === 'failed') return { ...facts, error: named(facts.error) };
  if (facts?.outcome !== 'reply') return facts;
  if (facts.isLost) return { ...facts, grpcMessage: `${facts.grpcMessage} (${throughProxy(proxy)})` };
  const through = isOfProxy ? throughProxy(proxy) : undefined;
  return { ...facts, bodyError: named(facts.bodyError), through };
}

function namedError({ addresses, ...error }, through) {
  const texts = addresses.length > 0 ? addresses.map(({ message }) => message) : [error.message];
  const message = texts.join('; ');
  const named = {
    ...error,
    message: message.includes(through) ? message : `${message.trimEnd()} (${through})`,
    addresses: [],
  };
  try {
    const { original } = named;
    const { message: before, stack } = original;
    original.message = named.message;
    // What a console shows of an error is its stack, which has the words of before.
    if (before) original.stack = stack.replace(before, () => named.message);
  } catch {
    // What the application throws may be frozen, or no error.
  }
  return named;
}

module.exports = { factsOfError, nameProxy, textOfError };
