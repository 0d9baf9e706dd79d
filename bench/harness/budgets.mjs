// Owns the budgets of the product: which rows show each of them, and one verdict per budget.
// It refuses to measure, and it calls nothing met that has not been measured.
import { STOCK } from './contenders.mjs';
import { figure } from './verdict.mjs';
import { tableLines } from './table.mjs';

/** µs per span of the stock serializer where the absolute budgets were set (DESIGN §1): the speed of that machine. */
const REFERENCE_STOCK_MICROS = { '8 attributes': 4.05, '20 attributes': 10.5, '2 x 16 KB': 185 };

const STOCK_TARGET = /stock 0\.223/;
const ABSOLUTE_TARGET = /^[≤≥] [\d,.]+$/;
const FOUR_TIMES = /≥ 4x stock/;

/** `rows` picks them by scenario, what is measured and (optionally) case; `target` picks the checks that count. */
const BUDGETS = [
  {
    name: 'main-thread cost per span: 8 attributes, 20 attributes, 2 x 16 KB',
    budget: '≤ 0.5 / 1.5 / 6 µs on Node 24, ≤ 0.8 / 2.1 / 9 on Node 20',
    rows: { scenario: 'handoff', what: 'main-thread CPU', cases: ['8 attributes', '20 attributes', '2 x 16 KB'] },
    target: ABSOLUTE_TARGET,
    reference: REFERENCE_STOCK_MICROS,
  },
  {
    name: 'longest main-thread slice of up to 512 spans x 32 attributes',
    budget: '≤ 2 ms',
    rows: { scenario: 'handoff', what: 'longest slice' },
    target: ABSOLUTE_TARGET,
  },
  {
    name: '… linear above',
    budget: '≤ 2.3 per doubling',
    rows: { scenario: 'scaling', what: 'main-thread time, doubled' },
    target: ABSOLUTE_TARGET,
  },
  {
    name: 'whole main thread per export, HTTP included, against the stock exporter',
    budget: '≤ 1/8 small, ≤ 1/7 medium, ≤ 1/30 large',
    rows: { scenario: 'export', what: 'main-thread CPU' },
    target: STOCK_TARGET,
  },
  {
    name: 'total process CPU per span against the stock exporter',
    budget: '≤ 1/2 small, ≤ 1/4 large',
    rows: { scenario: 'export', what: 'whole-process CPU' },
    target: STOCK_TARGET,
  },
  {
    name: 'record/replay export of 512 x 45 KB: main-thread and total CPU',
    budget: '≤ 1/100 and ≤ 1/5',
    rows: { scenario: 'tusk' },
    target: /./,
  },
  {
    name: 'sustained without a drop',
    budget: '≥ 100,000 small spans/s, ≥ 30,000/s with a 100 ms collector',
    rows: { scenario: 'sustained', what: 'rate without a drop' },
    target: ABSOLUTE_TARGET,
  },
  {
    name: 'memory: before the first span, 30 s after the last, under an outage',
    budget: '≤ 4 MB, ≤ 12 MB, growth ≤ queue.maxBytes',
    rows: { scenario: 'footprint', what: 'resident set, grown' },
    target: ABSOLUTE_TARGET,
  },
  {
    name: 'addon size, runtime npm dependencies',
    budget: '≤ 4 MB, none',
    rows: { scenario: 'footprint', what: /^(size|runtime npm dependencies)$/ },
    target: ABSOLUTE_TARGET,
  },
  {
    name: 'against the faster of the two stock exporters, every hand-off and export row',
    budget: '≥ 4x',
    rows: { scenario: /^(handoff|export)$/, what: 'main-thread CPU' },
    target: FOUR_TIMES,
  },
  {
    name: 'pg workload: longest stall, p99.9 and pool time-outs against no exporter',
    budget: '≤ + 5 ms, ≤ + 5 ms, no more',
    rows: { scenario: 'pg' },
    target: /no exporter/,
  },
];

const matches = (pattern, text) => (pattern instanceof RegExp ? pattern.test(text) : pattern === text);

/** One line per budget: what the rows of `run` say of it. */
export function judgeBudgets(run) {
  return BUDGETS.map(({ name, budget, rows, target, reference }) => {
    const shown = run.rows.filter(
      (row) =>
        matches(rows.scenario, row.scenario) &&
        (rows.what === undefined || matches(rows.what, row.what)) &&
        (rows.cases === undefined || rows.cases.includes(row.case)) &&
        row.checks.some((check) => target.test(check.target)),
    );
    const parts = shown.map((row) => {
      const checks = row.checks.filter((check) => target.test(check.target));
      return { row, isMet: checks.every(({ ok }) => ok === true), isMeasured: checks.every(({ ok }) => ok !== null) };
    });
    const measured = parts.filter(({ isMeasured }) => isMeasured);
    const missed = measured.filter(({ isMet }) => !isMet);
    let verdict = `met in ${measured.length} of ${measured.length}`;
    if (measured.length === 0) verdict = 'not measured in this run';
    else if (missed.length > 0) verdict = `MISSED in ${missed.length} of ${measured.length}`;
    return { name, budget, measured: measured.map(({ row }) => measuredText(row, target, reference)), verdict };
  });
}

function measuredText(row, target, reference) {
  const own = row.contenders[row.subject];
  const unmet = row.checks.filter((check) => target.test(check.target) && !check.ok).map((check) => check.target);
  const ratios = Object.entries(row.ratios)
    .filter(([contender]) => row.checks.some((check) => target.test(check.target) && check.target.endsWith(contender)))
    .map(([contender, ratio]) => `${figure(ratio)}x ${contender}`);
  const excess = Object.entries(row.excess ?? {}).map(
    ([contender, over]) => `${contender} ${over < 0 ? '-' : '+'} ${figure(Math.abs(over))}`,
  );
  const words = ratios.length + excess.length > 0 ? [...ratios, ...excess] : [`${figure(own[row.pick])} ${row.unit}`];
  const stock = row.contenders[STOCK]?.[row.pick];
  if (reference && stock) {
    const scaled = (own[row.pick] * reference[row.case]) / stock;
    words.push(`${figure(scaled)} at the speed of the reference machine (stock ${figure(reference[row.case])} there)`);
  }
  const mark = `${unmet.length > 0 ? ' !' : ''}${row.noisy ? ' (noisy)' : ''}`;
  return `${row.case}${row.scenario === 'pg' ? `, ${row.what}` : ''}: ${words.join(', ')}${mark}`;
}

/** The budgets as text: a line each with its verdict, and what was measured below it where that is short. */
export function budgetTable(run) {
  const lines = judgeBudgets(run);
  const table = tableLines(
    ['budget', 'target', 'verdict'],
    lines.map(({ name, budget, verdict }) => [name, budget, verdict]),
  );
  const details = lines
    .filter(({ measured }) => measured.length > 0)
    .flatMap(({ name, measured }) => ['', name, ...measured.map((text) => `  ${text}`)]);
  return ['Budgets (DESIGN §6; ! = missed)', '', ...table, ...details].join('\n');
}
