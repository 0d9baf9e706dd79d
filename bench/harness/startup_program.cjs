'use strict';
// The program of the start-up rows: loads an exporter, sends one span, says what that cost, and ends. The SDK is loaded
// before: every program with spans has it. It is CommonJS, so that Node's loader for modules is nobody's bill.

const { readdirSync, readFileSync } = require('node:fs');

const { kind, from, sdk, url, isAtRest, hasSdkProcessor } = JSON.parse(process.argv[2]);
const REST_MILLIS = 300;

const { BasicTracerProvider, BatchSpanProcessor } = require(sdk);
require('@opentelemetry/api');

const cpuMicros = () => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

/** The exporter behind its processor, as a program puts them together; null without one. */
function createProcessor() {
  if (kind === 'none') return null;
  const { OTLPTraceExporter, BatchSpanProcessor: Own } = require(from);
  const Processor = hasSdkProcessor ? BatchSpanProcessor : (Own ?? BatchSpanProcessor);
  return new Processor(new OTLPTraceExporter({ url }));
}

/** Resident pages without a file behind them, and all of the addon's, in MiB: see memory_program.mjs. */
function ownMebibytes() {
  const mappings = readFileSync('/proc/self/smaps', 'utf8').split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/);
  const kibibytes = (mapping, what) => Number(mapping.match(new RegExp(`^${what}:\\s+(\\d+) kB`, 'm'))?.[1] ?? 0);
  const own = (mapping) => kibibytes(mapping, /\.node\n/.test(mapping) ? 'Rss' : 'Anonymous');
  return mappings.reduce((sum, mapping) => sum + own(mapping), 0) / 1024;
}

/** What is resident once everything has been said and done, and the threads that there are then. */
async function atRest() {
  if (process.platform !== 'linux') return {};
  const threads = readdirSync('/proc/self/task').length;
  for (let i = 0; i < 3; i++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, REST_MILLIS / 3));
  }
  return { residentMiB: ownMebibytes(), threads };
}

async function main() {
  const started = cpuMicros();
  const processor = createProcessor();
  const provider = new BasicTracerProvider({ spanProcessors: processor ? [processor] : [] });
  const loaded = cpuMicros();
  const span = provider.getTracer('bench', '1.0').startSpan('GET /api/users/:id', { kind: 1 });
  span.setAttribute('http.request.method', 'GET');
  span.end();
  await provider.forceFlush();
  const flushed = cpuMicros();
  const sample = {
    loadedMillis: (loaded - started) / 1000,
    firstExportMillis: (flushed - loaded) / 1000,
    bothMillis: (flushed - started) / 1000,
    ...(isAtRest && (await atRest())),
  };
  process.stdout.write(JSON.stringify(sample));
}

main();
