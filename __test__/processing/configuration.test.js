'use strict';
// What `process` may be, in code and in the environment, and what the constructor says of the rest.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { describe, it } = require('node:test');
const { inspect } = require('node:util');
const { FileSpanExporter, OTLPTraceExporter } = require('../../index.js');
const { readProcess } = require('../../js/config/process.js');
const { DETECTORS, PRESETS, PRESETS_VERSION } = require('../../js/config/process/vocabulary.js');
const { diagLines } = require('../helpers/diag_lines.js');
const { decodeRequest } = require('../helpers/otlp_decoder.js');
const { PlainSpans } = require('../helpers/plain_spans.js');
const { startReceiver } = require('../helpers/receiver.js');

const root = path.resolve(__dirname, '..', '..');
const span = (attributes) => new PlainSpans(3).span({ attributes });
const key = new Uint8Array(32).fill(1);
const keys = ['k'];
const list = (length, make) => Array.from({ length }, (_, nth) => make(nth));

/** A list that has something until it is read. */
function shrinking(items) {
  let asked = 0;
  const get = (target, member) => (member === 'length' && asked++ > 0 ? 0 : target[member]);
  return new Proxy(items, { get });
}

function throwing(member) {
  const get = () => {
    throw new Error('plantedInAGetter');
  };
  return Object.defineProperty({}, member, { get, enumerable: true });
}

