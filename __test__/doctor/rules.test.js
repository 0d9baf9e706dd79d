'use strict';
// What `offloop doctor` says of the rules in force, and what `--try` shows of a span before and after them: one situation after the
// other, as text and as JSON.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { describe, it } = require('node:test');
const { makeProject, runCommand, runDoctor } = require('../helpers/doctor.js');
const { copyPackage } = require('../helpers/package_copy.js');
const { startReceiver } = require('../helpers/receiver.js');

const KEY = 'hunter2 is a key of thirty-two bytes';
const RULES = {
  marker: '###',
  hashKey: { env: 'MY_KEY' },
  redact: [
    'pii',
    { name: 'tokens', keys: ['user.id'], action: 'hash', unless: ['hunter2*'], in: ['attributes'] },
    {
      keys: ['body'],
      action: { json: { mask: ['$.a'], keep: ['$.b'] } },
      except: ['c'],
      ignoreCase: true,
      keepType: true,
    },
    { keys: ['db.query.text'], action: { sql: 'mysql' } },
    { keys: ['url.full'], action: { url: ['sig'] } },
  ],
  drop: [
    {
      name: 'GET /health',
      attributes: { tier: 'hunter2', n: { over: 5 } },
      not: { resource: { env: { exists: true } } },
    },
  ],
  attributes: [
    { insert: 'team', value: 'hunter2' },
    {
      rename: 'a',
      to: 'b',
      in: ['events'],
      where: { kind: ['server'], status: ['error'], durationMillis: { over: 3 } },
    },
  ],
};
const rulesOf = (report) => report.sections.find(({ id }) => id === 'rules');
const spansOf = (report) => report.sections.filter(({ id, title }) => id === 'try' && title !== 'Trial of the rules');
const changes = (section) =>
  Object.fromEntries(
    section.facts
      .filter(({ value }) => typeof value === 'object')
      .map(({ name, value }) => [name, [value.before, value.after]]),
  );

