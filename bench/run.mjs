// `node bench/run.mjs [filter…] [--all] [--rounds N] [--list] [--json PATH] [--report] [--against CHECKOUT]`
// `node bench/run.mjs --from A.json --from B.json --report-to docs/benchmark` prints and draws runs that were written before,
// as one.
//
// Runs what has a filter in its `scenario/case` path, or everything that is not heavy; each case in a process of its own, the
// contenders alternating inside it. Prints one table per scenario and writes bench/results/<date>-<node>.json.
import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { budgetTable } from './harness/budgets.mjs';
import { cpuClockSource } from './harness/cpu.mjs';
import { offloopMissing } from './harness/contenders.mjs';
import { writeReport } from './harness/report.mjs';
import { environment, writeResults } from './harness/results.mjs';
import { LEAST_ROUNDS } from './harness/rounds.mjs';
import { rowLine, scenarioTable } from './harness/table.mjs';
import { judge } from './harness/verdict.mjs';
import { scenarios } from './scenarios/index.mjs';

const CASE_PROCESS = fileURLToPath(new URL('./harness/case_process.mjs', import.meta.url));

const { values: options, positionals: filters } = parseArgs({
  allowPositionals: true,
  options: {
    all: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    list: { type: 'boolean', default: false },
    json: { type: 'string' },
    against: { type: 'string' },
    report: { type: 'boolean', default: false },
    'report-to': { type: 'string' },
    from: { type: 'string', multiple: true, default: [] },
  },
});
if (options.against) process.env.OFFLOOP_BENCH_AGAINST = resolve(options.against);

/** Filters that name one case: `handoff/8 attributes` is not also `handoff/8 attributes, ropes`. */
const EXACT = new Set(
  scenarios.flatMap((scenario) => scenario.cases().map((benchCase) => `${scenario.name}/${benchCase.name}`)),
);

function wanted(scenario, benchCase) {
  const path = `${scenario.name}/${benchCase.name}`;
  if (filters.length > 0)
    return filters.some((filter) => (EXACT.has(filter) ? path === filter : path.includes(filter)));
  return options.all || !(scenario.heavy || benchCase.heavy);
}

let lastWidth = 0;
function showProgress(text) {
  if (process.stderr.isTTY) {
    process.stderr.write(`\r${text.padEnd(lastWidth)}`);
    lastWidth = text.length;
  } else if (!/ (round|warm-up|set-up) /.test(text)) process.stderr.write(`${text}\n`);
}

/** The case that is running; an interrupt ends it and prints what has been measured until then. */
let running = null;
let isInterrupted = false;
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    isInterrupted = true;
    running?.kill('SIGKILL');
  });
}

/** Runs one case in its own process; a crash or a time-out becomes the case's result. */
function runInProcess(scenario, benchCase) {
  const rounds = Math.max(Number(options.rounds ?? benchCase.rounds ?? LEAST_ROUNDS), 1);
  return new Promise((settle) => {
    const child = fork(CASE_PROCESS, [scenario.name, benchCase.name, String(rounds)], {
      execArgv: ['--expose-gc', ...(benchCase.execArgv ?? [])],
    });
    running = child;
    const limit = setTimeout(
      () => {
        settle({ error: `no result within ${benchCase.limitSeconds ?? 180} s` });
        child.kill('SIGKILL');
      },
      (benchCase.limitSeconds ?? 180) * 1000,
    );
    child.on('message', (message) => {
      if (message.progress) showProgress(`${scenario.name} · ${benchCase.name} · ${message.progress}`);
      else settle(message);
    });
    child.on('exit', (code, signal) => {
      clearTimeout(limit);
      settle({ error: `the process ended with ${signal ?? code}` });
    });
  });
}

async function main() {
  const missing = offloopMissing();
  if (missing) console.log(`Offloop cannot be loaded (${missing}): its columns stay empty. Run \`npm run build\`.\n`);
  const about = environment();
  console.log(
    `Node ${about.node}, ${about.cores} x ${about.cpu}, ${about.platform}, load ${about.loadAverage.toFixed(1)}`,
  );
  console.log(`main-thread CPU from ${cpuClockSource}\n`);

  const run = { environment: about, clock: cpuClockSource, rows: [], cases: [], failures: [] };
  for (const scenario of scenarios) {
    const rows = [];
    for (const benchCase of scenario.cases().filter((candidate) => wanted(scenario, candidate))) {
      if (isInterrupted) break;
      if (options.list) {
        console.log(`${scenario.name}/${benchCase.name}${scenario.heavy || benchCase.heavy ? '  (--all)' : ''}`);
        continue;
      }
      const { results, error, clock } = await runInProcess(scenario, benchCase);
      if (clock && clock !== cpuClockSource) console.log(`${scenario.name}/${benchCase.name}: measured with ${clock}`);
      if (error) run.failures.push({ scenario: scenario.name, case: benchCase.name, error });
      else {
        run.cases.push({ scenario: scenario.name, case: benchCase.name, results });
        const judged = benchCase.rows.map((row) => judge(scenario, benchCase, row, results));
        rows.push(...judged);
        for (const row of judged) showProgress(`  ${scenario.name} · ${benchCase.name} · ${rowLine(row)}`);
      }
    }
    if (rows.length > 0) {
      showProgress('');
      if (process.stderr.isTTY) process.stderr.write('\r');
      console.log(`${scenarioTable(scenario.title, rows)}\n`);
      run.rows.push(...rows);
    }
  }
  if (options.list) return;
  finish(run, true);
}

/** What a run comes to: its failures, the budgets, and where to read it again. */
function finish(run, isNew) {
  for (const { scenario, case: caseName, error } of run.failures)
    console.log(`FAILED ${scenario}/${caseName}: ${error}\n`);
  const missed = run.rows.filter((row) => row.verdict.startsWith('MISSED'));
  console.log(`${budgetTable(run)}\n`);
  console.log(`${run.rows.length} rows, ${missed.length} missed, ${run.failures.length} failed`);
  if (isNew) console.log(`results: ${writeResults(run, options.json)}`);
  if (options.report || options['report-to']) console.log(`report: ${writeReport(run, options['report-to'])}`);
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
