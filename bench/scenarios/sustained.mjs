// Pre-made spans as fast as they are taken without a drop: a receiver that discards, and one that needs 100 ms.
import { exported, exportedSpans, exporters, FOUR_TIMES, OURS } from '../harness/contenders.mjs';
import { processCpuMicros, threadCpuMicros } from '../harness/cpu.mjs';
import { watchLoopDelay } from '../harness/meter.mjs';
import { startReceiver } from '../harness/receiver.mjs';
import { makeSpans } from '../harness/spans.mjs';

export const name = 'sustained';
export const title = 'Sustained rate, small spans, nothing dropped';
export const heavy = false;

const MAX_SPANS = 65_536;
/** A rate needs no more spans than take a second or two: those that export fewer per second get fewer in the long row. */
const MOST_STOCK_SPANS = 250_000;
/** Stock exporters refuse a batch while 30 are under way. */
const STOCK_CONCURRENCY = 30;
const RING_BATCHES = 16;

const PLANS = [
  { name: '200,000 spans, receiver discards', total: 200_000, batch: 512, atLeast: 100_000, isShort: true },
  { name: '1,000,000 spans, receiver discards', total: 1_000_000, batch: 512, atLeast: 100_000, heavy: true },
  { name: '100,000 spans, 100 ms collector', total: 100_000, batch: 2048, atLeast: 30_000, delayMillis: 100 },
];

/** Keeps `most` exports under way until `count` are done; resolves when the last has been answered. */
function pump(count, most, exportOne) {
  return new Promise((fulfil, reject) => {
    let started = 0;
    let done = 0;
    let isScheduled = false;
    const schedule = () => {
      if (isScheduled || started >= count || started - done >= most) return;
      isScheduled = true;
      setImmediate(fill);
    };
    // One export per turn: the producer is a program that ends spans, not a loop that starves its own callbacks.
    const fill = () => {
      isScheduled = false;
      exportOne(started++).then(() => {
        done += 1;
        if (done === count) fulfil();
        else schedule();
      }, reject);
      schedule();
    };
    schedule();
  });
}

function contender({ name: contenderName, absent, sdk, create }, plan) {
  const isStock = contenderName.startsWith('stock');
  return {
    name: contenderName,
    absent,
    async setUp() {
      const receiver = await startReceiver({ countSpans: true, delayMillis: plan.delayMillis ?? 0 });
      const queue = { maxSpans: MAX_SPANS, maxBytes: 256 * 2 ** 20 };
      const exporter = create({ url: receiver.url, timeoutMillis: 30_000 }, { queue, maxConcurrency: 4 });
      const ring = Array.from({ length: RING_BATCHES }, () =>
        makeSpans({ count: plan.batch, attributes: 8, textLength: 24, sdk }),
      );
      return { receiver, exporter, ring };
    },
    async body(round, { receiver, exporter, ring }) {
      await receiver.reset();
      const total = isStock ? Math.min(plan.total, MOST_STOCK_SPANS) : plan.total;
      const count = Math.ceil((round < 0 ? total / 8 : total) / plan.batch);
      const most = isStock ? STOCK_CONCURRENCY : Math.floor(MAX_SPANS / plan.batch) - 1;
      const exportOne = isStock
        ? (i) => exported(exporter, ring[i % ring.length])
        : (i) => exportedSpans(exporter, ring[i % ring.length]);
      const loop = watchLoopDelay();
      const process0 = processCpuMicros();
      const main0 = threadCpuMicros();
      const wall0 = performance.now();
      await pump(count, most, exportOne);
      const seconds = (performance.now() - wall0) / 1000;
      const spans = count * plan.batch;
      const mainMicrosPerSpan = (threadCpuMicros() - main0) / spans;
      const processMicrosPerSpan = (processCpuMicros() - process0) / spans;
      const delay = loop.stop();
      const totals = await receiver.totals();
      if (totals.spans !== spans) throw new Error(`${totals.spans} of ${spans} spans arrived`);
      return {
        spansPerSecond: spans / seconds,
        mainMicrosPerSpan,
        processMicrosPerSpan,
        connections: totals.connections,
        ...delay,
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
    heavy: plan.heavy,
    isShort: plan.isShort, // the long row takes its place in a full run
    limitSeconds: 420,
    note:
      `queue.maxSpans ${MAX_SPANS}, maxBytes 256 MiB, batches of ${plan.batch}; stock keeps its limit of 30 exports under way` +
      (plan.total > MOST_STOCK_SPANS ? `, ${MOST_STOCK_SPANS.toLocaleString('en-US')} spans` : ''),
    contenders: exporters().map((exporter) => contender(exporter, plan)),
    rows: [
      {
        what: 'rate without a drop',
        unit: 'spans/s',
        metric: 'spansPerSecond',
        higherIsBetter: true,
        subject: OURS,
        atLeast: plan.atLeast,
      },
      {
        what: 'main-thread CPU',
        unit: 'µs/span',
        metric: 'mainMicrosPerSpan',
        subject: OURS,
        timesFaster: FOUR_TIMES,
      },
      { what: 'whole-process CPU', unit: 'µs/span', metric: 'processMicrosPerSpan', subject: OURS },
      { what: 'loop delay p99', unit: 'ms', metric: 'loopDelayP99Millis', subject: OURS },
      { what: 'connections', unit: '', metric: 'connections', subject: OURS },
    ],
  }));
}
