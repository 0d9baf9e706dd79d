// What arrives of spans that a batch processor takes: a burst, a collector that needs 100 ms, one that is out for a while.
import { OURS, processors, tracerFor } from '../harness/contenders.mjs';
import { startReceiver } from '../harness/receiver.mjs';
import { fillAttributes } from '../harness/spans.mjs';

export const name = 'delivery';
export const title = 'Delivered by a batch processor with default settings';
export const heavy = false;

const BURST = 10_000;
const SLOW_SECONDS = 2;
const SLOW_PER_SECOND = 10_000;
const OUTAGE_SECONDS = 4;
const OUTAGE_PER_SECOND = 1000;

function endSpans(tracer, count) {
  for (let index = 0; index < count; index++) {
    const span = tracer.startSpan(`GET /api/users/:id ${index % 7}`, { kind: 1 });
    fillAttributes(span, index, 8, 24);
    span.end();
  }
}

/** Ends `perSecond` spans a second, evenly in steps of 10 ms, for `seconds`. */
async function endSteadily(tracer, perSecond, seconds) {
  const start = performance.now();
  let ended = 0;
  while (ended < perSecond * seconds) {
    const due = Math.min(perSecond * seconds, Math.floor(((performance.now() - start) / 1000) * perSecond));
    endSpans(tracer, due - ended);
    ended = due;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const PLANS = [
  { name: 'burst of 10,000 spans', spans: BURST, produce: (tracer) => endSpans(tracer, BURST) },
  {
    name: '10,000 spans/s for 2 s, 100 ms collector',
    spans: SLOW_PER_SECOND * SLOW_SECONDS,
    delayMillis: 100,
    heavy: true,
    produce: (tracer) => endSteadily(tracer, SLOW_PER_SECOND, SLOW_SECONDS),
  },
  {
    name: '1,000 spans/s for 4 s, 503 from second 1 to 3',
    spans: OUTAGE_PER_SECOND * OUTAGE_SECONDS,
    outage: { fromMillis: 1000, toMillis: 3000 },
    isSideBySide: true, // a thousand spans a second and much waiting: they do not disturb each other
    produce: (tracer) => endSteadily(tracer, OUTAGE_PER_SECOND, OUTAGE_SECONDS),
  },
];

function scheduleOutage(receiver, { fromMillis, toMillis }) {
  return [
    setTimeout(() => receiver.behave({ status: 503 }), fromMillis),
    setTimeout(() => receiver.behave({ status: 200 }), toMillis),
  ];
}

function contender({ name: contenderName, absent, sdkModule, create }, plan) {
  return {
    name: contenderName,
    absent,
    async body() {
      const receiver = await startReceiver({ countSpans: true, delayMillis: plan.delayMillis ?? 0 });
      const { provider, tracer } = tracerFor(sdkModule(), create({ url: receiver.url }));
      const timers = plan.outage ? scheduleOutage(receiver, plan.outage) : [];
      await plan.produce(tracer);
      await provider.forceFlush();
      await provider.shutdown();
      const { spans } = await receiver.totals();
      for (const timer of timers) clearTimeout(timer);
      receiver.stop();
      return { delivered: spans, deliveredPercent: (100 * spans) / plan.spans };
    },
  };
}

/** The rows of this scenario. */
export function cases() {
  return PLANS.map((plan) => ({
    name: plan.name,
    heavy: plan.heavy,
    warmUpRounds: 0,
    limitSeconds: 300,
    isSideBySide: plan.isSideBySide,
    contenders: processors().map((processor) => contender(processor, plan)),
    rows: [
      {
        what: 'delivered',
        unit: `of ${plan.spans.toLocaleString('en-US')} spans`,
        metric: 'delivered',
        pick: 'min',
        higherIsBetter: true,
        subject: OURS,
        atLeast: plan.spans,
      },
    ],
  }));
}
