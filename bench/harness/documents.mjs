// Rewrites the figures of the documents from a run: what stands between their markers, and nothing else. It refuses a run
// that lacks a row: a table is of one run or it is not written.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { judgeBudgets, speedText } from './budgets.mjs';
import { IMPORT_ALONE, NO_EXPORTER, OURS, ROOT, STOCK, STOCK_PROTOBUFJS, serializerAlone } from './contenders.mjs';
import { figure } from './verdict.mjs';

const PG = 'pg/45 KB of rows on each span';
const OUTAGE = 'delivery/1,000 spans/s for 4 s, 503 from second 1 to 3';

const SERIALIZERS = { [STOCK]: serializerAlone(STOCK), [STOCK_PROTOBUFJS]: serializerAlone(STOCK_PROTOBUFJS) };

/** `[words, scenario/case, what is measured]` of each line of the README's table. */
const README_ROWS = [
  ['main thread, from `end()` to delivered, µs/span', 'end/8 attributes', 'processor and exporter, start to delivered'],
  ['all threads of an HTTP service, µs/span', 'service/small requests', 'whole-process CPU over no exporter'],
  ['memory at rest after the first span, MiB', 'startup/at rest after one span', 'resident set, grown'],
  ['burst of 10,000 spans: delivered', 'delivery/burst of 10,000 spans', 'delivered'],
  ['300 spans, then `process.exit()`: delivered', 'exit/processor, process.exit()', 'delivered'],
];
const README_COLUMNS = [STOCK, IMPORT_ALONE, OURS];

/** The same of the table of docs/performance.md, and whose figures stand in a column. */
const PERFORMANCE_ROWS = [
  ['hand-off, 8 attributes, µs/span', 'handoff/8 attributes', 'main-thread CPU'],
  ['… the stock serializer alone', 'handoff/8 attributes', 'main-thread CPU', SERIALIZERS],
  ['hand-off, 20 attributes, µs/span', 'handoff/20 attributes', 'main-thread CPU'],
  ['… the stock serializer alone', 'handoff/20 attributes', 'main-thread CPU', SERIALIZERS],
  ['hand-off, 2 × 16 KB, µs/span', 'handoff/2 x 16 KB', 'main-thread CPU'],
  ['… the stock serializer alone', 'handoff/2 x 16 KB', 'main-thread CPU', SERIALIZERS],
  ['… longest main-thread slice of 512, ms', 'handoff/2 x 16 KB', 'longest slice'],
  ['whole export, 8 attributes, µs/span', 'export/small, none', 'main-thread CPU'],
  ['whole export, 2 × 16 KB, µs/span', 'export/large, none', 'main-thread CPU'],
  ['… CPU of the whole process, µs/span', 'export/large, none', 'whole-process CPU'],
  [
    'processor and exporter, `end()` to delivered, µs/span',
    'end/8 attributes',
    'processor and exporter, start to delivered',
  ],
  ['garbage collection, ms per 100,000 spans', 'garbage/8 attributes', 'pauses, sum'],
  ['HTTP service at full load, requests/s', 'service/small requests', 'throughput'],
  ['… latency p99, ms', 'service/small requests', 'latency p99'],
  ['PostgreSQL workload, longest stall, ms', PG, 'longest stall'],
  ['… loop delay p99.9, ms', PG, 'loop delay p99.9'],
  ['… pool time-outs', PG, 'pool time-outs'],
  ['… most CPU between two ticks, ms', PG, 'most CPU between two ticks'],
  [
    '1,000,000 spans, rate without a drop, spans/s',
    'sustained/1,000,000 spans, receiver discards',
    'rate without a drop',
  ],
  ['burst of 10,000 spans, delivered', 'delivery/burst of 10,000 spans', 'delivered'],
  ['10,000 spans/s, 100 ms collector, of 20,000', 'delivery/10,000 spans/s for 2 s, 100 ms collector', 'delivered'],
  ['4,000 spans, 503 for 2 s, delivered', OUTAGE, 'delivered'],
  ['300 spans, then `process.exit()`, delivered', 'exit/processor, process.exit()', 'delivered'],
  ['loop blocked for 2 s: last span arrives after, ms', 'blocked/300 spans', 'last span arrives after'],
];
const COLUMNS = [NO_EXPORTER, STOCK, STOCK_PROTOBUFJS, OURS];
/** The version whose figures stand in the table of docs/performance.md. */
const TABLE_NODE = '20';
const CHARTS = [
  ['pg_timeline.svg', 'Event-loop delay over time: the PostgreSQL workload'],
  ['handoff.svg', 'Hand-off: main-thread CPU per span'],
  ['delivered.svg', 'Delivered by a batch processor'],
];
/** More lines than this and a budget shows only those that were missed. */
const MOST_SHOWN = 6;

