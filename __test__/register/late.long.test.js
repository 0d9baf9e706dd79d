'use strict';
// `offloop/register` that comes too late, comes twice, or sees nothing: Node.js says so to whoever starts the program, once, and
// OFFLOOP_LOG does where Node.js cannot.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { after, before, describe, it } = require('node:test');
const { runNode } = require('../helpers/child.js');
const { copyPackage } = require('../helpers/package_copy.js');

const root = path.join(__dirname, '..', '..');
const register = path.join(root, 'js', 'entries', 'register.js');
const require_ = ['--require', register];
const { href } = pathToFileURL(register); // a path that begins with a drive is no specifier
const import_ = ['--import', href];
const EXPORTER = '@opentelemetry/exporter-trace-otlp-proto';
const WARNING = /^\(node:\d+\) \[(OFFLOOP_\w+)\] Warning: (.*)$/gm;

let directory;
const files = {};
before(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-late-'));
  const texts = {
    'tracing.cjs': `globalThis.exporter = new (require(${JSON.stringify(require.resolve(EXPORTER))}).OTLPTraceExporter)();`,
    'global.cjs': "globalThis[Symbol.for('opentelemetry.js.api.1')] = { version: '1.9.1', trace: {} };",
    'ends.cjs': "process.on('exit', () => console.log(typeof globalThis.exporter?.stats)); process.exit(3);",
    'strict.cjs': "process.on('warning', () => { throw new Error('strict'); });",
    'goes_on.cjs': 'console.log(typeof globalThis.exporter?.stats);',
    'worker.cjs': "new (require('node:worker_threads').Worker)('console.log(1)', { eval: true });",
    'uses.cjs': `new (require(${JSON.stringify(require.resolve(EXPORTER))}).OTLPTraceExporter)(); process.exit();`,
  };
  for (const [name, text] of Object.entries(texts)) {
    files[name] = path.join(directory, name);
    fs.writeFileSync(files[name], text);
  }
  copyPackage(path.join(directory, 'copy'));
});
after(() => fs.rmSync(directory, { recursive: true, force: true }));

async function run(flags, program, env = {}) {
  const ended = await runNode([...flags, program], {
    env: { NODE_NO_WARNINGS: undefined, ...env },
    limitMillis: 30_000,
  });
  const warnings = [...ended.stderr.matchAll(WARNING)].map(([, code, words]) => ({ code, words }));
  return { ...ended, warnings };
}

