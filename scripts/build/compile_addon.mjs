// `node scripts/build/compile_addon.mjs [--target <triple>] [--zig] [--out <directory>] [-- <cargo arguments>]`: the release
// build of the addon.
// Owns the flags of a published binary: what keeps it small and free of this machine's paths. It refuses to install
// anything; toolchains for other targets are the caller's.

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');

// One strategy of zstd is used, `fast`, and little is ever decoded: the other strategies and the second decoders are a
// fifth of a megabyte. Nothing unwinds through C.
const ZSTD_DEFINES = [
  ...['DFAST', 'GREEDY', 'LAZY', 'LAZY2', 'BTLAZY2', 'BTOPT', 'BTULTRA'].map(
    (strategy) => `ZSTD_EXCLUDE_${strategy}_BLOCK_COMPRESSOR`,
  ),
  'HUF_FORCE_DECOMPRESS_X1',
  'ZSTD_FORCE_DECOMPRESS_SEQUENCES_SHORT',
  'ZSTD_STRIP_ERROR_STRINGS',
];

const separator = process.argv.indexOf('--');
const { values } = parseArgs({
  args: process.argv.slice(2, separator === -1 ? undefined : separator),
  options: {
    target: { type: 'string' },
    zig: { type: 'boolean', default: false },
    out: { type: 'string', default: 'addon' },
  },
});
const cargoArguments = separator === -1 ? [] : process.argv.slice(separator + 1);

const target = values.target ?? hostTriple();
// A zig triple may carry the glibc floor behind a dot.
const rustTarget = target.split('.')[0];
const isMsvc = rustTarget.endsWith('-msvc');
const cargoHome = process.env.CARGO_HOME ?? path.join(homedir(), '.cargo');

const env = {
  ...process.env,
  // Replaces the flags of .cargo/config.toml, so these are all there are.
  CARGO_ENCODED_RUSTFLAGS: rustFlags().join('\x1f'),
  CFLAGS: [process.env.CFLAGS, ...cFlags()].filter(Boolean).join(' '),
};
delete env.RUSTFLAGS;

const cli = path.join(root, 'node_modules', '@napi-rs', 'cli', 'dist', 'cli.js');
const words = ['build', '--platform', '--release', '--target', target];
words.push('--manifest-path', 'addon/Cargo.toml', '--output-dir', values.out);
if (values.zig) words.push('--cross-compile');
if (cargoArguments.length > 0) words.push('--', ...cargoArguments);
const result = spawnSync(process.execPath, [cli, ...words], { cwd: root, env, stdio: 'inherit' });
if (result.error) throw result.error;
process.exitCode = result.status ?? 1;

function rustFlags() {
  const flags = remapped().map(([from, to]) => `--remap-path-prefix=${from}=${to}`);
  // A worker_threads environment that goes away must not unmap the library under our threads.
  if (rustTarget.includes('-linux-')) flags.push('-Clink-arg=-Wl,-z,nodelete');
  if (rustTarget.endsWith('-musl')) flags.push('-Ctarget-feature=-crt-static');
  // Folds functions with equal code; only lld knows how, and it is rustc's own linker on this target alone.
  if (rustTarget === 'x86_64-unknown-linux-gnu' && !values.zig) flags.push('-Clink-arg=-Wl,--icf=all');
  // The profile says so too, and Cargo forgets it for a crate with an opt-level of its own.
  flags.push('-Cstrip=symbols');
  if (isMsvc) flags.push('-Ctarget-feature=+crt-static');
  return flags;
}

function cFlags() {
  const defines = ZSTD_DEFINES.map((name) => `-D${name}=1`);
  if (isMsvc) return defines;
  // Zig's clang 18 cannot compile the one checksum that uses eor3; the next best of arm64 does without.
  if (values.zig) defines.push('-DLIBDEFLATE_ASSEMBLER_DOES_NOT_SUPPORT_SHA3=1');
  const maps = remapped().map(([from, to]) => `-ffile-prefix-map=${from}=${to}`);
  return [
    ...defines,
    '-fno-asynchronous-unwind-tables',
    '-fno-unwind-tables',
    ...maps.filter((map) => !/\s/.test(map)),
  ];
}

/** Directories of this machine and what stands in their place; a later one wins. */
function remapped() {
  const sources = path.join(cargoHome, 'registry', 'src');
  let registries = [];
  try {
    registries = readdirSync(sources);
  } catch {
    // Nothing fetched yet: the prefix of all registries is mapped below.
  }
  return [
    [homedir(), '~'],
    [cargoHome, 'cargo'],
    [sources, 'crates'],
    ...registries.map((registry) => [path.join(sources, registry), 'crates']),
    [root, 'offloop'],
  ];
}

function hostTriple() {
  const { stdout, status } = spawnSync('rustc', ['-vV'], { cwd: root, encoding: 'utf8' });
  const host = /^host: (.+)$/m.exec(stdout ?? '')?.[1];
  if (status !== 0 || host === undefined) throw new Error('`rustc -vV` names no host: is Rust installed?');
  return host;
}
