'use strict';
// What `offloop doctor` says of the rules in force: one situation after the other, as text and as JSON.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { makeProject, runCommand, runDoctor } = require('../helpers/doctor.js');

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
