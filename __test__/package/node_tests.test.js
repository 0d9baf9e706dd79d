'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { pathToFileURL } = require('node:url');

// The runner of the test files (scripts/test/node_tests.mjs): what it says about a file that hangs, one that dies and one that
// is green, and that files which measure time have no neighbour.

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
  assert.match(output, /✔ green\.test\.js/);
});

test('a file that ends before it has reported is red and named', (t) => {
  const { ok, note } = runFiles(
    t,
    { 'dies.test.js': 'process.kill(process.pid, "SIGKILL");', 'green.test.js': GREEN },
    60_000,
  );
  assert.equal(ok, false);
  assert.match(note, /red: dies\.test\.js/);
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
    require('node:test').test('notes when it ran', async () => {
      const began = Date.now();
      await new Promise((resolve) => setTimeout(resolve, 700));
      console.log('RAN ' + JSON.stringify({ name: ${JSON.stringify(name)}, began, ended: Date.now() }));
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
