'use strict';
// Owns spans with secrets in them: where a secret may stand, and the rules that have to take it.

const { CARDS, TAIL, WORD } = require('./leaks.js');
const { PlainSpans, randomSpans } = require('../plain_spans.js');

const KEY = new Uint8Array(32).fill(7);

/** Each rule has to take something that no other takes. */
const RULES = [
  { keys: ['enduser.secret', 'request.headers.authorization', '**.deep', 'bytes.secret'] },
  { keys: ['deleted.secret', 'http.request.header.cookie'], action: 'delete' },
  { keys: ['user.id'], action: 'hash' },
  { keys: ['typed.secret'], keepType: true },
  { keys: ['body.json'], action: { json: { mask: ['$.user.password', '**.token'], hash: ['$.user.id'] } } },
  { keys: ['kept.json'], action: { json: { keep: ['$.ok'] } } },
  { keys: ['db.query.text'], action: { sql: 'auto' } },
  { keys: ['url.full'], action: { url: ['access_token'] } },
  { match: ['email'] },
  { match: ['creditCard'], action: 'hash' },
  { match: ['jwt', 'bearer', 'awsKey', 'urlCredentials', 'privateKey'] },
];

const mail = (secret) => `${secret}@example.com`;
const jwt = (secret) => `eyJhbGciOiJIUzI1NiJ9.${secret}.${secret}`;
const aws = (secret) => `AKIA${secret.toUpperCase().padEnd(16, 'A').slice(0, 16)}`;
/** Where the way in which a text is written or copied changes, and where blocks of the hand-off end. */
const SEAMS = [0, 256, 4096, 16_384];
const RARE_SEAMS = [65_536, 131_072, 1 << 18];
/** Rarely so long that a text is copied in slices and takes several blocks; what follows it stands across a seam. */
const long = (random) =>
  random
    .pick(['x', 'é', 'ж'])
    .repeat(Math.max(0, random.pick(random.chance(0.1) ? RARE_SEAMS : SEAMS) - random.below(48)));
const wide = (random) => random.pick(['', 'é', 'ключ ', '🚀', '\ud800']);

