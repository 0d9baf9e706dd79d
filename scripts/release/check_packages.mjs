// `node scripts/release/check_packages.mjs [--packages <directory>]`: publint and "are the types wrong" on the packed root, and
// the two ways to bundle a program with esbuild. Owns what static tools and bundlers say about the package.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../build/project.mjs';
import { fetched } from '../build/fetched.mjs';

const { values } = parseArgs({
  options: { packages: { type: 'string', default: path.join(root, '.cache', 'packages') } },
});
const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const tarball = path.resolve(values.packages, `offloop-${version}.tgz`);
const tools = fetched('package-checks', ['@arethetypeswrong/cli@0.18.5', 'publint@0.3.25']);

tool('publint', 'publint/src/cli.js', ['run', tarball, '--strict']);
tool('attw', '@arethetypeswrong/cli/dist/index.js', [tarball, '--no-color', '--exclude-entrypoints', 'register']);
await bundle();

function tool(name, file, args) {
  const { status, stdout, stderr } = run(process.execPath, [path.join(tools, 'node_modules', file), ...args]);
  if (status !== 0) throw new Error(`${name}:\n${stdout}${stderr}`);
  console.log(`✔ ${name}`);
}

/** Bundled into one file the addon is not found; kept external the program runs. Both are what docs/runtimes.md says. */
async function bundle() {
  const require = createRequire(path.join(fetched('esbuild-0.28.2', ['esbuild@0.28.2']), 'package.json'));
  const { build } = require('esbuild');
  const directory = mkdtempSync(path.join(tmpdir(), 'offloop-bundle-'));
  try {
    const entry = path.join(directory, 'app.ts');
    const source = [
      "import { FileSpanExporter } from 'offloop';",
      "const exporter: FileSpanExporter = new FileSpanExporter({ directory: process.argv[2] ?? 'spans' });",
      "exporter.shutdown().then(() => console.log('bundled'));",
    ];
    writeFileSync(entry, source.join('\n'));
    const outfile = path.join(directory, 'app.js');
    const options = { entryPoints: [entry], bundle: true, platform: 'node', outfile, logLevel: 'silent' };
    await build({ ...options, external: ['offloop'] });
    const environment = { ...process.env, NODE_PATH: linkedModules(directory) };
    const { status, stdout, stderr } = run(process.execPath, [outfile, path.join(directory, 'spans')], environment);
    if (status !== 0 || stdout !== 'bundled\n') throw new Error(`the bundle with offloop external: ${stdout}${stderr}`);
    console.log('✔ esbuild, offloop external');
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A node_modules with this checkout as `offloop`. */
function linkedModules(directory) {
  const modules = path.join(directory, 'node_modules');
  const script = `require('fs').mkdirSync(${JSON.stringify(modules)});
    require('fs').symlinkSync(${JSON.stringify(root)}, ${JSON.stringify(path.join(modules, 'offloop'))}, 'junction')`;
  run(process.execPath, ['-e', script]);
  return modules;
}

function run(command, args, env = process.env) {
  return spawnSync(command, args, { encoding: 'utf8', env, timeout: 120_000 });
}
