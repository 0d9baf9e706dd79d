#!/usr/bin/env node
// Switches on every committed defect (`mutant!("R19")` in src/), one at a time, and demands that the tests named after
// its requirement fail. All of them are in one build, `--cfg mutants`; the environment chooses.
// `node scripts/mutants.mjs [names…]` runs some of them; `--list` prints them.
//
// As RUSTC_WORKSPACE_WRAPPER it is also the compiler of our own crates, so that no dependency is built again.
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const self = fileURLToPath(import.meta.url);
const root = join(dirname(self), '..');

if (process.env.OFFLOOP_MUTANTS_BUILD && process.argv.length > 3) {
  const [compiler, ...args] = process.argv.slice(2);
  process.exit(spawnSync(compiler, [...args, '--cfg', 'mutants'], { stdio: 'inherit' }).status ?? 1);
}

function sources(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? sources(path) : path.endsWith('.rs') ? [path] : [];
  });
}

const found = new Set();
for (const file of sources(join(root, 'src'))) {
  for (const [, name] of readFileSync(file, 'utf8').matchAll(/mutant!\("([\w-]+)"\)/g)) found.add(name);
}
const byNumber = new Intl.Collator('en', { numeric: true });
const mutants = [...found].sort(byNumber.compare);

if (process.argv.includes('--list')) {
  console.log(mutants.join('\n'));
  process.exit(0);
}

const env = { ...process.env, OFFLOOP_MUTANTS_BUILD: '1', RUSTC_WORKSPACE_WRAPPER: self };

// The test binaries with the names of their tests.
function build() {
  const args = ['test', '--no-run', '--message-format=json', '--lib', '--tests'];
  const stdio = ['ignore', 'pipe', 'inherit'];
  const { status, stdout } = spawnSync('cargo', args, { cwd: root, env, encoding: 'utf8', stdio, maxBuffer: 1 << 28 });
  if (status !== 0) process.exit(status ?? 1);
  const binaries = [];
  for (const line of stdout.split('\n').filter(Boolean)) {
    const { executable, profile } = JSON.parse(line);
    if (!executable || !profile?.test) continue;
    const list = spawnSync(executable, ['--list'], { cwd: root, encoding: 'utf8' }).stdout;
    binaries.push({ executable, tests: [...list.matchAll(/^(\S+): test$/gm)].map(([, name]) => name) });
  }
  return binaries;
}

function run({ executable }, filter, mutant) {
  const options = { cwd: root, env: { ...process.env, OFFLOOP_MUTANT: mutant }, encoding: 'utf8', timeout: 45_000 };
  options.killSignal = 'SIGKILL';
  const { status, stdout, error } = spawnSync(executable, [filter], options);
  const failed = [...stdout.matchAll(/^ {4}(\S+)$/gm)].map(([, name]) => name.split('::').pop());
  return { passed: status === 0, timedOut: error?.code === 'ETIMEDOUT', failed: [...new Set(failed)] };
}

const soundness = new Map();

function judge(binaries, mutant) {
  const filter = `${mutant.split('-')[0].toLowerCase()}_`;
  const concerned = binaries.filter(({ tests }) => tests.some((name) => name.includes(filter)));
  if (concerned.length === 0) return ['NO TEST', filter];
  if (!soundness.has(filter))
    soundness.set(
      filter,
      concerned.flatMap((binary) => run(binary, filter, '').failed),
    );
  if (soundness.get(filter).length > 0) return ['UNSOUND', `without it: ${soundness.get(filter).join(', ')}`];
  for (const binary of concerned) {
    const { passed, timedOut, failed } = run(binary, filter, mutant);
    if (timedOut) return ['killed', 'by the time limit'];
    if (!passed) return ['killed', failed.join(', ') || 'the process died'];
  }
  return ['SURVIVED', filter];
}

const binaries = build();
const chosen = process.argv.slice(2).filter((name) => !name.startsWith('--'));
let bad = 0;
for (const mutant of chosen.length > 0 ? chosen : mutants) {
  const [verdict, detail] = judge(binaries, mutant);
  if (verdict !== 'killed') bad += 1;
  console.log(`${mutant.padEnd(11)} ${verdict.padEnd(9)} ${detail}`);
}
console.log(bad === 0 ? 'every mutant is killed' : `${bad} mutants are not killed`);
process.exit(bad === 0 ? 0 : 1);
