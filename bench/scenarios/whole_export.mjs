// One export() to its callback, HTTP to a second process included: main thread, whole process, bytes on the wire.
import { exported, exporters, FOUR_TIMES, OURS, STOCK } from '../harness/contenders.mjs';
import { longestSliceMillis, measure } from '../harness/meter.mjs';
import { startReceiver } from '../harness/receiver.mjs';
import { calibrate } from '../harness/rounds.mjs';
import { makeSpans } from '../harness/spans.mjs';

export const name = 'export';
export const title = 'Whole export over HTTP: batches of 512, receiver in a second process';
export const heavy = false;

const SPANS = 512;
const SHAPES = [
  { size: 'small', attributes: 8, textLength: 24, main: 8, process: 2 },
  { size: 'medium', attributes: 20, textLength: 40, main: 7 },
  { size: 'large', attributes: 2, textLength: 16_384, main: 30, process: 4 },
];

function contender({ name: contenderName, absent, sdk, create }, shape, compression) {
  return {
    name: contenderName,
    absent,
    async setUp() {
      const receiver = await startReceiver();
      const exporter = create({ url: receiver.url, compression, timeoutMillis: 30_000 });
      const spans = makeSpans({ count: SPANS, attributes: shape.attributes, textLength: shape.textLength, sdk });
      const repeat = await calibrate(() => exported(exporter, spans), { targetMillis: 150 });
      return { receiver, exporter, spans, repeat };
    },
    async body(_round, { receiver, exporter, spans, repeat }) {
      await receiver.reset();
      const cost = await measure(() => exported(exporter, spans), repeat);
      const { bytes, requests } = await receiver.totals();
      if (requests !== repeat) throw new Error(`${requests} requests for ${repeat} exports`);
      return {
        mainMicrosPerSpan: cost.mainMicros / repeat / SPANS,
        processMicrosPerSpan: cost.processMicros / repeat / SPANS,
        exportMillis: cost.wallMillis / repeat,
        bytesPerSpan: bytes / repeat / SPANS,
        longestSliceMillis: await longestSliceMillis(() => exported(exporter, spans)),
      };
    },
    async tearDown({ exporter, receiver }) {
      await exporter.shutdown();
      receiver.stop();
    },
  };
}

/** The rows of this scenario. */
export function cases() {
  return SHAPES.flatMap((shape) =>
    ['none', 'gzip'].map((compression) => ({
      name: `${shape.size}, ${compression}`,
      heavy: compression === 'gzip' && shape.size !== 'large',
      contenders: exporters().map((exporter) => contender(exporter, shape, compression)),
      rows: [
        {
          what: 'main-thread CPU',
          unit: 'µs/span',
          metric: 'mainMicrosPerSpan',
          subject: OURS,
          timesBetter: { [STOCK]: shape.main },
          timesFaster: FOUR_TIMES,
        },
        {
          what: 'whole-process CPU',
          unit: 'µs/span',
          metric: 'processMicrosPerSpan',
          subject: OURS,
          timesBetter: shape.process ? { [STOCK]: shape.process } : {},
        },
        { what: 'longest slice', unit: 'ms', metric: 'longestSliceMillis', pick: 'min', subject: OURS, atMost: 2 },
        { what: 'wire', unit: 'bytes/span', metric: 'bytesPerSpan', subject: OURS },
      ],
    })),
  );
}
