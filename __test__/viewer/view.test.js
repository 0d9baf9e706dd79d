'use strict';
// `offloop view` as users meet it: its options, what it prints, how it ends.

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const test = require('node:test');
const { commandFor } = require('../../js/viewer/browser.js');
const { CODE_MILLIS, Secrets } = require('../../js/viewer/token.js');
const { engineWords, readArguments } = require('../../js/viewer/view_arguments.js');
const { noticeOf, summaryOf } = require('../../js/viewer/view_lines.js');
const { ask, readLog, root, startScripted, until } = require('../helpers/viewer/running_view.js');
const { scratchDirectory } = require('../helpers/viewer/scratch.js');

const skip = process.platform === 'win32' ? 'signals and scripts of Unix' : false;

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('the options are what the engine and the server get (V10)', () => {
  const { paths, ...rest } = readArguments([
    '--port=4319', '--open', 'a b', '--once', '--recursive', '--source', __dirname, '--utc', '--max-memory', '512MB', '--', '-x',
  ]); // biome-ignore format: a command line
  assert.deepStrictEqual(paths, ['a b', '-x']);
  assert.deepStrictEqual(rest, {
    port: 4319,
    isOpened: true,
    isOnce: true,
    isRecursive: true,
    source: __dirname,
    isUtc: true,
    maxMemory: '512MB',
    isHelp: false,
  });
  const words = ['serve', '--once', '--recursive', '--source', __dirname, '--max-memory', '512MB', '--', 'a b', '-x'];
  assert.deepStrictEqual(engineWords({ paths, ...rest }), words);
  assert.deepStrictEqual(engineWords(readArguments(['spans'])), ['serve', '--', 'spans']);
  assert.strictEqual(readArguments([]).port, 0);
  const wrong = [
    [['--port', '65536'], /^--port is a number up to 65535$/],
    [['--port', '-1'], /^--port is a number/],
    [['--port', '4x'], /^--port is a number/],
    [['--port'], /^--port takes a value$/],
    [['--host', '0.0.0.0'], /^there is no option --host; did you mean --port\?$/],
    [['--opne'], /^there is no option --opne; did you mean --open\?$/],
    [['--once=yes'], /^--once takes no value$/],
    [['--source', 'nothing'], /^--source is a directory that is there$/],
    [['--source', __filename], /^--source is a directory that is there$/],
    [['-'], /^it cannot follow standard input; write the spans into a file, or ask stats or query$/],
  ];
  for (const [typed, message] of wrong)
    assert.throws(() => readArguments(typed), { name: 'Error', message }, typed.join(' '));
});

test('without a path it is ./spans if it is there, else the current directory (V10)', (t) => {
  const directory = scratchDirectory(t);
  const script = `console.log(require(${JSON.stringify(path.join(root, 'js/viewer/view_arguments.js'))}).readArguments([]).paths[0])`;
  const typed = () => spawnSync(process.execPath, ['-e', script], { cwd: directory, encoding: 'utf8' }).stdout;
  assert.strictEqual(typed(), '.\n');
  mkdirSync(path.join(directory, 'spans'));
  assert.strictEqual(typed(), 'spans\n');
});

test('it prints the address with the token, what was read, and goes on (V10)', async (t) => {
  const log = scratchDirectory(t, 'log');
  const view = startScripted(t, ['docs', '--utc', '--source', 'js'], { log });
  const address = await view.address();
  await view.until(/\n1 file, 10 B: 3 spans in 1 trace\n$/);
  assert.strictEqual(view.err, '');
  const about = JSON.parse((await ask(address, { url: '/api/about' })).body);
  const { version } = require('../../package.json');
  assert.deepStrictEqual(about, { version, isUtc: true, hasSource: true, isFollowing: true, paths: ['docs'] });
  const [{ words }] = readLog(log);
  assert.deepStrictEqual(words, ['serve', '--source', 'js', '--', 'docs']);
  assert.strictEqual(view.child.exitCode, null, 'it goes on');
});

