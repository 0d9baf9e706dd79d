'use strict';
// `offloop` as a command: its help, its exit codes, its options, and what it prints where.

const assert = require('node:assert/strict');
const path = require('node:path');
const { test } = require('node:test');
const { makeProject, runCommand, runDoctor } = require('../helpers/doctor.js');
const { startReceiver } = require('../helpers/receiver.js');
const { nearest } = require('../../js/command/nearest.js');
const { OPTIONS, USAGE } = require('../../js/doctor/arguments.js');
const { isColoured, toText } = require('../../js/doctor/text.js');
const { version } = require('../../package.json');

const tookMillis = (text) => text.replace(/(tookMillis\D+)\d+/g, '$10');

test('offloop alone prints the help and exits with 2, and so does a command that there is not (C1)', async () => {
  const alone = await runCommand([]);
  assert.equal(alone.code, 2);
  assert.equal(alone.stdout, '');
  assert.match(alone.stderr, /^Usage: offloop <command>.*\n\n {2}doctor {4}checks /s);
  for (const line of alone.stderr.split('\n')) assert.ok(line.length <= 80, line);

  const wrong = await runCommand(['docter']);
  assert.deepEqual([wrong.code, wrong.stdout], [2, '']);
  assert.match(wrong.stderr, /^offloop: there is no such command; did you mean 'doctor'\?\n\nUsage: /);
  assert.doesNotMatch((await runCommand(['constructor'])).stderr, /did you mean/);
});

test('help and version go to standard output and exit with 0 (C1)', async () => {
  for (const words of [['--help'], ['-h'], ['help']]) {
    const { code, stdout } = await runCommand(words);
    assert.deepEqual([code, stdout.startsWith('Usage: offloop <command>')], [0, true]);
  }
  assert.deepEqual(await runCommand(['--version']), { code: 0, signal: null, stdout: `${version}\n`, stderr: '' });
  assert.deepEqual(await runCommand(['doctor', '--help']), { code: 0, signal: null, stdout: USAGE, stderr: '' });
  for (const name of Object.keys(OPTIONS)) assert.ok(USAGE.includes(`--${name}`), name);
  for (const line of USAGE.split('\n')) assert.ok(line.length <= 80, line);
});

for (const [words, says] of [
  [['--endpiont', 'x'], /there is no option --endpiont; did you mean --endpoint\?/],
  [['--endpoint'], /--endpoint takes a value/],
  [['--endpoint', '--json'], /--endpoint takes a value/],
  [['--json=yes'], /--json takes no value/],
  [['http://user:hunter2@h'], /it takes options only/],
  [['--header:hunter2'], /there is no option of that name/],
  [['--protocol', 'thrift'], /--protocol is one of http\/protobuf, http\/json, grpc/],
  [['--timeout', 'soon'], /--timeout is a number of milliseconds from 1 to 600000/],
  [['--timeout', '0'], /--timeout is a number/],
  [['--send-span', '--no-probe'], /--send-span needs the probe/],
]) {
  test(`a wrong command line says what is wrong with it and exits with 2 (C1): ${words.join(' ')}`, async () => {
    const { code, stdout, stderr } = await runCommand(['doctor', ...words]);
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, says);
    assert.ok(stderr.endsWith(USAGE));
    assert.doesNotMatch(stderr, /hunter2/);
  });
}

test('--json says what the text says, and the exit code whether all is well (C6)', async (t) => {
  const receiver = await startReceiver({ script: [200, 200, 401, 401] }, t);
  const cwd = makeProject(t);
  const env = { OTEL_EXPORTER_OTLP_HEADERS: 'x-key=value', OTEL_TRACES_SAMPLER: 'always_no', OFFLOOP_REGISTR: 'off' };
  for (const [code, healthy, last] of [
    [0, true, 'healthy: 0 problems, 2 warnings'],
    [1, false, 'not healthy: 1 problem, 2 warnings'],
  ]) {
    const words = ['--endpoint', receiver.origin, '--timeout', '20000'];
    const json = await runDoctor(words, { cwd, env });
    const text = await runCommand(['doctor', ...words], { cwd, env });
    assert.deepEqual([json.code, text.code, json.report.healthy, text.stderr], [code, code, healthy, '']);
    assert.equal(tookMillis(text.stdout), tookMillis(toText(json.report, false)));
    for (const { name, value, source } of json.facts) {
      const line = text.stdout.split('\n').find((each) => each.trim().startsWith(`${name} `));
      assert.ok(line, name);
      if (name !== 'tookMillis') assert.ok(text.stdout.includes(String(value)), `${name}: ${value}`);
      if (source !== null) assert.ok(text.stdout.includes(`(${source})`), source);
    }
    for (const { code: kind, text: said, remedy } of json.findings)
      for (const words of [kind, said, remedy ?? '']) assert.ok(text.stdout.includes(words), words);
    assert.equal(text.stdout.trim().split('\n').at(-1), last);
  }
});

