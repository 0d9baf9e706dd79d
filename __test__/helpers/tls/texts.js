'use strict';
// Owns the ways in which a text that should hold a root can be written, and the chain that it is the root of.

const { build, LEAF, MIDDLE, ROOT } = require('./chains.js');
const { make } = require('./x509_maker.js');

const [root, middle, leaf] = build([ROOT, MIDDLE, LEAF]);
const other = make({ ...ROOT, subject: 'Another Root' });
const server = { cert: leaf.cert + middle.cert, key: leaf.key };
const BOM = '\ufeff';
const broken = root.cert.replace(/\n[^-\n]{20}/, '\n!!!!');
const [firstLine, ...rest] = root.cert.split('\n');

// How a text that should hold the root can be written: [what, text].
const TEXTS = [
  ['as it is', root.cert],
  ['BOM', BOM + root.cert],
  ['BOM twice', BOM + BOM + root.cert],
  ['BOM between', other.cert + BOM + root.cert],
  ['BOM, another first', BOM + other.cert + root.cert],
  ['CRLF', root.cert.replaceAll('\n', '\r\n')],
  ['CR only', root.cert.replaceAll('\n', '\r')],
  ['no newline at the end', root.cert.trimEnd()],
  ['twice', root.cert + root.cert],
  ['another first', other.cert + root.cert],
  ['another last', root.cert + other.cert],
  ['glued together', other.cert.trimEnd() + root.cert],
  ['text around', `a comment\n${root.cert}\nanother\n`],
  ['text in front on the same line', `x ${root.cert}`],
  ['blank in front', ` ${root.cert}`],
  ['blanks at the end of lines', root.cert.replaceAll('\n', '  \n')],
  ['blank lines inside', [firstLine, '', ...rest].join('\n')],
  ['one long line', `${firstLine}\n${rest.slice(0, -2).join('')}\n${rest.at(-2)}\n`],
  ['lines of 76', root.cert.replace(/[^-]{64}\n/g, (line) => line)],
  ['broken first', broken + root.cert],
  ['broken last', root.cert + broken],
  ['cut off', root.cert.slice(0, -40)],
  ['cut off, then whole', root.cert.slice(0, -40) + root.cert],
  ['another label', root.cert.replaceAll('CERTIFICATE', 'X509 CERTIFICATE')],
  ['trusted label', root.cert.replaceAll('CERTIFICATE', 'TRUSTED CERTIFICATE')],
  ['label that is none', root.cert.replaceAll('CERTIFICATE', 'CERT')],
  ['label with another end', root.cert.replace('END CERTIFICATE', 'END CERT')],
  ['a key beside it', leaf.key + root.cert],
  ['a key behind it', root.cert + leaf.key],
  ['empty lines only', '\n\n'],
  ['DER', Buffer.from(rest.slice(0, -2).join(''), 'base64')],
  ['UTF-16', Buffer.from(BOM + root.cert, 'utf16le')],
  ['middle only', middle.cert],
  ['middle and root', middle.cert + root.cert],
];

module.exports = { BOM, broken, chain: { root, middle, leaf }, other, server, TEXTS };