test('what was read and what was skipped is one line each (V10)', () => {
  const file = (more) => ({ bytes: 1_500_000, skipped: {}, bad: 0, ...more });
  const options = { paths: ['spans'], isOnce: false };
  const read = { files: [file(), file()], spans: 1234, traces: 1, valuesNotIndexed: 0 };
  assert.strictEqual(summaryOf(read, options), '2 files, 3.00 MB: 1,234 spans in 1 trace\n');
  assert.strictEqual(noticeOf(read), '');
  const none = { files: [], spans: 0, traces: 0 };
  const waits = '0 files, 0 B: 0 spans in 0 traces; waits for files in spans, written by FileSpanExporter\n';
  assert.strictEqual(summaryOf(none, options), waits);
  assert.strictEqual(summaryOf(none, { ...options, isOnce: true }), '0 files, 0 B: 0 spans in 0 traces\n');
  const skipped = [
    file({ skipped: { not_json: 2, cut: 1 }, bad: 1 }),
    file({ failure: 'cannot be read: permission denied' }),
  ];
  assert.strictEqual(
    noticeOf({ files: skipped, valuesNotIndexed: 5 }),
    '1 file cannot be read, or not to the end, 3 lines skipped, 1 span cannot be read, 5 values not indexed: ' +
      'the page says more under Files\n',
  );
});

test('a port that is taken, or not for this account, is said in one sentence (V10)', async (t) => {
  const server = net.createServer().listen(0, '127.0.0.1');
  t.after(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  const view = startScripted(t, ['docs', '--port', String(port)]);
  assert.deepStrictEqual(await view.end, { code: 1, signal: null });
  assert.deepStrictEqual(
    [view.out, view.err],
    ['', `offloop view: port ${port} is taken; choose another, or leave out --port.\n`],
  );
});

test('the port that was asked for is the port (V10)', async (t) => {
  const probe = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  const address = await startScripted(t, ['docs', '--port', String(port)]).address();
  assert.strictEqual(address.port, port);
});

test('Ctrl-C, once or twice, ends it with 130 and its engine with it; SIGTERM with 143, SIGHUP with 129 (V124)', {
  skip,
}, async (t) => {
  for (const [signals, code] of [
    [['SIGINT'], 130],
    [['SIGINT', 'SIGINT'], 130],
    [['SIGTERM'], 143],
    [['SIGHUP'], 129],
  ]) {
    const log = scratchDirectory(t, 'log');
    // A terminal sends it to the whole group.
    const view = startScripted(t, ['docs'], { log, detached: true });
    const address = await view.address();
    const live = ask(address, { url: '/api/live' }).catch(() => {});
    const waiting = ask(address, { url: '/api/traces?act=silence' }).catch(() => {});
    for (const signal of signals) process.kill(-view.child.pid, signal);
    const { code: ended, signal: killed } = await view.end;
    assert.deepStrictEqual([ended, killed], [code, null], signals.join());
    assert.strictEqual(view.err, '');
    const [{ pid }] = readLog(log);
    await until(() => !isAlive(pid));
    await Promise.all([live, waiting]);
  }
});

test('whoever kills it leaves no engine behind (V124)', { skip }, async (t) => {
  const log = scratchDirectory(t, 'log');
  const view = startScripted(t, ['docs'], { log });
  await view.address();
  const [{ pid }] = readLog(log);
  view.child.kill('SIGKILL');
  await until(() => !isAlive(pid));
});

test('a program that is not there is said in one sentence (V7)', (t) => {
  const script = `require(${JSON.stringify(path.join(root, 'js/viewer/view.js'))}).run(['docs'], {
    file: ${JSON.stringify(scratchDirectory(t, 'nothing'))}, words: [] }).then((code) => { process.exitCode = code; });`;
  const { status, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', timeout: 60_000 });
  assert.strictEqual(status, 1);
  assert.match(stderr, /^offloop view: the program cannot be started: spawn .*nothing ENOENT\.\n$/);
});

test('--open gives the browser a code that works once, and no argument of a process holds the token (V72)', {
  skip,
}, async (t) => {
  const directory = scratchDirectory(t);
  const opened = path.join(directory, 'opened');
  const bin = path.join(directory, 'bin');
  mkdirSync(bin);
  for (const name of ['xdg-open', 'open']) {
    writeFileSync(
      path.join(bin, name),
      `#!/bin/sh\nprintf '%s' "$*" > "${opened}.new" && mv "${opened}.new" "${opened}"\n`,
    );
    chmodSync(path.join(bin, name), 0o755);
  }
  const view = startScripted(t, ['docs', '--open'], { env: { PATH: `${bin}:${process.env.PATH}` } });
  const address = await view.address();
  const words = await until(() => existsSync(opened) && readFileSync(opened, 'utf8'));
  const [, code] = new RegExp(`^http://127\\.0\\.0\\.1:${address.port}/#code=([\\w-]{43})$`).exec(words);
  assert.notStrictEqual(code, address.token);
  if (process.platform === 'linux') {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        assert.ok(!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(address.token), pid);
      } catch (error) {
        if (!['ENOENT', 'ESRCH', 'EACCES'].includes(error.code)) throw error; // it has ended meanwhile
      }
    }
  }
  const exchange = (text) => {
    const body = JSON.stringify({ code: text });
    const headers = { Authorization: undefined, 'Content-Length': Buffer.byteLength(body) };
    return ask(address, { method: 'POST', url: '/api/token', headers, body });
  };
  assert.strictEqual((await exchange(address.token)).status, 403);
  assert.strictEqual((await exchange('')).status, 403);
  const first = await exchange(code);
  assert.deepStrictEqual([first.status, JSON.parse(first.body)], [200, { token: address.token }]);
  const second = await exchange(code);
  assert.strictEqual(second.status, 403);
  assert.match(JSON.parse(second.body).error, /^This address was used already, or is older than ten seconds; /);
});

