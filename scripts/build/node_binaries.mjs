// Owns the Node.js binaries of other majors that the tests run on: npm's own `node-<platform>-<arch>` packages in .cache/.
// It refuses to touch the Node.js that is installed on the machine.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root, SetupError } from './project.mjs';

/** Majors that the package promises beside the one it is developed on. */
export const ALL_MAJORS = [20, 22, 24, 26];

/** The Node.js of `major`: `{ major, version, command }`; the running one where it fits, else from .cache/. */
export function nodeOfMajor(major) {
  if (currentNode().major === major) return currentNode();
  const directory = path.join(root, '.cache', `node-${major}`);
  const name = packageName();
  const home = path.join(directory, 'node_modules', name);
  const command = path.join(home, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (!existsSync(command)) install(directory, name, major);
  const { version } = JSON.parse(readFileSync(path.join(home, 'package.json'), 'utf8'));
  if (!existsSync(command))
    throw new SetupError(`${name}@${version} holds no ${path.relative(home, command)}.`, 'NO_NODE');
  return { major, version: `v${version}`, command };
}

/** The Node.js that runs this script. */
export function currentNode() {
  return { major: Number.parseInt(process.versions.node, 10), version: process.version, command: process.execPath };
}

/** Whether a version such as `v22.15.0` is `[major, minor]` or later. */
export function isAtLeast(version, [major, minor]) {
  const [ownMajor, ownMinor] = version.slice(1).split('.').map(Number);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}

function packageName() {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  return `node-${platform}-${process.arch}`;
}

function install(directory, name, major) {
  process.stderr.write(`Fetching Node.js ${major} from npm (${name}) …\n`);
  mkdirSync(directory, { recursive: true });
  // A package.json of its own, or npm would walk up to ours.
  writeFileSync(path.join(directory, 'package.json'), '{ "private": true }\n');
  const args = ['install', '--no-audit', '--no-fund', '--no-save', '--loglevel=error', `${name}@${major}`];
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const { status, error } = spawnSync(npm, args, {
    cwd: directory,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status === 0) return;
  throw new SetupError(
    `Node.js ${major} could not be fetched (${name}@${major}): ${error?.message ?? `npm ended with ${status}`}.`,
    'NO_NODE',
  );
}
