// `node scripts/try/macos.mjs`: what can be known about macOS on another system: that all of the code compiles for it, with the
// compiler's warnings, tests and C parts included. Owns the verdict on that; it refuses to link and to run.
//
// Rust's standard library for the target comes by rustup. The C parts are compiled by Zig (from PyPI, into .cache), which brings
// the headers of the system along; no SDK of Apple's is needed.

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root, runWithSetup, useCargo } from '../build/project.mjs';
import { exitNote, run, summarize, timed } from '../test/steps.mjs';
import { ensureTarget } from './windows/machine.mjs';

const MINUTE_MILLIS = 60_000;
const ZIG = 'ziglang==0.13.0';
const TARGETS = ['aarch64-apple-darwin'];
const cache = path.join(root, '.cache', 'macos');
const packages = path.join(cache, ZIG);

await runWithSetup(async () => {
  useCargo();
  const lack = await lackOf();
  if (lack !== undefined) {
    process.stdout.write(`macOS is SKIPPED: ${lack}.\n`);
    return;
  }
  for (const target of TARGETS) await timed(`clippy for ${target}`, () => lint(target));
  summarize();
});

/** Fetches what is missing; answers what could not be had. */
async function lackOf() {
  if (process.platform === 'win32') return 'the compiler is wrapped in a shell script';
  if (!existsSync(path.join(packages, 'ziglang'))) {
    mkdirSync(packages, { recursive: true });
    const words = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', packages, ZIG];
    const { status, error, stderr } = spawnSync('python3', words, { encoding: 'utf8', timeout: 10 * MINUTE_MILLIS });
    if (status !== 0) return `${ZIG} cannot be installed (${error?.message ?? stderr.trim().split('\n').at(-1)})`;
  }
  try {
    for (const target of TARGETS) await ensureTarget(target);
  } catch (error) {
    return error.message.split('\n')[0];
  }
  return undefined;
}

async function lint(target) {
  const words = ['clippy', '--workspace', '--all-targets', '--target', target, '--', '-D', 'warnings'];
  const { code } = await run('cargo', words, { limitMillis: 40 * MINUTE_MILLIS, env: compilers(target) });
  return { ok: code === 0, note: `no warnings${exitNote(code)}` };
}

/** Environment in which build scripts compile C by Zig. */
function compilers(target) {
  const name = target.replaceAll('-', '_');
  const zig = `PYTHONPATH='${packages}' exec python3 -m ziglang`;
  // Zig takes the name of the target in words of its own, and Apple's flags not at all. Its clang 18 cannot compile the one
  // checksum that uses eor3.
  const arch = target.split('-')[0];
  const cc = writeScript(
    `cc-${arch}`,
    `for word do
  shift
  case "$word" in
    --target=*|-mmacosx-version-min=*) continue ;;
    -arch|-isysroot) is_dropped=yes; continue ;;
  esac
  if [ -n "$is_dropped" ]; then is_dropped=; continue; fi
  set -- "$@" "$word"
done
${zig} cc -target ${arch}-macos -DLIBDEFLATE_ASSEMBLER_DOES_NOT_SUPPORT_SHA3=1 "$@"`,
  );
  const ar = writeScript('ar', `${zig} ar "$@"`);
  // Any directory, so that nobody looks for Apple's.
  return { [`CC_${name}`]: cc, [`AR_${name}`]: ar, SDKROOT: cache, MACOSX_DEPLOYMENT_TARGET: '11.0' };
}

function writeScript(name, body) {
  const file = path.join(cache, name);
  writeFileSync(file, `#!/bin/sh\n${body}\n`);
  chmodSync(file, 0o755);
  return file;
}
