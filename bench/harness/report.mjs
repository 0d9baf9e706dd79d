// Turns the rows of a run into SVG charts and one self-contained HTML page.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { COPYING_ALONE, ROOT, STOCK, STOCK_PROTOBUFJS, serializerAlone } from './contenders.mjs';
import { budgetTable } from './budgets.mjs';
import { barChart, escapeHtml, timelineChart } from './charts.mjs';
import { figure } from './verdict.mjs';

/** What is less than an exporter, and not drawn beside them. */
const PARTS = [serializerAlone(STOCK), serializerAlone(STOCK_PROTOBUFJS), COPYING_ALONE];

const CHARTS = [
  {
    file: 'handoff.svg',
    title: 'Hand-off, main-thread CPU per span of whole exports',
    logarithmic: true,
    scenario: 'handoff',
    metric: 'mainMicrosPerSpan',
  },
  {
    file: 'slices.svg',
    title: 'Hand-off, longest main-thread slice of a batch',
    logarithmic: true,
    scenario: 'handoff',
    metric: 'longestSliceMillis',
  },
  {
    file: 'export.svg',
    title: 'Whole export over HTTP, main-thread CPU per span',
    logarithmic: true,
    scenario: 'export',
    metric: 'mainMicrosPerSpan',
  },
  { file: 'delivered.svg', title: 'Delivered by a batch processor', scenario: 'delivery', metric: 'delivered' },
  {
    file: 'exit.svg',
    title: 'Delivered of 300 spans, by the way the program ends',
    scenario: 'exit',
    metric: 'delivered',
  },
];

const TIMELINES = [
  { file: 'pg_timeline.svg', title: 'Event-loop delay over time: the PostgreSQL workload', scenario: 'pg' },
  { file: 'service_timeline.svg', title: 'Event-loop delay over time: HTTP service at full load', scenario: 'service' },
];

/** Writes report.html and the charts that `run` has rows for; returns the path of the page. */
export function writeReport(run, directory = join(ROOT, 'bench', 'results')) {
  mkdirSync(directory, { recursive: true });
  const charts = [];
  for (const { file, title, logarithmic, scenario, metric } of CHARTS) {
    const rows = run.rows.filter((row) => row.scenario === scenario && row.metric === metric);
    if (rows.length === 0) continue;
    const svg = barChart(title, rows, { logarithmic, without: PARTS });
    writeFileSync(join(directory, file), `${svg}\n`);
    charts.push(svg);
  }
  for (const { file, title, scenario } of TIMELINES) {
    const shown = run.cases.find((each) => each.scenario === scenario);
    const lanes = Object.entries(shown?.results ?? {}).flatMap(([contender, { timeline }]) =>
      timeline ? [[contender, timeline]] : [],
    );
    if (lanes.length === 0) continue;
    const svg = timelineChart(title, lanes);
    writeFileSync(join(directory, file), `${svg}\n`);
    charts.push(svg);
  }
  const { date, node, cpu, cores, platform, commit, versions } = run.environment;
  const about =
    `${date.slice(0, 16)}, Node ${node}, ${cores} x ${cpu}, ${platform}, commit ${commit}; ` +
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ');
  const body = run.rows.map((row) => {
    const cells = [
      row.scenario,
      row.case,
      `${row.what} ${row.unit}`,
      ...Object.entries(row.contenders).map(
        ([contender, summary]) =>
          `${contender}: ${summary?.absent ? 'n/a' : summary ? `${figure(summary[row.pick])} [${figure(summary.min)}–${figure(summary.max)}]` : '-'}`,
      ),
    ];
    const [scenario, caseName, what, ...measured] = cells.map(escapeHtml);
    const verdict = escapeHtml(row.verdict + (row.noisy ? ' (noisy)' : ''));
    return `<tr><td>${scenario}<td>${caseName}<td>${what}<td>${measured.join('<br>')}<td>${escapeHtml(row.targets.join(', '))}<td>${verdict}`;
  });
  const page = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Offloop benchmark</title>
<style>body{font:14px system-ui,sans-serif;margin:2em;max-width:1100px}pre{overflow-x:auto;font-size:12px}table{border-collapse:collapse}td,th{border-bottom:1px solid #dee2e6;padding:4px 8px;text-align:left;vertical-align:top;font-size:12px}</style>
<h1>Offloop benchmark</h1><p>${escapeHtml(about)}</p><p>${escapeHtml(run.clock)}; medians unless the row says otherwise, [min–max] over the rounds.</p>
<pre>${escapeHtml(budgetTable(run))}</pre>
${charts.join('\n')}
<table><tr><th>scenario<th>row<th>what<th>measured<th>target<th>verdict${body.join('\n')}</table></html>
`;
  const path = join(directory, 'report.html');
  writeFileSync(path, page);
  return path;
}
