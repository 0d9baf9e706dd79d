'use strict';
// The binary that the tests load has what addon/index.d.ts declares, and the check that says so notices one that has not.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { pathToFileURL } = require('node:url');

const root = path.resolve(__dirname, '..', '..');
const script = (name) => path.join(root, 'scripts', name);
const load = (name) => import(pathToFileURL(script(name)).href);

test('every declared class, method, accessor and function is in the binary, and nothing else', async () => {
  const { declaredNames, differences } = await load('test/binding_surface.mjs');
  const { __napiBindingTarget, ...binding } = require('../../addon/index.js');
  assert.equal(__napiBindingTarget, 'native');
  assert.deepEqual(differences(binding), { missing: [], undeclared: [] });
  for (const name of ['LoopMonitor#proveStacks', 'Environment#isForkedChild', 'threadCpuMicros'])
    assert.ok(declaredNames().includes(name), name);
});

test('a binding that lacks one of them, or has more, is noticed', async () => {
  const { differences } = await load('test/binding_surface.mjs');
  class Lane {
    stats() {}
    get added() {
      return 0;
    }
    static make() {}
  }
  const declared = ['Lane', 'Lane#shutdown', 'Lane#stats', 'threadCpuMicros'];
  assert.deepEqual(differences({ Lane, other() {} }, declared), {
    missing: ['Lane#shutdown', 'threadCpuMicros'],
    undeclared: ['Lane#added', 'Lane.make', 'other'],
  });
});

test('check_addon.mjs fails on a binary without a declared method, loaded or only read', async () => {
  const { platformName } = await load('build/project.mjs');
  const bytes = readFileSync(
    process.env.NAPI_RS_NATIVE_LIBRARY_PATH ?? path.join(root, 'addon', `offloop.${platformName()}.node`),
  );
  for (let at = bytes.indexOf('proveStacks'); at !== -1; at = bytes.indexOf('proveStacks'))
    bytes.write('prove_Stack', at);
  const directory = mkdtempSync(path.join(tmpdir(), 'offloop-surface-'));
  try {
    const file = path.join(directory, `offloop.${platformName()}.node`);
    writeFileSync(file, bytes);
    const { status, stdout } = spawnSync(process.execPath, [script('release/check_addon.mjs'), file], {
      encoding: 'utf8',
    });
    assert.equal(status, 1);
    assert.match(stdout, /does not name LoopMonitor#proveStacks, which addon\/index\.d\.ts declares/);
    if (process.platform === 'darwin') return; // refuses to load what was changed after it was signed
    assert.match(stdout, /has no LoopMonitor#proveStacks, which/);
    assert.match(stdout, /has LoopMonitor#prove_Stack, which addon\/index\.d\.ts does not declare/);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
