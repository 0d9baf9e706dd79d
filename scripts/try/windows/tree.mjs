// Owns the copy of this repository that Wine works in: the files of the working tree, the dependencies, and the addon for
// Windows in the place of Linux's. Dependencies are linked and not copied: nothing writes into them.

import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../build/project.mjs';
import { ensureTestDependencies } from '../../test/test_dependencies.mjs';
import { BINARY, built } from './build.mjs';
import { TARGET } from './machine.mjs';
import { lane, work } from './wine.mjs';

export const tree = path.join(work, `offloop${lane}`);

/** Makes the copy, from scratch: what a test has left behind must not help the next run. */
export async function layTree() {
  const folders = await ensureTestDependencies({ withLine3: true });
  rmSync(tree, { recursive: true, force: true });
  const { stdout } = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const files = stdout.split('\0').filter((file) => file !== '' && existsSync(path.join(root, file)));
  if (files.length === 0) throw new Error('`git ls-files` names no file');
  for (const file of files) {
    mkdirSync(path.join(tree, path.dirname(file)), { recursive: true });
    copyFileSync(path.join(root, file), path.join(tree, file));
  }
  copyFileSync(path.join(built, BINARY), path.join(tree, 'addon', BINARY));
  for (const directory of ['.', ...folders]) linkModules(directory);
}

function linkModules(directory) {
  const modules = path.join(root, directory, 'node_modules');
  const { status, stderr } = spawnSync('cp', ['-al', modules, path.join(tree, directory)], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}

/**
 * The core's tests know where their files are from the time when they were compiled, by a path of Linux: the same path leads
 * to the copy. Cargo makes the directory that they write to; here nobody else does.
 */
export function linkSourcePath() {
  for (const directory of ['target/tmp', `target/${TARGET}/tmp`])
    mkdirSync(path.join(tree, directory), { recursive: true });
  const place = path.join(path.dirname(work), root);
  mkdirSync(path.dirname(place), { recursive: true });
  rmSync(place, { force: true }); // that of another lane
  symlinkSync(path.relative(path.dirname(place), tree), place);
}
