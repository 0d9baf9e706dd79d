// Owns the report: one HTML file without scripts or external resources, made from the rows of the table and the
// timelines of the phases. It shows what was measured and how; the only sentence on the result is made of its numbers.

import { linearScale } from '../bench/pictures/scales.mjs';
import { escapeHtml } from '../bench/pictures/svg.mjs';
import { blockedText } from './blocked.mjs';
import { costBarSvg, timelineSvg } from './report_chart.mjs';
import { methodHtml } from './report_method.mjs';
import { reportStyle } from './report_style.mjs';
import { count } from './summary.mjs';

const fixed = (digits) => (number) => number.toFixed(digits);

const COLUMNS = [
  ['', (row) => escapeHtml(row.title)],
  ['requests<br>per second', (row) => fixed(0)(row.requestsPerSecond)],
  ['answer p99<br>ms', (row) => fixed(0)(row.latencyP99Millis)],
  ['loop delay<br>p50 ms', (row) => fixed(1)(row.delayP50Millis)],
  ['loop delay<br>p99 ms', (row) => fixed(1)(row.delayP99Millis)],
  ['loop delay<br>max ms', (row) => fixed(1)(row.delayMaxMillis)],
  ['longest<br>block ms', (row) => fixed(1)(row.longestBlockMillis)],
  ['most CPU<br>at once ms', (row) => fixed(1)(row.mostCpuBetweenTicksMillis)],
  ['main-thread<br>CPU', (row) => `${fixed(1)(row.mainThreadPercent)} %`],
  ['all threads<br>CPU ms/request', (row) => fixed(2)(row.processMillisPerRequest)],
  ['peak<br>memory MiB', (row) => fixed(0)(row.peakMemoryMiB)],
  ['spans<br>ended', (row) => count(row.ended)],
  ['spans<br>delivered', (row) => (row.delivered === null ? '–' : count(row.delivered))],
];

const CONFIGURATION = [
  'Phase',
  'Exporter',
  'Span processor',
  'Options',
  'Flush, shutdown',
  'Warnings and errors logged by the SDK',
];

/** The whole page. */
export function reportHtml({ run, rows, block, results }) {
  const setting = [
    `${run.startedAt.slice(0, 16).replace('T', ' ')} UTC`,
    `Node.js ${run.machine.node}`,
    `Offloop ${run.offloop}`,
    run.machine.processor,
    run.machine.platform,
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Offloop: event loop with and without</title>
<style>${reportStyle(rows)}</style>
</head>
<body>
<main>
<h1>${escapeHtml(headline(rows))}</h1>
<p class="soft">A Node.js service under ${run.load.requestsPerSecond} requests per second, once per
exporter, ${run.seconds} s each.
${setting.map(escapeHtml).join(' · ')}</p>
${timelines(rows, results)}
<h2>The numbers</h2>
<div class="scroll"><table>
<thead><tr>${COLUMNS.map(([heading]) => `<th>${heading}</th>`).join('')}</tr></thead>
<tbody>
${rows.map((row) => `<tr>${COLUMNS.map(([, text]) => `<td>${text(row)}</td>`).join('')}</tr>`).join('\n')}
</tbody>
</table></div>
${costs(rows)}
${blockHtml(block)}
<h2>What ran</h2>
<div class="scroll"><table class="text">
<thead><tr>${CONFIGURATION.map((heading) => `<th>${heading}</th>`).join('')}</tr></thead>
<tbody>
${results.map(configurationRow).join('\n')}
</tbody>
</table></div>
<h2>How it was measured</h2>
${methodHtml({ run, results })}
</main>
</body>
</html>
`;
}

const WITH = {
  stock: 'with the stock exporter',
  'offloop-http': 'with Offloop over HTTP',
  'offloop-file': 'with Offloop to files',
  none: 'with no exporter',
};

const longestBlock = (row) => `${row.longestBlockMillis.toFixed(0)} ms`;

// The figures of the panels below it, word for word.
function headline(rows) {
  const parts = Object.entries(WITH).map(
    ([id, words]) => `${longestBlock(rows.find((row) => row.id === id))} ${words}`,
  );
  return `Longest block of the event loop: ${parts.join(', ')}`;
}

function timelines(rows, results) {
  const scales = {
    millis: linearScale(Math.max(1, ...results.flatMap(({ service }) => service.timelineMillis))),
    maxSeconds: Math.max(...results.map(({ service }) => service.secondsWithDrain)),
  };
  const panels = results.map(
    ({ id, title, service }, index) => `<div class="panel ${id}">
<h3>${escapeHtml(title)}</h3>
<p class="figure">${longestBlock(rows[index])} <small>longest block</small></p>
<p class="under soft">${rows[index].mostCpuBetweenTicksMillis.toFixed(0)} ms most CPU at once</p>
${timelineSvg({ id, title, ...service, loadSeconds: service.seconds }, scales)}
</div>`,
  );
  return `<h2>Event-loop delay over time, in milliseconds</h2>
<div class="panels">
${panels.join('\n')}
</div>
<p class="soft note">Each step is the longest delay that touched a tenth of a second. All four panels have the same
scales. The dotted line is the end of the load; what follows is flush and shutdown.</p>`;
}

function costs(rows) {
  const base = rows.find((row) => row.id === 'none').mainThreadMillisPerRequest;
  const max = Math.max(...rows.map((row) => row.mainThreadMillisPerRequest));
  const lines = rows.map((row) => {
    const millis = row.exporterMillisPerRequest;
    const difference = `${millis < 0 ? '−' : '+'}${Math.abs(millis).toFixed(2)}`;
    const extra = row.id === 'none' ? '' : ` <span class="soft">(${difference})</span>`;
    return `<div>${escapeHtml(row.title)}</div>
${costBarSvg({ id: row.id, baseMillis: base, totalMillis: row.mainThreadMillisPerRequest }, max)}
<div class="number">${row.mainThreadMillisPerRequest.toFixed(2)} ms${extra}</div>`;
  });
  return `<h2>Main-thread CPU per request</h2>
<div class="costs">
${lines.join('\n')}
</div>
<p class="soft note">Grey is the application with spans recorded and no exporter; colour is what the exporter and its
processor add on the main thread.</p>`;
}

// The last scene has no part in the numbers above.
function blockHtml(block) {
  const shown = Object.entries(block.attributes).filter(([key]) => key !== 'code.stacktrace');
  return `<h2>Who blocked the loop?</h2>
<p>${escapeHtml(blockedText(block))} A service with a handler that computes for a second, watched by
<code>EventLoopMonitor</code>; this is its span <code>${escapeHtml(block.name)}</code>.</p>
<pre>${escapeHtml(block.attributes['code.stacktrace'] ?? 'no stack')}</pre>
<table class="text pairs"><tbody>
${shown.map(([key, value]) => `<tr><td>${escapeHtml(key)}</td><td>${escapeHtml(value)}</td></tr>`).join('\n')}
</tbody></table>`;
}

function configurationRow({ title, service }) {
  const step = ({ outcome, millis }) => `${outcome} in ${millis.toFixed(0)} ms`;
  const drain = `${step(service.flush)}, ${step(service.shutdown)}`;
  const warnings = Object.entries(service.diagnostics).map(([line, times]) => `${times} × ${line}`);
  const cells = [
    title,
    service.exporterName,
    service.processorName,
    service.options,
    drain,
    warnings.join('; ') || 'none',
  ];
  return `<tr>${cells.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('')}</tr>`;
}
