'use strict';
// Owns what a user installs: the tarballs as they are published, of Offloop, of its binary for this platform and of the
// stand-ins for the stock packages, and how they get into a project without a package manager.

const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { promisify } = require('node:util');

const root = path.join(__dirname, '..', '..', '..');
const run = promisify(execFile);
const STAND_INS = ['proto', 'http', 'grpc'];

/** Packs everything into `directory`; the files of the tarballs: `{ offloop, binding, proto, http, grpc }`. */
async function pack(directory) {
  const { npmCommand, platformName } = await import(
    pathToFileURL(path.join(root, 'scripts', 'build', 'project.mjs')).href
  );
  const script = path.join(root, 'scripts', 'release', 'pack.mjs');
  await run(process.execPath, [script, '--platforms', platformName(), '--out', directory]);
  const [npm, ...first] = npmCommand();
  const folders = STAND_INS.map((name) => path.join(root, 'shims', `exporter-trace-otlp-${name}`));
  await run(npm, [...first, 'pack', '--ignore-scripts', '--pack-destination', directory, ...folders], {
    cwd: directory,
  });
  const files = fs.readdirSync(directory);
  const tarball = (start) =>
    path.join(
      directory,
      files.find((name) => name.startsWith(start) && name.endsWith('.tgz')),
    );
  const { version } = require('../../../package.json');
  return {
    offloop: tarball(`offloop-${version}`),
    binding: tarball('offloop-binding-'),
    bindingName: `@offloop/binding-${platformName()}`,
    ...Object.fromEntries(STAND_INS.map((name) => [name, tarball(`offloop-exporter-trace-otlp-${name}-`)])),
  };
}

/** Unpacks a tarball to where a package manager would put the package. */
async function unpack(tarball, place) {
  fs.mkdirSync(place, { recursive: true });
  // No path with a drive letter behind -f: GNU tar takes what is before a colon for a machine.
  await run('tar', ['-xzf', path.basename(tarball), '-C', place, '--strip-components=1'], {
    cwd: path.dirname(tarball),
  });
}

module.exports = { pack, root, STAND_INS, unpack };