describe('the rules in force', { concurrency: 2 }, () => {
  it('P130: each rule, what it does and where it is from, without a value of a rule', async (t) => {
    const cwd = makeProject(t, { 'rules.json': RULES });
    const env = {
      OFFLOOP_PROCESS:
        '{"marker":"no","redact":["secrets"],"drop":[{"scopeName":["a","b"]}],"attributes":[{"delete":"x"}]}',
      MY_KEY: KEY,
    };
    const { code, report } = await runDoctor(['--no-probe', '--rules', 'rules.json'], { cwd, env });
    const { facts } = rulesOf(report);
    assert.equal(code, 0);
    assert.deepEqual(
      facts.map(({ name, value, source }) => [name, value, source]),
      [
        ['marker', '###', '--rules'],
        ['hashKey', '***', '--rules'],
        ['environment.drop[0]', 'drops spans: scopeName a, b', 'OFFLOOP_PROCESS'],
        [
          'drop[0]',
          'drops spans: name GET /health and attribute tier is *** and attribute n is *** and not (resource env exists)',
          '--rules',
        ],
        [
          'environment.secrets',
          'match jwt, bearer, basicAuth, privateKey, awsKey, githubToken, slackToken, stripeKey and 2 more; action mask',
          'OFFLOOP_PROCESS',
        ],
        ['pii', 'match email, creditCard, iban; action mask', '--rules'],
        ['tokens', 'keys user.id; action hash; in attributes; unless 1 text', '--rules'],
        ['redact[2]', 'keys body; action json mask $.a keep $.b; except c; ignoreCase; keepType', '--rules'],
        ['redact[3]', 'keys db.query.text; action sql mysql', '--rules'],
        ['redact[4]', 'keys url.full; action url sig', '--rules'],
        ['attributes[0]', 'insert team = ***', '--rules'],
        [
          'attributes[1]',
          'rename a to b; in events; where kind server and status error and durationMillis over 3',
          '--rules',
        ],
      ],
    );
    const { stdout } = await runCommand(['doctor', '--no-probe', '--rules', 'rules.json'], { cwd, env });
    assert.doesNotMatch(stdout + JSON.stringify(report), /hunter2/);
    for (const { name, value, source } of facts) assert.ok(stdout.includes(`${value}  (${source})`), name);
  });

  it('P130: of variables alone, of a file that a variable names, and of nothing', async (t) => {
    const cwd = makeProject(t, { 'rules.json': { redact: ['pii'] } });
    for (const [env, source] of [
      [{ OFFLOOP_PROCESS: '{"redact":["pii"]}' }, 'OFFLOOP_PROCESS'],
      [{ OFFLOOP_PROCESS_FILE: 'rules.json' }, 'OFFLOOP_PROCESS_FILE'],
    ]) {
      const { report } = await runDoctor(['--no-probe'], { cwd, env });
      assert.deepEqual(rulesOf(report).facts.at(-1), {
        name: 'environment.pii',
        value: 'match email, creditCard, iban; action mask',
        source,
      });
    }
    assert.equal(rulesOf((await runDoctor(['--no-probe'], { cwd })).report), undefined);
  });

  for (const [title, { files = {}, env = {}, words = [], says }] of Object.entries({
    'a mistake in the file': {
      files: { 'r.json': { redact: [{ kyes: ['hunter2'] }] } },
      words: ['--rules', 'r.json'],
      says: /process\.redact\[0\]\.kyes is invalid, expected name, in, keys/,
    },
    'a mistake that native code finds': {
      files: { 'r.json': { redact: [{ keys: ['a'], action: 'hash' }] } },
      words: ['--rules', 'r.json'],
      says: /a rule makes tokens, expected hashKey/,
    },
    'a file that is not there': {
      words: ['--rules', 'none.json'],
      says: /--rules: the file cannot be read \(ENOENT\)/,
    },
    'a directory': { words: ['--rules', '.'], says: /--rules: the file cannot be read \(EISDIR\)/ },
    'a file that is no JSON': {
      files: { 'r.json': 'redact: pii' },
      words: ['--rules', 'r.json'],
      says: /no JSON of an object/,
    },
    'a list': { files: { 'r.json': '["pii"]' }, words: ['--rules', 'r.json'], says: /no JSON of an object/ },
    'a file that is too large': {
      files: { 'r.json': ' '.repeat((1 << 20) + 1) },
      words: ['--rules', 'r.json'],
      says: /larger than 1 MiB/,
    },
    'a variable that cannot be read': {
      env: { OFFLOOP_PROCESS: '{hunter2' },
      says: /OFFLOOP_PROCESS is invalid, expected JSON/,
    },
    'both variables': {
      env: { OFFLOOP_PROCESS: '{}', OFFLOOP_PROCESS_FILE: 'x' },
      says: /OFFLOOP_PROCESS and OFFLOOP_PROCESS_FILE exclude each other/,
    },
  })) {
    it(`P130: ${title} is a problem with its path and a remedy`, async (t) => {
      const cwd = makeProject(t, { ...files, 'span.json': { name: 'a', attributes: {} } });
      const { code, report } = await runDoctor([...words, '--try', 'span.json'], { cwd, env });
      const [finding, ...others] = rulesOf(report).findings;
      assert.deepEqual([code, finding.level, finding.code, others.length], [1, 'problem', 'rules_invalid', 0]);
      assert.match(finding.text, says);
      assert.ok(finding.remedy.length > 10);
      assert.equal(spansOf(report).length, 0, 'nothing is tried with rules that cannot be read');
      assert.doesNotMatch(JSON.stringify(rulesOf(report)), /"[^"]*hunter2/);
    });
  }
});

