// What the rounds of the in-situ benchmark say, as text for a terminal and as the table of docs/performance.md.
import { replaceBetween } from '../harness/documents.mjs';
import { barChart } from '../pictures/bar_chart.mjs';
import { NO_EXPORTER, OTHER, OURS, STOCK, STOCK_PROTOBUFJS } from '../pictures/palette.mjs';

const SPANS_PER_REQUEST = 4;
const HEAD = ['', 'main thread, µs/span', 'process, µs/span', `requests/s of ${NO_EXPORTER}'s`];

function quantile(numbers, share) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const low = Math.floor(at);
  return sorted[low] + (sorted[Math.ceil(at)] - sorted[low]) * (at - low);
}

const median = (numbers) => quantile(numbers, 0.5);

function spread(numbers) {
  const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => quantile(numbers, share).toFixed(2));
  return `${middle} [${low}, ${high}]`;
}

/** The figures of a contender per span and round, over those of the service without an exporter in the same round. */
function over({ contenders, results }, name, metric) {
  const [base] = results;
  const samples = results[contenders.indexOf(name)];
  return samples.map((sample, nth) => (sample[metric] - base[nth][metric]) / SPANS_PER_REQUEST);
}

function rows(run) {
  const [base] = run.results;
  return run.contenders.slice(1).map((name) => {
    const samples = run.results[run.contenders.indexOf(name)];
    const share = samples.map((sample, nth) => sample.requestsPerSecond / base[nth].requestsPerSecond);
    return [name, spread(over(run, name, 'main')), spread(over(run, name, 'process')), spread(share)];
  });
}

function conditions({ node, cores, connections, pauseMillis, rounds }) {
  const form = pauseMillis > 0 ? `a request per ${pauseMillis} ms and connection` : 'saturated';
  return (
    `Node ${node}, ${cores} cores shared by services, load and receiver; ${connections} connections, ${form}; ` +
    `a server span and 3 spans of 8 attributes per request; median [quartiles] of ${rounds} rounds`
  );
}

/** What the others are measured against, per request and not per span. */
function baseText({ results: [base] }) {
  const raw = (metric) => median(base.map((sample) => sample[metric]));
  return (
    `${NO_EXPORTER}: ${raw('main').toFixed(1)} µs of the main thread and ${raw('process').toFixed(1)} of the process per request, ` +
    `${raw('requestsPerSecond').toFixed(0)} requests/s`
  );
}

/** How many times the main thread of a stock exporter's service pays what ours does. */
function ratioText(run) {
  const pays = (name) => median(over(run, name, 'main'));
  const stock = [STOCK, STOCK_PROTOBUFJS].filter((name) => run.contenders.includes(name));
  if (!run.contenders.includes(OURS) || stock.length === 0) return '';
  return `Main thread, times ours: ${stock.map((name) => `${name} ${(pays(name) / pays(OURS)).toFixed(1)}`).join(', ')}`;
}

/** What each exporter costs, as a chart; the control and the busy worker are there to judge the figures, and stay out. */
export function asChart(run) {
  const drawn = [OURS, OTHER, STOCK, STOCK_PROTOBUFJS].filter((name) => run.contenders.includes(name));
  const row = (words, metric) => ({
    case: words,
    unit: 'µs/span',
    pick: 'median',
    contenders: Object.fromEntries(drawn.map((name) => [name, { median: median(over(run, name, metric)) }])),
  });
  const title = `CPU of an HTTP service over the same service with ${NO_EXPORTER}`;
  return barChart(title, [row('main thread', 'main'), row('whole process', 'process')], { better: 'less' });
}

export function asText(run) {
  const lines = [HEAD, ...rows(run)].map((cells) =>
    cells
      .map((cell) => cell.padEnd(25))
      .join('')
      .trimEnd(),
  );
  return [conditions(run), '', baseText(run), '', ...lines, '', ratioText(run)].join('\n');
}

/** Rewrites the table of this Node version in docs/performance.md; returns what was written. */
export function refresh(run) {
  const major = run.node.slice(1).split('.')[0];
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const table = [line(HEAD), '|---|--:|--:|--:|', ...rows(run).map(line)];
  const text = [`${conditions(run)}. ${baseText(run)}.`, '', ...table, '', `${ratioText(run)}.`].join('\n');
  return replaceBetween('docs/performance.md', `in situ on Node ${major}`, text);
}
