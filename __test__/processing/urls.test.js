'use strict';
// What a parser of URLs takes for a user, a password or the value of a parameter is in no byte that leaves: URLs from a grammar
// with mutations, judged by Node's `URL` and `URLSearchParams`, and by the expression of RFC 3986.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { describe, it } = require('node:test');
const { FileSpanExporter } = require('../../index.js');
const { PlainSpans } = require('../helpers/plain_spans.js');
const { Random } = require('../helpers/random.js');

const ROUNDS = 20;
const BATCH = 500;
/** Of appendix B of RFC 3986: scheme, authority, path, query, fragment. */
const RFC_3986 = /^(?:([^:/?#]+):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?/s;
const KEYS = ['access_token', 'api key', "it's", 'a,b', 'q<x>', 'tök', 'p?q'];
const NAMES = [...KEYS, 'AWSAccessKeyId', 'Signature', 'sig', 'X-Goog-Signature', 'X-Amz-Security-Token'];

const spans = new PlainSpans(43);

/** What becomes of texts under rules, one attribute each. */
async function processed(t, texts, redact) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-urls-'));
  t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
  const exporter = new FileSpanExporter({ directory, process: { redact } });
  const batch = texts.map((text) => spans.span({ attributes: { 'url.full': text } }));
  assert.equal((await exporter.exportSpans(batch)).delivered, texts.length);
  await exporter.shutdown();
  const lines = fs.readdirSync(directory).flatMap((name) => fs.readFileSync(path.join(directory, name), 'utf8').trim());
  return lines
    .flatMap((text) => text.split('\n'))
    .flatMap((line) => JSON.parse(line).resourceSpans.flatMap(({ scopeSpans }) => scopeSpans))
    .flatMap((scope) => scope.spans.map(({ attributes }) => attributes[0].value.stringValue));
}

const SCHEMES = ['http', 'https', 'ws', 'wss', 'ftp', 'file', 'postgres', 'redis', 'git+ssh', 'HTTPS', 'hTtP', 'x'];
const SLASHES = ['//', '//', '//', '//', '/', '', '\\\\', '\\/', '/\\', '///', '////', '/\t/', '\n//'];
/** What makes a secret hard to see. */
const ODD = [
  '@',
  '%40',
  ':',
  '%3A',
  ' ',
  '\t',
  '\n',
  '\r',
  '\\',
  '%2F',
  '%',
  'é',
  '%zz',
  '+',
  '=',
  ';',
  ',',
  '!',
  '"',
  '<',
  '[',
  "'",
  '|',
  '^',
  '&',
];

/** Letters that stand nowhere else, with odd ones between them. */
function secret(random) {
  const parts = random.times(1 + random.below(3), () => `S${random.hex(7)}`);
  return parts.reduce((text, part) => text + random.pick(ODD) + part);
}

function userinfo(random) {
  return random.pick([
    () => `${secret(random)}@`,
    () => `${secret(random)}:${secret(random)}@`,
    () => `:${secret(random)}@`,
    () => `${secret(random)}:@`,
    () => `${secret(random)}@${secret(random)}@`,
  ])();
}

/** Somewhere one character more, which some parsers skip or read differently. */
function mutated(random, text) {
  const at = random.below(text.length + 1);
  return text.slice(0, at) + random.pick(['\t', '\n', '\r', ' ', '\\', '/', '@', ':', '\0', '%']) + text.slice(at);
}

function urlOf(random) {
  const scheme = random.chance(0.9) ? `${random.pick(SCHEMES)}:` : '';
  const host = random.pick(['h', 'example.com', 'h:8080', '[::1]', '127.0.0.1:1', 'h:', '']);
  const end = random.pick(['', '/', '/p/a@b', '?q=1', '?x=a@b', '#f', '/p?to=https://h/x', '\\p']);
  const text = scheme + random.pick(SLASHES) + userinfo(random) + host + end;
  const before = random.pick(['', '', '', ' ', '\n', '\0', '\t ']);
  return before + (random.chance(0.4) ? mutated(random, text) : text);
}

/** A parameter's name as it may be written. */
function written(random, name) {
  const spell = (unit) => {
    if (random.chance(0.3) || '&=#%'.includes(unit))
      return encodeURIComponent(unit).replace(/^(.)$/, (one) => `%${one.charCodeAt(0).toString(16)}`);
    return unit === ' ' ? random.pick(['+', '%20']) : unit;
  };
  return [...name].map(spell).join('');
}

function queryOf(random) {
  const parameters = random.times(1 + random.below(4), () => {
    const name = random.chance(0.7) ? random.pick(NAMES) : random.pick(['q', 'xsig', 'sig2', 'page', 'Sig']);
    return `${written(random, name)}${random.pick(['=', '=', '=', '=='])}${secret(random).replaceAll('&', '')}`;
  });
  return parameters.join(random.pick(['&', '&', '&', '&&']));
}

/** Every part of a secret that is in what a parser says. */
function secretsIn(text) {
  let decoded = text;
  try {
    decoded = decodeURIComponent(text);
  } catch {}
  return [...(decoded.match(/S[0-9a-f]{7}/g) ?? []), ...(text.match(/S[0-9a-f]{7}/g) ?? [])];
}

function byNode(text) {
  const found = [];
  for (const base of [undefined, 'https://base.example/']) {
    try {
      const { username, password } = new URL(text, base);
      found.push(username, password);
    } catch {}
  }
  return found.flatMap(secretsIn);
}

function byRfc3986(text) {
  const [, , authority = ''] = RFC_3986.exec(text.trim());
  return secretsIn(authority.slice(0, Math.max(0, authority.lastIndexOf('@'))));
}

describe('secrets in URLs', () => {
  const rules = { 'the url action': [{ keys: ['url.full'], action: { url: [] } }], "'defaults'": ['defaults'] };
  for (const [name, redact] of Object.entries(rules)) {
    it(`P43: what Node or RFC 3986 reads as user and password does not leave, by ${name}`, async (t) => {
      const random = new Random(4301);
      let [judged, parsed] = [0, 0];
      for (let round = 0; round < ROUNDS; round++) {
        const texts = random.times(BATCH, () => urlOf(random));
        const left = await processed(t, texts, redact);
        texts.forEach((text, nth) => {
          const node = byNode(text);
          const secrets = [...node, ...byRfc3986(text)];
          judged += secrets.length > 0;
          parsed += node.length > 0;
          for (const part of secrets)
            assert.ok(!left[nth].includes(part), `${JSON.stringify([text, left[nth]])}: ${part}`);
        });
      }
      assert.ok(
        judged > ROUNDS * BATCH * 0.5 && parsed > ROUNDS * BATCH * 0.3,
        `${judged} had secrets, ${parsed} for Node`,
      );
    });
  }

  it('P43: what URLSearchParams reads as the value of a named parameter does not leave', async (t) => {
    const random = new Random(4302);
    let judged = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const texts = random.times(BATCH, () => {
        const query = queryOf(random);
        const text = random.pick(['', '?', 'https://h/p?', '/p?', 'https://h/?a=1&']) + query;
        return random.chance(0.3) ? mutated(random, text) : text;
      });
      const left = await processed(t, texts, [{ keys: ['url.full'], action: { url: KEYS } }]);
      texts.forEach((text, nth) => {
        const readings = [new URLSearchParams(text), new URLSearchParams(text.slice(text.indexOf('?') + 1))];
        try {
          readings.push(new URL(text, 'https://base.example/').searchParams);
        } catch {}
        for (const [key, value] of readings.flatMap((reading) => [...reading])) {
          if (!NAMES.includes(key)) continue;
          judged++;
          for (const part of secretsIn(value))
            assert.ok(!left[nth].includes(part), JSON.stringify([text, left[nth], key]));
        }
      });
    }
    assert.ok(judged > ROUNDS * BATCH, `${judged} values were judged`);
  });

  it('P43: URLs without secrets keep their bytes', async (t) => {
    const texts = [
      'https://example.com/users/@ada?page=2&mail=a@b.example#top',
      'https://registry.example:4873/@scope/pkg/-/pkg-1.0.0.tgz',
      'http://[::1]:8080/a@b',
      '/search?q=a:b@c&xsig=1',
      'mail=ada@example.com&page=2',
      'file:///home/ada@work/notes.txt',
      'file:/C:/x',
      '*',
      'example.com:443',
      'urn:isbn:0451450523',
      '',
    ];
    assert.deepEqual(await processed(t, texts, ['defaults']), texts);
  });
});