const OTLP_SPAN = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  name: 'GET /pay',
  kind: 'SPAN_KIND_SERVER',
  startTimeUnixNano: '1700000000000000000',
  endTimeUnixNano: '1700000000005000000',
  attributes: [
    { key: 'mail', value: { stringValue: 'ada@example.com' } },
    { key: 'count', value: { intValue: '7' } },
    { key: 'map', value: { kvlistValue: { values: [{ key: 'mail', value: { stringValue: 'x ada@example.com' } }] } } },
    { key: 'list', value: { arrayValue: { values: [{ boolValue: true }, { doubleValue: 0.5 }] } } },
    { key: 'bytes', value: { bytesValue: 'AAEC' } },
  ],
  events: [{ name: 'e', attributes: [{ key: 'mail', value: { stringValue: 'bob@example.com' } }] }],
  links: [
    { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceState: 'a=b', attributes: [] },
  ],
  status: { code: 2, message: 'no ada@example.com' },
};
const ofScope = (...spans) => ({
  resourceSpans: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] },
      scopeSpans: [{ scope: { name: 'http', version: '1' }, spans }],
    },
  ],
});
const READABLE = {
  name: 'GET /pay',
  kind: 1,
  attributes: { mail: 'ada@example.com', count: 7, map: { mail: 'x ada@example.com' }, list: [true, 0.5] },
  events: [{ name: 'e', time: [1, 2], attributes: { mail: 'bob@example.com' } }],
  links: [{ context: { traceState: 'a=b' } }],
  status: { code: 2, message: 'no ada@example.com' },
  resource: { attributes: { 'service.name': 'shop' } },
  instrumentationScope: { name: 'http', version: '1' },
};
const COMMON = {
  name: ['"GET /pay"', '"GET /pay"'],
  mail: ['"ada@example.com"', '"[redacted]"'],
  count: ['7', '7'],
  map: ['{"mail":"x ada@example.com"}', '{"mail":"x [redacted]"}'],
  list: ['[true,0.5]', '[true,0.5]'],
  'status.message': ['"no ada@example.com"', '"no [redacted]"'],
  'events[0].name': ['"e"', '"e"'],
  'events[0] mail': ['"bob@example.com"', '"[redacted]"'],
  'links[0].traceState': ['"a=b"', '"a=b"'],
};
const AROUND = {
  'resource service.name': ['"shop"', '"shop"'],
  'scope.name': ['"http"', '"http"'],
  'scope.version': ['"1"', '"1"'],
};
const BYTES = { bytes: ['"AAEC"', '"AAEC"'] };

/** What the file has -> the fields of each span. */
const FORMS = {
  'a span of OTLP/JSON': [OTLP_SPAN, [{ ...COMMON, ...BYTES }]],
  'a line of OTLP/JSON': [ofScope(OTLP_SPAN), [{ ...COMMON, ...BYTES, ...AROUND }]],
  'several lines': [
    `${JSON.stringify(ofScope(OTLP_SPAN, OTLP_SPAN))}\n\n${JSON.stringify(ofScope(OTLP_SPAN))}\n`,
    Array(3).fill({ ...COMMON, ...BYTES, ...AROUND }),
  ],
  'a ReadableSpan': [READABLE, [{ ...COMMON, ...AROUND }]],
  'a ReadableSpan as 1.x has it': [
    {
      ...READABLE,
      instrumentationScope: undefined,
      instrumentationLibrary: READABLE.instrumentationScope,
      _spanContext: {},
    },
    [{ ...COMMON, ...AROUND }],
  ],
  'a list of both': [
    [OTLP_SPAN, READABLE],
    [
      { ...COMMON, ...BYTES },
      { ...COMMON, ...AROUND },
    ],
  ],
  'a name alone': [{ name: 'to ada@example.com' }, [{ name: ['"to ada@example.com"', '"to [redacted]"'] }]],
};

