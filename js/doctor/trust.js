'use strict';
// Owns what is said of TLS roots and of proxies: which there are, which count, and which variables count for nothing.
// It refuses to judge a server: the probe does.

const fs = require('node:fs');
const { certificatesOf, textsOf } = require('../config/pem.js');
const { usesSystemCa } = require('../config/tls.js');
const { readDefaultRoots } = require('../config/trusted_roots.js');
const { shownUrl } = require('./secrets.js');

const PROXY_NAMES = ['grpc_proxy', 'https_proxy', 'http_proxy', 'all_proxy', 'no_grpc_proxy', 'no_proxy'];
const OPENSSL_STORE = /--use-openssl-ca\b/;
// Variables that name a file of roots: by Node, by @grpc/grpc-js.
const FILES = ['NODE_EXTRA_CA_CERTS', 'GRPC_DEFAULT_SSL_ROOTS_FILE_PATH'];

function examineTrust(section, env) {
  const flags = `${process.execArgv.join(' ')} ${env.NODE_OPTIONS ?? ''}`;
  const isOpenSsl = OPENSSL_STORE.test(flags);
  const isSystem = usesSystemCa();
  const count = readDefaultRoots().toString('latin1').split('-----BEGIN CERTIFICATE').length - 1;
  const from = isOpenSsl ? "OpenSSL's store" : isSystem ? "Node's own and the system's" : "Node's own";
  section.fact('roots', `${from}, ${count} certificates`, isOpenSsl || isSystem ? 'flags of Node.js' : 'default');
  for (const name of FILES) if (env[name]) tellFile(section, name, env[name]);
  for (const name of ['SSL_CERT_FILE', 'SSL_CERT_DIR']) {
    if (!env[name]) continue;
    const effect = isOpenSsl || isSystem ? 'counts' : 'does not count without --use-system-ca or --use-openssl-ca';
    section.fact(name, `${env[name]}, ${effect}`);
    if (isOpenSsl || isSystem) continue;
    section.note('ssl_cert_file', `${name} ${effect}`, 'NODE_EXTRA_CA_CERTS or OTEL_EXPORTER_OTLP_CERTIFICATE does');
  }
  if (env.NODE_TLS_REJECT_UNAUTHORIZED === '0') {
    const text = 'NODE_TLS_REJECT_UNAUTHORIZED=0: over HTTP any server is trusted, whatever its certificate says';
    section.warn('tls_unverified', text, 'trust its authority by OTEL_EXPORTER_OTLP_CERTIFICATE instead');
  }
}

function tellFile(section, name, file) {
  let certificates = null;
  try {
    certificates = certificatesOf(textsOf(fs.readFileSync(file)));
  } catch {
    section.fact(name, file);
    section.problem('roots_unreadable', `${name} names a file that cannot be read`, 'correct the path or its rights');
    return;
  }
  section.fact(name, `${file}, ${certificates === null ? 'not clean PEM' : `${certificates.length} certificates`}`);
  if (certificates?.length !== 0) return;
  section.problem('roots_empty', `${name} names a file without a certificate`, 'it has to be PEM');
}

/** @param {{ http: object | null, grpc: object | null }} configs of the exporters, where they are valid */
function examineProxies(section, env, configs) {
  for (const [name, value] of Object.entries(env))
    if (PROXY_NAMES.includes(name.toLowerCase())) section.fact(name, /no_/i.test(name) ? value : shownUrl(value));
  for (const [protocol, config] of Object.entries(configs))
    if (config !== null)
      section.fact(`proxy over ${protocol === 'grpc' ? 'gRPC' : 'HTTP'}`, config.proxy?.url ?? 'none');
  const isSet = ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy'].some((name) => env[name]?.trim());
  if (!isSet || configs.http === null || configs.http.proxy) return;
  const text = 'exporters over HTTP do not look at the variables of proxies';
  section.note('proxy_ignored', text, "the option proxy: 'env' has them follow it");
}

module.exports = { examineProxies, examineTrust };
