'use strict';
// The public surface, as names at run time and as declarations, is what api.snap says (R104). A change of it is made
// on purpose: `OFFLOOP_UPDATE_SNAPSHOT=1 node --test __test__/package/public_surface.test.js`, and a line in CHANGELOG.md.

const assert = require('node:assert/strict');
const { readFileSync, writeFileSync } = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const ts = require('typescript');

const root = path.resolve(__dirname, '..', '..');
const snapshotFile = path.join(__dirname, 'api.snap');
const manifest = require('../../package.json');

/** Every entry with an export, its runtime names and its declarations without comments. */
function publicSurface() {
  const surface = {};
  for (const [entry, target] of Object.entries(manifest.exports)) {
    if (entry === './package.json' || entry === './register') {
      surface[entry] = typeof target === 'string' ? target : target.default;
      continue;
    }
    surface[entry] = {
      names: namesOf(require(path.join(root, target.default))),
      declarations: declarationsOf(path.join(root, target.types)),
    };
  }
  return surface;
}

function namesOf(exported) {
  return Object.fromEntries(
    Object.entries(exported)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => [name, describe(value)]),
  );
}

function describe(value) {
  if (typeof value !== 'function') return typeof value;
  if (!/^class\b/.test(Function.prototype.toString.call(value))) return `function of ${value.length}`;
  const members = new Set();
  for (let type = value; type?.prototype !== undefined; type = Object.getPrototypeOf(type))
    for (const member of Object.getOwnPropertyNames(type.prototype)) if (member !== 'constructor') members.add(member);
  return ['class', ...[...members].sort()].join(' ');
}

function declarationsOf(file) {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest);
  const text = ts.createPrinter({ removeComments: true }).printFile(source);
  return text.split('\n').filter((line) => line.trim() !== '');
}

test('the public surface is the recorded one', () => {
  const surface = publicSurface();
  if (process.env.OFFLOOP_UPDATE_SNAPSHOT === '1') writeFileSync(snapshotFile, `${JSON.stringify(surface, null, 1)}\n`);
  const recorded = JSON.parse(readFileSync(snapshotFile, 'utf8'));
  assert.deepEqual(surface, recorded, 'see the head of this file');
});

test('every declared class and function of an entry exists at run time, and the other way round', () => {
  for (const [entry, target] of Object.entries(manifest.exports)) {
    if (target.types === undefined || !entry.match(/^\.(\/tusk)?$/)) continue;
    const declared = valuesDeclaredIn(path.join(root, target.types));
    assert.deepEqual(Object.keys(namesOf(require(path.join(root, target.default)))), declared.sort(), entry);
  }
});

function valuesDeclaredIn(file) {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest);
  const isExported = ({ modifiers }) => modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
  const names = new Set();
  for (const statement of source.statements.filter(isExported)) {
    if (ts.isVariableStatement(statement))
      for (const { name } of statement.declarationList.declarations) names.add(name.text);
    if (ts.isClassDeclaration(statement) || ts.isFunctionDeclaration(statement) || ts.isEnumDeclaration(statement))
      names.add(statement.name.text);
  }
  return [...names];
}

test('a missing member would be noticed', () => {
  const [before, after] = [
    class {
      a() {}
      b() {}
    },
    class {
      a() {}
    },
  ].map(describe);
  assert.notEqual(before, after);
});
