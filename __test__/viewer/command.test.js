'use strict';
// How the commands that read span files are found and started, with a program in the place of the real one.

const assert = require('node:assert');
const { spawn, spawnSync } = require('node:child_process');
const { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const test = require('node:test');
const { describeHost } = require('../../js/native/load_failure.js');

const root = path.resolve(__dirname, '..', '..');
const START = `require('offloop/js/viewer/command.js').viewerCommand(process.argv[1]).run(process.argv.slice(2))
  .then((code) => { process.exitCode = code; });`;

/** Offloop's JavaScript as npm installs it, with `program` as the program of the platform's package; null is a package without one. */
function install(t, program) {
  const project = mkdtempSync(path.join(tmpdir(), 'offloop-viewer-'));
  t.after(() => rmSync(project, { recursive: true, force: true }));
  const home = path.join(project, 'node_modules', 'offloop');
  mkdirSync(home, { recursive: true });
  for (const name of ['js', 'package.json', 'addon/index.js'])
    cpSync(path.join(root, name), path.join(home, name), { recursive: true });
  // The package exports no file of its inside.
  writeFileSync(path.join(home, 'package.json'), JSON.stringify({ name: 'offloop', version: '0.1.0' }));
  if (program !== undefined) {
    const { platform } = describeHost();
    const binding = path.join(project, 'node_modules', '@offloop', `binding-${platform}`);
    mkdirSync(binding, { recursive: true });
    writeFileSync(path.join(binding, 'package.json'), '{}');
    writeFileSync(path.join(binding, `offloop.${platform}.node`), '');
    if (program === null) return project;
    writeFileSync(path.join(binding, 'offloop-viewer'), `#!${process.execPath}\n${program}`);
    chmodSync(path.join(binding, 'offloop-viewer'), 0o755);
  }
  return project;
}

const isWindows = process.platform === 'win32';

test('the program of the platform package gets the words, and its exit code is the exit code (V5)', {
  skip: isWindows,
}, (t) => {
  const project = install(t, 'console.log(JSON.stringify(process.argv.slice(2))); process.exitCode = 3;');
  const { status, stdout } = spawnSync(process.execPath, ['-e', START, 'stats', '--by', 'service', 'a b'], {
    cwd: project,
    encoding: 'utf8',
  });
  assert.deepStrictEqual(JSON.parse(stdout), ['stats', '--by', 'service', 'a b']);
  assert.strictEqual(status, 3);
});

test('without the program the sentence says why, and what helps (V7)', (t) => {
  const project = install(t);
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', START, 'stats'], {
    cwd: project,
    encoding: 'utf8',
  });
  const { platform } = describeHost();
  assert.match(stderr, new RegExp(`^offloop: the optional dependency @offloop/binding-${platform} is not installed; `));
  assert.deepStrictEqual([status, stdout], [1, '']);
});

test('a package of the platform without the program is named (V7)', (t) => {
  const project = install(t, null);
  const { status, stderr } = spawnSync(process.execPath, ['-e', START, 'stats'], { cwd: project, encoding: 'utf8' });
  assert.match(stderr, /^offloop: \S+binding-\S+ has no offloop-viewer\S*, the program that reads span files; /);
  assert.strictEqual(status, 1);
});

test('an interrupt of the program is the exit code 130 (V124)', { skip: isWindows }, async (t) => {
  const project = install(t, `console.log('ready'); setInterval(() => {}, 1000);`);
  const child = spawn(process.execPath, ['-e', START, 'stats'], { cwd: project, detached: true });
  t.after(() => child.kill('SIGKILL'));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  // As a terminal does: to the whole group.
  process.kill(-child.pid, 'SIGINT');
  const code = await new Promise((resolve) => child.once('close', resolve));
  assert.strictEqual(code, 130);
});

test('a signal that reaches the command alone ends the program, too (V124)', { skip: isWindows }, async (t) => {
  const project = install(t, 'console.log(process.pid); setInterval(() => {}, 1000);');
  for (const [signal, expected] of [
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['SIGINT', 130],
  ]) {
    const child = spawn(process.execPath, ['-e', START, 'stats'], { cwd: project });
    const pid = Number(await new Promise((resolve) => child.stdout.once('data', resolve)));
    const ended = new Promise((resolve) => child.once('exit', resolve));
    t.after(() => {
      child.kill('SIGKILL');
      if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    });
    child.kill(signal);
    assert.strictEqual(await ended, expected, signal);
    assert.strictEqual(isAlive(pid), false, signal);
  }
});

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('nothing of it is loaded with the exporters (V2)', () => {
  const program = `require(${JSON.stringify(root)});
    require(${JSON.stringify(path.join(root, 'js/entries/register.js'))});
    console.log(Object.keys(require.cache).filter((file) => file.includes(require('node:path').join('js', 'viewer'))).length,
      process.report.getReport().sharedObjects.filter((file) => file.includes('offloop-viewer')).length);`;
  const { stdout } = spawnSync(process.execPath, ['-e', program], { cwd: tmpdir(), encoding: 'utf8' });
  assert.strictEqual(stdout, '0 0\n');
});
