// Runs what has a filter in its `scenario/case` path, or everything that is not heavy; each case in a process of its own, the
// contenders alternating inside it. Prints one table per scenario and writes bench/results/<date>-<node>.json. `--refresh
// readme|performance|demo` rewrites the figures of README.md and docs/performance.md from the run; `demo` those of `npm start`.
import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { budgetTable } from './harness/budgets.mjs';
import { cpuClockSource } from './harness/cpu.mjs';
import { offloopMissing } from './harness/contenders.mjs';
import { DOCUMENT_NAMES, refreshDocuments } from './harness/documents.mjs';
import { writeReport } from './harness/report.mjs';
import { environment, writeResults } from './harness/results.mjs';
import { LEAST_ROUNDS } from './harness/rounds.mjs';
import { rowLine, scenarioTable, timeTable } from './harness/table.mjs';
import { judge } from './harness/verdict.mjs';
import { scenarios } from './scenarios/index.mjs';

const USAGE = `npm run bench -- [filter ...] [options]        filter: part of scenario/case, as --list prints them
  --all                  the long rows, too: some 16 minutes
  --list                 name what would run
  --rounds N             instead of ${LEAST_ROUNDS}
  --json PATH            where the results go; else bench/results/
  --report               an HTML page and SVG charts beside the results; --report-to DIRECTORY writes them there
  --against CHECKOUT     measure another build of Offloop in the same run
  --from PATH            print, draw and refresh from results that were written before; several are merged
  --refresh DOCUMENT     rewrite the figures of readme, performance or demo (those of npm start)`;

const CASE_PROCESS = fileURLToPath(new URL('./harness/case_process.mjs', import.meta.url));

const { values: options, positionals: filters } = parseOptions({
  allowPositionals: true,
  options: {
    help: { type: 'boolean', short: 'h', default: false },
    all: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    list: { type: 'boolean', default: false },
    json: { type: 'string' },
    against: { type: 'string' },
    report: { type: 'boolean', default: false },
    'report-to': { type: 'string' },
    refresh: { type: 'string', multiple: true, default: [] },
    from: { type: 'string', multiple: true, default: [] },
  },
});
if (options.help) {
  process.stdout.write(`${USAGE}\n`);
  process.exit();
}
if (options.rounds !== undefined && !(Number(options.rounds) >= 1)) refuse('--rounds takes a number, 1 at least');
for (const name of options.refresh) {
  if (!DOCUMENT_NAMES.includes(name)) refuse(`--refresh takes ${DOCUMENT_NAMES.join(', ')}`);
}
if (options.against) process.env.OFFLOOP_BENCH_AGAINST = resolve(options.against);

function parseOptions(known) {
  try {
    return parseArgs(known);
  } catch (error) {
    return refuse(error.message);
  }
}

function refuse(why) {
  process.stderr.write(`${why}\n\n${USAGE}\n`);
  process.exit(2);
}

/** Filters that name one case: `handoff/8 attributes` is not also `handoff/8 attributes, ropes`. */
const EXACT = new Set(
  scenarios.flatMap((scenario) => scenario.cases().map((benchCase) => `${scenario.name}/${benchCase.name}`)),
);

for (const filter of filters) {
  if (![...EXACT].some((path) => path.includes(filter))) refuse(`no scenario/case has ${filter} in its name`);
}

function wanted(scenario, benchCase) {
  const path = `${scenario.name}/${benchCase.name}`;
  if (filters.length > 0)
    return filters.some((filter) => (EXACT.has(filter) ? path === filter : path.includes(filter)));
  return options.all ? !benchCase.isShort : !(scenario.heavy || benchCase.heavy);
}

let lastWidth = 0;
function showProgress(text) {
  if (process.stderr.isTTY) {
    process.stderr.write(`\r${text.padEnd(lastWidth)}`);
    lastWidth = text.length;
  } else if (!/ (round|warm-up|set-up) /.test(text)) process.stderr.write(`${text}\n`);
}

/** The cases that are running; an interrupt ends them and prints what has been measured until then. */
const running = new Set();
let isInterrupted = false;
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    isInterrupted = true;
    for (const child of running) child.kill('SIGKILL');
  });
}

/** Runs one case in its own process; a crash or a time-out becomes the case's result. */
function runInProcess(scenario, benchCase) {
  const rounds = Math.max(Number(options.rounds ?? benchCase.rounds ?? LEAST_ROUNDS), 1);
  const startedAt = performance.now();
  return new Promise((settle) => {
    const child = fork(CASE_PROCESS, [scenario.name, benchCase.name, String(rounds)], {
      execArgv: ['--expose-gc', ...(benchCase.execArgv ?? [])],
    });
    running.add(child);
    const limit = setTimeout(
      () => {
        settle({ error: `no result within ${benchCase.limitSeconds ?? 180} s` });
        child.kill('SIGKILL');
      },
      (benchCase.limitSeconds ?? 180) * 1000,
    );
    let answer;
    child.on('message', (message) => {
      if (message.progress) showProgress(`${scenario.name} · ${benchCase.name} · ${message.progress}`);
      else answer = message;
    });
    child.on('exit', (code, signal) => {
      clearTimeout(limit);
      running.delete(child);
      const seconds = (performance.now() - startedAt) / 1000;
      settle({ seconds, ...(answer ?? { error: `the process ended with ${signal ?? code}` }) });
    });
  });
}