/** `process` -> what the error has to name. */
const WRONG = [
  [1, 'process'],
  ['text', 'process'],
  [[], 'process'],
  [() => {}, 'process'],
  [{ redacts: [] }, 'process.redacts is invalid'],
  [{ sample: { default: 1 } }, 'process.sample is not supported yet'],
  [{ metrics: {} }, 'process.metrics is not supported yet'],
  [{ marker: '' }, 'process.marker'],
  [{ marker: 'x'.repeat(65) }, 'process.marker'],
  [{ marker: 5 }, 'process.marker'],
  [{ marker: '\ud800' }, 'process.marker'],
  [{ hashKey: new Uint8Array(31) }, 'process.hashKey'],
  [{ hashKey: 'x'.repeat(64) }, 'process.hashKey'],
  [{ hashKey: { env: 'OFFLOOP_TEST_NO_SUCH_VARIABLE' } }, 'process.hashKey.env'],
  [{ hashKey: { env: 'A', other: 1 } }, 'process.hashKey'],
  [{ hashKey: { env: 5 } }, 'process.hashKey.env'],
  [{ hashKey: null, redact: [{ keys, action: 'hash' }] }, 'expected hashKey'],
  [{ redact: [{ keys, action: { json: { hash: ['$.a'] } } }] }, 'expected hashKey'],
  [{ redact: {} }, 'process.redact'],
  [{ redact: [] }, 'process.redact'],
  [{ redact: ['default'] }, 'process.redact[0]'],
  [{ redact: [5] }, 'process.redact[0]'],
  [{ redact: [null] }, 'process.redact[0]'],
  [{ redact: [{}] }, 'process.redact[0] is invalid, it needs keys or match'],
  [{ redact: ['secrets', { keys: [] }] }, 'process.redact[1].keys'],
  [{ redact: [{ keys: 'k' }] }, 'process.redact[0].keys'],
  [{ redact: [{ keys: [''] }] }, 'process.redact[0].keys[0]'],
  [{ redact: [{ keys: ['a', 5] }] }, 'process.redact[0].keys[1]'],
  [{ redact: [{ keys: [/k/] }] }, 'process.redact[0].keys[0]'],
  [{ redact: [{ kyes: ['k'] }] }, 'process.redact[0].kyes is invalid'],
  [{ redact: [{ keys, name: '' }] }, 'process.redact[0].name'],
  [{ redact: [{ keys, name: 'a\nb' }] }, 'process.redact[0].name is invalid, expected a text without line breaks'],
  [{ redact: [{ keys, name: 'a\u2028b' }] }, 'process.redact[0].name is invalid, expected a text without line breaks'],
  [{ redact: [{ keys, 'a\u001b[31m\nb': 1 }] }, 'process.redact[0].a?[31m?b is invalid'],
  [
    {
      redact: [
        { keys, name: 'a' },
        { keys, name: 'a' },
      ],
    },
    "two rules are called 'a'",
  ],
  [{ redact: ['pii', 'pii'] }, "two rules are called 'pii'"],
  [{ redact: [{ keys, in: [] }] }, 'process.redact[0].in'],
  [{ redact: [{ keys, in: ['spans'] }] }, 'process.redact[0].in[0]'],
  [{ redact: [{ keys, in: 'name' }] }, 'process.redact[0].in'],
  [{ redact: [{ keys, in: ['name', 'status'] }] }, 'no part that it names has keys'],
  [{ redact: [{ keys, ignoreCase: 'yes' }] }, 'process.redact[0].ignoreCase'],
  [{ redact: [{ keys, except: [] }] }, 'process.redact[0].except'],
  [{ redact: [{ keys, unless: 'x' }] }, 'process.redact[0].unless'],
  [{ redact: [{ keys, unless: ['x'], action: 'delete' }] }, 'unless has no effect'],
  [{ redact: [{ keys, keepType: 1 }] }, 'process.redact[0].keepType'],
  [{ redact: [{ keys, keepType: true, action: 'delete' }] }, 'keepType is for'],
  [{ redact: [{ match: ['email'], keepType: true }] }, 'keepType is for whole values'],
  [{ redact: [{ match: [] }] }, 'process.redact[0].match'],
  [{ redact: [{ match: ['emial'] }] }, 'process.redact[0].match[0]'],
  [
    { redact: [{ match: ['email', { pattern: 'plantedPattern' }] }] },
    'process.redact[0].match[1].pattern is not supported yet',
  ],
  [{ redact: [{ match: ['email'], action: 'delete' }] }, "its action can be 'mask' or 'hash'"],
  [{ redact: [{ match: ['email'], action: { truncate: 5 } }] }, "its action can be 'mask' or 'hash'"],
  [{ redact: [{ keys, action: 'burn' }] }, 'process.redact[0].action'],
  [{ redact: [{ keys, action: {} }] }, 'process.redact[0].action'],
  [{ redact: [{ keys, action: { sql: 'auto', url: [] } }] }, 'process.redact[0].action'],
  [{ redact: [{ keys, action: { hsah: 1 } }] }, 'process.redact[0].action.hsah is invalid'],
  [{ redact: [{ keys, action: { truncate: -1 } }] }, 'process.redact[0].action.truncate'],
  [{ redact: [{ keys, action: { truncate: 1.5 } }] }, 'process.redact[0].action.truncate'],
  [{ redact: [{ keys, action: { sql: 'oracle' } }] }, 'process.redact[0].action.sql'],
  [{ redact: [{ keys, action: { url: 'sig' } }] }, 'process.redact[0].action.url'],
  [{ redact: [{ keys, action: { allow: false } }] }, 'process.redact[0].action.allow'],
  [{ redact: [{ keys, action: { json: {} } }] }, 'process.redact[0].action.json'],
  [{ redact: [{ keys, action: { json: { mask: [] } } }] }, 'process.redact[0].action.json.mask'],
  [{ redact: [{ keys, action: { json: { mask: ['$..a'] } } }] }, 'process.redact[0].action.json.mask[0]'],
  [{ redact: [{ keys, action: { json: { keep: ['$.a', 'a[0]'] } } }] }, 'process.redact[0].action.json.keep[1]'],
  [{ redact: [{ keys, action: { json: { mask: list(65, (nth) => `a${nth}`) } } }] }, 'process.redact[0].action.json'],
  [{ attributes: [{}] }, 'process.attributes[0]'],
  [{ attributes: [{ insert: 'a' }] }, 'process.attributes[0].value'],
  [{ attributes: [{ insert: 'a', value: {} }] }, 'process.attributes[0].value'],
  [{ attributes: [{ insert: 'a', value: Number.NaN }] }, 'process.attributes[0].value'],
  [{ attributes: [{ insert: 'a', update: 'b', value: 1 }] }, 'process.attributes[0]'],
  [{ attributes: [{ rename: 'a' }] }, 'process.attributes[0].to'],
  [{ attributes: [{ rename: 'a', to: 'b', value: 1 }] }, 'process.attributes[0].value'],
  [{ attributes: [{ delete: 'a', to: 'b' }] }, 'process.attributes[0].to'],
  [{ attributes: [{ delete: 'a', in: ['name'] }] }, 'process.attributes[0].in[0]'],
  [{ attributes: [{ delete: 'a', in: ['resource'], where: { name: 'x' } }] }, 'process.attributes[0]'],
  [{ attributes: [{ delete: 'a', where: {} }] }, 'process.attributes[0].where'],
  [{ drop: [{}] }, 'process.drop[0] is invalid, a condition that asks for nothing'],
  [{ drop: [{ scope: 'span' }] }, 'process.drop[0]'],
  [{ drop: [{ name: 'x', scope: 'trace' }] }, 'process.drop[0].scope is not supported yet'],
  [{ drop: [{ name: 'x', scope: 'batch' }] }, 'process.drop[0].scope'],
  [{ drop: [{ name: [] }] }, 'process.drop[0].name'],
  [{ drop: [{ nmae: 'x' }] }, 'process.drop[0].nmae is invalid'],
  [{ drop: [{ status: ['failed'] }] }, 'process.drop[0].status[0]'],
  [{ drop: [{ kind: 'server' }] }, 'process.drop[0].kind'],
  [{ drop: [{ durationMillis: {} }] }, 'process.drop[0].durationMillis'],
  [{ drop: [{ durationMillis: { over: '5' } }] }, 'process.drop[0].durationMillis.over'],
  [{ drop: [{ attributes: {} }] }, 'process.drop[0].attributes'],
  [{ drop: [{ attributes: { a: { exists: 1 } } }] }, "process.drop[0].attributes['a'].exists"],
  [{ drop: [{ attributes: { a: [] } }] }, "process.drop[0].attributes['a']"],
  [{ drop: [{ attributes: { 'a\r\n\u0085\u2028b': [] } }] }, "process.drop[0].attributes['a????b']"],
  [{ drop: [{ attributes: { a: { exists: true, over: 1 } } }] }, "process.drop[0].attributes['a']"],
  [{ drop: [{ resource: { a: [Symbol.iterator] } }] }, "process.drop[0].resource['a'][0]"],
  [{ drop: [{ not: {} }] }, 'process.drop[0].not'],
  [{ drop: [{ not: 'x' }] }, 'process.drop[0].not'],
  [
    {
      get redact() {
        throw new Error('x');
      },
    },
    'process is invalid, expected values (actual: cannot be read)',
  ],
  [Promise.resolve({ redact: ['pii'] }), 'process is invalid, expected a plain object (actual: an object)'],
  [new Map([['redact', ['pii']]]), 'process is invalid, expected a plain object'],
  [new Date(0), 'process is invalid, expected a plain object'],
  [{ drop: [{ attributes: new Map([['a', 1]]) }] }, 'process.drop[0].attributes is invalid, expected a plain object'],
  [{ hashKey: throwing('env') }, 'process.hashKey is invalid, expected values (actual: cannot be read)'],
  [{ hashKey: new Proxy(key, {}) }, 'process.hashKey is invalid, expected values (actual: cannot be read)'],
  [{ redact: list(1001, (nth) => ({ keys: [`k${nth}`] })) }, 'expected 1000 rules at most'],
  [{ redact: list(129, () => ({ match: ['email'] })) }, 'expected 128 rules with match at most'],
  [{ redact: [{ keys: ['k'.repeat(1 << 20), 'l'] }] }, 'characters of rules at most'],
];

