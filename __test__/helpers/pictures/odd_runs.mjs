// Owns results that are hard to draw: runs of the benchmark and of the demo with long names, extreme figures and gaps.

import {
  demoName,
  IMPORT_ALONE,
  NO_EXPORTER,
  OTHER,
  OURS,
  STOCK,
  STOCK_PROTOBUFJS,
} from '../../../bench/pictures/palette.mjs';

const ALL = [NO_EXPORTER, OURS, OTHER, IMPORT_ALONE, STOCK, STOCK_PROTOBUFJS];
const LONG = 'a contender with a name that nobody would give to a program, but that some build of a branch may have';
const UNBROKEN = 'WWWWWWWWWWMMMMMMMMMM@@@@@@@@@@%%%%%%%%%%WWWWWWWWWWMMMMMMMMMM';
const WIDE = '東京の観測所 📈📈📈 <&">';

const row = (name, figures, { pick = 'median', unit = 'µs/span' } = {}) => ({
  scenario: '',
  case: name,
  what: 'what',
  unit,
  pick,
  contenders: Object.fromEntries(
    Object.entries(figures).map(([contender, value]) => [
      contender,
      typeof value === 'object' && value !== null ? value : { [pick]: value, min: value, max: value },
    ]),
  ),
  checks: [],
  targets: [],
  ratios: {},
  verdict: 'no target',
});

const same = (value) => Object.fromEntries(ALL.map((name) => [name, value]));

/** Rows of each kind by name. */
const ODD_ROWS = {
  extremes: [
    row('nothing at all', { [OURS]: 0, [STOCK]: 0.001, [STOCK_PROTOBUFJS]: 1_000_000 }),
    row('a value between', { [OURS]: 1, [STOCK]: 999.5, [STOCK_PROTOBUFJS]: 123_456.789 }),
  ],
  gaps: [
    row('one is absent', { [OURS]: { absent: 'not built' }, [STOCK]: 5, [STOCK_PROTOBUFJS]: undefined }),
    row('one has no figure', { [OURS]: null, [STOCK]: Number.NaN, [OTHER]: 3 }),
  ],
  zeros: [row('zero', same(0)), row('below zero', same(-0.4))],
  'equal values': [row('ten', same(10)), row('one', same(1))],
  'a single row': [row('one', { [OURS]: 0.7 })],
  'long names': [
    row(`${LONG}, ${UNBROKEN}`, { [LONG]: 3, [UNBROKEN]: 1_000_000, [OURS]: 0.001 }),
    row(WIDE, { [LONG]: 3, [OURS]: 0.001 }),
  ],
  'wide letters': [row(WIDE, { [WIDE]: 40, [STOCK]: 1 })],
};

const counted = (rows) => rows.map((each) => ({ ...each, unit: 'of 1,000,000 spans' }));

const DRAWN = [
  ['handoff', 'mainMicrosPerSpan', (rows) => rows],
  ['handoff', 'longestSliceMillis', (rows) => rows.map((each) => ({ ...each, unit: 'ms' }))],
  ['export', 'mainMicrosPerSpan', (rows) => rows],
  ['delivery', 'delivered', counted],
  ['exit', 'delivered', counted],
];

const lane = (...delayMillis) => ({ timeline: { bucketMillis: 50, delayMillis } });

const ODD_LANES = {
  extremes: { [NO_EXPORTER]: lane(0, 0.001, 3), [OURS]: lane(...Array(90).fill(0.5)), [STOCK]: lane(1_000_000, 3) },
  gaps: { [OURS]: { absent: 'not built' }, [STOCK]: lane(), [STOCK_PROTOBUFJS]: lane(4) },
  zeros: { [OURS]: lane(0, 0, 0) },
  'equal values': Object.fromEntries(ALL.map((name) => [name, lane(...Array(60).fill(12))])),
  'a single row': { [STOCK]: lane(...Array(2_000).fill(7)) },
  'long names': { [LONG]: lane(12_345.678, 2), [UNBROKEN]: lane(1_000_000) },
  'wide letters': { [WIDE]: lane(1), [STOCK]: lane(0.4) },
};