describe('--try', { concurrency: 2 }, () => {
  for (const [title, [content, expected]] of Object.entries(FORMS)) {
    it(`P131: ${title}: before and after`, async (t) => {
      const file = typeof content === 'string' ? content : JSON.stringify(content);
      const cwd = makeProject(t, { 'span.json': file });
      const env = { OFFLOOP_PROCESS: '{"redact":["pii"]}' };
      const { code, report } = await runDoctor(['--try', 'span.json'], { cwd, env });
      assert.equal(code, 0);
      assert.deepEqual(spansOf(report).map(changes), expected);
      const { stdout } = await runCommand(['doctor', '--try', 'span.json'], { cwd, env });
      for (const section of spansOf(report)) {
        for (const [name, [before, after]] of Object.entries(changes(section))) {
          const line = stdout.split('\n').find((each) => each.startsWith(`  ${name} `) && each.includes(before));
          assert.ok(before === after ? line.endsWith('  =') : line.endsWith(`  →  ${after}`), line);
        }
      }
    });
  }

  it('P131: filtered, deleted, added, renamed, replaced because it is not understood, and left as it was', async (t) => {
    const rules = {
      redact: [
        { keys: ['gone'], action: 'delete' },
        { keys: ['body'], action: { json: { mask: ['$.a'] } } },
      ],
      drop: [{ name: 'GET /health' }],
      attributes: [
        { insert: 'new', value: 1 },
        { rename: 'old', to: 'other' },
      ],
    };
    const spans = [
      { name: 'GET /health', attributes: {} },
      { name: 'a', attributes: { gone: 'x', old: 'y', body: 'no json', url: 'https://u:p@h/?q=1' } },
    ];
    const cwd = makeProject(t, {
      'r.json': rules,
      'span.json': spans,
      'plain.json': { redact: [{ keys: ['nothing'] }] },
    });
    const { code, report } = await runDoctor(['--rules', 'r.json', '--try', 'span.json'], { cwd });
    const [health, other] = spansOf(report);
    assert.equal(code, 0);
    assert.deepEqual(
      health.findings.map((each) => each.code),
      ['try_filtered'],
    );
    assert.deepEqual(changes(health), { name: ['"GET /health"', null] });
    assert.equal(health.facts.at(-1).value, 'drop[0]');
    assert.deepEqual(changes(other), {
      name: ['"a"', '"a"'],
      gone: ['"x"', null],
      old: ['"y"', null],
      body: ['"no json"', '"[redacted]"'],
      url: ['"https://u:p@h/?q=1"', '"https://u:p@h/?q=1"'],
      other: [null, '"y"'],
      new: [null, '1'],
    });
    assert.deepEqual(
      other.findings.map((each) => each.code),
      ['try_fail_closed'],
    );
    const same = await runDoctor(['--rules', 'plain.json', '--try', 'span.json'], { cwd });
    for (const section of spansOf(same.report))
      assert.deepEqual(
        section.findings.map((each) => each.code),
        ['try_unchanged'],
      );
  });

  for (const [title, content, says] of [
    ['a file that is not there', null, /the file cannot be read: ENOENT/],
    ['no JSON', 'hunter2', /line 1 of the file is no JSON, expected an OTLP\/JSON span/],
    [
      'a line that was cut',
      `${JSON.stringify(ofScope(OTLP_SPAN))}\n{"resourceSpans":[`,
      /line 2 of the file is no JSON/,
    ],
    ['an object without a span', '{"a":1}', /the file has no span/],
    ['an empty file', '', /the file has no span/],
    ['a number', '5', /the file has no span/],
    [
      'nested without end',
      `{"name":"a","attributes":[{"key":"k","value":${'{"arrayValue":{"values":['.repeat(5000)}${']}}'.repeat(5000)}}]}`,
      /nested too deeply|unchanged|cannot be exported/,
    ],
    ['a file that is too large', ' '.repeat((16 << 20) + 1), /it is larger than 16 MiB/],
  ]) {
    it(`P131: ${title} is told in words`, async (t) => {
      const cwd = makeProject(t, content === null ? {} : { 'span.json': content });
      const { report, code } = await runDoctor(['--try', 'span.json'], { cwd });
      const told = report.sections.filter(({ id }) => id === 'try').flatMap(({ findings }) => findings);
      assert.ok(
        told.some(({ text }) => says.test(text)),
        JSON.stringify(told),
      );
      assert.equal(code, 1);
      assert.doesNotMatch(JSON.stringify(told), /hunter2/);
    });
  }

  it('P131: what a terminal obeys is escaped, many spans are cut, and values of any kind are shown', async (t) => {
    const odd = { name: 'a\u001b[31m\u0085\u2028b', attributes: { 'k\n\u0007': 'v\u001b]0;x\u0007', k: 'é🚀' } };
    const cwd = makeProject(t, { 'span.json': Array(25).fill(odd) });
    const { stdout } = await runCommand(['doctor', '--try', 'span.json'], {
      cwd,
      env: { OFFLOOP_PROCESS: '{"redact":["pii"]}' },
    });
    assert.doesNotMatch(stdout.replaceAll('\n', ''), /[\p{Cc}\u2028]/u);
    assert.match(stdout, /\\u001b\[31m\\u0085\\u2028b/);
    assert.match(stdout, /"é🚀"/);
    assert.equal(stdout.match(/, before and after/g).length, 20);
    assert.match(stdout, /the first 20 are shown/);
  });

  it('P131: nothing is sent, and nothing is left behind', async (t) => {
    const receiver = await startReceiver({}, t);
    const cwd = makeProject(t, { 'span.json': READABLE });
    const TMPDIR = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-try-'));
    t.after(() => fs.rmSync(TMPDIR, { recursive: true, force: true }));
    const env = { TMPDIR, TEMP: TMPDIR, TMP: TMPDIR, OFFLOOP_PROCESS: '{"redact":["pii"]}' };
    const { code } = await runDoctor(['--endpoint', receiver.origin, '--try', 'span.json'], { cwd, env });
    assert.deepEqual([code, receiver.requests.length, fs.readdirSync(TMPDIR)], [0, 0, []]);
    const wrong = await runCommand(['doctor', '--try', 'span.json', '--send-span'], { cwd });
    assert.equal(wrong.code, 2);
  });

  it('P131: without rules it says so, and without the addon that nothing can be tried', async (t) => {
    const cwd = makeProject(t, { 'span.json': READABLE, 'r.json': { redact: ['pii'] } }, { withOffloop: false });
    const none = await runDoctor(['--try', 'span.json'], { cwd });
    assert.deepEqual(
      rulesOf(none.report).findings.map(({ code }) => code),
      ['rules_none'],
    );
    assert.deepEqual(
      spansOf(none.report)[0].findings.map(({ code }) => code),
      ['try_unchanged'],
    );
    const home = path.join(cwd, 'node_modules', 'offloop');
    copyPackage(home, { withAddon: false });
    const command = path.join(home, 'bin', 'offloop.js');
    const { report, code } = await runDoctor(['--rules', 'r.json', '--try', 'span.json'], { cwd, command });
    const told = report.sections.filter(({ id }) => id === 'try').flatMap(({ findings }) => findings);
    assert.deepEqual([code, told.map((each) => each.code)], [1, ['try_no_addon']]);
    assert.equal(rulesOf(report).facts.at(-1).name, 'pii');
  });
});

it('P131: the trial that the page shows is what the command prints', async (t) => {
  const page = fs.readFileSync(path.join(__dirname, '..', '..', 'docs', 'doctor.md'), 'utf8');
  const [, part] = page.split('## Rules, and what they do to a span\n');
  const [rules, spans, expected] = [...part.matchAll(/^```\w+\n([\s\S]*?)^```/gm)].map(([, text]) => text);
  const cwd = makeProject(t, { 'rules.json': rules, 'span.json': spans });
  const { stdout } = await runCommand(['doctor', '--rules', 'rules.json', '--try', 'span.json'], { cwd });
  const shown = stdout.slice(stdout.indexOf('Rules of process'), stdout.lastIndexOf('\n\nhealthy'));
  assert.equal(`${shown}\n`, expected);
});
