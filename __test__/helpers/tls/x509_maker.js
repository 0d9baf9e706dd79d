'use strict';
// Owns making certificates of every shape, good and bad, with node:crypto alone. Keys are made once and used again: what a
// certificate says is what the tests vary.

const crypto = require('node:crypto');

const SIGNATURES = {
  'rsa sha1': ['1.2.840.113549.1.1.5', 'sha1'],
  'rsa sha256': ['1.2.840.113549.1.1.11', 'sha256'],
  'rsa sha384': ['1.2.840.113549.1.1.12', 'sha384'],
  'rsa sha512': ['1.2.840.113549.1.1.13', 'sha512'],
  'ec sha1': ['1.2.840.10045.4.1', 'sha1'],
  'ec sha256': ['1.2.840.10045.4.3.2', 'sha256'],
  'ec sha384': ['1.2.840.10045.4.3.3', 'sha384'],
  'ec sha512': ['1.2.840.10045.4.3.4', 'sha512'],
  ed25519: ['1.3.101.112', null],
  ed448: ['1.3.101.113', null],
};
const PURPOSES = {
  server: '1.3.6.1.5.5.7.3.1',
  client: '1.3.6.1.5.5.7.3.2',
  code: '1.3.6.1.5.5.7.3.3',
  any: '2.5.29.37.0',
};
const USAGES = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
];
const DAY = 24 * 3600 * 1000;

function der(tag, ...contents) {
  const body = Buffer.concat(contents);
  if (body.length < 128) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const length = [];
  for (let rest = body.length; rest > 0; rest >>= 8) length.unshift(rest & 255);
  return Buffer.concat([Buffer.from([tag, 128 | length.length, ...length]), body]);
}

const sequence = (...contents) => der(0x30, ...contents);
const integer = (value) => der(0x02, Buffer.from(value < 128 ? [value] : [value >> 8, value & 255])); // to 32767
const boolean = (value) => der(0x01, Buffer.from([value ? 255 : 0]));
const NULL = der(0x05);

function oid(dotted) {
  const [first, second, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const base128 = [part & 127];
    for (let more = part >> 7; more > 0; more >>= 7) base128.unshift((more & 127) | 128);
    bytes.push(...base128);
  }
  return der(0x06, Buffer.from(bytes));
}

/** As RFC 5280 wants it: a short year as long as there is one. */
function time(date) {
  const text = `${date.toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`;
  return date.getUTCFullYear() < 2050 ? der(0x17, Buffer.from(text.slice(2))) : der(0x18, Buffer.from(text));
}

/** A name of one attribute; `tag` is the kind of text: 0x0c UTF8String, 0x13 PrintableString, 0x1e BMPString. */
function nameOf({ text, tag = 0x0c }) {
  const bytes = tag === 0x1e ? Buffer.from(text, 'utf16le').swap16() : Buffer.from(text);
  return sequence(der(0x31, sequence(oid('2.5.4.3'), der(tag, bytes))));
}

const keys = new Map();

/** A key pair by a name such as `P-256`, `rsa-2048`, `pss-2048`, `ed25519`; `which` tells several of a kind apart. */
function keyOf(kind, which, isAuthority) {
  // Making RSA keys takes long: two of a size are enough.
  const name = `${kind} ${/^(rsa|pss)/.test(kind) ? isAuthority : which}`;
  if (!keys.has(name)) keys.set(name, makeKey(kind));
  return keys.get(name);
}

function makeKey(kind) {
  const [family, size] = kind.split('-');
  if (family === 'P') return crypto.generateKeyPairSync('ec', { namedCurve: kind });
  if (family === 'rsa') return crypto.generateKeyPairSync('rsa', { modulusLength: Number(size) });
  if (family === 'pss') return crypto.generateKeyPairSync('rsa-pss', { modulusLength: Number(size) });
  return crypto.generateKeyPairSync(kind);
}

/** RSASSA-PSS with SHA-256 and a salt of 32 bytes. */
function pssAlgorithm() {
  const sha256 = sequence(oid('2.16.840.1.101.3.4.2.1'), NULL);
  const mgf = sequence(oid('1.2.840.113549.1.1.8'), sha256);
  return sequence(oid('1.2.840.113549.1.1.10'), sequence(der(0xa0, sha256), der(0xa1, mgf), der(0xa2, integer(32))));
}

