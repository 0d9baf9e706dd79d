// Owns the core's tests under the sanitizers of the compiler: AddressSanitizer for memory that is used wrongly,
// ThreadSanitizer for memory that two threads use without an order. It refuses to call it a success where the toolchain
// lacks something: it says in one line what was skipped, and why.
//
// By hand, in a shell (`host` is what `rustc -vV` says):
//   RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address ASAN_OPTIONS=detect_leaks=0 cargo test --lib --tests --target <host> --target-dir target/address
//   RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=thread cargo test -Zbuild-std --lib --target <host> --target-dir target/thread

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { root } from '../build/project.mjs';
import { exitNote, run, rustTotals } from './steps.mjs';

const LIMIT_MILLIS = 40 * 60_000;

const SANITIZERS = {
  address: { library: 'asan', tests: ['--lib', '--tests'], options: [] },
  // Without its order the standard library's locks would be taken for races, so it is built again from source.
  thread: { library: 'tsan', tests: ['--lib'], options: ['-Zbuild-std'] },
};

/** The verdict of the tests under `name`, `address` or `thread`, as a step returns it. */
export async function testSanitized(name) {
  const { library, tests, options } = SANITIZERS[name];
  const lack = lackOf(library, options);
  if (lack !== undefined) return { ok: true, note: `SKIPPED: ${lack}` };
  const target = ['--target', hostOf(), '--target-dir', path.join('target', name)];
  const env = {
    RUSTC_BOOTSTRAP: '1', // the flags are those of a nightly compiler
    RUSTFLAGS: `-Zsanitizer=${name}`,
    TSAN_OPTIONS: 'halt_on_error=1',
    // A process that a test ends with exit() holds what its threads hold: that is no leak.
    ASAN_OPTIONS: 'detect_leaks=0',
  };
  const args = ['test', ...options, ...tests, ...target];
  const { code, output } = await run('cargo', args, { limitMillis: LIMIT_MILLIS, env });
  const totals = rustTotals(output);
  return { ok: code === 0 && !totals.startsWith('0 '), note: `${totals}${exitNote(code)}` };
}

/** What this machine would need, or undefined. */
function lackOf(library, options) {
  const host = hostOf();
  if (host === undefined) return 'rustc does not start';
  if (process.platform === 'win32') return 'the tests run under sanitizers on Linux and macOS';
  const { stdout } = spawnSync('rustc', ['--print', 'sysroot'], { cwd: root, encoding: 'utf8' });
  const libraries = path.join(stdout.trim(), 'lib', 'rustlib', host, 'lib');
  if (!existsSync(libraries) || !readdirSync(libraries).some((file) => file.includes(`_rt.${library}.`)))
    return `the toolchain has no ${library} for ${host}`;
  const source = path.join(stdout.trim(), 'lib', 'rustlib', 'src', 'rust', 'library', 'Cargo.toml');
  if (options.includes('-Zbuild-std') && !existsSync(source))
    return 'the toolchain has no source of the standard library. To install it: rustup component add rust-src';
  return undefined;
}

function hostOf() {
  const { stdout } = spawnSync('rustc', ['-vV'], { cwd: root, encoding: 'utf8' });
  return /^host: (.+)$/m.exec(stdout ?? '')?.[1];
}
