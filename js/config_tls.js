'use strict';
// Owns the TLS material and rules of an https endpoint, and knows which of them rustls does not have.
// It refuses to weaken anything: material that it cannot vouch for goes to Node's own TLS, errors included.

const fs = require('node:fs');
const { isOutOfStack } = require('./unwinding.js');

const CERTIFICATE_BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const [NODE_MAJOR, NODE_MINOR] = process.versions.node.split('.').map(Number);
const EC_CURVES = new Set(['prime256v1', 'secp384r1']);
const OPENSSL_FLAGS = /--(use-openssl-ca|openssl-(config|legacy-provider|shared-config)|enable-fips|force-fips)\b/;

/**
 * TLS settings for a native transport, and in `reason` why Node's TLS has to do it instead (null: native will do).
 * @param {object} options agent options as `resolveAgent` chose them
 */
function resolveTls(options) {
  const settings = {
    // Own certificates replace the default roots altogether, as in Node; null keeps those.
    ca: options.ca ? joinPem(options.ca) : null,
    extraCa: options.ca ? null : readExtraCa(),
    cert: options.cert ? joinPem(options.cert) : null,
    key: options.key ? joinPem(options.key) : null,
    rejectUnauthorized: Object.hasOwn(options, 'rejectUnauthorized')
      ? options.rejectUnauthorized !== false
      : process.env.NODE_TLS_REJECT_UNAUTHORIZED !== '0',
    servername: typeof options.servername === 'string' && options.servername !== '' ? options.servername : null,
    useSystemCa: usesSystemCa(),
    // Since Node 24 three messages end with the advice to use the system's certificates.
    systemCaHint: NODE_MAJOR >= 24,
  };
  return { settings, reason: reasonForNode(options, settings) };
}

function usesSystemCa() {
  if (!process.allowedNodeEnvironmentFlags.has('--use-system-ca')) return false;
  if (/--use-system-ca\b/.test(nodeFlags())) return true;
  const knowsVariable =
    NODE_MAJOR > 24 || (NODE_MAJOR === 24 && NODE_MINOR >= 6) || (NODE_MAJOR === 22 && NODE_MINOR >= 19);
  return knowsVariable && process.env.NODE_USE_SYSTEM_CA === '1';
}

function nodeFlags() {
  return `${process.execArgv.join(' ')} ${process.env.NODE_OPTIONS ?? ''}`;
}

/** One PEM text, or null when the value is not made of texts and bytes. */
function joinPem(value) {
  const parts = Array.isArray(value) ? value : [value];
  const buffers = [];
  for (const part of parts) {
    if (typeof part === 'string') buffers.push(Buffer.from(part));
    else if (ArrayBuffer.isView(part)) buffers.push(Buffer.from(part.buffer, part.byteOffset, part.byteLength));
    else return null;
    buffers.push(Buffer.from('\n'));
  }
  return Buffer.concat(buffers);
}

function readExtraCa() {
  const file = process.env.NODE_EXTRA_CA_CERTS;
  if (!file) return null;
  try {
    return fs.readFileSync(file);
  } catch {
    return null; // Node has warned about it when the process started.
  }
}

function reasonForNode(options, settings) {
  if (options.socketPath != null) return 'TLS over a unix socket';
  if (options.minVersion != null && options.minVersion !== 'TLSv1.2') return 'httpAgentOptions.minVersion';
  if (options.maxVersion != null && options.maxVersion !== 'TLSv1.3') return 'httpAgentOptions.maxVersion';
  if (options.servername != null && settings.servername === null) return 'httpAgentOptions.servername';
  return reasonInDefaults() ?? reasonInRoots(options, settings) ?? reasonInClientPair(options, settings);
}

/** Flags and assignments that changed what every TLS connection of this process does. */
function reasonInDefaults() {
  const tls = require('node:tls');
  const { constants } = require('node:crypto');
  if (tls.DEFAULT_MIN_VERSION !== 'TLSv1.2' || tls.DEFAULT_MAX_VERSION !== 'TLSv1.3') {
    return 'TLS versions of this process';
  }
  if (tls.DEFAULT_CIPHERS !== constants.defaultCoreCipherList) return 'TLS ciphers of this process';
  return OPENSSL_FLAGS.test(nodeFlags()) ? 'OpenSSL flags of this process' : null;
}

function reasonInRoots(options, settings) {
  if (!options.ca) return null;
  if (settings.ca === null) return 'httpAgentOptions.ca';
  const { X509Certificate } = require('node:crypto');
  const blocks = settings.ca.toString('latin1').match(CERTIFICATE_BLOCK);
  if (blocks === null) return 'ca without a certificate';
  try {
    const certificates = blocks.map((block) => new X509Certificate(block));
    if (!certificates.every(({ publicKey }) => isKnownKey(publicKey))) return 'ca with an unusual key type';
    // OpenSSL wants the root of an intermediate too, rustls is content with the intermediate.
    const subjects = new Set(certificates.map(({ subject }) => subject));
    if (!certificates.every(({ issuer }) => subjects.has(issuer))) return 'ca without its root';
  } catch (error) {
    if (isOutOfStack(error)) throw error;
    return 'ca that cannot be read';
  }
  return null;
}

function reasonInClientPair(options, settings) {
  if (!options.cert && !options.key) return null;
  if (settings.cert === null || settings.key === null) return 'client certificate and key are not a PEM pair';
  if (Array.isArray(options.cert) && options.cert.length > 1) return 'several client certificates';
  const { createPrivateKey, X509Certificate } = require('node:crypto');
  try {
    const key = createPrivateKey(settings.key);
    if (!isKnownKey(key)) return 'client key of an unusual type';
    if (new X509Certificate(settings.cert).checkPrivateKey(key)) return null;
  } catch (error) {
    if (isOutOfStack(error)) throw error;
    // Node reports it at each request, in its own words: let it.
  }
  return 'client certificate or key that cannot be read without Node';
}

function isKnownKey({ asymmetricKeyType, asymmetricKeyDetails }) {
  if (asymmetricKeyType === 'ed25519') return true;
  if (asymmetricKeyType === 'ec') return EC_CURVES.has(asymmetricKeyDetails.namedCurve);
  return asymmetricKeyType === 'rsa' && asymmetricKeyDetails.modulusLength >= 2048;
}

module.exports = { resolveTls };
