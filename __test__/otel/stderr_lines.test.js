'use strict';
// OFFLOOP_LOG: which lines reach the standard error of a process, what one looks like, how many there are, and that nothing
// is harmed where they cannot be written.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { describe, it } = require('node:test');
const { version } = require('../../package.json');

const root = path.join(__dirname, '..', '..');
const LINE = /^offloop: (error|warn|info|debug|verbose): (.+)$/;

/** Runs `source`, with the words of Offloop's logger at hand; answers `{ status, stdout, lines }`. */
function run(source, { log, env = {}, stderr = 'pipe' } = {}) {
  const program = `
    const { decided } = require('./js/otel/decisions.js');
    const { diag, exportDelegateLogger } = require('./js/otel/diag.js');
    ${source}`;
  const inherited = { ...process.env, NODE_TEST_CONTEXT: undefined, OFFLOOP_LOG: log, ...env };
  if (log === undefined) delete inherited.OFFLOOP_LOG;
  const ended = spawnSync(process.execPath, ['-e', program], {
    cwd: root,
    encoding: 'utf8',
    env: inherited,
    stdio: ['ignore', 'pipe', stderr],
    timeout: 30_000,
  });
  const text = ended.stderr ?? '';
  return { status: ended.status, stdout: ended.stdout, text, lines: text.split('\n').filter(Boolean) };
}

/** The lines without the first one, which introduces the process. */
function said(ended) {
  for (const line of ended.lines) assert.match(line, LINE);
  return ended.lines.slice(1).map((line) => line.replace('offloop: ', ''));
}

const EVERY_LEVEL = `
  decided('a decision'); decided('a doubt', 'warn');
  for (const level of ['error', 'warn', 'info', 'debug', 'verbose']) diag[level]('text of ' + level);`;

describe('levels', () => {
  const all = [
    'info: a decision',
    'warn: a doubt',
    ...['error', 'warn', 'info', 'debug', 'verbose'].map((level) => `${level}: text of ${level}`),
  ];
  const upTo = (...levels) => all.filter((line) => levels.includes(line.split(':')[0]));

  for (const [words, expected] of [
    [[undefined, '', '  ', 'off', 'none', 'None'], []],
    [['error'], upTo('error')],
    [['warn', 'WARN'], upTo('error', 'warn')],
    [['info', ' Info '], upTo('error', 'warn', 'info')],
    [['debug'], upTo('error', 'warn', 'info', 'debug')],
    [['verbose', 'all', 'ALL'], all],
  ])
    for (const word of words)
      it(`L1: ${word}`, () => {
        const ended = run(EVERY_LEVEL, { log: word });
        assert.equal(ended.status, 0);
        const isIntroduced = expected.some((line) => line.startsWith('info'));
        if (isIntroduced)
          assert.match(ended.lines[0], new RegExp(`^offloop: info: offloop ${version} in process \\d+, Node\\.js `));
        assert.deepEqual(
          isIntroduced ? said(ended) : ended.lines.map((line) => line.replace('offloop: ', '')),
          expected,
        );
      });

  it('L1: another word is told, and info holds', () => {
    const [first, ...others] = said(run(EVERY_LEVEL, { log: 'yes\n\u001b[2J' }));
    assert.equal(
      first,
      "warn: Unknown value 'yes [2j' for OFFLOOP_LOG, expected none, error, warn, info, debug, verbose or all; info holds",
    );
    assert.deepEqual(others, upTo('error', 'warn', 'info'));
  });

  it('L1: a program may set the variable while it runs', () => {
    const source = `decided('before'); process.env.OFFLOOP_LOG = 'info'; decided('behind'); delete process.env.OFFLOOP_LOG; decided('last');`;
    assert.deepEqual(said(run(source)), ['info: behind']);
  });
});

