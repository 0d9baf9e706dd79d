'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const { mkdtempSync, mkdirSync, rmSync, symlinkSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { pathToFileURL } = require('node:url');

const root = path.resolve(__dirname, '..', '..');
const buildModule = pathToFileURL(path.join(root, 'scripts', 'build', 'project.mjs')).href;

function withDirectory(body) {
  return async () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'offloop-setup-'));
    try {
      await body(directory);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  };
}

const lock = (version) => ({
  lockfileVersion: 3,
  packages: {
    '': { name: 'x' },
    'node_modules/a': { version, integrity: `sha512-${version}` },
    'node_modules/b-other-platform': { version: '1.0.0', integrity: 'sha512-b', optional: true },
  },
});

function installedTree(directory, modules, installed) {
  mkdirSync(path.join(directory, modules), { recursive: true });
  const tree = lock(installed);
  delete tree.packages['node_modules/b-other-platform'];
  writeFileSync(path.join(directory, modules, '.package-lock.json'), JSON.stringify(tree));
}

test(
  'a machine without Rust gets one sentence and exit code 1',
  withDirectory((directory) => {
    symlinkSync(process.execPath, path.join(directory, 'node'));
    const script = `import(${JSON.stringify(buildModule)}).then((m) => m.runWithSetup(async () => m.useCargo()))`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', script], {
      encoding: 'utf8',
      env: { PATH: directory, HOME: directory, CARGO_HOME: path.join(directory, 'none') },
    });
    assert.equal(status, 1);
    assert.equal(stdout, '');
    assert.match(
      stderr.trim(),
      /^Offloop builds its addon from Rust source and found no `cargo`: install Rust from https:\/\/rustup\.rs .*again\.$/,
    );
    assert.equal(stderr.trim().split('\n').length, 1);
  }),
);

test(
  "a tree that matches the lock file is left alone, other platforms' packages included",
  withDirectory(async (directory) => {
    const { ensureDependencies } = await import(buildModule);
    installedTree(directory, 'node_modules', '1.0.0');
    writeFileSync(path.join(directory, 'package-lock.json'), JSON.stringify(lock('1.0.0')));
    assert.equal(await ensureDependencies({ directory, quiet: true }), false);
  }),
);

test(
  'a linked node_modules that does not match is refused, never emptied',
  withDirectory(async (directory) => {
    const { ensureDependencies } = await import(buildModule);
    installedTree(directory, 'elsewhere', '1.0.0');
    symlinkSync(path.join(directory, 'elsewhere'), path.join(directory, 'node_modules'));
    writeFileSync(path.join(directory, 'package-lock.json'), JSON.stringify(lock('2.0.0')));
    await assert.rejects(ensureDependencies({ directory, quiet: true }), {
      name: 'SetupError',
      code: 'LINKED_MODULES',
      message: /node_modules\/a is not at 2\.0\.0/,
    });
  }),
);
