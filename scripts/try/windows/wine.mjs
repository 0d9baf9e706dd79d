// Owns the Windows that this machine can run: Wine of Debian 13 in a directory of its own, because Debian 12 has an older
// one that Node.js does not start in. Every program gets process and mount namespaces of its own; when it ends or runs out of
// time, all that it has started ends with it.
// It refuses to install anything on the machine beside what `machine.mjs` lists, and to leave a mount behind.

import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root as repository } from '../../build/project.mjs';
import { run } from '../../test/steps.mjs';

const SUITE = 'trixie';
/** To be changed with what is installed below. */
const STAMP = `${SUITE}, wine64, prefix 1\n`;
const MINUTE_MILLIS = 60_000;
/** Runs at the same time need a name each, or one would end the other's Windows. */
export const lane = process.env.OFFLOOP_WINE_LANE ?? '';
const FIRST_PREFIX = '/var/wine';
const PREFIX = FIRST_PREFIX + lane;
/** Before a command: its processes run before all others of the machine, whatever else that has to do. */
const AHEAD = ['chrt', '--rr', '1'];

/** What the scripts keep of all this. */
export const cache = path.join(repository, '.cache', 'windows');
const chroot = path.join(cache, 'root');
/** `Z:\work` of Wine, as Linux knows it: what the programs read and write. */
export const work = path.join(chroot, 'work');

/** The name that Wine has for a file under `work`. */
export function windowsPath(file) {
  const relative = path.relative(chroot, file);
  if (relative.startsWith('..')) throw new Error(`${file} is not in ${chroot}`);
  return `Z:\\${relative.replaceAll('/', '\\')}`;
}

/** Makes the directory with Wine in it, once. */
export async function ensureWine() {
  const stamp = path.join(chroot, 'ready');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === STAMP) {
    prepare();
    return { ok: true, note: versionOf() };
  }
  rmSync(chroot, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  // debootstrap checks the signature of the archive, and each package against the checksum in it.
  const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
  await must('debootstrap', ['--variant=minbase', `--keyring=${keyring}`, SUITE, chroot, debianMirror()], 20);
  const install = 'apt-get update -q && apt-get install -q -y --no-install-recommends wine64 && apt-get clean';
  await must(
    'unshare',
    [...namespaces(), 'chroot', chroot, 'env', 'DEBIAN_FRONTEND=noninteractive', 'sh', '-c', install],
    20,
  );
  mkdirSync(path.join(work, 'out'), { recursive: true });
  prepare();
  const { code, output } = await inWine(['wineboot', '--init'], { limitMillis: 10 * MINUTE_MILLIS, waits: true });
  if (code !== 0) throw new Error(`wineboot ended with ${code}: ${output}`);
  writeFileSync(stamp, STAMP);
  return { ok: true, note: versionOf() };
}

/** Names are those of this machine. The registry and the drive C: of another lane are a copy of the first's. */
function prepare() {
  copyFileSync('/etc/hosts', path.join(chroot, 'etc', 'hosts'));
  const [first, own] = [FIRST_PREFIX, PREFIX].map((prefix) => path.join(chroot, prefix));
  if (!existsSync(own) && existsSync(first)) spawnSync('cp', ['-a', first, own]);
}

/**
 * Runs a program of Windows. Its output goes to files, because Node.js cannot write to a pipe that is not one of Windows'.
 * @param {string[]} words the program and its arguments; with `isAhead` it waits for no other program of the machine
 * @returns what `run` does, and standard output and error apart
 */
export async function inWine(
  words,
  { limitMillis, moreTime, env = {}, directory = work, nodeDirectory, waits = false, isAhead = false },
) {
  if (!existsSync(path.join(chroot, PREFIX))) prepare();
  const [out, err] = ['stdout', 'stderr'].map((name) => path.join(work, 'out', `${name}-${process.pid}.txt`));
  const inside = (file) => `/${path.relative(chroot, file)}`;
  const settings = {
    HOME: '/root',
    PATH: '/usr/bin:/bin:/usr/lib/wine',
    LANG: 'C.UTF-8',
    WINEPREFIX: PREFIX,
    WINEDEBUG: '-all',
    // Without it the part of Wine that would open windows complains on standard error.
    XDG_RUNTIME_DIR: '/tmp',
    // No dialogue for what Wine could download, and none for a crash.
    WINEDLLOVERRIDES: 'mscoree=;mshtml=;winedbg.exe=d',
    NODE_SKIP_PLATFORM_CHECK: '1',
    ...(nodeDirectory && { WINEPATH: windowsPath(nodeDirectory) }),
    ...env,
  };
  // The shell stays, as the first process of the namespace: it takes in what Wine's own processes leave behind.
  const script = `cd "$1" && shift && wine64 "$@" >${inside(out)} 2>${inside(err)} </dev/null; code=$?; ${
    waits ? 'wineserver64 -w; ' : ''
  }exit $code`;
  const assignments = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  const [command, ...args] = [...(isAhead && mayRunAhead() ? AHEAD : []), 'unshare', ...namespaces()];
  args.push('chroot', chroot, 'env', '-i', ...assignments);
  args.push('sh', '-c', script, 'sh', inside(directory), ...words);
  for (const file of [out, err]) rmSync(file, { force: true });
  const result = await run(command, args, { limitMillis, moreTime, isShownAtEnd: true });
  const [stdout, stderr] = [out, err].map((file) => (existsSync(file) ? readFileSync(file, 'utf8') : ''));
  return { ...result, output: `${result.output}${stdout}${stderr}`, stdout, stderr };
}

function mayRunAhead() {
  const [command, ...words] = [...AHEAD, 'true'];
  return spawnSync(command, words).status === 0;
}

function namespaces() {
  return ['--mount', '--pid', '--fork', '--kill-child', `--mount-proc=${path.join(chroot, 'proc')}`];
}

async function must(command, args, minutes) {
  const { code, output } = await run(command, args, { limitMillis: minutes * MINUTE_MILLIS, isShownAtEnd: true });
  if (code !== 0) throw new Error(`${command} ended with ${code}:\n${output.slice(-4000)}`);
}

/** Where this machine's own packages come from. */
function debianMirror() {
  const words = ['indextargets', '--format', '$(ORIGIN) $(SITE)', 'Created-By: Packages'];
  const { stdout } = spawnSync('apt-get', words, { encoding: 'utf8' });
  const [, mirror] = /^Debian (\S+)$/m.exec(stdout ?? '') ?? [];
  if (mirror === undefined) throw new Error('`apt-get indextargets` names no source of Debian: `apt-get update` first');
  return mirror;
}

function versionOf() {
  const { stdout } = spawnSync('chroot', [chroot, 'dpkg', '-s', 'wine64'], { encoding: 'utf8' });
  return `Wine ${/^Version: (.+)$/m.exec(stdout)?.[1]}`;
}
