// Owns programs that a single check needs and that Debian has: packages and what they depend on, fetched by apt-get into
// .cache/ and unpacked there. It refuses to install anything, and to take a file whose checksum is not the signed list's.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './project.mjs';

const LIMIT_MILLIS = 5 * 60_000;

/** Why nothing can be had from Debian here, or null. */
export function reasonAgainstDebian() {
  if (process.platform !== 'linux' || !existsSync('/etc/debian_version')) return 'this is no Debian';
  for (const tool of ['apt-get', 'apt-cache', 'dpkg-deb'])
    if (spawnSync(tool, ['--version']).error !== undefined) return `there is no ${tool}`;
  return null;
}

/** Interpreters and helpers of packages are not what a program needs to run; its libraries and its own parts are. */
const isNeeded = (name) => (each) => each.startsWith(name) || (each.startsWith('lib') && !each.includes('perl'));

/**
 * The directory under which `name` lies as it would under `/`, with the libraries that this machine lacks.
 * @throws {Error} if it cannot be fetched
 */
export function fetchedFromDebian(name) {
  const home = path.join(root, '.cache', `debian-${name}`);
  const isDone = path.join(home, 'is-done');
  const unpacked = path.join(home, 'root');
  if (existsSync(isDone)) return unpacked;
  rmSync(home, { recursive: true, force: true });
  mkdirSync(unpacked, { recursive: true });
  try {
    fetch(name, home);
  } catch (error) {
    // The lists of packages may be older than what the mirror has, or there may be none yet.
    if (process.getuid() !== 0 || spawnSync('apt-get', ['update'], { timeout: LIMIT_MILLIS }).status !== 0) throw error;
    fetch(name, home);
  }
  const packages = readdirSync(home).filter((file) => file.endsWith('.deb'));
  for (const file of packages) run('dpkg-deb', ['--extract', file, 'root'], home);
  writeFileSync(isDone, packages.map((file) => `${file}\n`).join(''));
  return unpacked;
}

/** `LD_LIBRARY_PATH` for a program under `unpacked`. */
export function librariesIn(unpacked) {
  const base = path.join(unpacked, 'usr', 'lib');
  const folders = existsSync(base) ? readdirSync(base).filter((folder) => folder.endsWith('-linux-gnu')) : [];
  return [...folders.map((folder) => path.join(base, folder)), base].join(':');
}

function fetch(name, home) {
  const plan = run('apt-get', ['install', '--simulate', '--no-install-recommends', name], home);
  const missing = [...plan.matchAll(/^Inst (\S+)/gm)].map(([, each]) => each).filter(isNeeded(name));
  for (const each of new Set([name, ...missing])) {
    const before = new Set(readdirSync(home));
    run('apt-get', ['download', each], home);
    const file = readdirSync(home).find((entry) => !before.has(entry));
    check(each, path.join(home, file));
  }
}

/** apt-get compares as well; here it is certain that what lies in the file is what was compared. */
function check(name, file) {
  const [, version] = path.basename(file).split('_');
  const record = run('apt-cache', ['show', `${name}=${decodeURIComponent(version)}`], path.dirname(file));
  const wanted = new Set([...record.matchAll(/^SHA256: (\S+)$/gm)].map(([, sum]) => sum));
  const found = createHash('sha256').update(readFileSync(file)).digest('hex');
  if (!wanted.has(found)) throw new Error(`${path.basename(file)} has another checksum than Debian's list says`);
}

function run(command, words, cwd) {
  const options = { cwd, encoding: 'utf8', timeout: LIMIT_MILLIS, env: { ...process.env, LC_ALL: 'C' } };
  const { status, stdout, stderr, error } = spawnSync(command, words, options);
  if (status !== 0) throw new Error(`${command} ${words.join(' ')}: ${error?.message ?? stderr.trim()}`);
  return stdout;
}