describe('a line', () => {
  it('L2: is one line of bounded length without control characters, and shows texts and errors only', () => {
    const source = `
      diag.warn('two\\nlines\\r\\u001b[31m\\u2028end', { secret: 'plantedSecret' }, ['plantedSecret'], new Error('of an error'), 7);
      diag.warn('x'.repeat(5000));
      exportDelegateLogger.warn('items', { toString: () => 'plantedSecret' });
      const error = new Error(); Object.defineProperty(error, 'message', { get() { throw error; } });
      diag.warn('hostile', error, new Proxy({}, { get() { throw error; } }));
      decided('a decision\\nin two lines');
      decided("no URL: 'http://[x?key=plantedSecret', one: http://x/y?a=plantedSecret&b=plantedSecret#z, a question? Yes");`;
    const lines = said(run(source, { log: 'info' }));
    assert.deepEqual(lines, [
      'warn: two lines [31m end (of an error)',
      `warn: ${'x'.repeat(1024)}`,
      'warn: OTLPExportDelegate items',
      'warn: hostile',
      'info: a decision in two lines',
      "info: no URL: 'http://[x?***', one: http://x/y?*** a question? Yes",
    ]);
  });

  it('L2: goes to the descriptor, whatever stands in for process.stderr and console', () => {
    const source = `
      const stolen = () => { process.stdout.write('stolen'); return true; };
      process.stderr.write = stolen;
      Object.defineProperty(process, 'stderr', { get: stolen });
      for (const name of Object.keys(console)) console[name] = stolen;
      decided('a decision');`;
    const ended = run(source, { log: 'info' });
    assert.deepEqual([ended.stdout, said(ended)], ['', ['info: a decision']]);
  });

  it('L2: is there although the process ends in the same call', () => {
    assert.deepEqual(said(run(`decided('the last word'); process.exit();`, { log: 'info' })), ['info: the last word']);
    assert.deepEqual(said(run(`process.on('exit', () => decided('the last word'));`, { log: 'info' })), [
      'info: the last word',
    ]);
  });

  it('L2: in a worker it goes to the process, and says which thread began', () => {
    const source = `
      const { Worker } = require('node:worker_threads');
      const worker = new Worker("require('./js/otel/decisions.js').decided('in a worker')", { eval: true, stderr: true });
      worker.stderr.on('data', (chunk) => process.stdout.write(chunk));`;
    const ended = run(source, { log: 'info' });
    assert.equal(ended.stdout, '');
    assert.match(ended.lines[0], /in process \d+, thread 1, Node/);
    assert.deepEqual(said(ended), ['info: in a worker']);
  });
});

describe('nothing is harmed', () => {
  const goOn = `for (let nth = 0; nth < 50; nth++) { decided('a decision ' + nth); diag.error('an error'); } process.stdout.write('went on\\n');`;

  it('L2: where standard error is closed, nothing is written into what has its number', {
    skip: process.platform === 'win32',
  }, () => {
    const source = `
      const fs = require('node:fs'), os = require('node:os'), path = require('node:path');
      const file = path.join(os.tmpdir(), 'offloop-lines-' + process.pid);
      fs.closeSync(2);
      decided('nobody hears');
      const number = fs.openSync(file, 'w');
      ${goOn}
      console.log(number, fs.readFileSync(file, 'utf8').length);
      fs.rmSync(file);`;
    const ended = run(source, { log: 'info' });
    assert.deepEqual([ended.status, ended.stdout], [0, 'went on\n2 0\n']);
  });

  it('L2: where nobody reads standard error any more', { skip: process.platform === 'win32' }, () => {
    const source = JSON.stringify(
      `const { decided } = require('./js/otel/decisions.js'); const { diag } = require('./js/otel/diag.js'); ${goOn}`,
    );
    // The shell's reader has gone before the program begins.
    const ended = spawnSync(
      'sh',
      [
        '-c',
        `exec 3>&1; { sleep 0.2; "$0" -e "$1" 1>&3; echo "status $?" 1>&3; } 2>&1 | true`,
        process.execPath,
        JSON.parse(source),
      ],
      {
        cwd: root,
        encoding: 'utf8',
        env: { ...process.env, NODE_TEST_CONTEXT: undefined, OFFLOOP_LOG: 'info' },
        timeout: 30_000,
      },
    );
    assert.equal(ended.stdout, 'went on\nstatus 0\n');
  });

  it('L2: a pipe that is full is not waited for', {
    skip: process.platform !== 'linux' && 'only Linux opens a pipe again',
  }, () => {
    const source = "require('./js/otel/decisions.js').decided('into a full pipe'); process.stdout.write('went on')";
    // Nobody reads what the shell has open as 4, and it stays open.
    const script = `
      fifo=$(mktemp -u) && mkfifo "$fifo" && exec 4<>"$fifo" && rm "$fifo"
      head -c 65536 /dev/zero >&4
      timeout 20 "$0" -e "$1" 2>&4
      echo " with $?"`;
    const ended = spawnSync('sh', ['-c', script, process.execPath, source], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, NODE_TEST_CONTEXT: undefined, OFFLOOP_LOG: 'info' },
      timeout: 30_000,
    });
    assert.equal(ended.stdout, 'went on with 0\n', ended.stderr);
  });

  it('L2: where file functions are replaced, or the environment throws', () => {
    const source = `
      const fs = require('node:fs');
      fs.writeSync = () => { throw new Error('replaced'); };
      ${goOn}
      Object.defineProperty(process, 'env', { get() { throw new Error('hidden'); } });
      ${goOn}`;
    assert.deepEqual(run(source, { log: 'info' }).stdout, 'went on\nwent on\n');
  });
});

