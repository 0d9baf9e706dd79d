'use strict';
// Owns the ways of writing a certificate down that are not the one canonical way, or are near it: what one parser takes and
// another does not. Which is right is not written here: Node's own TLS says it.

const { der, extension, idOf, integer, nameOf, oid, sequence } = require('./x509_maker.js');

const hex = (text) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const NULL = hex('0500');
const IDS = {
  basic: '2.5.29.19',
  usage: '2.5.29.15',
  purposes: '2.5.29.37',
  names: '2.5.29.17',
  key: '2.5.29.14',
  authority: '2.5.29.35',
  places: '2.5.29.31',
  policies: '2.5.29.32',
  access: '1.3.6.1.5.5.7.1.1',
};
const SERVER = oid('1.3.6.1.5.5.7.3.1');

/** An extension in place of that of the same kind, or beside the others. `value` may ask for the keys of the certificate. */
const has = (kind, value, critical = false) => ({
  bend(parts, keys) {
    const made = extension(IDS[kind], critical, typeof value === 'function' ? value(keys) : value);
    const id = oid(IDS[kind]);
    const at = parts.extensions.findIndex((one) => one.includes(id));
    if (at === -1) parts.extensions.push(made);
    else parts.extensions[at] = made;
  },
});
const raw = (one) => ({ bend: (parts) => parts.extensions.push(one) });
const part = (name, value) => ({
  bend(parts) {
    parts[name] = typeof value === 'function' ? value(parts[name]) : value;
  },
});
const keyId = ({ publicKey }) => der(0x04, idOf(publicKey, true));
const issuerId = ({ issuer }) => idOf(issuer.publicKey, true);
/** A length in a form that is longer than it has to be. */
const longer = (value) => Buffer.concat([value.subarray(0, 1), hex('81'), value.subarray(1)]);
const algorithm = (id, ...more) => sequence(oid(id), ...more);
const lasts = (tag, from, to = from) =>
  part('validity', sequence(der(0x17, Buffer.from('200101000000Z')), der(tag, Buffer.from(to))));
const since = (tag, text) =>
  part('validity', sequence(der(tag, Buffer.from(text)), der(0x17, Buffer.from('400101000000Z'))));
const uri = der(0x86, Buffer.from('http://localhost/'));

