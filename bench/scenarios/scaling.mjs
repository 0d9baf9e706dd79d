// Cost must grow with the spans, not faster: one batch of 20,000 against one of 40,000, and a trace of 222,000.
import { exported, exporters, OURS } from '../harness/contenders.mjs';
import { measure } from '../harness/meter.mjs';
import { startReceiver } from '../harness/receiver.mjs';
import { makeSpans } from '../harness/spans.mjs';

export const name = 'scaling';
export const title = 'Scaling: time ratio of a doubled batch (8 attributes)';
export const heavy = true;

const PLANS = [
  { name: '20,000 to 40,000 spans', small: 20_000, queue: { maxSpans: 65_536, maxBytes: 2 ** 28 } },
  { name: '111,000 to 222,000 spans', small: 111_000, queue: { maxSpans: 262_144, maxBytes: 2 ** 29 } },
];

function contender({ name: contenderName, absent, sdk, create }, plan) {
  return {
    name: contenderName,
    absent,
    async setUp() {
      // A connection per request: while the others have their turn a kept one dies, and a loop that has been blocked for
      // seconds finds that out too late.
      const receiver = await startReceiver({ closes: true });
      const exporter = create({ url: receiver.url, timeoutMillis: 60_000 }, { queue: plan.queue });
      const doubled = makeSpans({ count: plan.small * 2, attributes: 8, textLength: 24, children: true, sdk });
      return { receiver, exporter, doubled, half: doubled.slice(0, plan.small) };
    },
    async body(round, { exporter, half, doubled }) {
      const one = await measure(() => exported(exporter, half));
      if (round < 0) return {};
      const two = await measure(() => exported(exporter, doubled));
      return {
        mainRatio: two.mainMicros / one.mainMicros,
        wallRatio: two.wallMillis / one.wallMillis,
        mainMicrosPerSpan: two.mainMicros / doubled.length,
        wallMillis: two.wallMillis,
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
  return PLANS.map((plan) => ({
    name: plan.name,
    limitSeconds: 400,
    execArgv: ['--max-old-space-size=6144'],
    note: `queue.maxSpans ${plan.queue.maxSpans}, maxBytes ${plan.queue.maxBytes / 2 ** 20} MiB`,
    contenders: exporters().map((exporter) => contender(exporter, plan)),
    rows: [
      { what: 'main-thread time, doubled', unit: 'x', metric: 'mainRatio', subject: OURS, atMost: 2.3 },
      { what: 'wall time, doubled', unit: 'x', metric: 'wallRatio', subject: OURS, atMost: 2.3 },
      { what: 'main-thread CPU', unit: 'µs/span', metric: 'mainMicrosPerSpan', subject: OURS },
      { what: 'export() to callback', unit: 'ms', metric: 'wallMillis', subject: OURS },
    ],
  }));
}
