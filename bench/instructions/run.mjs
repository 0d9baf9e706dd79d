// `node bench/instructions/run.mjs [--write] [--require]`: counts the instructions per span of decode, encode,
// record/replay transform, rules of `process` and of a whole lane without rules with callgrind, and compares them with
// baseline.json; more than 10 % above it fails. A count does not flake as a time does.
// Where valgrind is missing nothing is counted, which is no failure unless `--require` says so.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { tableLines } from '../harness/table.mjs';
import { recordBatch, SHAPES } from './corpus.mjs';
import { RULES, ruleWords } from './rules.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BASELINE = fileURLToPath(new URL('./baseline.json', import.meta.url));
const TARGET = process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target');
const WORK = join(TARGET, 'instructions-corpus');
const PROGRAM = join(TARGET, 'instructions', 'offloop-instructions');
const LANE_PROGRAM = join(TARGET, 'instructions', 'offloop-lane');
/** Decoding comes first: the others do it too, and it is taken off them, but for a lane. */
const STAGES = ['decode', 'protobuf', 'json'];
const TOLERANCE = 0.1;
/** Who asks for no rules pays nothing for them; half a percent is for the layout of the program. */
const LAYOUT = 1.005;
/** A lane of the last build that had no rules in it. */
const LANE_BEFORE_RULES = { small: 6960, medium: 13_296 };
/** What rules may cost per span, by batch and stage: what is over it is said, and does not fail. */
const BUDGETS = {
  small: { lane: Math.round(LANE_BEFORE_RULES.small * LAYOUT) },
  medium: { lane: Math.round(LANE_BEFORE_RULES.medium * LAYOUT), keys: 400, detectors: 1980 },
  users: { token: 6000 },
};
/** Two runs differ by this many repeats; what both share (start, reading the file) cancels out. */
const FEW = 2;
const MANY = 6;

function build() {
  execFileSync('cargo', ['build', '-q', '-p', 'offloop-instructions', '--profile', 'instructions'], {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}

/** The program of a stage and its words behind the batch file: rules are in a file of their own. */
function stageCommand(batchFile, stage, times) {
  if (stage === 'lane') return [LANE_PROGRAM, batchFile, String(times)];
  return [PROGRAM, batchFile, ...stageWords(stage, times)];
}

function stageWords(stage, times) {
  if (!(stage in RULES)) return [stage, String(times)];
  const file = join(WORK, `${stage}.rules`);
  writeFileSync(
    file,
    ruleWords(RULES[stage])
      .map((word) => `${word}\0`)
      .join(''),
  );
  return ['process', String(times), file];
}

function instructions(file, stage, times) {
  const tool = ['--tool=callgrind', '--callgrind-out-file=/dev/null', ...stageCommand(file, stage, times)];
  const { stderr } = spawnChecked('valgrind', tool);
  const collected = /Collected\s*:\s*(\d+)/.exec(stderr);
  if (!collected) throw new Error(`callgrind said nothing of instructions:\n${stderr}`);
  return Number(collected[1]);
}

function spawnChecked(command, words) {
  const result = spawnSync(command, words, { encoding: 'utf8' });
  if (result.error) throw result.error;
  if (result.status !== 0) throw new Error(`${command} ended with ${result.status}:\n${result.stderr}`);
  return result;
}

function count() {
  mkdirSync(WORK, { recursive: true });
  const counts = {};
  for (const [name, shape] of Object.entries(SHAPES)) {
    const file = join(WORK, `${name}.bin`);
    writeFileSync(file, recordBatch(shape));
    counts[name] = {};
    for (const stage of shape.stages ?? STAGES) {
      const difference = instructions(file, stage, MANY) - instructions(file, stage, FEW);
      counts[name][stage] = Math.round(difference / (MANY - FEW) / shape.spans);
    }
    for (const stage of Object.keys(counts[name])) {
      if (stage !== 'decode' && stage !== 'lane') counts[name][stage] -= counts[name].decode;
    }
    process.stderr.write(`${name} counted\n`);
  }
  return counts;
}

if (spawnSync('valgrind', ['--version']).error) {
  console.log('SKIPPED: valgrind is missing (apt install valgrind); no instructions were counted');
  process.exit(process.argv.includes('--require') ? 1 : 0);
}
build();
const counts = count();
if (process.argv.includes('--write')) {
  writeFileSync(BASELINE, `${JSON.stringify(counts, null, 2)}\n`);
  console.log(`written: ${BASELINE}`);
}
const baseline = existsSync(BASELINE) ? JSON.parse(readFileSync(BASELINE, 'utf8')) : {};
let worse = 0;
const lines = Object.entries(counts).flatMap(([name, stages]) =>
  Object.entries(stages).map(([stage, value]) => {
    const before = baseline[name]?.[stage];
    const change = before === undefined ? null : value / before - 1;
    const budget = BUDGETS[name]?.[stage];
    const isWorse = change !== null && change > TOLERANCE;
    if (isWorse) worse += 1;
    return [
      name,
      stage,
      value.toLocaleString('en-US'),
      before?.toLocaleString('en-US') ?? '-',
      change === null ? '-' : `${(change * 100).toFixed(1)} %`,
      budget === undefined ? '-' : `${value <= budget ? 'met' : 'over'} ${budget.toLocaleString('en-US')}`,
      isWorse ? 'WORSE' : 'ok',
    ];
  }),
);
console.log(
  tableLines(['batch', 'stage', 'instructions/span', 'baseline', 'change', 'budget', 'verdict'], lines).join('\n'),
);
if (worse > 0) process.exitCode = 1;
