// Main-thread CPU per span of handing one batch over, by shape: of whole exports to a second process for all, and of the
// stock serializers alone, which is what an exporter does before it sends anything.

import {
  COPYING_ALONE,
  exported,
  exporters,
  FOUR_TIMES,
  OURS,
  STOCK,
  STOCK_PROTOBUFJS,
  serializerAlone,
  stock,
} from '../harness/contenders.mjs';
import { collectAllGarbage, longestSliceMillis, measure } from '../harness/meter.mjs';
import { startReceiver } from '../harness/receiver.mjs';
import { calibrate } from '../harness/rounds.mjs';
import { makeSpans } from '../harness/spans.mjs';

export const name = 'handoff';
export const title = 'Hand-off: main-thread CPU per span of whole exports, batches of 512';
export const heavy = false;

const SPANS = 512;
const MEBIBYTE = 2 ** 20;
/** Exports whose longest slice is looked for in one round. */
const SLICE_EXPORTS = 3;
/** Texts from here on are bound by memory: their rows show the copy by itself. */
const LONG_TEXT = 1024;

/** Budgets (µs of main-thread CPU per span) and ratios to the stock exporter that have to be met, by Node generation. */
const budget = (node20, node24) => ({ 20: node20, 24: node24 });
// Fewer spans than 512 where 512 are over the request cap of 64 MiB, which stock exporters do not have.
const SHAPES = [
  { name: '8 attributes', attributes: 8, textLength: 24, budget: budget(0.8, 0.5), ratio: { 20: 4, 24: 6 } },
  { name: '20 attributes', attributes: 20, textLength: 40, budget: budget(2.1, 1.5), ratio: { 20: 4, 24: 6 } },
  { name: '2 x 4 KB', attributes: 2, textLength: 4096, ratio: { 20: 20, 24: 20 }, heavy: true },
  { name: '2 x 16 KB', attributes: 2, textLength: 16_384, budget: budget(9, 6), ratio: { 20: 20, 24: 20 } },
  {
    name: '2 x 64 KB',
    attributes: 2,
    textLength: 65_536,
    ratio: { 20: 20, 24: 20 },
    queueMebibytes: 320,
    spans: 508,
    heavy: true,
  },
  { name: '8 attributes, 1/8 non-ASCII', attributes: 8, textLength: 24, content: 'eighth-non-ascii' },
  { name: '20 attributes, 1/8 non-ASCII', attributes: 20, textLength: 40, content: 'eighth-non-ascii', heavy: true },
  {
    name: '2 x 16 KB, all non-ASCII',
    attributes: 2,
    textLength: 16_384,
    content: 'non-ascii',
    queueMebibytes: 128,
    heavy: true,
  },
  { name: '20 attributes, ropes', attributes: 20, textLength: 40, content: 'rope', fresh: true },
  { name: '2 x 16 KB, ropes', attributes: 2, textLength: 16_384, content: 'rope', fresh: true, heavy: true },
  { name: '8 attributes, fresh spans', attributes: 8, textLength: 24, fresh: true },
  {
    name: '8 attributes, child spans, 2 events',
    attributes: 8,
    textLength: 24,
    children: true,
    events: 2,
    heavy: true,
  },
  { name: '32 attributes', attributes: 32, textLength: 40 },
  { name: '32 x 40, all non-ASCII', attributes: 32, textLength: 40, content: 'non-ascii', heavy: true },
  { name: '32 x 1 KB', attributes: 32, textLength: 1024, heavy: true },
  { name: '32 x 4 KB', attributes: 32, textLength: 4096, queueMebibytes: 256, spans: 500, heavy: true },
];

/** The column of a table by Node generation: odd ones are judged as the release line before them. */
function byNode(table, major = Number(process.versions.node.split('.')[0])) {
  return table && (major >= 24 ? table[24] : table[20]);
}

/**
 * Batches for `repeat` exports: the same objects each time, or new ones where reading changes them. Who uses new ones keeps
 * an old one, as a service has spans at any time: once there are none, V8 forgets their shape and the code made for it.
 */
function batchSource(shape, sdk) {
  const make = () => makeSpans({ count: shape.spans ?? SPANS, ...shape, sdk });
  if (!shape.fresh) {
    const spans = make();
    return () => [spans];
  }
  return async (repeat) => {
    const batches = Array.from({ length: repeat }, make);
    await collectAllGarbage(); // ages the new spans: moving them is the SDK's bill, not the reader's
    return batches;
  };
}

