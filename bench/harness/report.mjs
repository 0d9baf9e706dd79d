// Turns the rows of a run into SVG charts and one self-contained HTML page.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { COPYING_ALONE, ROOT, STOCK, STOCK_PROTOBUFJS, serializerAlone } from './contenders.mjs';
import { judgeBudgets, speedText } from './budgets.mjs';
import { barChart } from '../pictures/bar_chart.mjs';
import { PAGE_STYLE } from '../pictures/page_style.mjs';
import { escapeHtml } from '../pictures/svg.mjs';
import { timelineChart } from '../pictures/timeline_chart.mjs';
import { figure } from './verdict.mjs';

/** What is less than an exporter, and not drawn beside them. */
const PARTS = [serializerAlone(STOCK), serializerAlone(STOCK_PROTOBUFJS), COPYING_ALONE];

const CHARTS = [
  {
    file: 'handoff.svg',
    title: 'Hand-off, main-thread CPU per span of whole exports',
    isLogarithmic: true,
    better: 'less',
    scenario: 'handoff',
    metric: 'mainMicrosPerSpan',
  },
  {
    file: 'slices.svg',
    title: 'Hand-off, longest main-thread slice of a batch',
    isLogarithmic: true,
    better: 'less',
    scenario: 'handoff',
    metric: 'longestSliceMillis',
  },
  {
    file: 'export.svg',
    title: 'Whole export over HTTP, main-thread CPU per span',
    isLogarithmic: true,
    better: 'less',
    scenario: 'export',
    metric: 'mainMicrosPerSpan',
  },
  {
    file: 'delivered.svg',
    title: 'Delivered by a batch processor',
    isShare: true,
    better: 'more',
    scenario: 'delivery',
    metric: 'delivered',
  },
  {
    file: 'exit.svg',
    title: 'Delivered of 300 spans, by the way the program ends',
    isShare: true,
    better: 'more',
    scenario: 'exit',
    metric: 'delivered',
  },
];

const TIMELINES = [
  { file: 'pg_timeline.svg', title: 'Event-loop delay over time: the PostgreSQL workload', scenario: 'pg' },
  { file: 'service_timeline.svg', title: 'Event-loop delay over time: HTTP service at full load', scenario: 'service' },
];

const OWN_STYLE = `
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 480px), 1fr)); gap: 24px; align-items: start; }
.charts svg { display: block; width: 100%; max-width: 620px; height: auto; }
@media print { .charts { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
`;

/** `[file, svg]` for each chart that `run` has rows for. */
export function chartsOf(run) {
  const bars = CHARTS.flatMap(({ file, title, scenario, metric, ...look }) => {
    const rows = run.rows.filter((row) => row.scenario === scenario && row.metric === metric);
    return rows.length > 0 ? [[file, barChart(title, rows, { ...look, without: PARTS })]] : [];
  });
  const timelines = TIMELINES.flatMap(({ file, title, scenario }) => {
    const shown = run.cases.find((each) => each.scenario === scenario);
    const lanes = Object.entries(shown?.results ?? {}).flatMap(([contender, { timeline }]) =>
      timeline ? [[contender, timeline]] : [],
    );
    return lanes.length > 0 ? [[file, timelineChart(title, lanes)]] : [];
  });
  return [...bars, ...timelines];
}

/** A cell is a text or a list of lines. */
function tableHtml(headings, lines) {
  const row = (tag, cells) => `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`;
  const body = lines.map((cells) =>
    row(
      'td',
      cells.map((cell) => [cell].flat().map(escapeHtml).join('<br>')),
    ),
  );
  return `<div class="scroll"><table class="text">
<thead>${row('th', headings)}</thead>
<tbody>
${body.join('\n')}
</tbody>
</table></div>`;
}

function budgetsHtml(run) {
  const { design, further } = judgeBudgets(run);
  const lines = [...design, ...further].map(({ name, budget, measured, verdict }) => [name, budget, measured, verdict]);
  const speed = speedText(run);
  return `${speed ? `<p>${escapeHtml(speed)}</p>\n` : ''}${tableHtml(['budget', 'target', 'measured (! = missed)', 'verdict'], lines)}`;
}

function rowsHtml(run) {
  const measured = ([contender, summary], pick) => {
    if (!summary || summary.absent) return `${contender}: ${summary ? 'n/a' : '-'}`;
    return `${contender}: ${figure(summary[pick])} [${figure(summary.min)}–${figure(summary.max)}]`;
  };
  const lines = run.rows.map((row) => [
    row.scenario,
    row.case,
    `${row.what} ${row.unit}`,
    Object.entries(row.contenders).map((each) => measured(each, row.pick)),
    row.targets,
    row.verdict + (row.noisy ? ' (noisy)' : ''),
  ]);
  return tableHtml(['scenario', 'row', 'what', 'measured', 'target', 'verdict'], lines);
}

function pageHtml(run, charts) {
  const { date, node, cpu, cores, platform, commit, versions } = run.environment;
  const about = [
    `${date.slice(0, 16)}, Node ${node}, ${cores} x ${cpu}, ${platform}, commit ${commit}`,
    ...Object.entries(versions).map(([name, version]) => `${name} ${version}`),
  ].join(', ');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Offloop benchmark</title>
<style>${PAGE_STYLE}${OWN_STYLE}</style>
</head>
<body>
<main>
<h1>Offloop benchmark</h1>
<p class="soft">${escapeHtml(about)}</p>
<p>${escapeHtml(run.clock)}; medians unless the row says otherwise, [min–max] over the rounds.</p>
<div class="charts">
${charts.map(([, svg]) => svg).join('\n')}
</div>
<h2>Budgets</h2>
${budgetsHtml(run)}
<h2>All rows</h2>
${rowsHtml(run)}
</main>
</body>
</html>
`;
}

/** Writes report.html and the charts; returns the path of the page. */
export function writeReport(run, directory = join(ROOT, 'bench', 'results')) {
  mkdirSync(directory, { recursive: true });
  const charts = chartsOf(run);
  for (const [file, svg] of charts) writeFileSync(join(directory, file), `${svg}\n`);
  const path = join(directory, 'report.html');
  writeFileSync(path, pageHtml(run, charts));
  return path;
}
