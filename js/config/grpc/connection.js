'use strict';
// Owns how an exporter over gRPC connects: plain or TLS, with which certificates, through which proxy, and who does it.
// It refuses to weaken TLS: what our own stack cannot vouch for goes to Node's, or to the package whose object it is.

const fs = require('node:fs');
const { chooseTransport } = require('../transport.js');
const { resolveTls } = require('../tls.js');
const { diag } = require('../../otel/diag.js');
const { toDial } = require('./address.js');
const { readGrpcCertificates } = require('./environment.js');

// Variables of @grpc/grpc-js.
const ROOTS = 'GRPC_DEFAULT_SSL_ROOTS_FILE_PATH';
const CIPHERS = 'GRPC_SSL_CIPHER_SUITES';
const PROXY_VARIABLES = ['grpc_proxy', 'https_proxy', 'http_proxy'];

/**
 * @param {object} given
 * @param {ReturnType<import('./address.js').parseAddress>} given.address
 * @param {object | null} given.credentials as `describeCredentials` gives them
 * @param {boolean} given.isInsecure what the variable says; it counts where neither credentials nor the scheme do
 * @param {string} given.signal of the certificate variables
 * @param {'native' | 'node' | undefined} given.wantedTransport
 * @param {string | undefined} given.wantedProxy value of the option `proxy`
 * @returns {object} `refusal` is the error that every export has to fail with, or null
 */
function chooseConnection({ address, credentials, isInsecure, signal, wantedTransport, wantedProxy }) {
  const isPlain = credentials === null ? isPlainUrl(address, isInsecure) : credentials.kind === 'insecure';
  const dialled = toDial(address, isPlain);
  if (!isPlain && credentials === null && address.url.protocol === 'unix:') {
    diag.info(
      `Offloop: the connection to ${address.target} uses TLS, because its scheme is not http: ` +
        'OTEL_EXPORTER_OTLP_INSECURE=true or insecure credentials make it plain',
    );
  }
  const secured = isPlain
    ? { tls: null, tlsOptions: null, reason: null, refusal: null }
    : chooseTls(credentials, signal);
  const { proxy, reason: reasonInProxy } = chooseProxy(wantedProxy, address, dialled);
  // On Windows it is a named pipe, which Node alone can open.
  const reasonInPath = address.socketPath !== null && process.platform === 'win32' ? 'a socket without a port' : null;
  const who = chooseTransport(wantedTransport, secured.reason ?? reasonInProxy ?? reasonInPath);
  const object = credentials?.object ?? null;
  if (
    proxy !== null &&
    wantedProxy !== undefined &&
    wantedProxy !== 'env' &&
    object !== null &&
    who.transport === 'node'
  ) {
    throw new Error(
      'Configuration: proxy cannot be honoured by credentials of @grpc/grpc-js, use plain data or the variable grpc_proxy',
    );
  }
  const noTarget = dialled === null ? new Error(`Could not parse target name "${address.target}"`) : null;
  return {
    ...(dialled ?? { dial: 'http://localhost:80', authority: '', endpoint: address.target, hostname: '', port: 80 }),
    target: address.target,
    socketPath: address.socketPath,
    proxy,
    isProxyOff: wantedProxy === '',
    object,
    tls: secured.tls,
    tlsOptions: secured.tlsOptions,
    refusal: noTarget ?? secured.refusal,
    // Whoever sends with the object itself has tokens from there that nobody else sees.
    hasOwnCredentials: !isPlain && who.transport === 'node' && object !== null,
    ...who,
  };
}

/** Loads nothing where neither the option nor a variable names a proxy. */
function chooseProxy(wanted, { socketPath }, dialled) {
  const none = { proxy: null, reason: null };
  if (socketPath !== null || dialled === null) return none;
  const isSet = (name) => process.env[name] || process.env[name.toUpperCase()];
  if (wanted === undefined && !PROXY_VARIABLES.some(isSet)) return none;
  const proxy = require('./proxy.js').chooseGrpcProxy(wanted, dialled);
  return { proxy, reason: proxy?.isSecure ? require('../proxy.js').OVER_TLS : null };
}

/** The variable has no say where the URL says `http:` or `https:`. */
function isPlainUrl({ scheme }, isInsecure) {
  return scheme === null ? isInsecure : scheme === 'http';
}

/** `tls` is for our own stack, `tlsOptions` for Node's. */
function chooseTls(credentials, signal) {
  if (credentials?.kind === 'opaque') {
    return { tls: null, tlsOptions: null, reason: 'credentials of @grpc/grpc-js that tell nothing', refusal: null };
  }
  const { rootCerts, privateKey, certChain, verifyOptions = {} } = credentials ?? readGrpcCertificates(signal);
  const { roots, refusal } = rootCerts === undefined ? readDefaultRoots() : { roots: rootCerts, refusal: null };
  const { checkServerIdentity } = verifyOptions;
  // The variable NODE_TLS_REJECT_UNAUTHORIZED has no say in gRPC.
  const rejectUnauthorized = verifyOptions.rejectUnauthorized ?? true;
  const material = { ca: roots, key: privateKey, cert: certChain, rejectUnauthorized };
  const { settings, reason } = resolveTls(material);
  const ciphers = process.env[CIPHERS] || undefined;
  return {
    tls: Object.freeze(settings),
    tlsOptions: { ...material, ciphers, checkServerIdentity },
    reason: reasonForNode(checkServerIdentity, ciphers) ?? reason,
    refusal,
  };
}

function reasonForNode(checkServerIdentity, ciphers) {
  if (checkServerIdentity) return 'credentials with checkServerIdentity';
  return ciphers === undefined ? null : CIPHERS;
}

function readDefaultRoots() {
  const file = process.env[ROOTS];
  if (!file) return { roots: undefined, refusal: null };
  try {
    return { roots: fs.readFileSync(file), refusal: null };
  } catch (refusal) {
    return { roots: undefined, refusal };
  }
}

module.exports = { chooseConnection };
