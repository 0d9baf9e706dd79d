'use strict';
// Owns what the option `credentials` means: no TLS, TLS of plain data, or an object of @grpc/grpc-js that only this package
// can use.
// It refuses to take an object of @grpc/grpc-js apart by fields that it does not document, except to find the two halves of
// composed credentials: whoever cannot be read sends by itself.

const { invalid } = require('../options/read.js');
const { recall } = require('./known_credentials.js');

/**
 * `kind` is `insecure`, `tls` (with `rootCerts`, `privateKey`, `certChain`, `verifyOptions`) or `opaque`. `object` is the
 * object of @grpc/grpc-js, if it is one; `generate` asks composed credentials for their metadata, for one call.
 * @returns {object | null} null if there are none
 * @throws {Error} for plain data that is none
 */
function describeCredentials(credentials) {
  if (credentials == null) return null;
  if (typeof credentials !== 'object') throw notCredentials(credentials);
  const known = recall(credentials);
  if (known !== undefined) return { ...known, object: null, generate: null };
  const isSecure = member(credentials, '_isSecure');
  if (typeof isSecure !== 'function') return { kind: 'tls', ...readPlain(credentials), object: null, generate: null };
  if (Reflect.apply(isSecure, credentials, []) === false)
    return { kind: 'insecure', object: credentials, generate: null };
  return composed(credentials) ?? { kind: 'opaque', object: credentials, generate: null };
}

/** Credentials of a channel that is known, with generators of metadata for each call. */
function composed(credentials) {
  const inner = member(credentials, 'channelCredentials');
  const callCredentials = member(credentials, 'callCredentials');
  if (inner === null || typeof inner !== 'object' || typeof callCredentials?.generateMetadata !== 'function')
    return null;
  const known = recall(inner);
  if (known?.kind !== 'tls') return null;
  return { ...known, object: credentials, generate: (call) => callCredentials.generateMetadata(call) };
}

function readPlain(given) {
  const texts = {};
  for (const [name, what] of [
    ['rootCerts', 'Root certificate'],
    ['privateKey', 'Private key'],
    ['certChain', 'Certificate chain'],
  ]) {
    const text = member(given, name);
    if (text && typeof text !== 'string' && !(text instanceof Uint8Array))
      throw new TypeError(`${what}, if provided, must be a Buffer.`);
    texts[name] = text ? Buffer.from(text) : undefined;
  }
  checkPair(texts);
  const verifyOptions = member(given, 'verifyOptions');
  if (verifyOptions != null && typeof verifyOptions !== 'object')
    throw invalid('credentials.verifyOptions', 'object', verifyOptions);
  return { ...texts, verifyOptions: { ...verifyOptions } };
}

/** @throws {Error} in the words of @grpc/grpc-js */
function checkPair({ privateKey, certChain }) {
  if (privateKey && !certChain) throw new Error('Private key must be given with accompanying certificate chain');
  if (!privateKey && certChain) throw new Error('Certificate chain must be given with accompanying private key');
}

function member(object, name) {
  try {
    return object[name];
  } catch {
    throw notCredentials(object);
  }
}

function notCredentials(given) {
  return invalid('credentials', 'object of @grpc/grpc-js or of certificates', given);
}

module.exports = { checkPair, describeCredentials };