const ENCODINGS = {
  canonical: {},
  'key identifier': has('key', keyId),
  'critical key identifier': has('key', keyId, true),
  'key identifier without its tag': has('key', ({ publicKey }) => idOf(publicKey, true)),
  'key identifier, long length': has('key', (keys) => longer(keyId(keys))),
  'key identifier and more': has('key', (keys) => Buffer.concat([keyId(keys), NULL])),
  'authority key': has('authority', (keys) => sequence(der(0x80, issuerId(keys)))),
  'critical authority key': has('authority', (keys) => sequence(der(0x80, issuerId(keys))), true),
  'authority key, empty': has('authority', sequence()),
  'authority key, unknown member': has('authority', (keys) => sequence(der(0xd0, issuerId(keys)))),
  'authority key, constructed member': has('authority', (keys) => sequence(der(0xa0, der(0x04, issuerId(keys))))),
  'authority key, member too long': has('authority', (keys) => Buffer.concat([hex('3016 807f'), issuerId(keys)])),
  'authority key, issuer alone': has('authority', ({ issuer }) =>
    sequence(der(0xa1, der(0xa4, nameOf(issuer.issuerName)))),
  ),
  'authority key, serial padded': has('authority', ({ issuer }) =>
    sequence(der(0xa1, der(0xa4, nameOf(issuer.issuerName))), der(0x82, hex('00'), integer(issuer.serial).subarray(2))),
  ),
  'authority key, members in another order': has('authority', ({ issuer }) =>
    sequence(der(0x82, integer(issuer.serial).subarray(2)), der(0xa1, der(0xa4, nameOf(issuer.issuerName)))),
  ),
  'no purpose': has('purposes', sequence()),
  'purpose of another tag': has('purposes', sequence(der(0x00, SERVER.subarray(2)))),
  'purpose and junk': has('purposes', sequence(SERVER, hex('0500'))),
  'purpose, padded': has('purposes', sequence(SERVER, hex('0603 2a8001'))),
  'purposes and more': has('purposes', Buffer.concat([sequence(SERVER), NULL])),
  'critical purpose': has('purposes', sequence(SERVER), true),
  'path length padded': has('basic', sequence(hex('0101ff'), hex('0202 0005')), true),
  'path length negative': has('basic', sequence(hex('0101ff'), hex('0201 ff')), true),
  'path length large': has('basic', sequence(hex('0101ff'), hex('0205 0080000000')), true),
  'authority: true is 1': has('basic', sequence(hex('010101')), true),
  'authority: false is written': has('basic', sequence(hex('010100')), true),
  'authority and more': has('basic', sequence(hex('0101ff'), NULL), true),
  'authority, not critical': has('basic', sequence(hex('0101ff'))),
  'basic constraints of another tag': has('basic', der(0x31, hex('0101ff')), true),
  'usage with spare bits': has('usage', hex('0302 0086'), true),
  'usage with unused bits set': has('usage', hex('0302 0387'), true),
  'usage, empty': has('usage', hex('0301 00'), true),
  'usage, two bytes': has('usage', hex('0303 078680'), true),
  'usage, eight unused bits': has('usage', hex('0302 0886'), true),
  'usage, not critical': has('usage', hex('0302 0186')),
  'names, long length': has('names', longer(sequence(der(0x82, Buffer.from('localhost'))))),
  'names and more': has('names', Buffer.concat([sequence(der(0x82, Buffer.from('localhost'))), NULL])),
  'no names': has('names', sequence()),
  'names, critical': has('names', sequence(der(0x82, Buffer.from('localhost'))), true),
  'name of bytes': has('names', sequence(der(0x82, Buffer.from('localhost')), der(0x82, hex('ff')))),
  'name of another tag': has('names', sequence(der(0x8c, Buffer.from('localhost')))),
  'address of five bytes': has('names', sequence(der(0x82, Buffer.from('localhost')), der(0x87, Buffer.alloc(5)))),
  'places of revocation lists': has('places', sequence(sequence(der(0xa0, der(0xa0, uri))))),
  'critical places of revocation lists': has('places', sequence(sequence(der(0xa0, der(0xa0, uri)))), true),
  'places of revocation lists, none': has('places', sequence()),
  'places of revocation lists, junk': has('places', sequence(sequence(der(0xa0, der(0xa0, hex('8605')))))),
  'places of revocation lists, text': has('places', der(0x0c, Buffer.from('none'))),
  'places of revocation lists, reasons': has(
    'places',
    sequence(sequence(der(0xa0, der(0xa0, uri)), der(0x81, hex('0640')))),
  ),
  'critical access': has('access', sequence(sequence(oid('1.3.6.1.5.5.7.48.1'), uri)), true),
  'access, junk': has('access', hex('3003 0101')),
  'critical policies': has('policies', sequence(sequence(oid('2.5.29.32.0'))), true),
  'policies, junk': has('policies', hex('3003 0101')),
  'an unknown extension twice': {
    bend: (parts) => parts.extensions.push(extension('1.2.3.4', false, NULL), extension('1.2.3.4', false, NULL)),
  },
  'an extension that is written not to be critical': raw(sequence(oid('1.2.3.4'), hex('010100'), der(0x04, NULL))),
  'an extension without a value': raw(sequence(oid('1.2.3.4'))),
  'an extension with more': raw(sequence(oid('1.2.3.4'), der(0x04, NULL), NULL)),
  'an extension of no name': raw(sequence(hex('0600'), der(0x04, NULL))),
  'ends without seconds': lasts(0x17, '4001010000Z'),
  'ends in another zone': lasts(0x17, '400101000000+0100'),
  'ends in no zone': lasts(0x17, '400101000000'),
  'ends with a fraction': lasts(0x18, '20400101000000.5Z'),
  'ends in another zone, long': lasts(0x18, '20400101000000+0100'),
  'ends, long and short': lasts(0x18, '204001010000Z'),
  'ends, long': lasts(0x18, '20400101000000Z'),
  'ends on a day that is none': lasts(0x17, '400230000000Z'),
  'ends in second 60': lasts(0x17, '401231235960Z'),
  'ends in 9999': lasts(0x18, '99991231235959Z'),
  'ends with a blank': lasts(0x17, '4001010000 0Z'),
  'begins without seconds': since(0x17, '2001010000Z'),
  'begins in another zone': since(0x17, '200101000000-0100'),
  'begins with a fraction': since(0x18, '20200101000000.5Z'),
  'begins and ends in another order': part(
    'validity',
    sequence(der(0x17, Buffer.from('400101000000Z')), der(0x17, Buffer.from('200101000000Z'))),
  ),
  'serial padded': part('serial', der(0x02, hex('0001'))),
  'serial negative': part('serial', der(0x02, hex('ff01'))),
  'serial zero': part('serial', der(0x02, hex('00'))),
  'serial empty': part('serial', der(0x02)),
  'serial of 40 bytes': part('serial', der(0x02, Buffer.alloc(40, 0x41))),
  'version 1, written': part('version', [der(0xa0, hex('020100'))]),
  'version 2': part('version', [der(0xa0, hex('020101'))]),
  'version 4': part('version', [der(0xa0, hex('020103'))]),
  'version padded': part('version', [der(0xa0, hex('02020002'))]),
  'unknown algorithm': {
    bend: (parts) => Object.assign(parts, { inner: algorithm('1.2.3.4'), outer: algorithm('1.2.3.4') }),
  },
  'unknown algorithm outside': part('outer', algorithm('1.2.3.4')),
  'another algorithm outside': part('outer', algorithm('1.2.840.10045.4.3.3')),
  'algorithm with NULL': {
    bend: (parts) =>
      Object.assign(parts, {
        inner: algorithm('1.2.840.10045.4.3.2', NULL),
        outer: algorithm('1.2.840.10045.4.3.2', NULL),
      }),
  },
  'unique identifiers': part('unique', [der(0x81, hex('0001')), der(0x82, hex('0002'))]),
  'subject twice in one part': part('subject', (subject) =>
    sequence(der(0x31, subject.subarray(4), subject.subarray(4))),
  ),
  'subject of bytes that are no text': part('subject', () =>
    sequence(der(0x31, sequence(oid('2.5.4.3'), der(0x0c, hex('ff'))))),
  ),
  'subject with an empty part': part('subject', (subject) => sequence(subject.subarray(2), der(0x31))),
  'whole, long length': { bendWhole: (whole) => Buffer.concat([hex('3083 00'), whole.subarray(2)]) },
  'bytes behind it': { bendWhole: (whole) => Buffer.concat([whole, NULL]) },
};

/** A source of numbers that is the same in each run. */
function randomFrom(seed) {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Ways of writing with one or two bytes that are others, before the certificate is signed or after it. */
function* brokenBytes(seed, count) {
  const random = randomFrom(seed);
  const bend = (numbers) => (bytes) => {
    const bent = Buffer.from(bytes);
    for (const [at, how, value] of numbers) {
      // The head says most; the first bytes only break all.
      const index = 4 + (at % (bytes.length - 4));
      bent[index] = [bent[index] ^ 1, bent[index] ^ 0x80, bent[index] + 1, bent[index] - 1, 0, 0x7f, 0x80, 0xff, value][
        how
      ];
    }
    return bent;
  };
  for (let i = 0; i < count; i++) {
    const numbers = Array.from({ length: random(5) === 0 ? 2 : 1 }, () => [random(1 << 16), random(9), random(256)]);
    yield [`bytes ${seed}/${i}`, { [random(4) === 0 ? 'bendWhole' : 'bendSigned']: bend(numbers) }];
  }
}

module.exports = { brokenBytes, ENCODINGS };