test('without anything to open it with, it says so and goes on (V72)', { skip }, async (t) => {
  const view = startScripted(t, ['docs', '--open'], { env: { PATH: scratchDirectory(t) } });
  await view.until(/no browser could be started; open the address yourself\.\n/, 'err');
  assert.strictEqual((await ask(await view.address(), { url: '/api/about' })).status, 200);
});

test('a PATH that leads nowhere, or in circles, does not end it (V72)', { skip }, async (t) => {
  const directory = scratchDirectory(t);
  mkdirSync(directory, { recursive: true });
  for (const name of ['xdg-open', 'open']) symlinkSync(name, path.join(directory, name));
  for (const PATH of [__filename, directory]) {
    const view = startScripted(t, ['docs', '--open'], { env: { PATH } });
    await view.until(/no browser could be started; open the address yourself\.\n/, 'err');
    assert.strictEqual((await ask(await view.address(), { url: '/api/about' })).status, 200);
  }
});

test('a code is good for ten seconds, and a wrong one does not spend it (V72)', () => {
  let time = 0;
  const secrets = new Secrets(() => time);
  assert.strictEqual(secrets.tokenFor(''), null);
  const code = secrets.newCode();
  assert.strictEqual(secrets.tokenFor(`${code}x`), null);
  time = CODE_MILLIS;
  assert.strictEqual(secrets.tokenFor(code), secrets.token);
  assert.strictEqual(secrets.tokenFor(code), null);
  const late = secrets.newCode();
  time += CODE_MILLIS + 1;
  assert.strictEqual(secrets.tokenFor(late), null);
  assert.strictEqual(CODE_MILLIS, 10_000);
});

test('the browser is opened by what the platform has for it (V72)', () => {
  const address = 'http://127.0.0.1:4000/#code=abc_-';
  assert.deepStrictEqual(commandFor(address, 'linux'), { file: 'xdg-open', words: [address] });
  assert.deepStrictEqual(commandFor(address, 'darwin'), { file: 'open', words: [address] });
  const { file, words } = commandFor(address, 'win32');
  assert.deepStrictEqual([file, words.at(-1)], ['cmd.exe', `start "" "${address}"`]);
});

test('the process opens no connection (V76)', async (t) => {
  const attempts = scratchDirectory(t, 'attempts');
  const preload = scratchDirectory(t, 'no_connections.cjs');
  writeFileSync(
    preload,
    `const fs = require('node:fs');
    const refuse = (what) => () => { fs.appendFileSync(${JSON.stringify(attempts)}, what + '\\n'); throw new Error(what); };
    require('node:net').Socket.prototype.connect = refuse('connect');
    const dns = require('node:dns');
    const { lookup } = dns;
    dns.lookup = (host, ...words) => (require('node:net').isIP(host) ? lookup(host, ...words) : refuse('lookup')());
    dns.resolve = refuse('resolve');
    require('node:dgram').Socket.prototype.send = refuse('send');
    fs.writeFileSync(${JSON.stringify(attempts)}, '');`,
  );
  const view = startScripted(t, ['docs'], { execArgv: ['--require', preload] });
  const address = await view.address();
  for (const url of [
    '/',
    '/api/about',
    '/api/traces',
    '/api/files',
    '/api/nothing',
    '/api/export?act=pieces&count=3&size=9',
  ])
    await ask(address, { url, headers: { Connection: 'close' } });
  assert.strictEqual(readFileSync(attempts, 'utf8'), '');
});
