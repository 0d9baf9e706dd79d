'use strict';
// What is published belongs together: one version everywhere, and a platform package for each target of package.json.

const assert = require('node:assert/strict');
const { execFileSync, spawnSync } = require('node:child_process');
const { randomBytes } = require('node:crypto');
const { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { PLATFORMS } = require('../../js/native/load_failure.js');

const root = path.resolve(__dirname, '..', '..');
const manifest = require('../../package.json');
const SET_VERSION = 'scripts/release/set_version.mjs';
const WITH_VERSION = [
  'package.json',
  'package-lock.json',
  'Cargo.toml',
  'Cargo.lock',
  'README.md',
  'docs/migration.md',
];

test('the version stands everywhere as in package.json', () => {
  const { status, stdout } = spawnSync(process.execPath, ['scripts/release/set_version.mjs', '--check'], {
    cwd: root,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stdout);
  assert.match(stdout, new RegExp(`^(\\d+) of \\1 files say ${manifest.version.replaceAll('.', '\\.')}\n$`));
});

test('after a change of package.json the others are stale until the script has run', () => {
  const copy = mkdtempSync(path.join(tmpdir(), 'offloop-version-'));
  try {
    for (const name of [
      ...WITH_VERSION,
      'addon/index.js',
      'npm',
      'shims',
      'scripts/build/project.mjs',
      'scripts/release/set_version.mjs',
    ])
      cpSync(path.join(root, name), path.join(copy, name), { recursive: true });
    writeFileSync(path.join(copy, 'package.json'), JSON.stringify({ ...manifest, version: '12.34.56-rc.1' }));
    const setVersion = (...words) =>
      spawnSync(process.execPath, ['scripts/release/set_version.mjs', ...words], { cwd: copy, encoding: 'utf8' });
    const stale = setVersion('--check');
    assert.equal(stale.status, 1);
    assert.match(
      stale.stdout,
      /✖ Cargo\.lock\n.*✖ npm\/linux-x64-gnu\/package\.json\n.*\n0 of \d+ files say 12\.34\.56-rc\.1/s,
    );
    assert.equal(setVersion().status, 0);
    assert.equal(setVersion('--check').status, 0);
    const shim = JSON.parse(readFileSync(path.join(copy, 'shims/exporter-trace-otlp-proto/package.json'), 'utf8'));
    assert.deepEqual([shim.version, shim.dependencies.offloop], ['12.34.56-rc.1', '12.34.56-rc.1']);
    const loader = readFileSync(path.join(copy, 'addon/index.js'), 'utf8');
    assert.equal(loader.includes(`'${manifest.version}'`), false);
    execFileSync(process.execPath, ['--check', path.join(copy, 'addon/index.js')]);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
});

/** What writes when a version is published: words of the command line, and what it prints of what it would do. */
const DRY_RUNS = {
  'pack.mjs': [['--only-root'], new RegExp(`^offloop-${manifest.version}\\.tgz  [\\d,]+ bytes, \\d+ files\n$`)],
  'sbom.mjs': [[], /cdx\.json: \d+ crates for 7 targets\n$/],
};

for (const [script, [words, prints]] of Object.entries(DRY_RUNS)) {
  test(`${script} --dry-run says what it would do, and writes nothing`, (t) => {
    const home = mkdtempSync(path.join(tmpdir(), 'offloop-dry-'));
    t.after(() => rmSync(home, { recursive: true, force: true }));
    const out = path.join(home, 'packages');
    const stages = () => readdirSync(tmpdir()).filter((name) => name.startsWith('offloop-pack-'));
    const before = stages();
    const run = (...more) =>
      spawnSync(process.execPath, [`scripts/release/${script}`, '--out', out, ...words, ...more], {
        cwd: root,
        encoding: 'utf8',
      });
    const { status, stdout, stderr } = run('--dry-run');
    assert.equal(status, 0, stderr);
    assert.match(stdout, prints);
    assert.deepEqual([readdirSync(home), stages()], [[], before]);
    assert.equal(run().stdout, stdout, 'it would do what it does');
    assert.equal(readdirSync(out).length, 1);
  });
}

test('set_version.mjs --dry-run names the files that would change, and changes none', () => {
  const copy = mkdtempSync(path.join(tmpdir(), 'offloop-version-'));
  try {
    for (const name of [...WITH_VERSION, 'addon/index.js', 'npm', 'shims', 'scripts/build/project.mjs', SET_VERSION])
      cpSync(path.join(root, name), path.join(copy, name), { recursive: true });
    writeFileSync(path.join(copy, 'package.json'), JSON.stringify({ ...manifest, version: '12.34.56' }));
    const { status, stdout } = spawnSync(process.execPath, [SET_VERSION, '--dry-run'], { cwd: copy, encoding: 'utf8' });
    assert.equal(status, 0);
    assert.match(stdout, /^would change package-lock\.json\n.*\n\d+ files would say 12\.34\.56\n$/s);
    for (const [, file] of stdout.matchAll(/^would change (.+)$/gm))
      assert.equal(readFileSync(path.join(copy, file), 'utf8'), readFileSync(path.join(root, file), 'utf8'), file);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
});

test('every platform package says for which system it is, and holds both binaries (V120)', () => {
  const homes = readdirSync(path.join(root, 'npm')).filter((name) => !name.endsWith('.md'));
  assert.deepEqual(homes.sort(), [...PLATFORMS].sort());
  for (const platform of PLATFORMS) {
    const [os, cpu, abi] = platform.split('-');
    const own = require(`../../npm/${platform}/package.json`);
    const binary = `offloop.${platform}.node`;
    assert.deepEqual(
      {
        name: own.name,
        os: own.os,
        cpu: own.cpu,
        libc: own.libc,
        main: own.main,
        files: own.files,
        preferUnplugged: own.preferUnplugged, // else Yarn keeps it in an archive, where no program can be started
        scripts: own.scripts,
      },
      {
        name: `${manifest.napi.packageName}-${platform}`,
        os: [os],
        cpu: [cpu],
        libc: os === 'linux' ? [abi === 'musl' ? 'musl' : 'glibc'] : undefined,
        main: binary,
        files: [binary, os === 'win32' ? 'offloop-viewer.exe' : 'offloop-viewer'],
        preferUnplugged: true,
        scripts: undefined,
      },
    );
    assert.equal(own.license, manifest.license);
    assert.equal(own.engines.node, manifest.engines.node);
    assert.equal(own.repository.url, manifest.repository.url); // npm refuses provenance where it differs
  }
});

test('the command, its server and its page are published, and nothing is depended on (V1)', () => {
  assert.deepEqual(manifest.bin, { offloop: 'bin/offloop.js' });
  for (const name of ['bin', 'js', 'viewer/page']) assert.ok(manifest.files.includes(name), name);
  assert.equal(manifest.dependencies, undefined);
});

test('a program that reads span files and is too large is refused, on disk or packed (V115)', (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'offloop-sizes-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const verdictOn = (bytes) => {
    const file = path.join(directory, 'offloop-viewer.darwin-arm64');
    writeFileSync(file, bytes);
    const words = ['scripts/release/check_addon.mjs', file];
    const { status, stdout } = spawnSync(process.execPath, words, { cwd: root, encoding: 'utf8' });
    return [status, stdout.split('\n').slice(1).join('').trim()];
  };
  assert.deepEqual(verdictOn(Buffer.alloc(1_450_000)), [0, '']);
  assert.deepEqual(verdictOn(Buffer.alloc(1_450_001)), [1, 'larger than 1,450,000 bytes']);
  assert.deepEqual(verdictOn(randomBytes(760_500)), [1, 'packs to more than 760,000 bytes']);
});
