'use strict';
// Owns what an endpoint of OTLP over gRPC means: what is dialled, what the request calls it, and what its scheme says.
// It refuses to guess: what `new URL` cannot read is an error, as with the stock exporter.

const { diag } = require('../../otel/diag.js');
const { maskCredentials } = require('../url.js');

const DEFAULT_URL = 'http://localhost:4317';
const TLS_PORT = '443'; // the port of a gRPC target without one
const WITH_SCHEME = /^\w{1,8}:\/\//;
// As @grpc/grpc-js takes a target apart; the authority of a socket's name counts for nothing there.
const UNIX_PATH = /^unix:(?:\/\/([^/]*)\/)?(.+)$/s;

/**
 * @param {unknown} given by the option or a variable
 * @returns {{ scheme: 'http' | 'https' | null, target: string, socketPath: string | null, url: URL }} `target` is what the
 *   stock exporter hands to gRPC; an empty one cannot be dialled
 * @throws {TypeError}
 */
function parseAddress(given) {
  if (typeof given !== 'string') throw new TypeError('Configuration: url is invalid, expected text');
  const text = given.trim();
  const scheme = /^(https?):\/\//i.exec(text)?.[1].toLowerCase() ?? null;
  const normal = WITH_SCHEME.test(text) ? text : `https://${text}`;
  const url = parseUrl(normal);
  if (url.protocol === 'unix:') {
    const [, authority, path] = UNIX_PATH.exec(normal) ?? [];
    const socketPath = authority === '' ? `/${path}` : path;
    return { scheme, target: normal, socketPath: socketPath ?? null, url };
  }
  if (url.pathname && url.pathname !== '/')
    diag.warn('URL path should not be set when using grpc, the path part of the URL will be ignored.');
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    diag.warn('URL protocol should be http(s)://. Using http://.');
  return { scheme, target: url.host, socketPath: null, url };
}

/** The error of `new URL`, without what may be a password; its code is that of every configuration error. */
function parseUrl(text) {
  try {
    return new URL(text);
  } catch {
    throw Object.assign(new TypeError('Invalid URL'), { input: maskCredentials(text) });
  }
}

/**
 * What a sender connects to.
 * @param {ReturnType<typeof parseAddress>} address
 * @param {boolean} isPlain whether the connection is without TLS
 * @returns {{ dial: string, authority: string, endpoint: string, hostname: string, port: number } | null} null where the
 *   target is none
 */
function toDial({ target, socketPath, url }, isPlain) {
  const scheme = isPlain ? 'http' : 'https';
  if (socketPath !== null) {
    const port = isPlain ? 80 : 443; // nobody dials it
    return {
      dial: `${scheme}://localhost:${port}`,
      authority: 'localhost',
      endpoint: target,
      hostname: 'localhost',
      port,
    };
  }
  if (target === '' || !URL.canParse(`http://${target}`)) return null;
  // The parser of URLs drops port 80 of `http:`; the stock exporter then dials 443, in plain text.
  const port = url.port || (isPlain && url.protocol === 'http:' ? '80' : TLS_PORT);
  const { hostname } = url;
  const dial = `${scheme}://${hostname}:${port}`;
  return { dial, authority: target, endpoint: dial, hostname, port: Number(port) };
}

module.exports = { DEFAULT_URL, parseAddress, toDial };
