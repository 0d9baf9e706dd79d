// Owns how a whole export is measured, over HTTP or gRPC: from `export()` to its callback, with a receiver in a second
// process between them.
import { exported } from './contenders.mjs';
import { longestSliceMillis, measure } from './meter.mjs';
import { calibrate } from './rounds.mjs';
import { makeSpans } from './spans.mjs';

/** Spans of a batch. */
export const BATCH = 512;

/** `verify(totals, exports)` throws where the receiver did not get what was exported: a refusal must never look like speed. */
export function wholeExport({ name, absent, sdk, create }, shape, { startReceiver, config, verify }) {
  return {
    name,
    absent,
    async setUp() {
      const receiver = await startReceiver();
      const exporter = create({ url: receiver.url, timeoutMillis: 30_000, ...config });
      const spans = makeSpans({ count: BATCH, attributes: shape.attributes, textLength: shape.textLength, sdk });
      const repeat = await calibrate(() => exported(exporter, spans), { targetMillis: 150 });
      return { receiver, exporter, spans, repeat };
    },
    async body(_round, { receiver, exporter, spans, repeat }) {
      await receiver.reset();
      const cost = await measure(() => exported(exporter, spans), repeat);
      const totals = await receiver.totals();
      verify(totals, repeat);
      return {
        mainMicrosPerSpan: cost.mainMicros / repeat / BATCH,
        processMicrosPerSpan: cost.processMicros / repeat / BATCH,
        exportMillis: cost.wallMillis / repeat,
        bytesPerSpan: totals.bytes / repeat / BATCH,
        longestSliceMillis: await longestSliceMillis(() => exported(exporter, spans)),
      };
    },
    async tearDown({ exporter, receiver }) {
      await exporter.shutdown();
      receiver.stop();
    },
  };
}
