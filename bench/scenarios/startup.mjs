// What a program pays before it has done anything: a fresh process loads an exporter, sends one span, and ends.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import {
  IMPORT_ALONE,
  NO_EXPORTER,
  OTHER,
  OURS,
  offloopBuilds,
  offloopMissing,
  ROOT,
  STOCK,
  STOCK_PROTOBUFJS,
} from '../harness/contenders.mjs';
import { startReceiver } from '../harness/receiver.mjs';
import { summarize } from '../harness/statistics.mjs';

export const name = 'startup';
export const title = 'Start-up: a fresh process that loads an exporter, sends one span, and ends';
export const heavy = false;

const PROGRAM = fileURLToPath(new URL('../harness/startup_program.cjs', import.meta.url));
/** Processes per sample, of which it has the medians; what is resident differs little from one to the next. */
const STARTS = 5;
const STARTS_AT_REST = 1;
const NO_EXPORTER_1X = `${NO_EXPORTER}, SDK 1.x`;
const SDK = { 2: '@opentelemetry/sdk-trace-base', 1: 'sdk-trace-1x' };

/** Runs the program once; `wallMillis` is from its start to its end, Node's own start included. */
function runOnce(settings) {
  return new Promise((settle, reject) => {
    const startedAt = performance.now();
    const child = spawn(process.execPath, ['--expose-gc', PROGRAM, JSON.stringify(settings)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      const wallMillis = performance.now() - startedAt;
      if (code === 0) settle({ ...JSON.parse(text), wallMillis });
      else reject(new Error(`the program ended with ${code}`));
    });
  });
}

async function medians(settings, starts) {
  const samples = [];
  for (let nth = 0; nth < starts; nth++) samples.push(await runOnce(settings));
  const medianOf = (metric) => summarize(samples.map((sample) => sample[metric])).median;
  return Object.fromEntries(Object.keys(samples[0]).map((metric) => [metric, medianOf(metric)]));
}

function contender({ name: who, absent = null, from, sdk = 2, hasSdkProcessor }, isAtRest) {
  const kind = from === undefined ? 'none' : 'exporter';
  const starts = isAtRest ? STARTS_AT_REST : STARTS;
  return {
    name: who,
    absent,
    setUp: () => startReceiver({ countSpans: true }),
    async body(_round, receiver) {
      await receiver.reset();
      const sample = await medians({ kind, from, sdk: SDK[sdk], url: receiver.url, isAtRest, hasSdkProcessor }, starts);
      const { spans } = await receiver.totals();
      const due = kind === 'none' ? 0 : starts;
      if (spans !== due) throw new Error(`${spans} of ${due} spans arrived`);
      return sample;
    },
    tearDown: (receiver) => receiver.stop(),
  };
}

const contenders = (isAtRest) =>
  [
    { name: NO_EXPORTER },
    { name: NO_EXPORTER_1X, sdk: 1 },
    ...offloopBuilds().map(([build, root]) => ({
      name: build,
      absent: offloopMissing(root),
      from: join(root, 'index.js'),
    })),
    { name: IMPORT_ALONE, absent: offloopMissing(), from: join(ROOT, 'index.js'), hasSdkProcessor: true },
    { name: STOCK, from: '@opentelemetry/exporter-trace-otlp-proto' },
    { name: STOCK_PROTOBUFJS, from: 'otlp-proto-1x', sdk: 1 },
  ].map((each) => contender(each, isAtRest));

const above = {
  [OURS]: NO_EXPORTER,
  [OTHER]: NO_EXPORTER,
  [IMPORT_ALONE]: NO_EXPORTER,
  [STOCK]: NO_EXPORTER,
  [STOCK_PROTOBUFJS]: NO_EXPORTER_1X,
};

/** The rows of this scenario. */
export function cases() {
  const row = (what, unit, metric, more) => ({ what, unit, metric, subject: OURS, ...more });
  return [
    {
      name: 'one span',
      limitSeconds: 300,
      note: `medians of ${STARTS} processes per round; the SDK is loaded before the clock runs; CPU of all threads`,
      contenders: contenders(false),
      rows: [
        row('CPU until loaded', 'ms', 'loadedMillis'),
        row('CPU of the first export', 'ms', 'firstExportMillis'),
        row('both together', 'ms', 'bothMillis', { atMost: 15 }),
        row('cold start, wall time', 'ms', 'wallMillis'),
      ],
    },
    {
      name: 'at rest after one span',
      warmUpRounds: 0,
      note: 'over the same program without exporter; pages without a file behind them, and all of the addon',
      contenders: contenders(true),
      rows: [
        row('resident set, grown', 'MiB', 'residentMiB', { above, atMost: 3 }),
        row('threads, more', '', 'threads', { above }),
      ],
    },
  ];
}
