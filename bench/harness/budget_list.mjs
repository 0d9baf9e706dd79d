// Owns the list of budgets: which rows show each of them, and what counts there. Refuses to judge: that is budgets.mjs.
import { STOCK, serializerAlone } from './contenders.mjs';

/** What tells the speed of a machine. */
export const STOCK_SERIALIZER = serializerAlone(STOCK);

const STOCK_TARGET = /x stock 0\.223\S*$/;
const ABSOLUTE_TARGET = /^[≤≥] [\d,.]+$/;
export const FASTER_TARGET = /faster stock exporter/;

/**
 * `rows` picks them by scenario, what is measured and (optionally) case; `target` picks the checks that count;
 * `isSpeed` is for times that a slower machine stretches; `show` names a contender whose figure is told beside ours.
 */
export const DESIGN_BUDGETS = [
  {
    name: 'main-thread cost per span: 8 attributes, 20 attributes, 2 x 16 KB',
    budget: '≤ 0.5 / 1.5 / 6 µs on Node 24, ≤ 0.8 / 2.1 / 9 on Node 20',
    rows: { scenario: 'handoff', what: 'main-thread CPU', cases: ['8 attributes', '20 attributes', '2 x 16 KB'] },
    target: ABSOLUTE_TARGET,
    isSpeed: true,
    show: STOCK_SERIALIZER,
  },
  {
    name: 'longest main-thread slice of up to 512 spans x 32 attributes',
    budget: '≤ 2 ms',
    rows: { scenario: /^(handoff|export|grpc|file)$/, what: 'longest slice' },
    target: ABSOLUTE_TARGET,
    isSpeed: true,
  },
  {
    name: '… linear above',
    budget: '≤ 2.3 per doubling',
    rows: { scenario: 'scaling', what: 'main-thread time, doubled' },
    target: ABSOLUTE_TARGET,
  },
  {
    name: 'whole main thread per export, HTTP included, against the stock exporter',
    budget: '≤ 1/8 small, ≤ 1/7 medium, ≤ 1/30 large',
    rows: { scenario: 'export', what: 'main-thread CPU' },
    target: STOCK_TARGET,
  },
  {
    name: 'total process CPU per span against the stock exporter',
    budget: '≤ 1/2 small, ≤ 1/4 large',
    rows: { scenario: 'export', what: 'whole-process CPU' },
    target: STOCK_TARGET,
  },
  {
    name: 'record/replay export of 512 x 45 KB to files against v0.1.45 (3067 and 3384 ms elsewhere)',
    budget: 'main thread ≤ 1/100, process ≤ 1/5',
    rows: { scenario: 'tusk', what: /CPU$/, cases: ['files'] },
    target: ABSOLUTE_TARGET,
    show: 'published SDK 0.1.27',
  },
  {
    name: 'sustained without a drop',
    budget: '≥ 100,000 small spans/s, ≥ 30,000/s with a 100 ms collector',
    rows: { scenario: 'sustained', what: 'rate without a drop' },
    target: ABSOLUTE_TARGET,
  },
  {
    name: 'memory: before the first span, 30 s after the last, under an outage',
    budget: '≤ 4 MB, ≤ 12 MB, growth ≤ queue.maxBytes',
    rows: { scenario: 'footprint', what: 'resident set, grown' },
    target: ABSOLUTE_TARGET,
  },
  {
    name: 'addon size, runtime npm dependencies',
    budget: '≤ 5 MB, none',
    rows: { scenario: 'footprint', what: /^(size|runtime npm dependencies)$/ },
    target: ABSOLUTE_TARGET,
  },
];

