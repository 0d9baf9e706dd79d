// `node scripts/release/pack.mjs [--out <directory>] [--platforms linux-x64-gnu,…] [--binaries <directory>] [--only-root]
// [--dry-run]`: the tarballs that are published, from the binaries in addon/ or there; with --dry-run only their names, sizes and
// numbers of files. Owns what is in them. It refuses to publish, and to pack a
// binary that is not there.
// The manifest of the root gets its exact optional dependencies here: in the repository they would make every
// `npm install` ask the registry for versions that are not published yet.

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { npmCommand, platformOf, viewerName } from '../build/project.mjs';
import { withoutComments } from './without_comments.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const { values } = parseArgs({
  options: {
    out: { type: 'string', default: path.join('.cache', 'packages') },
    platforms: { type: 'string' },
    'only-root': { type: 'boolean', default: false },
    binaries: { type: 'string', default: 'addon' },
    'dry-run': { type: 'boolean', default: false },
  },
});
const out = path.resolve(root, values.out);
const manifest = readJson('package.json');
const platforms = manifest.napi.targets.map(platformOf);
const LICENCES = ['LICENSE-MIT', 'LICENSE-APACHE'];

const isDryRun = values['dry-run'];
if (!isDryRun) rmSync(out, { recursive: true, force: true });
const stage = isDryRun ? mkdtempSync(path.join(tmpdir(), 'offloop-pack-')) : path.join(out, 'stage');
const wanted = values['only-root'] ? [] : (values.platforms?.split(',') ?? platforms);
try {
  for (const platform of wanted) packPlatform(platform);
  packRoot();
} finally {
  rmSync(stage, { recursive: true, force: true });
}

function packPlatform(platform) {
  const addon = `offloop.${platform}.node`;
  const viewer = platform.startsWith('win32') ? 'offloop-viewer.exe' : 'offloop-viewer';
  const own = readJson('npm', platform, 'package.json');
  const directory = path.join(stage, platform);
  mkdirSync(directory, { recursive: true });
  for (const name of LICENCES) cpSync(path.join(root, name), path.join(directory, name));
  cpSync(builtFile(addon), path.join(directory, addon));
  cpSync(builtFile(viewerName(platform)), path.join(directory, viewer));
  chmodSync(path.join(directory, viewer), 0o755); // what carries files between machines forgets that it is a program
  cpSync(path.join(root, 'npm', platform, 'README.md'), path.join(directory, 'README.md'));
  const triple = manifest.napi.targets.find((target) => platformOf(target) === platform);
  writeFileSync(path.join(directory, 'THIRD-PARTY-LICENSES.txt'), thirdPartyLicences(triple));
  own.version = manifest.version;
  own.files = [addon, viewer, 'THIRD-PARTY-LICENSES.txt', ...LICENCES];
  writeJson(own, directory, 'package.json');
  npmPack(directory);
}

function builtFile(name) {
  const file = path.resolve(root, values.binaries, name);
  if (!existsSync(file)) throw new Error(`${path.relative(root, file)} is not built`);
  return file;
}

function packRoot() {
  const directory = path.join(stage, 'root');
  mkdirSync(directory, { recursive: true });
  for (const name of [...manifest.files, ...LICENCES, 'README.md'])
    cpSync(path.join(root, name), path.join(directory, name), { recursive: true });
  for (const name of readdirSync(directory, { recursive: true })) {
    if (!name.endsWith('.js')) continue;
    const file = path.join(directory, name);
    writeFileSync(file, withoutComments(readFileSync(file, 'utf8')));
  }
  const { scripts, devDependencies, napi, ...published } = manifest;
  published.optionalDependencies = Object.fromEntries(
    platforms.map((platform) => [`${napi.packageName}-${platform}`, manifest.version]),
  );
  published.files = [...manifest.files, ...LICENCES]; // npm adds LICENSE by itself, LICENSE-MIT it does not
  writeJson(published, directory, 'package.json');
  npmPack(directory);
}

function npmPack(directory) {
  const [command, ...first] = npmCommand();
  const way = isDryRun ? ['--dry-run'] : ['--pack-destination', out];
  const args = [...first, 'pack', '--json', '--ignore-scripts', ...way];
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: directory, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  // npm 12 answers an object by name, older ones a list.
  const [{ filename, size, files }] = Object.values(JSON.parse(stdout));
  console.log(`${filename}  ${size.toLocaleString('en-US')} bytes, ${files.length} files`);
}

function thirdPartyLicences(target) {
  const script = path.join(root, 'scripts', 'release', 'third_party_licenses.mjs');
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, '--target', target], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

function readJson(...names) {
  return JSON.parse(readFileSync(path.join(root, ...names), 'utf8'));
}

function writeJson(value, ...names) {
  writeFileSync(path.join(...names), `${JSON.stringify(value, null, 2)}\n`);
}
