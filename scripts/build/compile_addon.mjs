// `node scripts/build/compile_addon.mjs [--target <triple>] [--zig] [--out <directory>] [-- <cargo arguments>]`: the release
// build of the addon.
// It refuses to install anything; toolchains for other targets are the caller's.

import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './project.mjs';
import { hostTriple, releaseEnvironment } from './release_flags.mjs';

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

const cli = path.join(root, 'node_modules', '@napi-rs', 'cli', 'dist', 'cli.js');
const words = ['build', '--platform', '--release', '--target', target];
words.push('--manifest-path', 'addon/Cargo.toml', '--output-dir', values.out);
if (values.zig) words.push('--cross-compile');
if (cargoArguments.length > 0) words.push('--', ...cargoArguments);
const env = releaseEnvironment(target, values);
const result = spawnSync(process.execPath, [cli, ...words], { cwd: root, env, stdio: 'inherit' });
if (result.error) throw result.error;
process.exitCode = result.status ?? 1;
