'use strict';
// What becomes of a variable that begins with OFFLOOP_ and that there is not: a line, or a refusal where it looks like rules,
// because spans would leave as they are.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { runNode } = require('../helpers/child.js');
const { subjectName } = require('../helpers/subject.js');

const { misspeltRules } = require('../../js/config/own_variables.js');

const skip = subjectName === 'stock' && 'a rule of ours';
const RULES = '{"redact":["defaults"]}';
const MAKE = `const { OTLPTraceExporter, FileSpanExporter } = require('./index.js');
  for (const make of [
    () => new OTLPTraceExporter(),
    () => new (require('./js/entries/otlp_grpc.js').OTLPTraceExporter)(),
    () => new FileSpanExporter({ directory: require('node:os').tmpdir() }),
    () => new (require('./js/entries/tusk.js').TdSpanExporter)({ mode: 'RECORD', baseDirectory: require('node:os').tmpdir() }),
  ]) try { make(); console.log('made'); } catch (error) { console.log(error.code, error.message); }`;

const making = (env) => runNode(['-e', MAKE], { env: { OFFLOOP_LOG: 'warn', ...env } });
const registering = (env) =>
  runNode(['--require', './js/entries/register.js', '-e', "console.log('runs')"], {
    env: { OFFLOOP_LOG: 'warn', ...env },
  });

test('a variable that looks like rules and that nobody reads is refused, by constructors and by register (P125)', {
  skip,
}, async () => {
  const lower = process.platform === 'win32' ? [] : ['offloop_process'];
  for (const [name, meant] of [
    ['OFFLOOP_PROCES', 'OFFLOOP_PROCESS'],
    ['OFFLOOP_PROCESS_FIL', 'OFFLOOP_PROCESS_FILE'],
    ['OFFLOOP_PROCESS_RULES', 'OFFLOOP_PROCESS'],
    ['OFFLOP_PROCESS', 'OFFLOOP_PROCESS'],
    ['OFFLOOP_PORCESS', 'OFFLOOP_PROCESS'],
    ['OFFLOOP_REDACT', 'OFFLOOP_PROCESS'],
    // Containers may have names that no shell sets.
    ['OFFLOOP-PROCESS', 'OFFLOOP_PROCESS'],
    ['OFFLOOP.PROCESS.FILE', 'OFFLOOP_PROCESS_FILE'],
    ...lower.map((each) => [each, 'OFFLOOP_PROCESS']),
  ]) {
    const said = `Configuration: ${name} is invalid, expected rules in ${meant} (actual: an unknown variable that looks like rules)`;
    const made = await making({ [name]: RULES });
    assert.equal(made.stdout, `ERR_OFFLOOP_CONFIG ${said}\n`.repeat(4), made.stderr);
    const registered = await registering({ [name]: RULES });
    assert.deepEqual([registered.code, registered.stdout], [1, ''], name);
    assert.ok(registered.stderr.includes(said), registered.stderr);
  }
});

test('any other that nobody reads is told once in a process (C9)', { skip }, async () => {
  const { stdout, stderr } = await making({ OFFLOOP_FALBACK: 'stock', OFFLOOP_SOMETHING: '1' });
  assert.equal(stdout, 'made\n'.repeat(4), stderr);
  const line = (text) => `offloop: warn: Configuration: ${text}\n`;
  const lines =
    line("OFFLOOP_FALBACK is unknown and will be ignored, did you mean 'OFFLOOP_FALLBACK'?") +
    line('OFFLOOP_SOMETHING is unknown and will be ignored');
  assert.equal(stderr, lines);
  const registered = await registering({ OFFLOOP_REGISTR: 'off' });
  assert.equal(registered.stdout, 'runs\n');
  assert.equal(registered.stderr.split('OFFLOOP_REGISTR is unknown').length, 2, registered.stderr);
});

test('nothing is said of those that there are, of tests, of Kubernetes and of blank ones (C9)', { skip }, async () => {
  const { stdout, stderr } = await making({
    OFFLOOP_PROCESS: RULES,
    OFFLOOP_PROCESS_FILE: '',
    OFFLOOP_PROCES: ' ',
    OFFLOOP_TEST_SPANS: '1',
    OFFLOOP_PROCESSOR: '1',
    OFFLOOP_SERVICE_HOST: '10.0.0.1',
    OFFLOOP_PORT_4318_TCP: 'tcp://10.0.0.1:4318',
    OFFLOOP_PROCESS_SERVICE_PORT: '1',
  });
  assert.equal(stdout, 'made\n'.repeat(4));
  assert.equal(stderr.replace(/^.*OFFLOOP_PROCESSOR is unknown.*\n/, ''), '');
});

test('what other programs set does not keep a process from starting (P125)', { skip }, () => {
  for (const name of [
    'OFFLOOP_PROCESS_PORT_8080_TCP_ADDR', // Kubernetes, for a service offloop-process
    'OFFLOOP_REDACT_SERVICE_HOST',
    'OFFLOOP_PROCESS_NAME', // a link of Docker, with what the image has in its environment
    'OFFLOOP_PROCESS_ENV_NODE_VERSION',
    'OFFLOOP_PROGRESS',
    'OFFLOOP_PRICES',
    'OFFLOAD_PROCESS',
    'OFFLOAD_PROCESS_FILE',
  ])
    assert.deepEqual(misspeltRules({ [name]: '1' }), [], name);
  for (const name of ['OFFLOOP_PROCESS_FILE_NAME', 'OFFLOOP_PROCESS_ENV', 'OFFLOP_PROCESS'])
    assert.deepEqual(misspeltRules({ [name]: '1' }), [name]);
});