/** How `key` signs: the algorithm's name in DER, and the signature of `bytes`. */
function signer(key, hash) {
  const type = key.asymmetricKeyType;
  if (type === 'rsa-pss' || hash === 'pss') {
    const options = { key, padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
    return { algorithm: pssAlgorithm(), sign: (bytes) => crypto.sign('sha256', bytes, options) };
  }
  const [id, digest] = SIGNATURES[type === 'rsa' || type === 'ec' ? `${type} ${hash}` : type];
  const algorithm = type === 'rsa' ? sequence(oid(id), NULL) : sequence(oid(id));
  return { algorithm, sign: (bytes) => crypto.sign(digest, bytes, key) };
}

const extension = (id, critical, value) => sequence(oid(id), ...(critical ? [boolean(true)] : []), der(0x04, value));

function bits(names) {
  const set = names.reduce((sum, name) => sum | (128 >> USAGES.indexOf(name)), 0);
  return der(0x03, Buffer.from([Math.clz32(set & -set) === 32 ? 0 : 31 - Math.clz32(set & -set), set]));
}

function generalName(text) {
  if (/^\d+(\.\d+){3}$/.test(text)) return der(0x87, Buffer.from(text.split('.').map(Number)));
  if (text.startsWith('uri:')) return der(0x86, Buffer.from(text.slice(4)));
  if (text.startsWith('email:')) return der(0x81, Buffer.from(text.slice(6)));
  return der(0x82, Buffer.from(text));
}

function subtrees(tag, names) {
  return names ? [der(tag, ...names.map((name) => sequence(der(0x82, Buffer.from(name)))))] : [];
}

function extensionsOf(spec, publicKey, issuer) {
  const { ca, pathLength, usage, purposes, names, constraints, keyId, authorityKey } = spec;
  const list = [];
  if (ca !== undefined) {
    const content = [...(ca ? [boolean(true)] : []), ...(pathLength === undefined ? [] : [integer(pathLength)])];
    list.push(extension('2.5.29.19', true, sequence(...content)));
  }
  if (usage) list.push(extension('2.5.29.15', true, bits(usage)));
  if (purposes) list.push(extension('2.5.29.37', false, sequence(...purposes.map((name) => oid(PURPOSES[name])))));
  if (names) list.push(extension('2.5.29.17', false, sequence(...names.map(generalName))));
  if (constraints) {
    const trees = [...subtrees(0xa0, constraints.permitted), ...subtrees(0xa1, constraints.excluded)];
    list.push(extension('2.5.29.30', true, sequence(...trees)));
  }
  if (keyId) list.push(extension('2.5.29.14', false, der(0x04, idOf(publicKey, keyId))));
  if (authorityKey) list.push(extension('2.5.29.35', false, sequence(...authorityParts(authorityKey, issuer))));
  if (spec.netscape) list.push(extension('2.16.840.1.113730.1.1', false, der(0x03, Buffer.from([0, spec.netscape]))));
  if (spec.unknown) list.push(extension('1.2.3.4.5', spec.unknown === 'critical', NULL));
  if (spec.extra) list.push(extension(spec.extra.id, false, spec.extra.value));
  if (spec.twice) list.push(list[0]);
  return list;
}

function idOf(publicKey, salt) {
  return crypto
    .createHash('sha1')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .update(String(salt))
    .digest();
}

/** `id`: the issuer's key identifier; `wrong id`; `serial`: the issuer's issuer and serial number; `wrong serial`. */
function authorityParts(kind, issuer) {
  if (kind === 'id') return [der(0x80, idOf(issuer.publicKey, true))];
  if (kind === 'wrong id') return [der(0x80, Buffer.alloc(20, 7))];
  const serial = kind === 'serial' ? issuer.serial : issuer.serial + 1;
  return [der(0xa1, der(0xa4, nameOf(issuer.issuerName))), der(0x82, integer(serial).subarray(2))];
}

let lastSerial = 256;

/**
 * @param {object} spec `subject`, `key` (kind), `which` (key of that kind), `hash`, `days` ([from, to] of now), `version`,
 *   `spelling` (how the issuer's name is written), `tamper` (the signature is wrong), the extensions above, and
 *   what writes it down in another way: `bend(parts)` before it is put together, `bendSigned(bytes)` before it is signed,
 *   `bendWhole(bytes)` after it
 * @param {object} [issuer] what this returned for it; self-signed without
 */
function make(spec, issuer) {
  const { subject, key = 'P-256', which = subject, hash = 'sha256', days = [-10, 30], version = 3 } = spec;
  const { privateKey, publicKey } = keyOf(key, which, Boolean(spec.ca));
  const subjectName = { text: subject, tag: spec.tag };
  const own = { serial: ++lastSerial, publicKey, issuerName: subjectName };
  const signingKey = issuer?.privateKey ?? privateKey;
  const { algorithm, sign } = signer(signingKey, hash);
  const issuerName = { ...(issuer?.subjectName ?? subjectName), ...spec.spelling };
  const list = version === 3 ? extensionsOf(spec, publicKey, issuer ?? own) : [];
  const [from, to] = days.map((count) => time(new Date(Date.now() + count * DAY)));
  const parts = {
    version: version === 3 ? [der(0xa0, der(0x02, Buffer.from([2])))] : [],
    serial: integer(own.serial),
    inner: algorithm,
    issuer: nameOf(issuerName),
    validity: sequence(from, to),
    subject: nameOf(subjectName),
    publicKey: publicKey.export({ type: 'spki', format: 'der' }),
    unique: [],
    extensions: list,
    outer: algorithm,
  };
  spec.bend?.(parts, { publicKey, issuer: issuer ?? own });
  let toBeSigned = sequence(
    ...parts.version,
    parts.serial,
    parts.inner,
    parts.issuer,
    parts.validity,
    parts.subject,
    parts.publicKey,
    ...parts.unique,
    ...(parts.extensions.length > 0 ? [der(0xa3, sequence(...parts.extensions))] : []),
  );
  toBeSigned = spec.bendSigned?.(toBeSigned) ?? toBeSigned;
  const signature = sign(spec.tamper ? Buffer.from('something else') : toBeSigned);
  const whole = sequence(toBeSigned, parts.outer, der(0x03, Buffer.from([0]), signature));
  const bytes = spec.bendWhole?.(whole) ?? whole;
  return {
    subjectName,
    issuerName,
    serial: own.serial,
    privateKey,
    publicKey,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    cert: `-----BEGIN CERTIFICATE-----\n${bytes.toString('base64').replace(/.{64}/g, '$&\n').trim()}\n-----END CERTIFICATE-----\n`,
  };
}

module.exports = { der, extension, idOf, integer, make, nameOf, oid, sequence };
