'use strict';
// What `offloop doctor` has in tables is what the code and the tests have, and its readers of texts read as Node does.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { root } = require('../helpers/doctor.js');
const { TESTED } = require('../../js/doctor/packages.js');
const { examinePreloads, preloadsOf, wordsOf } = require('../../js/doctor/preloads.js');
const { Report } = require('../../js/doctor/report.js');
const { OFFLOOP_NAMES } = require('../../js/config/own_variables.js');
const { SUBSTITUTES } = require('../../js/register/substitutes.js');

const numbersOf = (version) => version.split('.').map(Number);
const byVersion = (left, right) => {
  const [from, to] = [numbersOf(left), numbersOf(right)];
  const at = from.findIndex((number, index) => number !== to[index]);
  return at === -1 ? 0 : from[at] - to[at];
};

test('what counts as tested is what the lock files of the tests install (C9)', () => {
  const homes = fs.readdirSync(path.join(root, '__test__')).map((name) => path.join('__test__', name));
  const locks = ['.', ...homes]
    .map((home) => path.join(root, home, 'package-lock.json'))
    .filter((file) => fs.existsSync(file));
  const versions = new Map(Object.keys(SUBSTITUTES).map((name) => [name, []]));
  for (const lock of locks) {
    for (const [place, { name = place.split('node_modules/').at(-1), version }] of Object.entries(
      JSON.parse(fs.readFileSync(lock)).packages,
    ))
      versions.get(name)?.push(version);
  }
  const ranges = [...versions]
    .map(([name, all]) => [name, all.sort(byVersion)])
    .map(([name, all]) => [name, [all[0], all.at(-1)]]);
  assert.ok(locks.length >= 4);
  assert.deepEqual(TESTED, Object.fromEntries(ranges));
});

test('the variables of ours that are known are those that the code reads (C9)', () => {
  const files = fs.readdirSync(path.join(root, 'js'), { recursive: true }).filter((name) => name.endsWith('.js'));
  const code = files.map((name) => fs.readFileSync(path.join(root, 'js', name), 'utf8')).join('\n');
  const read = [...code.matchAll(/process\.env\.OFFLOOP_(\w+)|'OFFLOOP_(\w+)'/g)].map(
    ([, direct, named]) => direct ?? named,
  );
  const names = new Set(read.filter((name) => !/^(EXPORT|REGISTER_LATE|REGISTER_TWICE)$/.test(name))); // no variables
  assert.deepEqual([...names].sort(), [...OFFLOOP_NAMES].sort());
});

test('NODE_OPTIONS is taken apart as Node does it, with paths of Windows too (C9)', () => {
  const text =
    '--require "C:\\\\my app\\\\otel.js"  --max-old-space-size=100 --import=offloop/register "--title=a \\"b\\""';
  assert.deepEqual(wordsOf(text), [
    '--require',
    'C:\\my app\\otel.js',
    '--max-old-space-size=100',
    '--import=offloop/register',
    '--title=a "b"',
  ]);
  const directory = execFileSync(process.execPath, ['-p', 'process.report.directory'], {
    env: { ...process.env, NODE_OPTIONS: '"--report-directory=a \\"b\\""' },
    encoding: 'utf8',
  });
  assert.equal(directory, 'a "b"\n');
});

for (const [words, isLate] of [
  [['--require', 'C:\\app\\otel.js', '-r', 'C:\\app\\node_modules\\offloop\\js\\entries\\register.js'], true],
  [
    ['--import', 'file:///C:/app/otel.mjs', '--import', 'file:///C:/app/node_modules/offloop/js/entries/register.js'],
    true,
  ],
  [['--import', './node_modules/offloop/js/entries/register.js', '--import', './otel.mjs'], false],
  [['--import', './otel.mjs', '--require', 'offloop/register'], false],
  [['--require', './otel.js', '--import', 'offloop/register'], true],
]) {
  test(`a register is found by any path, and judged by the order in which Node loads (C9): ${words.join(' ')}`, () => {
    const report = new Report();
    const command = words.map((word) => `"${word.replaceAll('\\', '\\\\')}"`).join(' ');
    examinePreloads(report.section('register', 'register'), {}, { start: `node ${command} app.js` });
    const [{ facts, findings }] = report.finish({ version: '1' }).sections;
    assert.equal(preloadsOf(words).length, 2);
    assert.equal(facts[0].name, 'offloop/register in script start');
    assert.deepEqual(
      findings.map(({ code }) => code),
      isLate ? ['register_late'] : [],
    );
  });
}