/** Whole exports, from `export()` to its callback: all that the main thread pays for a batch. */
function wholeExport({ name: contenderName, absent, sdk, create }, shape) {
  const spansPerBatch = shape.spans ?? SPANS;
  return {
    name: contenderName,
    absent,
    async setUp() {
      const receiver = await startReceiver();
      const queue = shape.queueMebibytes && { maxBytes: shape.queueMebibytes * MEBIBYTE };
      const exporter = create({ url: receiver.url, timeoutMillis: 30_000 }, queue ? { queue } : {});
      const batches = batchSource(shape, sdk);
      const warm = (await batches(1))[0];
      const repeat = await calibrate(() => exported(exporter, warm), { most: shape.fresh ? 12 : 400 });
      return { receiver, exporter, batches, repeat, warm };
    },
    async body(_round, { receiver, exporter, batches, repeat }) {
      let made = await batches(repeat);
      await receiver.reset();
      const { mainMicros } = await measure((i) => exported(exporter, made[i % made.length]), repeat);
      const { requests } = await receiver.totals();
      if (requests !== repeat) throw new Error(`${requests} requests for ${repeat} exports`);
      const sliceExports = contenderName.startsWith('stock') ? 1 : SLICE_EXPORTS; // its large ones take half a second
      made = await batches(sliceExports);
      let longest = 0;
      for (let i = 0; i < sliceExports; i++) {
        const slice = await longestSliceMillis(() => exported(exporter, made[i % made.length]));
        longest = Math.max(longest, slice);
      }
      return { mainMicrosPerSpan: mainMicros / repeat / spansPerBatch, longestSliceMillis: longest };
    },
    async tearDown({ exporter, receiver }) {
      await exporter.shutdown();
      receiver.stop();
    },
  };
}

function stockSerializer(stockName, shape) {
  const { sdk, serializer } = stock[stockName];
  const spansPerBatch = shape.spans ?? SPANS;
  return {
    name: serializerAlone(stockName),
    async setUp() {
      const { serializeRequest } = serializer();
      const batches = batchSource(shape, sdk);
      const warm = (await batches(1))[0];
      const repeat = await calibrate(() => void serializeRequest(warm), { most: shape.fresh ? 12 : 400 });
      return { serializeRequest, batches, repeat, warm };
    },
    async body(_round, { serializeRequest, batches, repeat }) {
      const made = await batches(repeat);
      let bytes = 0;
      const serialize = (i) => {
        bytes += serializeRequest(made[i % made.length]).length;
      };
      const { mainMicros } = await measure(serialize, repeat);
      if (bytes === 0) throw new Error('nothing was serialized');
      const again = (await batches(1))[0];
      const longest = await longestSliceMillis(() => void serializeRequest(again));
      return { mainMicrosPerSpan: mainMicros / repeat / spansPerBatch, longestSliceMillis: longest };
    },
  };
}

/** What no way of handing texts over can be faster than: each text copied once into memory of a whole batch. */
function copyingAlone(shape) {
  const spans = shape.spans ?? SPANS;
  return {
    name: COPYING_ALONE,
    async setUp() {
      const batch = makeSpans({ count: spans, ...shape });
      const memory = Buffer.alloc(spans * shape.attributes * shape.textLength);
      const copy = () => {
        let at = 0;
        for (const { attributes } of batch) {
          for (const key in attributes) {
            const value = attributes[key];
            if (typeof value === 'string') at += memory.latin1Write(value, at);
          }
        }
      };
      return { copy, repeat: await calibrate(copy, { most: 400 }) };
    },
    async body(_round, { copy, repeat }) {
      const { mainMicros } = await measure(copy, repeat);
      return { mainMicrosPerSpan: mainMicros / repeat / spans, longestSliceMillis: await longestSliceMillis(copy) };
    },
  };
}

/** The rows of this scenario. */
export function cases() {
  return SHAPES.map((shape) => ({
    name: shape.name,
    heavy: shape.heavy,
    note: notes(shape),
    contenders: [
      ...exporters().map((exporter) => wholeExport(exporter, shape)),
      stockSerializer(STOCK, shape),
      stockSerializer(STOCK_PROTOBUFJS, shape),
      ...(shape.textLength >= LONG_TEXT && !shape.content ? [copyingAlone(shape)] : []),
    ],
    rows: [
      {
        what: 'main-thread CPU',
        unit: 'µs/span',
        metric: 'mainMicrosPerSpan',
        subject: OURS,
        atMost: byNode(shape.budget),
        timesBetter: shape.ratio ? { [serializerAlone(STOCK)]: byNode(shape.ratio) } : {},
        timesFaster: FOUR_TIMES,
      },
      { what: 'longest slice', unit: 'ms', metric: 'longestSliceMillis', pick: 'min', subject: OURS, atMost: 2 },
    ],
  }));
}

function notes(shape) {
  const words = [];
  if (shape.queueMebibytes) words.push(`queue.maxBytes ${shape.queueMebibytes} MiB`);
  if (shape.spans) words.push(`${shape.spans} spans (request cap 64 MiB)`);
  return words.join(', ') || undefined;
}