/** Rule -> ways to plant a secret that it takes. */
const PLANTS = [
  {
    masked: (span, secret) => Object.assign(span.attributes, { 'enduser.secret': secret }),
    number: (span, secret) => Object.assign(span.attributes, { 'enduser.secret': [1, secret, { inner: secret }] }),
    nested: (span, secret) =>
      Object.assign(span.attributes, { request: { headers: { authorization: secret, host: 'h' } } }),
    deep: (span, secret) => Object.assign(span.attributes, { list: [{ a: [{ deep: secret }] }] }),
    base64: (span, secret) =>
      Object.assign(span.attributes, { 'enduser.secret': Buffer.from(secret).toString('base64') }),
    bytes: (span, secret) => Object.assign(span.attributes, { 'bytes.secret': Buffer.from(`ab${secret}`) }),
    utf16: (span, secret) => Object.assign(span.attributes, { 'enduser.secret': `ключ ${secret} 🚀` }),
    latin1: (span, secret) => Object.assign(span.attributes, { 'enduser.secret': `é${secret}ÿ` }),
    blocks: (span, secret, random) =>
      Object.assign(span.attributes, { 'enduser.secret': long(random) + secret + long(random) }),
    manyBlocks: (span, secret, random) =>
      Object.assign(span.attributes, {
        'enduser.secret': random.times(20, () => secret + 'x'.repeat(random.below(4000))),
      }),
    wideBytes: (span, secret) => Object.assign(span.attributes, { 'bytes.secret': Buffer.from(secret, 'utf16le') }),
  },
  {
    deleted: (span, secret) => Object.assign(span.attributes, { 'deleted.secret': { [secret]: secret } }),
    event: (span, secret) => span.events.push(eventWith({ 'http.request.header.cookie': secret })),
  },
  { hashed: (span, secret, random) => Object.assign(span.attributes, { 'user.id': wide(random) + secret }) },
  {
    typed: (span, secret) =>
      Object.assign(span.attributes, { 'typed.secret': { text: secret, list: [secret, Buffer.from(secret)] } }),
  },
  {
    json: (span, secret, random) =>
      withJson(span, { user: { password: secret, id: `id-${secret}` }, pad: long(random) }),
    escaped: (span, secret) =>
      Object.assign(span.attributes, { 'body.json': `{"user":{"pass\\u0077ord":"${escaped(secret)}"}}` }),
    twice: (span, secret) => withJson(span, { body: JSON.stringify({ a: [{ token: { [secret]: secret } }] }) }),
    broken: (span, secret, random) => {
      const text = JSON.stringify({ n: 1, user: { password: secret } });
      Object.assign(span.attributes, { 'body.json': text.slice(0, text.length - random.below(4)) });
    },
    wideJson: (span, secret) => withJson(span, { ключ: '🚀', token: `é${secret}` }),
  },
  {
    kept: (span, secret) =>
      Object.assign(span.attributes, { 'kept.json': JSON.stringify({ ok: 1, other: [secret, { x: secret }] }) }),
    noJson: (span, secret) => Object.assign(span.attributes, { 'kept.json': `not json ${secret}` }),
  },
  {
    sql: (span, secret) => Object.assign(span.attributes, { 'db.query.text': `select 1 from t where a = '${secret}'` }),
    // Names for a database that says so, literals for every other.
    double: (span, secret) =>
      Object.assign(span.attributes, {
        'db.system': 'other',
        'db.query.text': `insert into t values ("${secret}", 2)`,
      }),
    cut: (span, secret) => Object.assign(span.attributes, { 'db.query.text': `select a -- ${secret}\n, 'b${secret}` }),
    backslash: (span, secret) => Object.assign(span.attributes, { 'db.query.text': `a = 'x\\' or '${secret}'` }),
    postgres: (span, secret) =>
      Object.assign(span.attributes, { 'db.system': 'postgresql', 'db.query.text': `"a" = $t$${secret}$t$` }),
  },
  {
    url: (span, secret) =>
      Object.assign(span.attributes, { 'url.full': `https://h/p?access_token=${secret}&sig=${secret}` }),
    fragment: (span, secret) => Object.assign(span.attributes, { 'url.full': `https://h/p#%73ig=${secret}` }),
    user: (span, secret) => Object.assign(span.attributes, { 'url.full': `https://${secret}:p${secret}@h/` }),
    // The detector of rule 10 stops at blanks.
    slashes: (span, secret, random) => {
      const scheme = random.pick(['HTTPS:', 'ht\ttps:', 'ws:', ' https:']);
      const slashes = random.pick(['', '/', '\\\\', '\\/', '////']);
      Object.assign(span.attributes, { 'url.full': `${scheme}\n${slashes}${secret}@h/` });
    },
    blank: (span, secret) =>
      Object.assign(span.attributes, { 'url.full': `https://h/p?a=b;si\ng=x ${secret};${secret}` }),
    encoded: (span, secret) => Object.assign(span.attributes, { 'url.full': `/p?access%5Ftoken=${percent(secret)}` }),
  },
  {
    mail: (span, secret, random) => Object.assign(span.attributes, { note: `${wide(random)} to ${mail(secret)}, ` }),
    percent: (span, secret) => Object.assign(span.attributes, { note: `?m=${mail(secret).replace('@', '%40')}` }),
    name: (span, secret) => Object.assign(span, { name: `GET ${mail(secret)}` }),
    status: (span, secret) => Object.assign(span, { status: { code: 2, message: `no ${mail(secret)}` } }),
    eventName: (span, secret) => span.events.push({ ...eventWith({}), name: mail(secret) }),
    eventText: (span, secret) => span.events.push(eventWith({ stack: `Error: ${mail(secret)}\n at x` })),
    link: (span, secret) => span.links.push({ context: span.spanContext(), attributes: { m: mail(secret) } }),
    nested: (span, secret) => Object.assign(span.attributes, { m: { list: [{ of: [mail(secret)] }] } }),
    attributeKey: (span, secret) => Object.assign(span.attributes, { [mail(secret)]: 1 }),
    mapKey: (span, secret) => Object.assign(span.attributes, { map: { [mail(secret)]: 1, other: mail(secret) } }),
    jsonKey: (span, secret) => withJson(span, { [mail(secret)]: 1, x: [mail(secret).replace('@', '\u0040')] }),
    resource: (span, secret) =>
      Object.assign(span, { resource: { attributes: { 'service.name': 's', owner: mail(secret) } } }),
    scope: (span, secret) =>
      Object.assign(span, { instrumentationScope: { name: mail(secret), version: mail(secret) } }),
    far: (span, secret, random) =>
      Object.assign(span.attributes, { far: `${long(random)} ${mail(secret)} ${long(random)}` }),
    bytes: (span, secret) => Object.assign(span.attributes, { raw: Buffer.from(`\0${mail(secret)}\0`) }),
  },
  {
    card: (span, _, random) => Object.assign(span.attributes, { pay: `with ${random.pick(CARDS)} today` }),
    number: (span, _, random) => Object.assign(span.attributes, { pan: Number(random.pick(CARDS)) }),
    spaced: (span, _, random) =>
      Object.assign(span.attributes, { pay: random.pick(CARDS).replace(/(.{4})(?=.)/g, random.pick(['$1 ', '$1-'])) }),
    json: (span, _, random) => withJson(span, { pan: Number(random.pick(CARDS)), also: random.pick(CARDS) }),
  },
  {
    jwt: (span, secret) => Object.assign(span.attributes, { note: `t=${jwt(secret)};` }),
    bearer: (span, secret) => Object.assign(span, { status: { code: 2, message: `authorization: Bearer 1${secret}` } }),
    aws: (span, secret) => Object.assign(span.attributes, { note: [`key ${aws(secret)}`] }),
    credentials: (span, secret) => Object.assign(span, { name: `connect postgres://u:${secret}@db/x` }),
    pem: (span, secret) =>
      Object.assign(span.attributes, { key: `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----` }),
    cutPem: (span, secret) => Object.assign(span.attributes, { key: `-----BEGIN RSA PRIVATE KEY-----\n${secret}` }),
  },
];