class Rules {
  #rules = [{ keys }];
  get redact() {
    return this.#rules;
  }
}

/** What has its rules elsewhere than in members of its own. */
const INSTANCES = {
  'an instance with getters': new Rules(),
  'an object that inherits': Object.create({ redact: [{ keys }] }),
  'members that are not enumerable': Object.defineProperty({}, 'redact', { value: [{ keys }] }),
  'a Proxy that answers alone': new Proxy({}, { get: (_, name) => (name === 'redact' ? [{ keys }] : undefined) }),
  'a list that is shorter when it is asked again': { redact: shrinking([{ keys }]) },
  'an object of another realm': require('node:vm').runInNewContext("({ redact: [{ keys: ['k'] }] })"),
};

function withVariables(variables, run) {
  const before = Object.fromEntries(Object.keys(variables).map((name) => [name, process.env[name]]));
  const set = (values) => {
    for (const [name, value] of Object.entries(values)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
  set(variables);
  try {
    return run();
  } finally {
    set(before);
  }
}

function temporaryFile(t, text) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-process-'));
  t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
  const file = path.join(directory, 'process.json');
  fs.writeFileSync(file, text);
  return file;
}

/** What becomes of the attributes of one span. */
async function attributesAfter(t, make, attributes) {
  const receiver = await startReceiver({}, t);
  const exporter = make(receiver.url);
  await exporter.exportSpans([span(attributes)]);
  await exporter.shutdown();
  const [{ scopes }] = decodeRequest(receiver.requests[0].body, 'application/x-protobuf');
  return Object.fromEntries(scopes[0].spans[0].attributes.map(([name, [, value]]) => [name, value]));
}

describe('process', () => {
  for (const [given, expected] of WRONG) {
    it(`P2 P6: ${inspect(given, { breakLength: Infinity, getters: false }).slice(0, 90)}`, () => {
      for (const make of [
        () => new OTLPTraceExporter({ process: given }),
        () => new OTLPTraceExporter({ process: given, protocol: 'grpc' }),
        () => new FileSpanExporter({ process: given, directory: os.tmpdir() }),
      ]) {
        assert.throws(make, (error) => {
          assert.equal(error.code, 'ERR_OFFLOOP_CONFIG');
          assert.ok(error.message.startsWith('Configuration: process'), error.message);
          assert.ok(error.message.includes(expected), error.message);
          assert.doesNotMatch(error.message, /[\p{Cc}\p{Zl}]/u);
          return true;
        });
      }
    });
  }

  it('P2: a message is one line, whatever is in a key', () => {
    const make = () => new OTLPTraceExporter({ process: { drop: [{ attributes: { 'a\r\n\u001b[31mb': [] } }] } });
    assert.throws(make, ({ message }) => message.includes("attributes['a???[31mb']"));
  });

  it('P3: no message and no view of an exporter shows a value of the configuration', async () => {
    const planted = 'plantedSecretOf32BytesAndMore!!!!!';
    const bytes = new TextEncoder().encode(planted);
    const shown = [];
    for (const wrong of [
      { hashKey: planted },
      { hashKey: { [planted]: planted } },
      { hashKey: { env: planted } },
      { redact: [{ match: [{ pattern: planted }] }] },
      { redact: [{ match: [planted] }] },
      { redact: [planted] },
      { redact: [{ keys: planted }] },
      { redact: [{ keys, unless: planted }] },
      { redact: [{ keys, action: planted }] },
      { redact: [{ keys, action: { json: { mask: [`${planted}..`] } } }] },
      { attributes: [{ insert: 'a', value: [planted] }] },
      { drop: [{ attributes: { a: [[planted]] } }] },
      { drop: [{ kind: [planted] }] },
    ]) {
      assert.throws(
        () => new OTLPTraceExporter({ process: wrong }),
        (error) => shown.push(error.message, error.stack, inspect(error, { depth: 9 })) > 0,
      );
    }
    const fine = {
      hashKey: bytes,
      redact: [{ keys: [planted], action: 'hash' }],
      attributes: [{ insert: 'a', value: planted }],
    };
    const said = await diagLines(async () => {
      const exporter = new OTLPTraceExporter({ process: fine });
      shown.push(inspect(exporter, { depth: 9, showHidden: true }), inspect(exporter.stats(), { depth: 9 }));
      await exporter.shutdown();
    });
    shown.push(inspect(said, { depth: 9 }));
    const forms = [planted, Buffer.from(planted).toString('base64').slice(0, 40), [...bytes.slice(0, 8)].join(', ')];
    for (const text of shown) for (const form of forms) assert.equal(text.includes(form), false, text);
  });

  it('P1: what is changed after the construction changes nothing', async (t) => {
    const bytes = new Uint8Array(32).fill(9);
    const options = {
      marker: '***',
      hashKey: bytes,
      redact: [{ keys: ['a'] }, { keys: ['b'], action: 'hash' }],
      attributes: [{ insert: 'c', value: 1 }],
      drop: [{ name: 'nobody' }],
    };
    const before = await attributesAfter(t, (url) => new OTLPTraceExporter({ url, process: options }), { a: 1, b: 2 });
    const after = await attributesAfter(
      t,
      (url) => {
        const exporter = new OTLPTraceExporter({ url, process: options });
        options.marker = 'changed';
        bytes.fill(0);
        options.redact[0].keys[0] = 'z';
        options.redact.pop();
        options.attributes[0].value = 2;
        options.drop.push({ not: { name: 'nobody' } });
        return exporter;
      },
      { a: 1, b: 2 },
    );
    assert.deepEqual(after, before);
    assert.deepEqual([before.a, Number(before.c)], ['***', 1]);
  });

  for (const [name, given] of Object.entries(INSTANCES)) {
    it(`P2: rules of ${name} are rules`, async (t) => {
      const after = await attributesAfter(t, (url) => new OTLPTraceExporter({ url, process: given }), { k: 'secret' });
      assert.deepEqual(after, { k: '[redacted]' });
    });
  }

  it('P9: an empty object is nothing', () => {
    for (const nothing of [undefined, null, {}, { marker: 'x' }, { hashKey: key }, { redact: null }])
      assert.equal(readProcess(nothing), null);
  });

  it('P6: as many rules as there may be are compiled in a moment', () => {
    const redact = [
      ...list(872, (nth) => ({ keys: [`key.number.${nth}.*`, `**.leaf${nth}`] })),
      ...list(128, () => ({ match: DETECTORS, keys: ['*'] })),
    ];
    const { words } = readProcess({ redact });
    assert.ok(words.length > 10_000);
  });

  it('P42: the lists behind the words', () => {
    assert.equal(PRESETS_VERSION, 1);
    const headers = [
      'authorization',
      'proxy-authorization',
      'proxy_authorization',
      'cookie',
      'set-cookie',
      'set_cookie',
    ];
    const all = [...headers, 'x-api-key', 'x_api_key'];
    const secrets =
      'jwt bearer basicAuth privateKey awsKey githubToken slackToken stripeKey googleKey urlCredentials'.split(' ');
    assert.deepEqual(PRESETS, {
      secrets: [{ name: 'secrets', match: secrets }],
      pii: [{ name: 'pii', match: ['email', 'creditCard', 'iban'] }],
      defaults: [
        { name: 'defaults.secrets', match: secrets },
        {
          name: 'defaults.headers',
          keys: ['http.request.header.', 'http.response.header.', 'rpc.*.metadata.'].flatMap((prefix) =>
            all.map((name) => prefix + name),
          ),
          ignoreCase: true,
          action: 'delete',
        },
        {
          name: 'defaults.urls',
          keys: ['url.full', 'url.query', 'url.original', 'http.url', 'http.target', 'http.request.header.referer'],
          action: { url: [] },
        },
        { name: 'defaults.sql', keys: ['db.query.text', 'db.statement'], action: { sql: 'auto' } },
        { name: 'defaults.commands', keys: ['process.command_args', 'process.command_line'] },
      ],
    });
  });

  it("P42: 'defaults' at work", async (t) => {
    const after = await attributesAfter(
      t,
      (url) => new OTLPTraceExporter({ url, process: { redact: ['defaults', 'pii'] } }),
      {
        'http.request.header.Authorization': ['Bearer abc'],
        'rpc.grpc.request.metadata.cookie': 'a=b',
        'url.full': 'https://u:p@h/?sig=1',
        'db.query.text': "select 'x'",
        'process.command_args': ['node', '--token=x'],
        note: 'ask ada@example.com for AKIAIOSFODNN7EXAMPLE',
        plain: 'as it was',
      },
    );
    assert.deepEqual(after, {
      'url.full': 'https://REDACTED:REDACTED@h/?sig=REDACTED',
      'db.query.text': 'select ?',
      'process.command_args': '[redacted]',
      note: 'ask [redacted] for [redacted]',
      plain: 'as it was',
    });
  });
});

it('P105: the page says what is not scrubbed', () => {
  const page = fs.readFileSync(path.join(root, 'docs/processing.md'), 'utf8').replace(/\s+/g, ' ');
  for (const words of [
    'What is not scrubbed: the JavaScript heap',
    'blocks of native memory, until they are used again',
    'core dumps',
  ])
    assert.ok(page.includes(words), words);
});

describe('the environment', () => {
  const mask = (name) => JSON.stringify({ redact: [{ keys: [name] }] });

  it('P4 P8: variables and files hold the same object', async (t) => {
    const file = temporaryFile(t, `\ufeff${JSON.stringify({ redact: [{ keys: ['a'], action: { truncate: 2 } }] })}`);
    const make = (url) => new OTLPTraceExporter({ url });
    const given = { a: 'secret', b: 'x' };
    const ofVariable = (url) => withVariables({ OFFLOOP_PROCESS: mask('a') }, () => make(url));
    assert.deepEqual(await attributesAfter(t, ofVariable, given), { a: '[redacted]', b: 'x' });
    const ofFile = (url) => withVariables({ OFFLOOP_PROCESS_FILE: file }, () => make(url));
    assert.deepEqual(await attributesAfter(t, ofFile, given), { a: 'se', b: 'x' });
  });

  for (const [name, variables, expected] of [
    ['both', { OFFLOOP_PROCESS: mask('a'), OFFLOOP_PROCESS_FILE: 'x.json' }, 'exclude each other'],
    ['no JSON', { OFFLOOP_PROCESS: '{plantedSecret' }, 'expected JSON of an object'],
    ['null', { OFFLOOP_PROCESS: 'null' }, 'expected JSON of an object'],
    ['a text', { OFFLOOP_PROCESS: '"plantedSecret"' }, 'expected JSON of an object'],
    ['a list', { OFFLOOP_PROCESS: '[]' }, 'process is invalid, expected an object'],
    ['an unknown member', { OFFLOOP_PROCESS: '{"redcat":[]}' }, 'process.redcat is invalid'],
    ['a key as text', { OFFLOOP_PROCESS: '{"hashKey":"plantedSecret0123456789012345678901"}' }, 'process.hashKey'],
    ['no file', { OFFLOOP_PROCESS_FILE: '/no/such/file.json' }, 'cannot be read (ENOENT)'],
    ['a directory', { OFFLOOP_PROCESS_FILE: os.tmpdir() }, 'cannot be read (EISDIR)'],
    ['too large', { OFFLOOP_PROCESS: ' '.repeat(1 << 20) + mask('a') }, 'expected 1 MiB at most'],
  ]) {
    it(`P4 P8: ${name} makes the constructor throw`, () => {
      if (name === 'too large' && process.platform === 'win32') return;
      withVariables(variables, () => {
        for (const make of [() => new OTLPTraceExporter(), () => new FileSpanExporter({ directory: os.tmpdir() })]) {
          assert.throws(make, (error) => {
            assert.equal(error.code, 'ERR_OFFLOOP_CONFIG');
            assert.ok(error.message.includes(expected), error.message);
            assert.equal(error.message.includes('plantedSecret'), false);
            return true;
          });
        }
      });
    });
  }

  it('P5: rules of environment and code add up, and of everything else the code wins', async (t) => {
    const both = (environment, code) => (url) =>
      withVariables(
        { OFFLOOP_PROCESS: JSON.stringify(environment) },
        () => new OTLPTraceExporter({ url, process: code }),
      );
    const given = { a: 'xxxx', b: 'yyyy', c: 'ada@example.com', d: '1234' };
    for (const [environment, code] of [
      [
        { marker: 'E', redact: [{ keys: ['a'] }], attributes: [{ insert: 'e', value: 1 }] },
        { marker: 'C', redact: [{ keys: ['b'] }] },
      ],
      [
        { redact: [{ keys: ['b'] }] },
        { marker: 'C', redact: [{ keys: ['a'] }], attributes: [{ insert: 'e', value: 1 }] },
      ],
    ]) {
      const after = await attributesAfter(t, both(environment, code), given);
      assert.deepEqual({ ...after, e: Number(after.e) }, { a: 'C', b: 'C', c: 'ada@example.com', d: '1234', e: 1 });
    }
    // A token of one is masked by the other, what one may keep the other must keep, and texts are cut last.
    const hash = { hashKey: key, redact: [{ keys: ['a'], action: 'hash' }] };
    const maskA = { redact: [{ keys: ['a'] }] };
    const { a } = await attributesAfter(t, both({ redact: [{ keys: ['a'] }] }, hash), given);
    assert.match(a, /^h/);
    assert.equal(
      (await attributesAfter(t, both({ redact: [{ keys: ['a'], action: { truncate: 3 } }] }, maskA), given)).a,
      '[re',
    );
    const allow = (...names) => ({ redact: [{ keys: names, action: { allow: true } }] });
    assert.deepEqual(Object.keys(await attributesAfter(t, both(allow('a', 'b'), allow('b', 'c')), given)), ['b']);
    const cut = { redact: [{ keys: ['*'], action: { truncate: 5 } }] };
    for (const order of [both(cut, { redact: ['pii'] }), both({ redact: ['pii'] }, cut)])
      assert.equal((await attributesAfter(t, order, given)).c, '[reda');
  });

  it('P4: with offloop/register a program is redacted, and none sends where rules cannot be read', () => {
    const program = `
      const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-proto');
      let text = '';
      class Own extends OTLPTraceExporter {}
      for (const Class of [OTLPTraceExporter, Own]) {
        try { text += typeof new Class({ url: 'http://127.0.0.1:9' }).stats + ' '; } catch (error) { text += error.code + ' '; }
      }
      console.log(text.trim());
      process.exit();`;
    const run = (variables) => {
      const env = { ...process.env, ...variables };
      const args = ['-r', path.join(root, 'js/entries/register.js'), '-e', program];
      return spawnSync(process.execPath, args, { cwd: root, env, encoding: 'utf8' }).stdout.trim();
    };
    assert.equal(run({}), 'function undefined');
    assert.equal(run({ OFFLOOP_PROCESS: mask('a') }), 'function ERR_OFFLOOP_CONFIG');
    assert.equal(run({ OFFLOOP_PROCESS: '{' }), 'ERR_OFFLOOP_CONFIG ERR_OFFLOOP_CONFIG');
  });

  it('P4: with offloop/register a stock class does not send what the code has rules for', () => {
    const program = `
      const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-proto');
      class Own extends OTLPTraceExporter {}
      const made = (Class, more) => {
        try { return typeof new Class({ process: { redact: ['pii'] }, ...more }).stats; } catch (error) { return error.code; }
      };
      console.log([made(OTLPTraceExporter), made(Own), made(OTLPTraceExporter, { queue: 5 }), made(Own, { process: null })].join());
      process.exit();`;
    const args = ['-r', path.join(root, 'js/entries/register.js'), '-e', program];
    const { stdout } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
    assert.equal(stdout.trim(), 'function,ERR_OFFLOOP_CONFIG,ERR_OFFLOOP_CONFIG,undefined');
  });

  it('P113: the stock exporter does not take the place of rules', () => {
    const program = `
      process.dlopen = () => { throw new Error('no addon'); };
      const { OTLPTraceExporter } = require(${JSON.stringify(root)});
      const made = (options) => { try { new OTLPTraceExporter(options); return 'made'; } catch (error) { return error.code + ': ' + error.message; } };
      console.log(JSON.stringify([made({}), made({ process: { redact: ['pii'] } })]));`;
    const run = (variables) => {
      const env = { ...process.env, OFFLOOP_FALLBACK: 'stock', ...variables };
      return JSON.parse(spawnSync(process.execPath, ['-e', program], { cwd: root, env, encoding: 'utf8' }).stdout);
    };
    const refused = /^ERR_OFFLOOP_CONFIG: Configuration: (OFFLOOP_PROCESS|process) asks for rules/;
    const [plain, ruled] = run({});
    assert.equal(plain, 'made');
    assert.match(ruled, refused);
    assert.match(run({ OFFLOOP_PROCESS: mask('a') })[0], refused);
  });
});
