'use strict';
// What `offloop doctor --try` shows of spans before and after the rules in force: one form of a file after the other, as text and as
// JSON, and what it says where there is nothing to show.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { describe, it } = require('node:test');
const { makeProject, runCommand, runDoctor } = require('../helpers/doctor.js');
const { copyPackage } = require('../helpers/package_copy.js');
const { startReceiver } = require('../helpers/receiver.js');

const rulesOf = (report) => report.sections.find(({ id }) => id === 'rules');
const spansOf = (report) => report.sections.filter(({ id, title }) => id === 'try' && title !== 'Trial of the rules');
const changes = (section) =>
  Object.fromEntries(
    section.facts
      .filter(({ value }) => typeof value === 'object')
      .map(({ name, value }) => [name, [value.before, value.after]]),
  );

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

  it('P131: on the left no rule is in force, of variables neither', async (t) => {
    const cwd = makeProject(t, { 'span.json': { name: 'to ada@example.com' } });
    const { report } = await runDoctor(['--try', 'span.json'], { cwd, env: { OFFLOOP_PROCESS: '{"redact":["pii"]}' } });
    assert.deepEqual(changes(spansOf(report)[0]).name, ['"to ada@example.com"', '"to [redacted]"']);
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