function percent(text) {
  return [...text].map((unit) => `%${unit.charCodeAt(0).toString(16)}`).join('');
}

function escaped(text) {
  return [...text].map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
}

function eventWith(attributes) {
  return { name: 'event', time: [1_700_000_000, 5], attributes };
}

function withJson(span, value) {
  Object.assign(span.attributes, { 'body.json': JSON.stringify(value) });
}

/** All ways of planting, by their rule. */
const WAYS = PLANTS.flatMap((ways, rule) => Object.entries(ways).map(([name, plant]) => ({ rule, name, plant })));

/** `count` random spans, each with one to three secrets in it. */
function plantedSpans(random, count) {
  return randomSpans(random.next(), count).map((span) => {
    const copy = ownCopy(span);
    for (let left = 1 + random.below(3); left > 0; left--) random.pick(WAYS).plant(copy, secretOf(random), random);
    return copy;
  });
}

function secretOf(random) {
  return WORD + random.hex(8) + TAIL;
}

/** A span whose members may be set. */
function ownCopy(span) {
  const copy = new PlainSpans(1).span();
  const { name, kind, status, attributes, events, links, resource, instrumentationScope = { name: 's' } } = span;
  const context = span.spanContext();
  Object.assign(copy, { name, kind, status, resource, instrumentationScope, spanContext: () => context });
  return Object.assign(copy, { attributes: { ...attributes }, events: [...events], links: [...links] });
}

/** A span with one secret, planted in one way. */
function spanWith({ plant }, random) {
  const span = new PlainSpans(5).span();
  plant(span, secretOf(random), random);
  return span;
}

module.exports = { KEY, plantedSpans, RULES, spanWith, WAYS };
