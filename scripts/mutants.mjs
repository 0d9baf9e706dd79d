#!/usr/bin/env node
// Builds every committed mutant (`cfg!(mutant = "R19")` in src/) and demands that the tests named after its row fail.
// `node scripts/mutants.mjs [names…]` runs some of them; `--list` prints them.
//
// As RUSTC_WORKSPACE_WRAPPER it is also the compiler of our own crates, so that a mutant never rebuilds a dependency.
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const self = fileURLToPath(import.meta.url);
const root = join(dirname(self), '..');

if (process.env.OFFLOOP_MUTANT !== undefined && process.argv.length > 3) {
  const [compiler, ...args] = process.argv.slice(2);
  const mutant = process.env.OFFLOOP_MUTANT;
  const extra = mutant ? ['--cfg', `mutant="${mutant}"`] : [];
  process.exit(spawnSync(compiler, [...args, ...extra], { stdio: 'inherit' }).status ?? 1);
}

// Where the tests of a mutant are, if not in the library; and their filter, if not the row's name.
const TARGETS = {
  D6: ['--lib', 'd6_'],
  F64: ['--test=engine', 'f64_'],
  R45: ['--test=pipeline', 'r45_'],
  R46: ['--test=pipeline', 'r46_'],
  R50: ['--test=engine', 'r50_'],
  R69: ['--test=engine', 'r69_'],
  R70: ['--test=engine', 'r70_'],
  R71: ['--test=engine', 'r71_'],
  R72: ['--test=engine', 'r72_'],
  R77: ['--test=pipeline', 'r77_'],
  R107: ['--test=engine', 'r107_'],
  R109: ['--test=pipeline', 'r109_'],
  R112: ['--test=pipeline', 'r112_'],
  R21: ['--test=pipeline', 'r21_'],
};

function sources(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? sources(path) : path.endsWith('.rs') ? [path] : [];
  });
}

const found = new Set();
for (const file of sources(join(root, 'src'))) {
  for (const [, name] of readFileSync(file, 'utf8').matchAll(/mutant = "([\w-]+)"/g)) found.add(name);
}
const byNumber = new Intl.Collator('en', { numeric: true });
const mutants = [...found].sort(byNumber.compare);

if (process.argv.includes('--list')) {
  console.log(mutants.join('\n'));
  process.exit(0);
}

const target = join(root, 'target', 'mutants');
const env = {
  ...process.env,
  CARGO_TARGET_DIR: target,
  CARGO_INCREMENTAL: '0',
  CARGO_PROFILE_DEV_DEBUG: '0',
  RUSTC_WORKSPACE_WRAPPER: self,
};

// Cargo does not know that the wrapper's outcome depends on the mutant.
function forgetOurCrates() {
  for (const folder of ['.fingerprint', 'deps']) {
    const path = join(target, 'debug', folder);
    let names = [];
    try {
      names = readdirSync(path);
    } catch {
      continue;
    }
    for (const name of names) {
      if (/^(lib)?(offloop|engine|pipeline)-/.test(name)) rmSync(join(path, name), { recursive: true, force: true });
    }
  }
}

function run(mutant) {
  const row = mutant.split('-')[0];
  const [where, filter] = TARGETS[row] ?? ['--lib', `${row.toLowerCase()}_`];
  forgetOurCrates();
  const options = { cwd: root, env: { ...env, OFFLOOP_MUTANT: mutant }, encoding: 'utf8' };
  const build = spawnSync('cargo', ['test', '-q', where, '--no-run'], options);
  if (build.status !== 0) return { verdict: 'DOES NOT BUILD', detail: build.stderr };
  const test = spawnSync('cargo', ['test', '-q', where, filter], { ...options, timeout: 120_000 });
  if (test.error?.code === 'ETIMEDOUT') return { verdict: 'killed', detail: 'by the time limit' };
  const count = Number(/running (\d+) test/.exec(test.stdout)?.[1] ?? 0);
  if (count === 0) return { verdict: 'NO TEST', detail: `${where} ${filter}` };
  if (test.status === 0) return { verdict: 'SURVIVED', detail: `${count} tests passed` };
  const failed = [...test.stdout.matchAll(/^ {4}(\S+)$/gm)].map(([, name]) => name.split('::').pop());
  return { verdict: 'killed', detail: [...new Set(failed)].join(', ') || `status ${test.status}` };
}

const chosen = process.argv.slice(2).filter((name) => !name.startsWith('--'));
let bad = 0;
for (const mutant of chosen.length > 0 ? chosen : mutants) {
  const { verdict, detail } = run(mutant);
  if (verdict !== 'killed') bad += 1;
  console.log(`${mutant.padEnd(11)} ${verdict.padEnd(9)} ${detail}`);
}
forgetOurCrates();
console.log(bad === 0 ? 'every mutant is killed' : `${bad} mutants are not killed`);
process.exit(bad === 0 ? 0 : 1);
