// Owns the files for Windows that are built on Linux: the addon, the program that reads span files, and the programs of the
// core's tests, by Rust's GNU target. The first two bear the names of the published binaries, which Microsoft's compiler makes
// in the hosted workflow: the loader and the packages know no other. It refuses to put anything into addon/.

import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root, viewerName } from '../../build/project.mjs';
import { exitNote, run } from '../../test/steps.mjs';
import { TARGET } from './machine.mjs';
import { cache } from './wine.mjs';

const MINUTE_MILLIS = 60_000;
export const BINARY = 'offloop.win32-x64-msvc.node';
const BINARIES = [
  { script: 'compile_addon.mjs', made: 'offloop.win32-x64-gnu.node', published: BINARY },
  { script: 'compile_viewer.mjs', published: viewerName('win32-x64-msvc') },
];
export const built = path.join(cache, 'addon');

/**
 * The addon looks up the functions of Node-API when it is loaded, so it needs no library of Node's to link to; but the
 * build script of napi insists on one, and an empty archive will do.
 */
function buildEnvironment() {
  const directory = path.join(cache, 'libnode');
  mkdirSync(directory, { recursive: true });
  writeFileSync(path.join(directory, 'libnode.dll'), '');
  writeFileSync(path.join(directory, 'libnode.a'), '!<arch>\n');
  return { LIBNODE_PATH: directory };
}

export async function buildBinaries() {
  for (const { script, made, published } of BINARIES) {
    const words = [`scripts/build/${script}`, '--target', TARGET, '--out', path.relative(root, built)];
    const { code } = await run(process.execPath, words, { limitMillis: 30 * MINUTE_MILLIS, env: buildEnvironment() });
    if (code !== 0) return { ok: false, note: `${script} ended with ${code}` };
    if (made !== undefined) copyFileSync(path.join(built, made), path.join(built, published));
  }
  const check = ['scripts/release/check_addon.mjs', ...BINARIES.map(({ published }) => path.join(built, published))];
  const checked = await run(process.execPath, check, { limitMillis: MINUTE_MILLIS });
  return { ok: checked.code === 0, note: checked.output.trim().split('\n')[0] };
}

/** What the compiler has to say about code that only Windows sees. */
export async function lint() {
  const words = ['clippy', '--workspace', '--all-targets', '--target', TARGET, '--', '-D', 'warnings'];
  const { code } = await run('cargo', words, { limitMillis: 30 * MINUTE_MILLIS, env: buildEnvironment() });
  return { ok: code === 0, note: `no warnings${exitNote(code)}` };
}

/** Builds the core's tests; `[{ name, executable }]`. */
export async function buildCoreTests() {
  const words = ['test', '--no-run', '--target', TARGET, '--message-format=json'];
  const { code, output } = await run('cargo', words, {
    limitMillis: 40 * MINUTE_MILLIS,
    env: buildEnvironment(),
    isShownAtEnd: true,
  });
  const lines = output.split('\n').filter((line) => line.startsWith('{'));
  const messages = lines.map((line) => JSON.parse(line));
  if (code !== 0) {
    for (const { message } of messages) if (message?.level === 'error') process.stdout.write(message.rendered);
    throw new Error(`cargo test --no-run ended with ${code}`);
  }
  return messages
    .filter(({ executable, profile }) => executable && profile?.test)
    .map(({ target, executable }) => ({ name: target.name, executable }));
}
