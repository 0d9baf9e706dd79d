'use strict';
// Owns the generated chains of the TLS matrix: an ordinary chain of each length, and every way of twisting one certificate of it.
// What is right is not written here: Node's own TLS says it.

const { make } = require('./x509_maker.js');

const ROOT = { subject: 'Matrix Root', ca: true, usage: ['keyCertSign'] };
const MIDDLE = { subject: 'Matrix Middle', ca: true, usage: ['keyCertSign'] };
const LEAF = {
  subject: 'collector',
  ca: false,
  names: ['localhost', '127.0.0.1'],
  usage: ['digitalSignature'],
  purposes: ['server'],
};

const KEYS = ['P-384', 'P-521', 'rsa-1024', 'rsa-2048', 'rsa-3072', 'pss-2048', 'ed25519', 'ed448'];
const byKey = Object.fromEntries(KEYS.map((key) => [`key ${key}`, { key }]));

const ANY_TWISTS = {
  expired: { days: [-10, -1] },
  'not yet valid': { days: [1, 10] },
  'last second': { days: [-10, 0.01] },
  'version 1': { version: 1 },
  'no key usage': { usage: undefined },
  'all key usages': { usage: ['digitalSignature', 'keyEncipherment', 'keyCertSign'] },
  'usage to encipher only': { usage: ['keyEncipherment'] },
  'no purposes': { purposes: undefined },
  'purpose server': { purposes: ['server'] },
  'purpose client': { purposes: ['client'] },
  'purposes server and client': { purposes: ['client', 'server'] },
  'any purpose': { purposes: ['any'] },
  'purpose code': { purposes: ['code'] },
  'no basic constraints': { ca: undefined },
  'unknown extension': { unknown: 'plain' },
  'unknown critical extension': { unknown: 'critical' },
  'an extension twice': { twice: true },
  'Netscape client': { netscape: 128 },
  'Netscape server': { netscape: 64 },
  'Netscape CA': { netscape: 4 },
  'bad signature': { tamper: true },
  // RFC 3779: all autonomous systems are inherited, or one of them is its own; RFC 3820: a proxy of unlimited rights.
  'inherits systems': { extra: { id: '1.3.6.1.5.5.7.1.8', value: Buffer.from('3004a0020500', 'hex') } },
  'has a system of its own': { extra: { id: '1.3.6.1.5.5.7.1.8', value: Buffer.from('3007a0053003020107', 'hex') } },
  proxy: { extra: { id: '1.3.6.1.5.5.7.1.14', value: Buffer.from('300c300a06082b06010505071501', 'hex') } },
  'identifies its key': { keyId: true },
  ...byKey,
};

const AUTHORITY_TWISTS = {
  ...ANY_TWISTS,
  'no authority': { ca: false },
  'path length 0': { pathLength: 0 },
  'path length 1': { pathLength: 1 },
  'may not sign certificates': { usage: ['digitalSignature'] },
  'permits the name': { constraints: { permitted: ['localhost'] } },
  'permits another name': { constraints: { permitted: ['example.test'] } },
  'excludes the name': { constraints: { excluded: ['localhost'] } },
  'excludes another name': { constraints: { excluded: ['example.test'] } },
  'name in another kind of text': { tag: 0x13 },
  'name as BMPString': { tag: 0x1e },
};

const SIGNED_TWISTS = {
  'issuer in other case': { spelling: (issuer) => ({ text: issuer.text.toUpperCase() }) },
  'issuer with more blanks': { spelling: (issuer) => ({ text: ` ${issuer.text.replace(' ', '  ')}` }) },
  'issuer in another kind of text': { spelling: () => ({ tag: 0x13 }) },
  'issuer as BMPString': { spelling: () => ({ tag: 0x1e }) },
  'names the key of its issuer': { authorityKey: 'id' },
  'names another key': { authorityKey: 'wrong id' },
  'names the serial of its issuer': { authorityKey: 'serial' },
  'names another serial': { authorityKey: 'wrong serial' },
};

const LEAF_TWISTS = {
  ...ANY_TWISTS,
  authority: { ca: true },
  'path length, no authority': { pathLength: 0 },
  'usage to sign certificates': { usage: ['keyCertSign'] },
  'another host': { names: ['collector.example', '10.0.0.1'] },
  'no names, common name fits': { subject: 'localhost', which: 'collector', names: undefined },
  'no names, common name is another': { names: undefined },
  'host in upper case': { names: ['LOCALHOST', '127.0.0.1'] },
  'trailing dot': { names: ['localhost.', '127.0.0.1'] },
  'a star': { names: ['*'] },
  'part of a label': { names: ['l*host'] },
  'address only': { names: ['127.0.0.1'] },
  'address as text': { names: ['127.0.0.1.'] },
  'name and URI': { names: ['uri:https://localhost/', 'localhost', '127.0.0.1'] },
  'URI and mail only': {
    subject: 'localhost',
    which: 'collector',
    names: ['uri:https://localhost/', 'email:a@localhost'],
  },
  'odd letters in a name': { names: ['local, DNS:host', 'other'] },
};

const HASHES = { 'SHA-1': 'sha1', 'SHA-384': 'sha384', 'SHA-512': 'sha512' };
const byHash = (key) =>
  Object.fromEntries(Object.entries(HASHES).map(([name, hash]) => [`${key} signs with ${name}`, hash]));

/** Certificates from the root down to the leaf; `twists` by position changes what one of them is. */
function build(specs) {
  const made = [];
  for (const spec of specs) {
    const issuer = made.at(-1);
    const spelling = spec.spelling && issuer ? spec.spelling(issuer.subjectName) : undefined;
    made.push(make({ ...spec, spelling }, issuer));
  }
  return made;
}