test('--no-probe sends nothing, --send-span one span by any protocol, and neither is the default (C4)', async (t) => {
  const receiver = await startReceiver({}, t);
  const cwd = makeProject(t);
  const quiet = await runDoctor(['--no-probe', '--endpoint', receiver.origin], { cwd });
  assert.deepEqual(
    [quiet.code, receiver.requests.length, quiet.report.sections.some(({ id }) => id === 'probe')],
    [0, 0, false],
  );

  await runDoctor(['--endpoint', `${receiver.origin}/elsewhere`], { cwd });
  const [empty] = receiver.requests;
  assert.deepEqual(
    [empty.target, empty.headers['content-type'], empty.wireBody.toString('hex')],
    ['/elsewhere', 'application/x-protobuf', '0a00'],
  );

  const { fact, code } = await runDoctor(['--endpoint', receiver.origin, '--send-span', '--protocol', 'http/json'], {
    cwd,
  });
  const { target, body } = receiver.requests[1];
  const { resourceSpans } = JSON.parse(body);
  const [{ traceId, name }] = resourceSpans[0].scopeSpans[0].spans;
  assert.deepEqual([code, target, name], [0, '/v1/traces', 'offloop doctor']);
  assert.equal(fact('sent').value, `one span, trace ${traceId}`);
  assert.deepEqual(resourceSpans[0].resource.attributes, [
    { key: 'service.name', value: { stringValue: 'offloop-doctor' } },
  ]);
});

test('whoever stops reading does no harm (C6)', async (t) => {
  const cwd = makeProject(t);
  const { code, stderr } = await runCommand(['doctor', '--no-probe'], {
    cwd,
    onStart: (child) => child.stdout.destroy(),
  });
  assert.deepEqual([code, stderr], [0, '']);
});

test('a preloaded module that holds the process does not hold the command (C6)', async (t) => {
  const cwd = makeProject(t, { 'hold.js': 'setInterval(() => {}, 2 ** 30);' });
  const env = { NODE_OPTIONS: '--require ./hold.js', OTEL_SDK_DISABLED: 'true' };
  const { code, signal, stdout } = await runCommand(['doctor', '--no-probe'], { cwd, env });
  assert.deepEqual([code, signal], [1, null]);
  assert.match(stdout, /not healthy: 1 problem, 0 warnings\n$/);
});

test('colours are for terminals, and not where NO_COLOR is set (C6)', () => {
  assert.equal(isColoured({ isTTY: true }, {}), true);
  assert.equal(isColoured({}, {}), false);
  assert.equal(isColoured({ isTTY: true }, { NO_COLOR: '1' }), false);
  assert.equal(isColoured({ isTTY: true }, { NO_COLOR: '' }), true);
  const section = { id: 's', title: 'S', facts: [{ name: 'n', value: 1, source: 'default' }], findings: [] };
  section.findings.push({ level: 'problem', code: 'c', text: 't', remedy: 'r' });
  const report = { offloop: '1', healthy: false, problems: 1, warnings: 0, sections: [section] };
  const coloured = toText(report, true);
  assert.ok(coloured.includes('\x1b[31m✖ t'));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what colours begin with.
  assert.equal(coloured.replace(/\x1b\[\d+m/g, ''), toText(report, false));
});

test('a typing error is forgiven where few letters differ, and only there (C1)', () => {
  const known = ['OFFLOOP_REGISTER', 'OFFLOOP_FALLBACK'];
  assert.equal(nearest('OFFLOOP_REGSITER', known), 'OFFLOOP_REGISTER');
  assert.equal(nearest('offloop_fallbak', known), 'OFFLOOP_FALLBACK');
  assert.equal(nearest('OFFLOOP_SOMETHING_ELSE', known), null);
  assert.equal(nearest('x', ['stats']), null);
});

test('a program that uses the package loads nothing of the command (C7)', async (t) => {
  const cwd = makeProject(t);
  const program = path.join(cwd, 'app.js');
  const source = `for (const name of ['offloop', 'offloop/register', 'offloop/tusk']) require(name);
    new (require('offloop').OTLPTraceExporter)();
    console.log(JSON.stringify(Object.keys(require.cache).filter((file) => /[\\\\/](?:js[\\\\/](?:doctor|command)|bin)[\\\\/]/.test(file))));`;
  require('node:fs').writeFileSync(program, source);
  assert.deepEqual(await runCommand([], { cwd, command: program }), {
    code: 0,
    signal: null,
    stdout: '[]\n',
    stderr: '',
  });
});
