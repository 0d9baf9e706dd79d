'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { pathToFileURL } = require('node:url');

// The runner of the test files (scripts/test/node_tests.mjs): what it says about a file that hangs, one that dies, one that is
// red and one that is green, that files which measure time have no neighbour, and which stage a file belongs to.

const root = path.resolve(__dirname, '..', '..');
const moduleUrl = pathToFileURL(path.join(root, 'scripts', 'test', 'node_tests.mjs')).href;

/** Runs `files`, texts by name, in a directory of their own: `{ ok, note, output }`. */
function runFiles(t, files, limitMillis) {
  const directory = mkdtempSync(path.join(tmpdir(), 'offloop-runner-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(directory, name), text);
  const program = `
    import { runNodeTests } from ${JSON.stringify(moduleUrl)};
    const options = { limitMillis: ${limitMillis}, directory: ${JSON.stringify(directory)} };
    const verdict = await runNodeTests(process.execPath, ${JSON.stringify(Object.keys(files))}, options);
    console.log('VERDICT ' + JSON.stringify(verdict));
  `;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  return { ...JSON.parse(/^VERDICT (.*)$/m.exec(stdout)[1]), output: stdout };
}

const GREEN = "require('node:test').test('green', () => {});";

test('a file that exceeds its limit is stopped and named, and the others are run all the same', (t) => {
  const hanging = "require('node:test').test('hangs', () => new Promise(() => setInterval(() => {}, 1000)));";
  const { ok, note, output } = runFiles(t, { 'hangs.test.js': hanging, 'green.test.js': GREEN }, 1500);
  assert.equal(ok, false);
  assert.match(note, /^1 passed.*; red: hangs\.test\.js$/);
  assert.match(output, /hangs\.test\.js was stopped after \d+ s/);
  assert.match(output, /✔ green\.test\.js +[\d.]+ s +1 passed\n/);
});

test('a file that ends before it has reported is red and named', (t) => {
  const dies = 'process.kill(process.pid, "SIGKILL");';
  const { ok, note } = runFiles(t, { 'dies.test.js': dies, 'green.test.js': GREEN }, 60_000);
  assert.equal(ok, false);
  assert.match(note, /^1 passed.*; red: dies\.test\.js$/);
});

test('a red file is shown with its failures, and every file with what it skipped and why', (t) => {
  const mixed = `
    const { describe, test } = require('node:test');
    test('the green one', () => {});
    test('not here', { skip: 'because' }, () => {});
    describe('a suite', () => {
      test('nor there', { skip: 'because' }, () => {});
      test('the red one', () => { throw new Error('the reason'); });
    });`;
  const { ok, note, output } = runFiles(t, { 'mixed.test.js': mixed }, 60_000);
  assert.deepEqual([ok, note], [false, '1 passed, 1 failed, 2 skipped; red: mixed.test.js']);
  assert.match(output, /✖ the red one.*\n +Error: the reason/);
  assert.doesNotMatch(output, /the green one/);
  assert.match(output, /✖ mixed\.test\.js +[\d.]+ s +1 passed, 1 failed, 2 skipped\n +skipped 2: because\n/);
});

test('the second stage is run by its name only, and every file belongs to a stage', async () => {
  const { allTestFiles, isOfSecondStage, testFiles } = await import(moduleUrl);
  const files = ['a/short.test.js', 'a/short.long.test.js', 'b/longer.test.js'];
  assert.deepEqual(testFiles([], files), ['a/short.test.js', 'b/longer.test.js']);
  assert.deepEqual(testFiles(['.long.'], files), ['a/short.long.test.js']);
  assert.deepEqual(testFiles(['short'], files), ['a/short.test.js', 'a/short.long.test.js']);
  assert.deepEqual(testFiles(['b/'], files), ['b/longer.test.js']);
  const [first, second] = [testFiles(), testFiles(['.long.'])];
  assert.deepEqual([...first, ...second].sort(), allTestFiles().sort());
  assert.ok(second.length > 0 && second.every(isOfSecondStage), second.join());
  // Both ways to run it are there: where nobody runs a stage, its tests prove nothing.
  const { scripts } = require('../../package.json');
  assert.match(scripts['test:second'], /^node scripts\/test\/run\.mjs --only node \.long\.$/);
  assert.match(readFileSync(path.join(root, '.ci', 'run'), 'utf8'), /^npm run test:second$/m);
});

test('green files make a green verdict, and no test at all is not green', (t) => {
  assert.deepEqual(
    [runFiles(t, { 'green.test.js': GREEN }, 60_000)].map(({ ok, note }) => [ok, note]),
    [[true, '1 passed']],
  );
  const skipped = "require('node:test').test('not here', { skip: 'because' }, () => {});";
  assert.equal(runFiles(t, { 'skipped.test.js': skipped }, 60_000).ok, false);
});

test('a file that measures time has no neighbour, any other may have one', (t) => {
  const noting = (name) => `
    const fs = require('node:fs');
    require('node:test').test('notes when it ran', async (t) => {
      const began = Date.now();
      await new Promise((resolve) => setTimeout(resolve, 400));
      t.diagnostic('RAN ' + JSON.stringify({ name: ${JSON.stringify(name)}, began, ended: Date.now() }));
    });
  `;
  const files = { 'a.test.js': noting('a'), 'b.test.js': noting('b') };
  for (const name of ['c', 'd'])
    files[`${name}.test.js`] = `// This file measures time, so it runs alone.\n${noting(name)}`;
  const { output, ok } = runFiles(t, files, 60_000);
  assert.equal(ok, true, output);
  const times = Object.fromEntries(
    [...output.matchAll(/RAN (.*)/g)].map(([, text]) => JSON.parse(text)).map((each) => [each.name, each]),
  );
  const overlap = (one, other) => times[one].began < times[other].ended && times[other].began < times[one].ended;
  for (const pair of ['ac', 'ad', 'bc', 'bd', 'cd']) assert.ok(!overlap(...pair), pair);
  assert.ok(times.c.began >= Math.max(times.a.ended, times.b.ended), 'files that measure time come last');
});
