// Owns the flags of a published binary: what keeps it small and free of this machine's paths.
// Both binaries have the same, so that what they share is compiled once.

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { root } from './project.mjs';

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

const cargoHome = process.env.CARGO_HOME ?? path.join(homedir(), '.cargo');

/** The environment of a release build for `target`, whose glibc floor may stand behind a dot. */
export function releaseEnvironment(target, { zig }) {
  const env = {
    ...process.env,
    // Replaces the flags of .cargo/config.toml, so these are all there are.
    CARGO_ENCODED_RUSTFLAGS: rustFlags(rustTargetOf(target), zig).join('\x1f'),
    CFLAGS: [process.env.CFLAGS, ...cFlags(rustTargetOf(target), zig)].filter(Boolean).join(' '),
  };
  delete env.RUSTFLAGS;
  return env;
}

/** A zig triple may carry the glibc floor behind a dot. */
export function rustTargetOf(target) {
  return target.split('.')[0];
}

function rustFlags(rustTarget, zig) {
  const flags = remapped().map(([from, to]) => `--remap-path-prefix=${from}=${to}`);
  // A worker_threads environment that goes away must not unmap the addon under our threads.
  if (rustTarget.includes('-linux-')) flags.push('-Clink-arg=-Wl,-z,nodelete');
  if (rustTarget.endsWith('-musl')) flags.push('-Ctarget-feature=-crt-static');
  // Folds functions with equal code; only lld knows how, and it is rustc's own linker on this target alone.
  if (rustTarget === 'x86_64-unknown-linux-gnu' && !zig) flags.push('-Clink-arg=-Wl,--icf=all');
  // The profile says so too, and Cargo forgets it for a crate with an opt-level of its own.
  flags.push('-Cstrip=symbols');
  if (rustTarget.endsWith('-msvc')) flags.push('-Ctarget-feature=+crt-static');
  return flags;
}

function cFlags(rustTarget, zig) {
  const defines = ZSTD_DEFINES.map((name) => `-D${name}=1`);
  if (rustTarget.endsWith('-msvc')) return defines;
  // Zig's clang 18 cannot compile the one checksum that uses eor3; the next best of arm64 does without.
  if (zig) defines.push('-DLIBDEFLATE_ASSEMBLER_DOES_NOT_SUPPORT_SHA3=1');
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

export function hostTriple() {
  const { stdout, status } = spawnSync('rustc', ['-vV'], { cwd: root, encoding: 'utf8' });
  const host = /^host: (.+)$/m.exec(stdout ?? '')?.[1];
  if (status !== 0 || host === undefined) throw new Error('`rustc -vV` names no host: is Rust installed?');
  return host;
}
