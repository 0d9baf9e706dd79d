// Prints rows as one table per scenario.
import { figure } from './verdict.mjs';

const measuredText = (summary, pick) => {
  if (!summary) return '-';
  if (summary.absent) return 'n/a';
  return `${figure(summary[pick])} [${figure(summary.min)}–${figure(summary.max)}]`;
};

/** The ratios that are judged; all there are where none is. */
function ratiosText({ ratios, compared = [] }) {
  const named = Object.entries(ratios).filter(([contender]) => compared.length === 0 || compared.includes(contender));
  return named.map(([contender, ratio]) => `${figure(ratio)}x ${contender}`).join(' / ');
}

/** Lines of a table with aligned columns. */
export function tableLines(header, lines) {
  const widths = header.map((title, column) => Math.max(title.length, ...lines.map((line) => line[column].length)));
  const join = (line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('  ')
      .trimEnd();
  return [join(header), widths.map((width) => '─'.repeat(width)).join('──'), ...lines.map(join)];
}

/** The table of one scenario's rows. */
export function scenarioTable(title, rows) {
  const contenders = [...new Set(rows.flatMap((row) => Object.keys(row.contenders)))];
  const header = ['row', 'what', ...contenders, 'ratio', 'target', 'verdict'];
  const lines = rows.map((row) => [
    row.case,
    `${row.what} ${row.unit}`.trim() + (row.pick === 'median' ? '' : ` (${row.pick} of rounds)`),
    ...contenders.map((contender) => measuredText(row.contenders[contender], row.pick)),
    ratiosText(row) || '-',
    row.targets.join(', ') || '-',
    row.verdict + (row.noisy ? ' (noisy)' : ''),
  ]);
  const notes = [...new Set(rows.filter((row) => row.note).map((row) => `  ${row.case}: ${row.note}`))];
  return [title, '', ...tableLines(header, lines), ...(notes.length > 0 ? ['', ...notes] : [])].join('\n');
}

/** One row in one line, for the progress output. */
export function rowLine(row) {
  const measured = Object.entries(row.contenders).map(
    ([name, summary]) => `${name} ${measuredText(summary, row.pick)}`,
  );
  return `${row.what}, ${row.unit}: ${measured.join(' | ')} | ${row.verdict}`;
}

/** How long each scenario of `run` took. */
export function timeTable(run) {
  const lines = Object.entries(run.scenarioSeconds ?? {}).map(([name, seconds]) => {
    const cases = run.cases.filter((each) => each.scenario === name);
    const slowest = cases.reduce((most, each) => (each.seconds > (most?.seconds ?? 0) ? each : most), undefined);
    return [
      name,
      `${seconds.toFixed(0)} s`,
      String(cases.length),
      slowest ? `${slowest.case}, ${slowest.seconds.toFixed(0)} s` : '-',
    ];
  });
  const total = run.seconds ?? 0;
  const words = `Time: ${Math.floor(total / 60)} min ${Math.round(total % 60)} s`;
  return [words, '', ...tableLines(['scenario', 'time', 'cases', 'longest case'], lines)].join('\n');
}