function figureText(value) {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(Math.abs(value) >= 10 ? 3 : 2)));
}

function cell(row, contender) {
  const summary = row.contenders[contender];
  if (!summary || summary.absent || typeof summary[row.pick] !== 'number') return '–';
  return `${summary.noisy ? '~' : ''}${figureText(summary[row.pick])}`;
}

const tableLine = (cells) => `| ${cells.join(' | ')} |`;

function machineText({ date, node, platform, cores, cpu }) {
  const system = platform.startsWith('linux') ? 'Linux' : platform;
  return `${date.slice(0, 10)}, Node.js ${node.slice(1)}, ${system}, ${cores} x ${cpu}`;
}

/** Readers of the page of figures may want to build what was measured; those of the README do not. */
const machineAndBuildText = (environment) => `${machineText(environment)}, commit ${environment.commit}`;

function durationText(seconds) {
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** A merged table must not pass for one run. */
function runsText({ merged = 1, seconds }) {
  return merged === 1
    ? `one run of ${durationText(seconds)}`
    : `${merged} runs merged, ${durationText(seconds)} in all`;
}

function rowOf(run, path, what) {
  const row = run.rows.find((each) => `${each.scenario}/${each.case}` === path && each.what === what);
  if (!row) throw new Error(`the run has no row ${path}, ${what}: run with --all`);
  return row;
}

function readmeText(run) {
  const lines = README_ROWS.map(([words, path, what]) => {
    const row = rowOf(run, path, what);
    return tableLine([words, ...README_COLUMNS.map((contender) => cell(row, contender))]);
  });
  return [
    tableLine(['', STOCK, 'import changed', 'import and processor']),
    '|---|--:|--:|--:|',
    ...lines,
    '',
    `CPU time and memory are above those of the same program without an exporter. ${machineText(run.environment)}.`,
  ].join('\n');
}

function tableText(run) {
  const lines = PERFORMANCE_ROWS.map(([words, path, what, standIns]) => {
    const row = rowOf(run, path, what);
    if (standIns && !row.contenders[standIns[STOCK]]) throw new Error(`${path} of this run has no ${standIns[STOCK]}`);
    const columns = standIns ? COLUMNS.map((contender) => standIns[contender]) : COLUMNS;
    return tableLine([words, ...columns.map((contender) => cell(row, contender)), `\`npm run bench -- '${path}'\``]);
  });
  return [
    '`npm run bench` measures single operations, workloads and budgets side by side with the current stock exporter',
    '(0.223.1) and the last one built on protobufjs (0.57.2); `-- --all` adds the long rows, `-- --report` draws what it',
    'measured. Medians of five rounds (`~`: they differ by more than 30 %; deliveries: the worst round), main-thread CPU',
    `unless a unit says otherwise. ${machineAndBuildText(run.environment)}, ${runsText(run)}.`,
    speedText(run),
    '',
    tableLine(['', NO_EXPORTER, STOCK, STOCK_PROTOBUFJS, 'Offloop', 'repeat with']),
    '|---|--:|--:|--:|--:|---|',
    ...lines,
    '',
    ...CHARTS.map(([file, title]) => `![${title}](benchmark/${file})`),
  ].join('\n');
}

function demoText({ run, rows }) {
  const one = (value) => value.toFixed(1);
  const count = (value) => (value === null ? '–' : value.toLocaleString('en-US'));
  const { node, platform, processor } = run.machine;
  return [
    `Two payloads of about 45 KB per request, ${run.load.requestsPerSecond} requests/s; ${run.startedAt.slice(0, 10)}, ` +
      `Node.js ${node.slice(1)}, ${platform}, ${processor}.`,
    '"Most CPU at once" is the processor time of the main thread between two ticks of a 10 ms timer. Repeat it with `npm start`.',
    '',
    '| | requests/s | loop delay p50 / p99 / max, ms | longest block, ms | most CPU at once, ms | main-thread CPU | spans ended | delivered |',
    '|---|--:|--:|--:|--:|--:|--:|--:|',
    ...rows.map((row) =>
      tableLine([
        row.title,
        row.requestsPerSecond.toFixed(0),
        `${one(row.delayP50Millis)} / ${one(row.delayP99Millis)} / ${one(row.delayMaxMillis)}`,
        one(row.longestBlockMillis),
        one(row.mostCpuBetweenTicksMillis),
        `${one(row.mainThreadPercent)} %`,
        count(row.ended),
        count(row.delivered),
      ]),
    ),
  ].join('\n');
}

/** Our whole exports against less than one: the faster of the stock serializers, which have sent nothing yet. */
function serializersText(run) {
  const ratios = run.rows
    .filter(({ scenario, what }) => scenario === 'handoff' && what === 'main-thread CPU')
    .map((row) => [row.case, Math.min(...Object.values(SERIALIZERS).map((name) => row.ratios[name] ?? Infinity))]);
  const known = ratios.filter(([, ratio]) => ratio < Infinity);
  if (known.length === 0) throw new Error('the run has no row with the serializers alone: it is older than they are');
  const words = known.map(([name, ratio]) => `${name} ${figure(ratio)}`).join('; ');
  return `Whole exports of Offloop against the faster of both stock serializers alone, times: ${words}.`;
}

function budgetsText(run) {
  const { design, further } = judgeBudgets(run);
  const lines = [...design, ...further].map(({ name, budget, verdict, measured, missed }) => {
    const shown = measured.length <= MOST_SHOWN ? measured : missed;
    return tableLine([name, budget, shown.join('<br>') || `${measured.length} rows`, verdict]);
  });
  const missedRows = run.rows.filter(({ verdict }) => verdict.startsWith('MISSED')).length;
  return [
    `${machineAndBuildText(run.environment)}; ${run.rows.length} rows in ${durationText(run.seconds)}, ${missedRows} missed a target,`,
    `${run.failures.length} failed. ${speedText(run) ?? ''}`,
    '',
    '| budget | target | measured (`!`: the target that was missed) | verdict |',
    '|---|---|---|---|',
    ...lines,
    '',
    serializersText(run),
  ].join('\n');
}

/** Puts `text` between the two marks of a page; returns what was written. */
export function replaceBetween(file, marker, text) {
  const path = join(ROOT, file);
  const old = readFileSync(path, 'utf8');
  const [start, end] = [`<!-- ${marker}:start -->`, `<!-- ${marker}:end -->`];
  const from = old.indexOf(start);
  const to = old.indexOf(end);
  if (from === -1 || to < from) throw new Error(`${file} has no ${start} … ${end}`);
  writeFileSync(path, `${old.slice(0, from + start.length)}\n${text}\n${old.slice(to)}`);
  return `${file} (${marker})`;
}

/** What can be refreshed: the README's table, those of docs/performance.md, and the budgets of the run's Node version. */
const DOCUMENTS = {
  readme: (run) => [replaceBetween('README.md', 'figures', readmeText(run))],
  demo: () => {
    const result = join(ROOT, 'offloop-demo', 'result.json');
    if (!existsSync(result)) throw new Error('offloop-demo/result.json is missing: run `npm start` first');
    return [replaceBetween('docs/performance.md', 'demo', demoText(JSON.parse(readFileSync(result, 'utf8'))))];
  },
  performance: (run) => {
    const major = run.environment.node.slice(1).split('.')[0];
    const written = [replaceBetween('docs/performance.md', `budgets on Node ${major}`, budgetsText(run))];
    if (major === TABLE_NODE) written.push(replaceBetween('docs/performance.md', 'bench', tableText(run)));
    return written;
  },
};

/** What `refreshDocuments` takes. */
export const DOCUMENT_NAMES = Object.keys(DOCUMENTS);

/** Rewrites the named documents from `run`; returns what was written. */
export function refreshDocuments(run, names) {
  return names.flatMap((name) => DOCUMENTS[name](run));
}
