// Owns the verdicts of the budgets, those of budget_list.mjs: one each, always from the run itself.
// It refuses to measure, and it calls nothing met that has not been measured.
import { DESIGN_BUDGETS, FASTER_TARGET, FURTHER_BUDGETS, STOCK_SERIALIZER } from './budget_list.mjs';
import { OURS } from './contenders.mjs';
import { figure } from './verdict.mjs';
import { tableLines } from './table.mjs';

/** µs per span of the stock serializer where the absolute budgets were set : the speed of that machine. */
const REFERENCE_STOCK_MICROS = { '8 attributes': 4.05, '20 attributes': 10.5, '2 x 16 KB': 185 };
/** Where a row has no such figure of its own, the machine's speed is that of these. */
const SPEED_ROW = { scenario: 'handoff', case: '8 attributes', what: 'main-thread CPU' };

const matches = (pattern, text) =>
  pattern === undefined || (pattern instanceof RegExp ? pattern.test(text) : pattern === text);

const pickRows = (run, { scenario, what, cases, case: caseName }) =>
  run.rows.filter(
    (row) =>
      matches(scenario, row.scenario) &&
      matches(what, row.what) &&
      matches(caseName, row.case) &&
      (cases === undefined || cases.includes(row.case)),
  );

/** How fast this machine ran, 1 being where the absolute budgets were set; undefined when the run does not tell. */
export function machineSpeed(run) {
  const [row] = pickRows(run, SPEED_ROW);
  const stock = row?.contenders[STOCK_SERIALIZER]?.[row.pick];
  return stock ? { speed: REFERENCE_STOCK_MICROS[row.case] / stock, stock } : undefined;
}

/** The factor that takes a time of `row` to the reference machine. */
function toReference(run, row) {
  const reference = row.scenario === 'handoff' && row.what === 'main-thread CPU' && REFERENCE_STOCK_MICROS[row.case];
  const stock = row.contenders[STOCK_SERIALIZER]?.[row.pick];
  return reference && stock ? reference / stock : machineSpeed(run)?.speed;
}

function judgeBudget(run, { name, budget, rows, target, isSpeed, show }) {
  const parts = pickRows(run, rows)
    .map((row) => ({ row, checks: row.checks.filter((check) => target.test(check.target)) }))
    .filter(({ checks }) => checks.length > 0);
  const measured = parts.filter(({ checks }) => checks.every(({ ok }) => ok !== null));
  const missed = measured.filter(({ checks }) => checks.some(({ ok }) => !ok));
  const scaledOf = ({ row, checks }) => {
    const factor = isSpeed && toReference(run, row);
    if (!factor || checks.some(({ limit }) => limit === undefined)) return undefined;
    const value = row.contenders[row.subject][row.pick] * factor;
    return { value, isMet: checks.every(({ limit }) => value <= limit) };
  };
  let verdict = `met in ${measured.length} of ${measured.length}`;
  if (measured.length === 0) verdict = 'not measured in this run';
  else if (missed.length > 0) {
    verdict = `MISSED in ${missed.length} of ${measured.length}`;
    const scaled = measured.map(scaledOf);
    if (scaled.every(Boolean)) {
      const misses = scaled.filter(({ isMet }) => !isMet).length;
      verdict += misses > 0 ? ` (at reference speed in ${misses})` : ' (at reference speed in none)';
    }
  }
  const isOneThing = new Set(measured.map(({ row }) => row.what)).size === 1;
  const isOnePlace = new Set(measured.map(({ row }) => row.scenario)).size === 1;
  const labelOf = ({ scenario, case: caseName, what }) =>
    `${isOnePlace ? '' : `${scenario}/`}${caseName}${isOneThing ? '' : `, ${what}`}`;
  const words = measured.map((part) => measuredText(part, { label: labelOf(part.row), scaled: scaledOf(part), show }));
  return { name, budget, verdict, measured: words, missed: words.filter((text) => text.includes(' !')) };
}

/** One line per budget: what the rows of `run` say of it. */
export function judgeBudgets(run) {
  const judged = (budgets) => budgets.map((each) => judgeBudget(run, each));
  return { design: judged(DESIGN_BUDGETS), further: judged(FURTHER_BUDGETS) };
}

function measuredText({ row, checks }, { label, scaled, show }) {
  const own = row.contenders[row.subject];
  const words = [];
  for (const { target } of checks) {
    const contender = Object.keys(row.ratios).find((each) => target.endsWith(`x ${each}`));
    if (contender) words.push(`${figure(row.ratios[contender])}x ${contender}`);
    else if (FASTER_TARGET.test(target) && row.rival) words.push(`${figure(row.ratios[row.rival])}x ${row.rival}`);
    else if (!row.excess && !words.length) words.push(`${figure(own[row.pick])} ${row.unit}`.trim());
  }
  for (const [contender, over] of Object.entries(row.excess ?? {})) {
    const who = contender === row.subject ? '' : `${contender} `;
    words.push(`${who}${over < 0 ? '-' : '+'} ${figure(Math.abs(over))}`);
  }
  if (scaled) words.push(`${figure(scaled.value)} at reference speed${scaled.isMet ? '' : ' (missed there too)'}`);
  const beside = show && row.contenders[show]?.[row.pick];
  if (beside !== undefined && show !== OURS) words.push(`${show}: ${figure(beside)}`);
  const unmet = checks.filter(({ ok }) => !ok).map(({ target }) => target);
  const mark = `${unmet.length > 0 ? ` ! ${unmet.join(', ')}` : ''}${row.noisy ? ' (noisy)' : ''}`;
  return `${label}: ${words.join(', ')}${mark}`;
}

/** What the absolute figures have to be read with. */
export function speedText(run) {
  const measured = machineSpeed(run);
  if (!measured) return null;
  const { speed, stock } = measured;
  return (
    `This machine ran at ${figure(speed)} of the reference speed: the stock serializer needs ${figure(stock)} µs for ` +
    `8 attributes, ${REFERENCE_STOCK_MICROS['8 attributes']} where the absolute budgets were set. Verdicts are of the raw figures.`
  );
}

/** The budgets as text: a line each with its verdict, and what was measured below it. */
export function budgetTable(run) {
  const { design, further } = judgeBudgets(run);
  const table = (lines) =>
    tableLines(
      ['budget', 'target', 'verdict'],
      lines.map(({ name, budget, verdict }) => [name, budget, verdict]),
    );
  const details = [...design, ...further]
    .filter(({ measured }) => measured.length > 0)
    .flatMap(({ name, measured }) => ['', name, ...measured.map((text) => `  ${text}`)]);
  const speed = speedText(run);
  return [
    'Budgets (! = missed)',
    ...(speed ? ['', speed] : []),
    ...['', ...table(design), '', 'Further promises', '', ...table(further)],
    ...details,
  ].join('\n');
}
