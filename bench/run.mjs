// `node bench/run.mjs [filter…] [--all] [--rounds N] [--list] [--json PATH] [--report] [--against CHECKOUT]`
//
// Runs what has a filter in its `scenario/case` path, or everything that is not heavy; each case in a process of its own, the
// contenders alternating inside it. Prints one table per scenario and writes bench/results/<date>-<node>.json.
import { fork } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { cpuClockSource } from './harness/cpu.mjs';
import { offloopMissing } from './harness/contenders.mjs';
import { writeReport } from './harness/report.mjs';
import { environment, writeResults } from './harness/results.mjs';
import { LEAST_ROUNDS } from './harness/rounds.mjs';
import { scenarioTable } from './harness/table.mjs';
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
  },
});
if (options.against) process.env.OFFLOOP_BENCH_AGAINST = resolve(options.against);

function wanted(scenario, benchCase) {
  const path = `${scenario.name}/${benchCase.name}`;
  if (filters.length > 0) return filters.some((filter) => scenario.name === filter || path.includes(filter));
  return options.all || !(scenario.heavy || benchCase.heavy);
}

let lastWidth = 0;
function showProgress(text) {
  if (process.stderr.isTTY) {
    process.stderr.write(`\r${text.padEnd(lastWidth)}`);
    lastWidth = text.length;
  } else if (!/round [2-9]|warm-up/.test(text)) process.stderr.write(`${text}\n`);
}

/** Runs one case in its own process; a crash or a time-out becomes the case's result. */
function runInProcess(scenario, benchCase) {
  const rounds = Math.max(Number(options.rounds ?? benchCase.rounds ?? LEAST_ROUNDS), 1);
  return new Promise((settle) => {
    const child = fork(CASE_PROCESS, [scenario.name, benchCase.name, String(rounds)], {
      execArgv: ['--expose-gc', ...(benchCase.execArgv ?? [])],
    });
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
      if (options.list) {
        console.log(`${scenario.name}/${benchCase.name}${scenario.heavy || benchCase.heavy ? '  (--all)' : ''}`);
        continue;
      }
      const { results, error, clock } = await runInProcess(scenario, benchCase);
      if (clock && clock !== cpuClockSource) console.log(`${scenario.name}/${benchCase.name}: measured with ${clock}`);
      if (error) run.failures.push({ scenario: scenario.name, case: benchCase.name, error });
      else {
        run.cases.push({ scenario: scenario.name, case: benchCase.name, results });
        rows.push(...benchCase.rows.map((row) => judge(scenario, benchCase, row, results)));
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
  for (const { scenario, case: caseName, error } of run.failures)
    console.log(`FAILED ${scenario}/${caseName}: ${error}\n`);
  const missed = run.rows.filter((row) => row.verdict.startsWith('MISSED'));
  console.log(`${run.rows.length} rows, ${missed.length} missed, ${run.failures.length} failed`);
  console.log(`results: ${writeResults(run, options.json)}`);
  if (options.report) console.log(`report: ${writeReport(run)}`);
  if (run.failures.length > 0) process.exitCode = 1;
}

await main();
