// Spans into OTLP/JSON lines on disk: FileSpanExporter against the stock JSON serializer with fs.appendFile.
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { countSpanFiles } from '../../demo/span_files.mjs';
import {
  exportedSpans,
  FOUR_TIMES,
  NO_EXPORTER,
  offloop,
  offloopBuilds,
  offloopMissing,
  OTHER,
  OURS,
  STOCK,
  STOCK_PROTOBUFJS,
  stock,
} from '../harness/contenders.mjs';
import { longestSliceMillis, measure } from '../harness/meter.mjs';
import { costPerRequest, createOrders, SPANS_PER_ROUND } from '../harness/orders.mjs';
import { startReceiver } from '../harness/receiver.mjs';
import { calibrate } from '../harness/rounds.mjs';
import { makeSpans } from '../harness/spans.mjs';

const require = createRequire(import.meta.url);

export const name = 'file';
export const title = 'File sink: OTLP/JSON lines, batches of 512';
export const heavy = false;

const SPANS = 512;
const SHAPES = [
  { size: 'small', attributes: 8, textLength: 24 },
  { size: 'large', attributes: 2, textLength: 16_384, most: 8 },
];

function fileCost(contenderName, absent, shape, open, sdk = 2) {
  return {
    name: contenderName,
    absent,
    async setUp() {
      const directory = mkdtempSync(join(tmpdir(), 'offloop-bench-'));
      const sink = open(directory);
      const spans = makeSpans({ count: SPANS, ...shape, sdk });
      const repeat = await calibrate(() => sink.write(spans), { most: shape.most });
      return { directory, sink, spans, repeat };
    },
    async body(_round, { directory, sink, spans, repeat }) {
      const { mainMicros, processMicros } = await measure(() => sink.write(spans), repeat);
      const slice = await longestSliceMillis(() => sink.write(spans));
      const files = readdirSync(directory).map((file) => join(directory, file));
      if (files.reduce((bytes, file) => bytes + statSync(file).size, 0) === 0) throw new Error('nothing was written');
      return {
        mainMicrosPerSpan: mainMicros / repeat / SPANS,
        processMicrosPerSpan: processMicros / repeat / SPANS,
        longestSliceMillis: slice,
      };
    },
    async tearDown({ directory, sink }) {
      await sink.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function openOurs(root) {
  return (directory) => {
    const exporter = new (offloop(root).FileSpanExporter)({ directory, format: 'otlp-json' });
    return { write: (spans) => exportedSpans(exporter, spans), close: () => exporter.shutdown() };
  };
}

const openStock = (transformer) => (directory) => {
  const { JsonTraceSerializer } = require(transformer);
  const file = join(directory, 'traces.jsonl');
  let bytes = 0;
  return {
    async write(spans) {
      const line = Buffer.concat([JsonTraceSerializer.serializeRequest(spans), Buffer.from('\n')]);
      bytes += line.length;
      if (bytes > 256 * 2 ** 20) {
        rmSync(file, { force: true }); // ours rotates and keeps ten files: nobody fills the disk
        bytes = 0;
      }
      await appendFile(file, line);
    },
    async close() {},
  };
};

/** The demo's requests behind a processor; `open()` gives `{ processor, arrived(), close() }`. */
function orders(contenderName, absent, sdk, open) {
  return {
    name: contenderName,
    absent,
    async setUp() {
      const destination = await open();
      return { destination, orders: createOrders(sdk(), destination.processor), rounds: 0 };
    },
    async body(_round, state) {
      const cost = await costPerRequest(state.orders);
      state.rounds += 1;
      const due = state.rounds * SPANS_PER_ROUND;
      const arrived = await state.destination.arrived(due);
      if (arrived !== due) throw new Error(`${arrived} of ${due} spans arrived`);
      return cost;
    },
    async tearDown({ destination, orders: { provider } }) {
      await provider.shutdown();
      destination.close();
    },
  };
}

const toNobody = async () => ({ processor: null, arrived: async (due) => due, close() {} });

const toFiles = (root) => async () => {
  const directory = mkdtempSync(join(tmpdir(), 'offloop-bench-'));
  const { BatchSpanProcessor, FileSpanExporter } = offloop(root);
  return {
    processor: new BatchSpanProcessor(new FileSpanExporter({ directory })),
    arrived: async () => (await countSpanFiles(directory)).spans,
    close: () => rmSync(directory, { recursive: true, force: true }),
  };
};

const toReceiver = (line) => async () => {
  const receiver = await startReceiver({ countSpans: true });
  const { BatchSpanProcessor } = line.sdkModule();
  return {
    processor: new BatchSpanProcessor(line.exporter({ url: receiver.url })),
    arrived: async () => (await receiver.totals()).spans,
    close: () => receiver.stop(),
  };
};

function demoCase() {
  const above = { [OURS]: NO_EXPORTER, [OTHER]: NO_EXPORTER, [STOCK]: NO_EXPORTER, [STOCK_PROTOBUFJS]: NO_EXPORTER };
  const { sdkModule } = stock[STOCK];
  const row = (what, metric, more) => ({ what, unit: 'ms/request', metric, subject: OURS, ...more });
  return {
    name: 'two payloads of 45 KB per request',
    note: "the demo's requests (npm start), in one process: Offloop to files, stock as protobuf over HTTP; batch processors with default settings",
    contenders: [
      orders(NO_EXPORTER, null, sdkModule, toNobody),
      ...offloopBuilds().map(([build, root]) => orders(build, offloopMissing(root), sdkModule, toFiles(root))),
      ...Object.entries(stock).map(([line, each]) => orders(line, null, each.sdkModule, toReceiver(each))),
    ],
    rows: [
      row('whole-process CPU', 'processMillisPerRequest', { timesBetter: { [STOCK]: 2 } }),
      row('whole-process CPU over no exporter', 'processMillisPerRequest', { above, timesBetter: { [STOCK]: 2 } }),
      row('main-thread CPU over no exporter', 'mainMillisPerRequest', { above }),
    ],
  };
}

/** The rows of this scenario. */
export function cases() {
  return [...SHAPES.map(batchesOf), demoCase()];
}

function batchesOf(shape) {
  return {
    name: shape.size,
    heavy: shape.size === 'large',
    contenders: [
      ...offloopBuilds().map(([build, root]) => {
        const absent = offloopMissing(root) ?? (offloop(root).FileSpanExporter ? null : 'no FileSpanExporter yet');
        return fileCost(build, absent, shape, openOurs(root));
      }),
      fileCost(STOCK, null, shape, openStock('@opentelemetry/otlp-transformer')),
      fileCost(STOCK_PROTOBUFJS, null, shape, openStock('otlp-transformer-1x'), 1),
    ],
    rows: [
      {
        what: 'main-thread CPU',
        unit: 'µs/span',
        metric: 'mainMicrosPerSpan',
        subject: OURS,
        timesFaster: FOUR_TIMES,
      },
      { what: 'whole-process CPU', unit: 'µs/span', metric: 'processMicrosPerSpan', subject: OURS },
      { what: 'longest slice', unit: 'ms', metric: 'longestSliceMillis', pick: 'min', subject: OURS, atMost: 2 },
    ],
  };
}
