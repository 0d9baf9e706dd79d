'use strict';
// Owns a certificate authority that lives for one test run: keys and certificates made with node:crypto alone, so that a
// machine without the openssl command runs the TLS matrix too.

const crypto = require('node:crypto');

const OIDS = {
  commonName: '2.5.4.3',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  'ecdsa-with-SHA256': '1.2.840.10045.4.3.2',
  sha256WithRSAEncryption: '1.2.840.113549.1.1.11',
};

function der(tag, ...contents) {
  const body = Buffer.concat(contents);
  if (body.length < 128) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const length = [];
  for (let rest = body.length; rest > 0; rest >>= 8) length.unshift(rest & 255);
  return Buffer.concat([Buffer.from([tag, 128 | length.length, ...length]), body]);
}

const sequence = (...contents) => der(0x30, ...contents);
const octets = (content) => der(0x04, content);

function oid(name) {
  const [first, second, ...rest] = OIDS[name].split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const base128 = [part & 127];
    for (let more = part >> 7; more > 0; more >>= 7) base128.unshift((more & 127) | 128);
    bytes.push(...base128);
  }
  return der(0x06, Buffer.from(bytes));
}

function utcTime(date) {
  return der(0x17, Buffer.from(`${date.toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`));
}

function distinguishedName(commonName) {
  return sequence(der(0x31, sequence(oid('commonName'), der(0x0c, Buffer.from(commonName)))));
}

function extension(name, critical, value) {
  return sequence(oid(name), ...(critical ? [der(0x01, Buffer.from([255]))] : []), octets(value));
}

function subjectAltName(names) {
  const entries = names.map((name) => {
    if (/^\d+\.\d+\.\d+\.\d+$/.test(name)) return der(0x87, Buffer.from(name.split('.').map(Number)));
    if (name === '::1') return der(0x87, Buffer.from([...Array(15).fill(0), 1]));
    return der(0x82, Buffer.from(name));
  });
  return extension('subjectAltName', false, sequence(...entries));
}

function signatureAlgorithm(key) {
  return key.asymmetricKeyType === 'rsa'
    ? sequence(oid('sha256WithRSAEncryption'), der(0x05))
    : sequence(oid('ecdsa-with-SHA256'));
}

function pem(bytes) {
  return `-----BEGIN CERTIFICATE-----\n${bytes
    .toString('base64')
    .match(/.{1,64}/g)
    .join('\n')}\n-----END CERTIFICATE-----\n`;
}

const DAY = 24 * 3600 * 1000;
let serial = 1;

/**
 * Makes a key and a certificate for it.
 * @param {object} options
 * @param {string} options.commonName
 * @param {string[]} [options.names] subject alternative names; none at all when absent
 * @param {boolean} [options.authority] a CA certificate
 * @param {object} [options.issuer] what `issue` returned for the authority; self-signed when absent
 * @param {number} [options.notBeforeDays] from now, default -1
 * @param {number} [options.notAfterDays] from now, default 30
 * @param {'ec' | 'rsa'} [options.keyType]
 */
function issue({
  commonName,
  names,
  authority = false,
  issuer,
  notBeforeDays = -1,
  notAfterDays = 30,
  keyType = 'ec',
}) {
  const { privateKey, publicKey } =
    keyType === 'rsa'
      ? crypto.generateKeyPairSync('rsa', { modulusLength: 2048 })
      : crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signingKey = issuer?.privateKey ?? privateKey;
  const extensions = [
    extension('basicConstraints', true, authority ? sequence(der(0x01, Buffer.from([255]))) : sequence()),
  ];
  if (names) extensions.push(subjectAltName(names));
  if (!authority) {
    extensions.push(extension('extendedKeyUsage', false, sequence(oid('serverAuth'), oid('clientAuth'))));
  }
  const toBeSigned = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([serial++])),
    signatureAlgorithm(signingKey),
    distinguishedName(issuer?.commonName ?? commonName),
    sequence(utcTime(new Date(Date.now() + notBeforeDays * DAY)), utcTime(new Date(Date.now() + notAfterDays * DAY))),
    distinguishedName(commonName),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions)),
  );
  const signature = crypto.sign('sha256', toBeSigned, signingKey);
  const certificate = sequence(toBeSigned, signatureAlgorithm(signingKey), der(0x03, Buffer.from([0]), signature));
  return {
    commonName,
    privateKey,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    cert: pem(certificate),
  };
}

/** The same key under a passphrase. */
function encryptKey(privateKey, passphrase) {
  return privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase });
}

module.exports = { encryptKey, issue };