/** The cases in turn; those that mostly wait run beside each other. */
function inTurns(cases) {
  const waiting = cases.filter((benchCase) => benchCase.isWaiting);
  const turns = cases.filter((benchCase) => !benchCase.isWaiting).map((benchCase) => [benchCase]);
  return waiting.length > 0 ? [...turns, waiting] : turns;
}

async function main() {
  const missing = offloopMissing();
  if (missing) console.log(`Offloop cannot be loaded (${missing}): its columns stay empty. Run \`npm run build\`.\n`);
  const about = environment();
  console.log(
    `Node ${about.node}, ${about.cores} x ${about.cpu}, ${about.platform}, load ${about.loadAverage.toFixed(1)}`,
  );
  console.log(`main-thread CPU from ${cpuClockSource}\n`);

  const run = {
    environment: about,
    clock: cpuClockSource,
    seconds: 0,
    scenarioSeconds: {},
    rows: [],
    cases: [],
    failures: [],
  };
  const startedAt = performance.now();
  for (const scenario of scenarios) {
    const cases = scenario.cases().filter((candidate) => wanted(scenario, candidate));
    if (options.list) {
      for (const { name, heavy } of cases)
        console.log(`${scenario.name}/${name}${scenario.heavy || heavy ? '  (--all)' : ''}`);
      continue;
    }
    const scenarioStartedAt = performance.now();
    const rows = [];
    for (const turn of inTurns(cases)) {
      if (isInterrupted) break;
      const answers = await Promise.all(turn.map((benchCase) => runInProcess(scenario, benchCase)));
      turn.forEach((benchCase, nth) => {
        rows.push(...taken(run, scenario, benchCase, answers[nth]));
      });
    }
    if (rows.length === 0) continue;
    const seconds = (performance.now() - scenarioStartedAt) / 1000;
    run.scenarioSeconds[scenario.name] = seconds;
    showProgress('');
    if (process.stderr.isTTY) process.stderr.write('\r');
    console.log(`${scenarioTable(`${scenario.title} (${seconds.toFixed(0)} s)`, rows)}\n`);
    run.rows.push(...rows);
  }
  if (options.list) return;
  run.seconds = (performance.now() - startedAt) / 1000;
  finish(run, true);
}

/** Takes the answer of a case into `run`; returns its rows. */
function taken(run, scenario, benchCase, { results, error, clock, seconds }) {
  if (clock && clock !== cpuClockSource) console.log(`${scenario.name}/${benchCase.name}: measured with ${clock}`);
  if (error) {
    run.failures.push({ scenario: scenario.name, case: benchCase.name, error });
    return [];
  }
  run.cases.push({ scenario: scenario.name, case: benchCase.name, seconds, results });
  const rows = benchCase.rows.map((row) => judge(scenario, benchCase, row, results));
  for (const row of rows) showProgress(`  ${scenario.name} · ${benchCase.name} · ${rowLine(row)}`);
  return rows;
}

/** What a run comes to: its failures, the budgets, and where to read it again. */
function finish(run, isNew) {
  for (const { scenario, case: caseName, error } of run.failures)
    console.log(`FAILED ${scenario}/${caseName}: ${error}\n`);
  const missed = run.rows.filter((row) => row.verdict.startsWith('MISSED'));
  console.log(`${budgetTable(run)}\n`);
  console.log(`${timeTable(run)}\n`);
  console.log(`${run.rows.length} rows, ${missed.length} missed, ${run.failures.length} failed`);
  if (isNew) console.log(`results: ${writeResults(run, options.json)}`);
  if (options.report || options['report-to']) console.log(`report: ${writeReport(run, options['report-to'])}`);
  for (const part of refreshDocuments(run, options.refresh)) console.log(`refreshed: ${part}`);
  if (run.failures.length > 0) process.exitCode = 1;
}

/** Several runs as one; of a row that is in two of them the later one counts. */
function readRuns(paths) {
  const runs = paths.map((path) => JSON.parse(readFileSync(path, 'utf8')));
  const keyOf = (row) => JSON.stringify([row.scenario, row.case, row.what]);
  const rows = new Map(runs.flatMap((run) => run.rows.map((row) => [keyOf(row), row])));
  const order = scenarios.map((scenario) => scenario.name);
  return {
    ...runs.at(-1),
    merged: runs.length,
    seconds: runs.reduce((sum, run) => sum + (run.seconds ?? 0), 0),
    scenarioSeconds: Object.assign({}, ...runs.map((run) => run.scenarioSeconds)),
    rows: [...rows.values()].sort((a, b) => order.indexOf(a.scenario) - order.indexOf(b.scenario)),
    cases: [...new Map(runs.flatMap((run) => run.cases.map((each) => [keyOf(each), each]))).values()],
    failures: runs.flatMap((run) => run.failures),
  };
}

if (options.from.length > 0) {
  const run = readRuns(options.from);
  for (const scenario of scenarios) {
    const rows = run.rows.filter((row) => row.scenario === scenario.name);
    if (rows.length > 0) console.log(`${scenarioTable(scenario.title, rows)}\n`);
  }
  finish(run, options.json !== undefined);
} else await main();
