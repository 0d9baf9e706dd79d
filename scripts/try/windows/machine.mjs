// Owns what a Debian machine must have before anything of Windows can be built or run on it, and installs it.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { root } from '../../build/project.mjs';
import { run } from '../../test/steps.mjs';

export const TARGET = 'x86_64-pc-windows-gnu';
const MINUTE_MILLIS = 60_000;
/** Somebody else on the machine may be installing something, too. */
const WAITS_FOR_ITS_TURN = ['-o', 'DPkg::Lock::Timeout=300'];
/** Packages of Debian, and a command of each. */
const PACKAGES = {
  'gcc-mingw-w64-x86-64-win32': '/usr/bin/x86_64-w64-mingw32-gcc-win32',
  debootstrap: '/usr/sbin/debootstrap',
  'debian-archive-keyring': '/usr/share/keyrings/debian-archive-keyring.gpg',
};

/** Why Windows cannot be tried on this machine at all, in one sentence; undefined where it can. */
export function lackOf() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'it is tried on x86-64 Linux';
  if (process.getuid() !== 0) return 'it needs root, for a directory with a system of its own';
  if (!existsSync('/usr/bin/apt-get')) return 'it needs the packages of Debian';
  const { status } = spawnSync('unshare', ['--mount', '--pid', '--fork', '--mount-proc', 'true']);
  return status === 0 ? undefined : 'this machine gives no namespaces (`unshare`)';
}

/** Installs what is missing, for building and for running. */
export async function ensureMachine() {
  const missing = Object.keys(PACKAGES).filter((name) => !existsSync(PACKAGES[name]));
  if (missing.length > 0) {
    await must('apt-get', ['update', '-q']);
    await must('apt-get', [...WAITS_FOR_ITS_TURN, 'install', '-q', '-y', '--no-install-recommends', ...missing]);
  }
  await ensureTarget(TARGET);
  return { ok: true, note: missing.length > 0 ? `installed ${missing.join(', ')}` : 'all there' };
}

/** Adds Rust's standard library for `target` to the toolchain of this repository. */
export async function ensureTarget(target) {
  const { stdout } = spawnSync('rustup', ['target', 'list', '--installed'], { cwd: root, encoding: 'utf8' });
  if (!(stdout ?? '').split('\n').includes(target)) await must('rustup', ['target', 'add', target]);
}

async function must(command, args) {
  const { code, output } = await run(command, args, { limitMillis: 15 * MINUTE_MILLIS, isShownAtEnd: true });
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${output.slice(-2000)}`);
}