describe('too late', { concurrency: 2 }, () => {
  const late = (what) =>
    new RegExp(
      `^offloop/register was loaded after ${what}.* keep using the stock classes\\. Load offloop/register before`,
    );

  it('L7: --require is run before --import: the warning names the package and what helps, and the program goes on', async () => {
    const { code, stdout, warnings } = await run([...import_, '--require', files['tracing.cjs']], files['goes_on.cjs']);
    assert.deepEqual([code, stdout, warnings.length], [0, 'undefined\n', 1]);
    assert.equal(warnings[0].code, 'OFFLOOP_REGISTER_LATE');
    assert.match(warnings[0].words, late(`${EXPORTER}; objects that exist already`));
    assert.match(warnings[0].words, /put --require offloop\/register in front of them$/);
  });

  it('L7: a program that ends itself in its first call has the warning, too', async () => {
    const { code, warnings } = await run([...import_, '--require', files['tracing.cjs']], files['ends.cjs']);
    assert.deepEqual([code, warnings.length], [3, 1]);
  });

  it('L7: once also where a listener of the program ends it by throwing', async () => {
    const flags = [...import_, '--require', files['tracing.cjs'], '--require', files['strict.cjs']];
    const { code, warnings } = await run(flags, files['goes_on.cjs']);
    assert.deepEqual([code, warnings.length], [1, 1]);
  });

  it('L7: a tracer provider that is registered tells of packages that do not show', async () => {
    const { warnings } = await run(['--require', files['global.cjs'], ...require_], files['ends.cjs']);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0].words, late('a tracer provider was registered; what that was made with'));
  });

  it('L7: once per process, whatever workers it has', async () => {
    const { stdout, warnings } = await run([...import_, '--require', files['tracing.cjs']], files['worker.cjs']);
    assert.deepEqual([stdout, warnings.length], ['1\n', 1]);
  });

  it('L7: in time nothing is said, whichever flag it is', async () => {
    for (const flags of [
      [...require_, '--require', files['tracing.cjs']],
      [...import_, '--import', pathToFileURL(files['tracing.cjs']).href],
      [...require_, ...import_, '--import', pathToFileURL(files['tracing.cjs']).href],
    ]) {
      const { stdout, stderr } = await run(flags, files['ends.cjs']);
      assert.deepEqual([stdout, stderr], ['function\n', '']);
    }
  });

  it('L7: warnings are those of Node.js: its switches turn it off', async () => {
    const flags = [...import_, '--require', files['tracing.cjs']];
    for (const env of [{ NODE_NO_WARNINGS: '1' }, { NODE_OPTIONS: '--no-warnings' }])
      for (const program of [files['ends.cjs'], files['goes_on.cjs']])
        assert.equal((await run(flags, program, env)).stderr, '', JSON.stringify(env));
    if (!process.allowedNodeEnvironmentFlags.has('--disable-warning')) return; // came with Node.js 21.3
    const disabled = ['--disable-warning=OFFLOOP_REGISTER_LATE', ...flags];
    for (const program of [files['ends.cjs'], files['goes_on.cjs']])
      assert.equal((await run(disabled, program)).stderr, '');
  });

  it('L7: with OFFLOOP_REGISTER=off nothing is late', async () => {
    const { stderr } = await run([...import_, '--require', files['tracing.cjs']], files['ends.cjs'], {
      OFFLOOP_REGISTER: 'off',
    });
    assert.equal(stderr, '');
  });

  it('L7: OFFLOOP_LOG has it also where warnings are off', async () => {
    const env = { NODE_NO_WARNINGS: '1', OFFLOOP_LOG: 'warn' };
    const { stderr } = await run([...import_, '--require', files['tracing.cjs']], files['ends.cjs'], env);
    assert.match(stderr, /^offloop: warn: register: loaded too late: offloop\/register was loaded after \S+; .*\n$/);
  });
});

describe('twice', () => {
  const other = () => path.join(directory, 'copy', 'js', 'entries', 'register.js');

  it('L8: of two copies the first counts, and the second says so', async () => {
    const { stderr, warnings } = await run([...require_, '--require', other()], files['uses.cjs'], {
      OFFLOOP_LOG: 'info',
    });
    assert.deepEqual(
      warnings.map(({ code }) => code),
      ['OFFLOOP_REGISTER_TWICE'],
    );
    assert.ok(
      warnings[0].words.includes(fs.realpathSync(path.join(directory, 'copy'))) && warnings[0].words.includes(root),
    );
    assert.equal(stderr.match(/OTLPTraceExporter of \S+ is replaced/g)?.length, 1);
    assert.equal(stderr.match(/exporter 1: OTLPTraceExporter/g)?.length, 1);
  });

  it('L8: one copy may be loaded by several flags', async () => {
    const { stderr } = await run([...require_, ...import_, ...require_], files['uses.cjs']);
    assert.equal(stderr, '');
  });
});

describe('nothing comes by', { concurrency: 2 }, () => {
  it('L9: at the end of a program that has loaded no package', async () => {
    const { stderr } = await run(require_, files['ends.cjs'], { OFFLOOP_LOG: 'info' });
    assert.match(
      stderr,
      /^offloop: info: register: nothing is replaced: the program has loaded no package that has a replacement$/m,
    );
  });

  it('L9: a program that traces without one has them from elsewhere', async () => {
    const source = `require(${JSON.stringify(files['global.cjs'])});`;
    const { stderr } = await run([...require_, '-e'], source, { OFFLOOP_LOG: 'warn' });
    assert.match(
      stderr,
      /^offloop: warn: register: nothing is replaced: the program traces, and no package .* bundler .*\n$/,
    );
  });

  it('L9: nothing of that where a package has come by, or nobody asked', async () => {
    assert.doesNotMatch(
      (await run(require_, files['uses.cjs'], { OFFLOOP_LOG: 'info' })).stderr,
      /nothing is replaced/,
    );
    assert.equal((await run(require_, files['ends.cjs'])).stderr, '');
  });
});
