'use strict';
// Owns reading PEM where OpenSSL and every other reader agree: clean blocks, one after the other.
// It refuses to guess: a text that readers may understand differently is answered with null.

const { X509Certificate } = require('node:crypto');
const { isOutOfStack } = require('../guards/unwinding.js');

const BLOCK = /^-----BEGIN ([A-Z0-9 ]+)-----[ \t]*\r?\n(?:[A-Za-z0-9+/=]+[ \t]*\r?\n)+-----END \1-----[ \t]*\r?$/gm;
const BYTE_ORDER_MARK = '\u00ef\u00bb\u00bf'; // of UTF-8, as latin1 shows it

/** The texts of an option that Node takes as text, bytes or a list of them; null for anything else. */
function textsOf(value) {
  const texts = [];
  for (const part of Array.isArray(value) ? value : [value]) {
    const bytes = bytesOf(part);
    if (bytes === null) return null;
    const text = bytes.toString('latin1');
    texts.push(text.startsWith(BYTE_ORDER_MARK) ? text.slice(BYTE_ORDER_MARK.length) : text);
  }
  return texts;
}

function bytesOf(part) {
  if (typeof part === 'string') return Buffer.from(part);
  return ArrayBuffer.isView(part) ? Buffer.from(part.buffer, part.byteOffset, part.byteLength) : null;
}

/** The certificates of `texts`, in order; null if one of the texts has anything in it that is not clear. */
function certificatesOf(texts) {
  const certificates = [];
  for (const text of texts) {
    const blocks = [...text.matchAll(BLOCK)];
    if (blocks.length !== text.split('-----BEGIN').length - 1) return null;
    for (const [block, label] of blocks) {
      if (label !== 'CERTIFICATE') {
        // The other names of certificates bring settings of OpenSSL's own; keys beside them are skipped.
        if (label.endsWith('CERTIFICATE')) return null;
        continue;
      }
      try {
        certificates.push(new X509Certificate(block));
      } catch (error) {
        if (isOutOfStack(error)) throw error;
        return null;
      }
    }
  }
  return certificates;
}

/** `certificates` as one clean text. */
function toPem(certificates) {
  return Buffer.from(certificates.join(''));
}

module.exports = { certificatesOf, textsOf, toPem };
