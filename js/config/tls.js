'use strict';
// Owns the TLS material and rules of an https endpoint, and knows which of them rustls does not have.
// It refuses to weaken anything: material that it cannot vouch for goes to Node's own TLS, errors included.

const { certificatesOf, textsOf, toPem } = require('./pem.js');
const { reasonInFunctions } = require('./tls_watch.js');
const { readDefaultRoots, reasonInDefaultRoots } = require('./trusted_roots.js');
const { isOutOfStack } = require('../guards/unwinding.js');

const [NODE_MAJOR, NODE_MINOR] = process.versions.node.split('.').map(Number);
const EC_CURVES = new Set(['prime256v1', 'secp384r1']);
const OPENSSL_FLAGS =
  /--(use-openssl-ca|openssl-(config|legacy-provider|shared-config)|enable-fips|force-fips|tls-keylog|trace-tls)\b/;

/**
 * TLS settings for a native transport, and in `reason` why Node's TLS has to do it instead (null: native will do).
 * @param {object} options agent options as `resolveAgent` chose them
 */
function resolveTls(options) {
  const { ca, reason: reasonInCa } = readRoots(options);
  const { pair, reason: reasonInPair } = readClientPair(options);
  const settings = {
    // Own certificates replace the default roots altogether, as in Node; null keeps those.
    ca,
    cert: pair?.cert ?? null,
    key: pair?.key ?? null,
    // Null: the variable says, when a connection is opened.
    rejectUnauthorized: Object.hasOwn(options, 'rejectUnauthorized') ? options.rejectUnauthorized !== false : null,
    servername: typeof options.servername === 'string' && options.servername !== '' ? options.servername : null,
    // Since Node 24 three messages end with the advice to use the system's certificates.
    systemCaHint: NODE_MAJOR >= 24,
  };
  const reason = reasonInOptions(options, settings) ?? reasonInDefaults() ?? reasonInCa ?? reasonInPair;
  return { settings, reason };
}

/**
 * What the native side is told. The default roots and the variable are read now: call it when the exporter is first used.
 * @param {TlsWatch} watch of the same settings: it looks from now on
 */
function toNativeTls({ ca, cert, key, servername, systemCaHint }, watch) {
  return {
    roots: ca ?? readDefaultRoots(),
    cert: cert ?? undefined,
    key: key ?? undefined,
    rejectUnauthorized: watch.begin(),
    servername: servername ?? undefined,
    systemCaHint,
  };
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

function reasonInOptions(options, { servername }) {
  if (options.socketPath != null) return 'TLS over a unix socket';
  if (options.minVersion != null && options.minVersion !== 'TLSv1.2') return 'httpAgentOptions.minVersion';
  if (options.maxVersion != null && options.maxVersion !== 'TLSv1.3') return 'httpAgentOptions.maxVersion';
  return options.servername != null && servername === null ? 'httpAgentOptions.servername' : null;
}

/** Code, flags and assignments that changed what every TLS connection of this process does. */
function reasonInDefaults() {
  const replaced = reasonInFunctions();
  if (replaced !== null) return replaced;
  const tls = require('node:tls');
  const { constants, getFips } = require('node:crypto');
  if (tls.DEFAULT_MIN_VERSION !== 'TLSv1.2' || tls.DEFAULT_MAX_VERSION !== 'TLSv1.3') {
    return 'TLS versions of this process';
  }
  if (tls.DEFAULT_CIPHERS !== constants.defaultCoreCipherList) return 'TLS ciphers of this process';
  if (tls.DEFAULT_ECDH_CURVE !== 'auto') return 'TLS curves of this process';
  if (getFips() === 1 || process.env.OPENSSL_CONF) return 'OpenSSL settings of this process';
  return OPENSSL_FLAGS.test(nodeFlags()) ? 'OpenSSL flags of this process' : null;
}

/** Own roots as clean PEM, or why Node has to read them. */
function readRoots({ ca }) {
  if (!ca) return { ca: null, reason: reasonInDefaultRoots(usesSystemCa()) };
  const nodeOnly = (reason) => ({ ca: Buffer.alloc(0), reason });
  const texts = textsOf(ca);
  if (texts === null) return nodeOnly('httpAgentOptions.ca');
  const certificates = certificatesOf(texts);
  if (certificates === null) return nodeOnly('ca that cannot be read');
  if (certificates.length === 0) return nodeOnly('ca without a certificate');
  if (!certificates.every(hasVersion)) return nodeOnly('ca of X.509 version 1');
  try {
    if (!certificates.every(({ publicKey }) => isKnownKey(publicKey))) return nodeOnly('ca with an unusual key type');
  } catch (error) {
    if (isOutOfStack(error)) throw error;
    return nodeOnly('ca with an unusual key type');
  }
  // OpenSSL wants the root of an intermediate too.
  const subjects = new Set(certificates.map(({ subject }) => subject));
  if (!certificates.every(({ issuer }) => subjects.has(issuer))) return nodeOnly('ca without its root');
  return { ca: toPem(certificates), reason: null };
}

/** Only version 1 has none: its certificate starts with the serial number. */
function hasVersion({ raw }) {
  const contentAt = (at) => at + 2 + (raw[at + 1] > 127 ? raw[at + 1] & 127 : 0);
  return raw[contentAt(contentAt(0))] === 0xa0;
}

/** Client certificate and key as clean PEM, null without both, or why Node has to read them. */
function readClientPair({ cert, key }) {
  if (!cert && !key) return { pair: null, reason: null };
  const [certs, keys] = [textsOf(cert), textsOf(key)];
  if (certs?.length !== 1 || keys?.length !== 1) {
    return { pair: null, reason: 'client certificate and key are not a PEM pair' };
  }
  const { createPrivateKey } = require('node:crypto');
  const { createSecureContext } = require('node:tls');
  try {
    const privateKey = createPrivateKey(Buffer.from(keys[0], 'latin1'));
    if (!isKnownKey(privateKey)) return { pair: null, reason: 'client key of an unusual type' };
    // Node's own verdict on each of them; the roots, which take long to load, have no part in it.
    createSecureContext({ ca: [], cert, key });
    const certificates = certificatesOf(certs);
    if (certificates?.[0]?.checkPrivateKey(privateKey)) {
      const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
      return { pair: { cert: toPem(certificates), key: Buffer.from(pem) }, reason: null };
    }
  } catch (error) {
    if (isOutOfStack(error)) throw error;
    // Node reports it at each request, in its own words: let it.
  }
  return { pair: null, reason: 'client certificate or key that cannot be read without Node' };
}

function isKnownKey({ asymmetricKeyType, asymmetricKeyDetails }) {
  if (asymmetricKeyType === 'ed25519') return true;
  if (asymmetricKeyType === 'ec') return EC_CURVES.has(asymmetricKeyDetails.namedCurve);
  return asymmetricKeyType === 'rsa' && asymmetricKeyDetails.modulusLength >= 2048;
}

module.exports = { resolveTls, toNativeTls, usesSystemCa };
