// Owns tools that a single check needs: taken from npm into .cache/ at an exact version, without running their scripts.
// It refuses to make them development dependencies of everybody who clones.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { npmCommand, root } from './project.mjs';

/**
 * The directory whose node_modules holds `packages`, as `name@version`. `flags` go to npm. `integrity` has checksums of
 * packages by name; one that came with another is thrown away.
 */
export function fetched(name, packages, { flags = [], integrity = {} } = {}) {
  const directory = path.join(root, '.cache', name);
  const isThere = packages.every((spec) =>
    existsSync(path.join(directory, 'node_modules', nameOf(spec), 'package.json')),
  );
  if (isThere) return directory;
  mkdirSync(directory, { recursive: true });
  writeFileSync(path.join(directory, 'package.json'), '{ "private": true }\n');
  const [npm, ...first] = npmCommand();
  const args = [...first, 'install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-save', ...flags, ...packages];
  const { status, stderr, error } = spawnSync(npm, args, { cwd: directory, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${packages.join(', ')} could not be fetched: ${error?.message ?? stderr}`);
  checkIntegrity(directory, integrity);
  return directory;
}

function checkIntegrity(directory, integrity) {
  const lock = JSON.parse(readFileSync(path.join(directory, 'node_modules', '.package-lock.json'), 'utf8'));
  for (const [name, expected] of Object.entries(integrity)) {
    const actual = lock.packages[`node_modules/${name}`]?.integrity;
    if (actual === expected) continue;
    rmSync(directory, { recursive: true, force: true });
    throw new Error(`${name} came with the checksum ${actual} instead of ${expected}`);
  }
}

function nameOf(spec) {
  return spec.slice(0, spec.lastIndexOf('@'));
}