/** What is promised beside the budgets. */
export const FURTHER_BUDGETS = [
  {
    name: 'against the faster of the two stock exporters: main thread of every hand-off and whole-export row',
    budget: '≥ 4x',
    rows: { scenario: /^(handoff|export)$/, what: 'main-thread CPU' },
    target: FASTER_TARGET,
  },
  {
    name: '… of every other row that exports: sustained, threads, files, a processor over its span',
    budget: '≥ 4x',
    rows: { scenario: /^(sustained|threads|file|end)$/, what: /CPU|processor and exporter/ },
    target: FASTER_TARGET,
  },
  {
    name: 'files with two payloads of 45 KB per request: process CPU against stock protobuf over HTTP',
    budget: '≤ 1/2',
    rows: { scenario: 'file', what: /^whole-process CPU/ },
    target: STOCK_TARGET,
  },
  {
    name: 'hand-off: whole export against the serializer of stock 0.223.1 alone',
    budget: '≥ 4x, 6x on Node 24; ≥ 20x from 2 x 4 KB on',
    rows: { scenario: 'handoff', what: 'main-thread CPU' },
    target: /x stock .* serializer$/,
  },
  {
    name: 'over gRPC: whole main thread per export against the stock exporter',
    budget: '≤ 1/8 small, ≤ 1/20 large',
    rows: { scenario: 'grpc', what: 'main-thread CPU' },
    target: STOCK_TARGET,
  },
  {
    name: '… total process CPU per span against the stock exporter',
    budget: '≤ 1/2',
    rows: { scenario: 'grpc', what: 'whole-process CPU' },
    target: STOCK_TARGET,
  },
  {
    name: '… sustained with a 100 ms collector over one connection',
    budget: '≥ 30,000 spans/s, none lost',
    rows: { scenario: 'grpc', what: /^(rate without a drop|spans lost|connections)$/ },
    target: ABSOLUTE_TARGET,
    show: STOCK,
  },
  {
    name: 'pg workload: longest stall, p99.9 and pool time-outs against no exporter',
    budget: '≤ + 5 ms, ≤ + 5 ms, no more',
    rows: { scenario: 'pg' },
    target: /no exporter/,
  },
  {
    name: 'pg workload: CPU per request over no exporter, main thread and whole process, against the stock exporter',
    budget: '≤ 1/4',
    rows: { scenario: 'pg', what: /CPU over no exporter$/ },
    target: /x (stock 0\.223\S*|record\/replay .*)$/,
  },
  {
    name: 'pg workload and full HTTP load: spans lost',
    budget: 'none',
    rows: { scenario: /^(pg|service)$/, what: 'spans lost' },
    target: ABSOLUTE_TARGET,
    show: STOCK,
  },
  {
    name: '300 spans, then the program ends: natural end, process.exit(), uncaught throw, SIGTERM',
    budget: '300 each',
    rows: { scenario: 'exit', what: 'delivered' },
    target: ABSOLUTE_TARGET,
    show: STOCK,
  },
  {
    name: 'burst of 10,000 spans, 10,000 spans/s against a 100 ms collector, 2 s of 503',
    budget: 'all delivered',
    rows: { scenario: 'delivery', what: 'delivered' },
    target: ABSOLUTE_TARGET,
    show: STOCK,
  },
  {
    name: 'spans that ended just before the loop was blocked for 2 s',
    budget: 'arrive during the block',
    rows: { scenario: 'blocked' },
    target: ABSOLUTE_TARGET,
    show: STOCK,
  },
  {
    name: 'HTTP service at full load: throughput and latency p99 against the stock exporters',
    budget: '≥ 1x',
    rows: { scenario: 'service' },
    target: /x stock/,
  },
  {
    name: 'pauses of the garbage collector by processor, per 100,000 spans',
    budget: "no more than stock's",
    rows: { scenario: 'garbage', what: 'pauses, sum' },
    target: /x stock/,
  },
  {
    name: 'record/replay: longest slice of 512 x 45 KB',
    budget: '≤ 2 ms',
    rows: { scenario: 'tusk', what: 'longest slice' },
    target: ABSOLUTE_TARGET,
    isSpeed: true,
  },
  {
    name: 'event-loop monitor, on against off',
    budget: '≤ + 5 ns per await, 50 ns per turn, 3 µs per request; idle 0.1 % of a core, no wake-up',
    rows: { scenario: 'monitor' },
    target: /monitor off/,
  },
  {
    name: 'start-up: CPU of loading and of the first export together; resident set at rest over no exporter',
    budget: '≤ 15 ms, ≤ 3 MB',
    rows: { scenario: 'startup' },
    target: ABSOLUTE_TARGET,
    show: STOCK,
  },
  {
    name: 'download: root package, addon with gzip',
    budget: '≤ 220 KB, ≤ 2.6 MB',
    rows: { scenario: 'footprint', case: 'packed' },
    target: ABSOLUTE_TARGET,
  },
];
