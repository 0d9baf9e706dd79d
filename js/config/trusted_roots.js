'use strict';
// Owns which certificates this process trusts by default: what Node's own TLS trusts, neither more nor less.
// It refuses to guess what Node has read: where that cannot be seen, Node has to send.

const fs = require('node:fs');
const tls = require('node:tls');
const { certificatesOf, textsOf, toPem } = require('./pem.js');
const { isOutOfStack } = require('../guards/unwinding.js');

// As it was when the library was loaded: Node's own https does not ask what an application has put in its place.
const { getCACertificates } = tls;
const EXTRA = 'NODE_EXTRA_CA_CERTS';

/** Why only Node knows its roots, or null. */
function reasonInDefaultRoots(usesSystemCa) {
  if (getCACertificates !== undefined) {
    // A Node.js that is built to use OpenSSL's store keeps its roots to itself, and those of the variable show only while
    // the variable is there.
    const isHidden = !process.env.NODE_EXTRA_CA_CERTS && getCACertificates('extra').length > 0;
    return isHidden || getCACertificates('default').length === 0 ? 'roots that Node.js does not show' : null;
  }
  if (usesSystemCa) return 'the roots of the system on this Node.js';
  return extraAtStart() === null ? `${EXTRA} on this Node.js` : null;
}

/** PEM of what an exporter that is used first now trusts. */
function readDefaultRoots() {
  if (getCACertificates !== undefined) return Buffer.from(getCACertificates('default').join('\n'));
  const extra = extraAtStart() ?? [];
  return Buffer.concat([Buffer.from(tls.rootCertificates.join('\n')), Buffer.from('\n'), toPem(extra)]);
}

/**
 * Certificates of the file that Node read when the process started, whatever the variable says now; null if they are not
 * to be had. Only Linux shows the environment that a process was given.
 */
function extraAtStart() {
  let file = process.env.NODE_EXTRA_CA_CERTS;
  if (process.platform === 'linux') {
    try {
      const entry = fs.readFileSync('/proc/self/environ', 'utf8').split('\0').find(isExtra);
      file = entry?.slice(EXTRA.length + 1);
    } catch (error) {
      if (isOutOfStack(error)) throw error;
      if (file) return null;
    }
  } else if (file) {
    return null;
  }
  if (!file) return [];
  try {
    return certificatesOf(textsOf(fs.readFileSync(file)));
  } catch (error) {
    if (isOutOfStack(error)) throw error;
    return []; // Node has warned about it.
  }
}

function isExtra(entry) {
  return entry.startsWith(`${EXTRA}=`);
}

module.exports = { readDefaultRoots, reasonInDefaultRoots };
