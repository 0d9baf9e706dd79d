// Files and programs of the viewer rows: spans by shape, made once, and the two release builds that read them.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PARSERS = join(ROOT, 'viewer', 'bench', 'parsers');
const MAKE_SPANS = join(ROOT, 'viewer', 'bench', 'make_spans.mjs');

/** The directory with `spans` spans of a shape. What is half made is not taken for the whole. */
export function spanFiles(shape, spans) {
  const directory = join(ROOT, '.cache', 'viewer', `${shape}-${spans}`);
  if (existsSync(directory)) return directory;
  const unfinished = `${directory}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  checked(process.execPath, [
    MAKE_SPANS,
    '--spans',
    String(spans),
    '--shape',
    shape,
    '--seed',
    '1',
    '--out',
    unfinished,
  ]);
  renameSync(unfinished, directory);
  return directory;
}

/** The program of the platform's package, built as it is shipped. */
export function viewerProgram() {
  checked('cargo', ['build', '--release', '--quiet', '-p', 'offloop-viewer'], { cwd: ROOT });
  return join(process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target'), 'release', 'offloop-viewer');
}

/** The program that measures parsers, a crate of its own. */
export function parsersProgram() {
  checked('cargo', ['build', '--release', '--quiet'], { cwd: PARSERS });
  return join(process.env.CARGO_TARGET_DIR ?? join(PARSERS, 'target'), 'release', 'offloop-parsers');
}

/** The files of a directory, in their order. */
export function filesOf(directory) {
  return readdirSync(directory)
    .sort()
    .map((file) => join(directory, file));
}

/** Where a program is that the shell would find; undefined if there is none. */
export function onPath(program) {
  const places = (process.env.PATH ?? '').split(delimiter).map((directory) => join(directory, program));
  return places.find((place) => existsSync(place));
}

/** Why there is no native program to measure; null if there is. */
export function cargoMissing() {
  return onPath('cargo') ? null : 'no cargo';
}

/** What a program printed. */
export function checked(command, words, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, words, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    ...options,
  });
  if (status !== 0) throw new Error(`${command} ${words[0]} ended with ${status}: ${error?.message ?? stderr}`);
  return stdout;
}