describe('there are not too many', () => {
  it('L3: 100 decisions, and a line that says so; what goes wrong is said all the same', () => {
    const lines = said(
      run(`for (let nth = 1; nth <= 1000; nth++) decided('decision ' + nth); diag.warn('a warning');`, { log: 'info' }),
    );
    assert.deepEqual(lines.slice(98), [
      'info: decision 99',
      'info: decision 100',
      'info: 100 decisions have been written, further ones are left out',
      'warn: a warning',
    ]);
  });

  it('L3: workers share the count', () => {
    const source = `
      decided('in the main thread');
      const { Worker } = require('node:worker_threads');
      const next = (left) => {
        const body = "const { decided } = require('./js/otel/decisions.js'); for (let nth = 1; nth <= 40; nth++) decided('decision ' + nth);";
        if (left > 0) new Worker(body, { eval: true }).once('exit', () => next(left - 1));
      };
      next(4);`;
    const { lines } = run(source, { log: 'info' });
    assert.equal(lines.filter((line) => / decision \d+$/.test(line)).length, 99);
    assert.equal(lines.filter((line) => /100 decisions have been written/.test(line)).length, 1);
  });

  it('L3: 60 lines a minute about what goes wrong, and how many were left out', () => {
    const source = `
      const { performance } = require('node:perf_hooks');
      const { now } = performance; let later = 0;
      Object.getPrototypeOf(performance).now = function () { return now.call(performance) + later; };
      for (let nth = 1; nth <= 100; nth++) diag.warn('warning ' + nth);
      decided('a decision');
      later = 60000;
      diag.warn('a minute later');`;
    assert.deepEqual(said(run(source, { log: 'info' })).slice(58), [
      'warn: warning 59',
      'warn: warning 60',
      'warn: 60 lines in a minute, others are left out until it is over',
      'info: a decision',
      'warn: 40 lines have been left out',
      'warn: a minute later',
    ]);
  });
});

describe('the logger of the application', () => {
  it('L5: has no say in what is written, and gets its own', () => {
    const source = `
      const { diag: api, DiagLogLevel } = require('@opentelemetry/api');
      const lines = [];
      const logger = Object.fromEntries(['verbose', 'debug', 'info', 'warn', 'error'].map((level) => [level, (text) => lines.push(level + ': ' + text)]));
      api.setLogger(logger, { logLevel: DiagLogLevel.ALL });
      lines.length = 0; // the API has lines of its own
      diag.warn('a warning'); decided('a decision'); decided('a doubt', 'warn');
      const heard = [...lines];
      api.disable();
      diag.warn('another');
      console.log(JSON.stringify(heard));`;
    const ended = run(source, { log: 'info' });
    assert.deepEqual(said(ended), ['warn: a warning', 'info: a decision', 'warn: a doubt', 'warn: another']);
    assert.deepEqual(JSON.parse(ended.stdout), [
      'warn: a warning',
      'debug: Offloop: a decision',
      'warn: Offloop: a doubt',
    ]);
  });
});