const environment = {
  date: '2026-11-30T00:00:00.000Z',
  node: 'v20.20.2',
  cpu: UNBROKEN,
  cores: 2,
  platform: 'linux x64',
  commit: '0000000',
  versions: { [LONG]: '1.0.0' },
};

/** `[name, run]` of the benchmark. */
export const ODD_RUNS = Object.entries(ODD_ROWS).map(([name, rows]) => [
  name,
  {
    environment,
    clock: 'a clock',
    rows: DRAWN.flatMap(([scenario, metric, units]) => units(rows).map((each) => ({ ...each, scenario, metric }))),
    cases: [{ scenario: 'pg', case: name, results: ODD_LANES[name] }],
    failures: [],
  },
]);

const PHASES = { none: 'none', stock: 'stock', 'offloop-http': 'offloop', 'offloop-file': 'offloop-file' };

/** What `npm start` leaves, with a timeline of `delays` in each phase, and blocks as long as their longest. */
export function demoResult(delays, secondsWithDrain = 15.2) {
  const ids = Object.keys(PHASES);
  const worst = Math.max(...delays);
  const rows = ids.map((id, nth) => ({
    id,
    title: demoName(PHASES[id]),
    requests: 10,
    requestErrors: 0,
    requestsPerSecond: 179,
    latencyP99Millis: worst,
    delayP50Millis: 0.1,
    delayP99Millis: worst,
    delayMaxMillis: worst,
    longestBlockMillis: worst / (nth + 1),
    mostCpuBetweenTicksMillis: 3 * worst,
    mainThreadPercent: 25,
    mainThreadMillisPerRequest: worst,
    exporterMillisPerRequest: nth === 0 ? 0 : worst,
    processMillisPerRequest: worst,
    peakMemoryMiB: 120,
    ended: 1_000_000,
    delivered: id === 'none' ? null : 1_000_000,
    duplicates: 0,
    undecodable: 0,
  }));
  const service = {
    timelineMillis: delays,
    bucketMillis: 100,
    seconds: secondsWithDrain - 0.2,
    secondsWithDrain,
    mainThreadCpuExact: true,
    mainThreadCpuSource: 'a clock',
    exporterName: '@opentelemetry/exporter-trace-otlp-proto 0.223.1',
    processorName: 'BatchSpanProcessor of @opentelemetry/sdk-trace-base 2.12.1',
    options: 'url; everything else at its default',
    flush: { outcome: 'done', millis: 12 },
    shutdown: { outcome: 'done', millis: 1 },
    diagnostics: { [`${UNBROKEN} was dropped`]: 3 },
  };
  const results = rows.map(({ id, title }) => ({
    id,
    title,
    service,
    delivery: { lines: 1_000_000, bytes: 1e9, files: 10 },
  }));
  const attributes = {
    'event_loop.block.duration_ms': 1_001.3,
    'code.function.name': 'monthlyReport',
    'code.file.path': `/${UNBROKEN}/service.js`,
    'code.line.number': 28,
    'code.stacktrace': `    at monthlyReport (/${UNBROKEN}/${UNBROKEN}/service.js:28:5)`,
  };
  return {
    run: {
      startedAt: '2026-11-30T00:00:00.000Z',
      seconds: 15,
      warmupSeconds: 2,
      load: { connections: 20, requestsPerSecond: 180 },
      offloop: '0.1.0',
      machine: { node: 'v20.20.2', platform: 'linux x64', processor: UNBROKEN, memoryGiB: 8 },
    },
    rows,
    results,
    block: { name: 'event-loop-blocked', attributes, parentName: 'GET /report', reportedWhileOngoing: true },
  };
}

/** `[name, result]` of the demo. */
export const ODD_DEMOS = [
  ['usual', demoResult(Array.from({ length: 152 }, (_, nth) => (nth % 50 === 0 ? 93.3 : 2)))],
  ['zeros', demoResult([0, 0, 0, 0], 0.4)],
  ['extremes', demoResult([0.001, 1_000_000, 3], 600)],
];