/** `{ name, issue }`; `issue()` makes it: `{ ca, cert, key }`, what the client trusts and what the server shows. */
function chain(name, specs, { root = true, sends = specs.length } = {}) {
  const issue = () => {
    const made = build(specs);
    const shown = made.slice(1).reverse().slice(0, sends);
    const trusted = root ? made[0] : make({ subject: 'Another Root', ca: true });
    return { ca: [trusted.cert], cert: shown.map(({ cert }) => cert).join(''), key: made.at(-1).key };
  };
  return { name, issue };
}

function* twisted() {
  for (const [length, base] of [
    [2, [ROOT, LEAF]],
    [3, [ROOT, MIDDLE, LEAF]],
    [4, [ROOT, MIDDLE, { ...MIDDLE, subject: 'Lower' }, LEAF]],
  ]) {
    yield chain(`${length} ordinary`, base);
    yield chain(`${length} ordinary, unknown root`, base, { root: false });
    if (length > 2) yield chain(`${length} without what is between`, base, { sends: 1 });
    for (let at = 0; at < base.length; at++) {
      if (length === 4 && at !== 1) continue;
      const isLeaf = at === base.length - 1;
      const twists = { ...(isLeaf ? LEAF_TWISTS : AUTHORITY_TWISTS), ...(at > 0 && SIGNED_TWISTS) };
      for (const [twist, change] of Object.entries(twists)) {
        const specs = base.map((spec, index) => (index === at ? { ...spec, ...change } : spec));
        // An issuer that is named by its key identifier has one.
        if (change.authorityKey) specs[at - 1] = { ...specs[at - 1], keyId: true };
        yield chain(`${length}, certificate ${at}: ${twist}`, specs);
        if (at > 0 && length < 4)
          yield chain(`${length}, certificate ${at}: ${twist}, unknown root`, specs, { root: false });
      }
    }
  }
}

function* signatures() {
  for (const key of ['rsa-2048', 'P-256', 'P-384']) {
    for (const [name, hash] of Object.entries(byHash(key))) {
      yield chain(name, [
        { ...ROOT, key },
        { ...LEAF, hash },
      ]);
      yield chain(`${name}, with a certificate between`, [ROOT, { ...MIDDLE, key }, { ...LEAF, hash }]);
    }
  }
  yield chain('rsa-2048 signs with PSS', [
    { ...ROOT, key: 'rsa-2048' },
    { ...LEAF, hash: 'pss' },
  ]);
}

/** A server's own certificate: given as `ca`, and not. */
function* alone() {
  for (const [twist, change] of Object.entries({ ordinary: {}, ...LEAF_TWISTS })) {
    const issue = (days) => {
      const server = make({ ...LEAF, ...change });
      const trusted = days ? make({ ...LEAF, ...change, days }) : server;
      return { ca: [trusted.cert], cert: server.cert, key: server.key };
    };
    yield { name: `alone: ${twist}`, issue: () => issue() };
    yield { name: `alone: ${twist}, another of the name is trusted`, issue: () => issue([-9, 29]) };
  }
}

/** Several certificates of one name, loops, pinned leaves, order. */
function* families() {
  const [root, middle, leaf] = build([ROOT, MIDDLE, LEAF]);
  const twin = make({ ...ROOT, which: 'twin' });
  const renewed = make({ ...ROOT, days: [-5, 60] });
  const outdated = make({ ...ROOT, days: [-20, -10] });
  const crossed = make({ ...MIDDLE, days: [-3, 20] }, make({ subject: 'Crossing Root', ca: true }));
  const looped = make({ ...ROOT, days: [-2, 20] }, middle);
  const server = { cert: leaf.cert + middle.cert, key: leaf.key };
  const of = (name, ca, more) => ({
    name: `family: ${name}`,
    issue: () => ({ ca: ca.map(({ cert }) => cert), ...server, ...more }),
  });
  yield of('twin first', [twin, root]);
  yield of('twin last', [root, twin]);
  yield of('twin only', [twin]);
  yield of('renewed root beside the old one', [root, renewed]);
  yield of('outdated root beside the good one', [outdated, root]);
  yield of('outdated root only', [outdated]);
  yield of('root twice', [root, root]);
  yield of('middle only', [middle]);
  yield of('middle and root', [middle, root]);
  yield of('leaf only', [leaf]);
  yield of('leaf and middle', [leaf, middle]);
  yield of('crossed middle', [crossed, root]);
  yield of('crossed middle sent, too', [root], { cert: leaf.cert + crossed.cert + middle.cert });
  yield of('crossed middle sent last', [root], { cert: leaf.cert + middle.cert + crossed.cert });
  yield of('root sent, too', [root], { cert: leaf.cert + middle.cert + root.cert });
  yield of('root sent, not trusted', [twin], { cert: leaf.cert + middle.cert + root.cert });
  yield of('sent in another order', [root], { cert: leaf.cert + root.cert + middle.cert });
  yield of('sent twice', [root], { cert: leaf.cert + middle.cert + middle.cert });
  yield of('a stranger sent, too', [root], { cert: leaf.cert + middle.cert + twin.cert });
  yield of('a loop', [twin], { cert: leaf.cert + middle.cert + looped.cert });
  yield of('a loop above a root', [root], { cert: leaf.cert + middle.cert + looped.cert });
}

/** Every chain. More than 300; the names are unique. */
function allChains() {
  return [...twisted(), ...signatures(), ...alone(), ...families()];
}

module.exports = { allChains, build, LEAF, MIDDLE, ROOT };
