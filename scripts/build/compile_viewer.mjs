// `node scripts/build/compile_viewer.mjs [--target <triple>] [--zig] [--out <directory>] [-- <cargo arguments>]`: the release
// build of the program that reads span files, beside the addon.
// It refuses to install anything; toolchains for other targets are the caller's.

import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, renameSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { platformOf, root, viewerName } from './project.mjs';
import { hostTriple, releaseEnvironment, rustTargetOf } from './release_flags.mjs';

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
const rustTarget = rustTargetOf(target);
const words = [values.zig ? 'zigbuild' : 'build', '--release', '--locked', '-p', 'offloop-viewer', '--target', target];
const env = releaseEnvironment(target, values);
const result = spawnSync('cargo', [...words, ...cargoArguments], { cwd: root, env, stdio: 'inherit' });
if (result.error) throw result.error;
process.exitCode = result.status ?? 1;
if (process.exitCode === 0) install();

function install() {
  const targets = process.env.CARGO_TARGET_DIR ?? path.join(root, 'target');
  const extension = rustTarget.includes('-windows-') ? '.exe' : '';
  const built = path.join(targets, rustTarget, 'release', `offloop-viewer${extension}`);
  const out = path.resolve(root, values.out, viewerName(platformOf(rustTarget)));
  mkdirSync(path.dirname(out), { recursive: true });
  // A program that runs keeps its file: the name moves to the new one.
  copyFileSync(built, `${out}.new`);
  renameSync(`${out}.new`, out);
}
