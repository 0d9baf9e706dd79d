// Owns the report: one HTML file without scripts or external resources, made from the rows of the table and the
// timelines of the phases. It shows what was measured and how; the only sentence on the result is made of its numbers.

import { costBarSvg, niceCeiling, timelineSvg } from './report_chart.mjs';
import { STYLE } from './report_style.mjs';
import { count } from './summary.mjs';

const escape = (text) => String(text).replace(/[&<>"]/g, (char) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[char]);
const fixed = (digits) => (number) => number.toFixed(digits);

const COLUMNS = [
  ['', (row) => escape(row.title)],
  ['requests<br>per second', (row) => fixed(0)(row.requestsPerSecond)],
  ['answer p99<br>ms', (row) => fixed(0)(row.latencyP99Millis)],
  ['loop delay<br>p50 ms', (row) => fixed(1)(row.delayP50Millis)],
  ['loop delay<br>p99 ms', (row) => fixed(1)(row.delayP99Millis)],
  ['loop delay<br>max ms', (row) => fixed(1)(row.delayMaxMillis)],
  ['longest<br>block ms', (row) => fixed(1)(row.longestBlockMillis)],
  ['most CPU in<br>one go ms', (row) => fixed(1)(row.mostCpuBetweenTicksMillis)],
  ['main-thread<br>CPU', (row) => `${fixed(1)(row.mainThreadPercent)} %`],
  ['all threads<br>CPU ms/request', (row) => fixed(2)(row.processMillisPerRequest)],
  ['peak<br>memory MiB', (row) => fixed(0)(row.peakMemoryMiB)],
  ['drain<br>ms', (row) => fixed(0)(row.drainMillis)],
  ['spans<br>ended', (row) => count(row.ended)],
  ['spans<br>delivered', (row) => (row.delivered === null ? '–' : count(row.delivered))],
];

/** The whole page. */
export function reportHtml({ run, rows, results }) {
  const offloopVersion = results.map(({ service }) => service.exporterName).find((name) => name.startsWith('offloop'))?.split(' ')[1];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Offloop: event loop with and without</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escape(headline(rows))}</h1>
<p class="soft">A Node.js service under ${run.load.requestsPerSecond} requests per second, once per exporter, ${run.seconds} s each.
${escape(run.startedAt.slice(0, 16).replace('T', ' '))} UTC · Node.js ${escape(run.machine.node)} · Offloop ${escape(offloopVersion)} · ${escape(run.machine.processor)} · ${escape(run.machine.platform)}</p>
${timelines(rows, results)}
<h2>The numbers</h2>
<div class="scroll"><table>
<thead><tr>${COLUMNS.map(([heading]) => `<th>${heading}</th>`).join('')}</tr></thead>
<tbody>
${rows.map((row) => `<tr>${COLUMNS.map(([, text]) => `<td>${text(row)}</td>`).join('')}</tr>`).join('\n')}
</tbody>
</table></div>
${costs(rows)}
<h2>What ran</h2>
<div class="scroll"><table class="text">
<thead><tr><th>Phase</th><th>Exporter</th><th>Span processor</th><th>Options</th><th>Flush, shutdown</th><th>Warnings logged by the SDK</th></tr></thead>
<tbody>
${results.map(configurationRow).join('\n')}
</tbody>
</table></div>
<h2>How it was measured</h2>
${method(run, results)}
</main>
</body>
</html>
`;
}

function headline(rows) {
  const block = (id) => rows.find((row) => row.id === id).longestBlockMillis.toFixed(0);
  return `Longest block of the event loop: ${block('stock')} ms with the stock exporter, ${block('offloop-http')} ms with Offloop over HTTP, ` +
    `${block('offloop-file')} ms with Offloop to files, ${block('none')} ms with no exporter`;
}

function timelines(rows, results) {
  const scales = {
    maxMillis: niceCeiling(Math.max(...results.flatMap(({ service }) => service.timelineMillis))),
    maxSeconds: Math.max(...results.map(({ service }) => service.secondsWithDrain)),
  };
  const panels = results.map(({ id, title, service }, index) => `<div class="panel ${id}">
<h3>${escape(title)}</h3>
<p class="figure">${rows[index].longestBlockMillis.toFixed(0)} ms <small>longest block</small></p>
${timelineSvg({ id, title, ...service, loadSeconds: service.seconds }, scales)}
</div>`);
  return `<h2>Event-loop delay over time, in milliseconds</h2>
<div class="panels">
${panels.join('\n')}
</div>
<p class="soft" style="margin-top:10px">Each step is the longest delay that touched a tenth of a second. All four panels have the same scales.
The dotted line is the end of the load; what follows is flush and shutdown.</p>`;
}

function costs(rows) {
  const base = rows.find((row) => row.id === 'none').mainThreadMillisPerRequest;
  const max = Math.max(...rows.map((row) => row.mainThreadMillisPerRequest));
  const lines = rows.map((row) => {
    const extra = row.id === 'none' ? '' : ` <span class="soft">(${row.exporterMillisPerRequest < 0 ? '−' : '+'}${Math.abs(row.exporterMillisPerRequest).toFixed(2)})</span>`;
    return `<div>${escape(row.title)}</div>
${costBarSvg({ id: row.id, baseMillis: base, totalMillis: row.mainThreadMillisPerRequest }, max)}
<div class="number">${row.mainThreadMillisPerRequest.toFixed(2)} ms${extra}</div>`;
  });
  return `<h2>Main-thread CPU per request</h2>
<div class="costs">
${lines.join('\n')}
</div>
<p class="soft" style="margin-top:10px">Grey is the application with spans recorded and no exporter; colour is what the exporter and its processor add on the main thread.</p>`;
}

function configurationRow({ title, service }) {
  const drain = `${service.flush.outcome} in ${service.flush.millis.toFixed(0)} ms, ${service.shutdown.outcome} in ${service.shutdown.millis.toFixed(0)} ms`;
  const warnings = Object.entries(service.diagnostics).map(([line, times]) => `${times} × ${line}`);
  const cells = [title, service.exporterName, service.processorName, service.options, drain, warnings.join('; ') || 'none'];
  return `<tr>${cells.map((cell) => `<td>${escape(cell)}</td>`).join('')}</tr>`;
}

function method(run, results) {
  const { mainThreadCpuSource, mainThreadCpuExact } = results[0].service;
  const files = results.find(({ id }) => id === 'offloop-file').delivery;
  const points = [
    `Three processes share the machine: the service, the load, and a receiver that decodes each body, counts its spans by id and throws it away. Every phase has a fresh service process; it is warmed up for ${run.warmupSeconds} s under the same load before its numbers count.`,
    `The load is paced and the same in every phase: ${run.load.connections} connections, together at most ${run.load.requestsPerSecond} requests per second; a connection that falls behind does not catch up. Requests per second is what was answered.`,
    'Each request makes 4 spans: one from @opentelemetry/instrumentation-http and three query-like children. Two payloads of about 45 KB of JSON are recorded per request, the rows on a query span and the response body on the server span. The rows come from memory after a delay; no database is involved.',
    'In the first phase spans are recorded and ended as in the others, and nothing takes them: what differs from it is processor and exporter.',
    'Loop delay p50, p99 and max are from Node’s <code>monitorEventLoopDelay</code> at 10 ms, its own period subtracted, during the load. The timeline and the longest block are from a second, independent 10 ms timer and include flush and shutdown. Either can miss up to 10 ms of a block, so the two differ a little.',
    `Main-thread CPU is from ${escape(mainThreadCpuSource)}${mainThreadCpuExact ? '' : ' because this platform offers no clock per thread, so it counts the exporter’s own threads too'}; it includes flush and shutdown. “Most CPU in one go” is the most processor time between two ticks of the 10 ms timer (about 10 ms is ordinary): where it is much less than the longest block, the machine was busy elsewhere and the block is not the program’s.`,
    `Spans ended and delivered count from process start, warm-up included. Delivered over HTTP is the receiver’s count of distinct span ids; delivered to files is the same count over the ${count(files.lines)} lines (${(files.bytes / 2 ** 20).toFixed(0)} MiB in ${files.files} files) left in <code>spans/</code>, each parsed as OTLP/JSON.`,
    'At the end the service stops accepting, then awaits <code>forceFlush()</code> and <code>shutdown()</code> of the tracer provider, each for at most 10 s.',
  ];
  return `<ul>\n${points.map((point) => `<li>${point}</li>`).join('\n')}\n</ul>`;
}
