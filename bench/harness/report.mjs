// Turns the rows of a run into SVG charts and one self-contained HTML page.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { ROOT } from './contenders.mjs';
import { figure } from './verdict.mjs';

const COLOURS = ['#0b7285', '#e8590c', '#868e96', '#5f3dc4', '#2b8a3e'];
const BAR = 14;
const GAP = 10;
const LABEL_WIDTH = 270;
const CHART_WIDTH = 560;
const FIGURE_WIDTH = 130;

const escapeHtml = (text) =>
  String(text).replace(/[&<>"]/g, (letter) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[letter]);

/** Horizontal bars, a group per row and a bar per contender; logarithmic where the figures span decades. */
export function barChart(title, rows, { logarithmic = false } = {}) {
  const contenders = [...new Set(rows.flatMap((row) => Object.keys(row.contenders)))];
  const figureOf = (row, contender) => row.contenders[contender]?.[row.pick];
  const values = rows.flatMap((row) => contenders.map((contender) => figureOf(row, contender))).filter((v) => v > 0);
  const most = Math.max(...values);
  const least = Math.min(...values) / 2;
  const lengthOf = (value) => {
    if (!(value > 0)) return 0;
    const share = logarithmic ? Math.log(value / least) / Math.log(most / least) : value / most;
    return Math.max(1, share * CHART_WIDTH);
  };
  const marks = [];
  let y = 52;
  for (const row of rows) {
    const height = contenders.length * BAR;
    marks.push(
      `<text x="${LABEL_WIDTH - 8}" y="${y + height / 2 + 4}" text-anchor="end">${escapeHtml(row.case)}</text>`,
    );
    contenders.forEach((contender, index) => {
      const value = figureOf(row, contender);
      const top = y + index * BAR;
      const words = value === undefined ? 'not measured' : `${figure(value)} ${row.unit}`;
      marks.push(
        `<rect x="${LABEL_WIDTH}" y="${top}" width="${lengthOf(value).toFixed(1)}" height="${BAR - 2}" fill="${COLOURS[index % COLOURS.length]}"/>`,
        `<text x="${(LABEL_WIDTH + lengthOf(value) + 5).toFixed(1)}" y="${top + BAR - 4}" class="figure">${escapeHtml(words)}</text>`,
      );
    });
    y += height + GAP;
  }
  const legend = contenders.map((contender, index) => {
    const x = LABEL_WIDTH + index * 150;
    return `<rect x="${x}" y="28" width="10" height="10" fill="${COLOURS[index % COLOURS.length]}"/><text x="${x + 15}" y="37">${escapeHtml(contender)}</text>`;
  });
  const width = LABEL_WIDTH + CHART_WIDTH + FIGURE_WIDTH;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y}" width="${width}" height="${y}" role="img">`,
    '<style>text{font:12px system-ui,sans-serif;fill:#212529}.title{font-weight:600;font-size:14px}.figure{font-size:11px}</style>',
    `<rect width="${width}" height="${y}" fill="#fff"/>`,
    `<text x="8" y="18" class="title">${escapeHtml(title)}${logarithmic ? ' (logarithmic)' : ''}</text>`,
    ...legend,
    ...marks,
    '</svg>',
  ].join('\n');
}

const CHARTS = [
  {
    file: 'handoff.svg',
    title: 'Hand-off, main-thread CPU per span',
    logarithmic: true,
    scenario: 'handoff',
    metric: 'mainMicrosPerSpan',
  },
  {
    file: 'slices.svg',
    title: 'Hand-off of a batch, longest main-thread slice',
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

/** Writes report.html and the charts that `run` has rows for; returns the path of the page. */
export function writeReport(run, directory = join(ROOT, 'bench', 'results')) {
  mkdirSync(directory, { recursive: true });
  const charts = [];
  for (const { file, title, logarithmic, scenario, metric } of CHARTS) {
    const rows = run.rows.filter((row) => row.scenario === scenario && row.metric === metric);
    if (rows.length === 0) continue;
    const svg = barChart(title, rows, { logarithmic });
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
<style>body{font:14px system-ui,sans-serif;margin:2em;max-width:1100px}table{border-collapse:collapse}td,th{border-bottom:1px solid #dee2e6;padding:4px 8px;text-align:left;vertical-align:top;font-size:12px}</style>
<h1>Offloop benchmark</h1><p>${escapeHtml(about)}</p><p>${escapeHtml(run.clock)}; medians unless the row says otherwise, [min–max] over the rounds.</p>
${charts.join('\n')}
<table><tr><th>scenario<th>row<th>what<th>measured<th>target<th>verdict${body.join('\n')}</table></html>
`;
  const path = join(directory, 'report.html');
  writeFileSync(path, page);
  return path;
}
