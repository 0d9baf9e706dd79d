// The program of the garbage rows: ends spans at a steady rate without a rest, and says in the end what V8's collector did
// in each round.
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

import { processors, STOCK, stock, tracerFor } from './contenders.mjs';
import { fillAttributes } from './spans.mjs';

const [who, url, rate, attributes, textLength, rounds, millis] = process.argv.slice(2);
const spansPerMilli = Number(rate) / 1000;
const TICK_MILLIS = 5;
const WARM_UP_MILLIS = 2000;

const contender = processors().find(({ name }) => name === who);
const sdkModule = contender?.sdkModule ?? stock[STOCK].sdkModule;
const { provider, tracer } = tracerFor(sdkModule(), contender?.create({ url }));

let seen;
const observer = new PerformanceObserver((list) => {
  for (const { detail, duration } of list.getEntries()) {
    if (detail.kind === constants.NODE_PERFORMANCE_GC_MINOR) seen.young += 1;
    if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) seen.old += 1;
    seen.pauseMillis += duration;
    seen.longestMillis = Math.max(seen.longestMillis, duration);
  }
});

let made = 0;
async function makeSpans(millis) {
  const started = performance.now();
  const first = made;
  for (;;) {
    const elapsed = Math.min(millis, performance.now() - started);
    while (made - first < Math.floor(elapsed * spansPerMilli)) {
      const span = tracer.startSpan(`GET /api/users/:id ${made % 7}`, { kind: 1 });
      fillAttributes(span, made, Number(attributes), Number(textLength));
      span.end();
      made += 1;
    }
    if (elapsed === millis) return made - first;
    await sleep(TICK_MILLIS);
  }
}

/** What was collected while spans ended for a round, per 100,000 of them. */
async function round() {
  seen = { young: 0, old: 0, pauseMillis: 0, longestMillis: 0 };
  const before = process.memoryUsage().heapUsed;
  const spans = await makeSpans(Number(millis));
  await sleep(TICK_MILLIS); // entries come in a later turn
  const per = (count) => (count * 100_000) / spans;
  return {
    youngPer100k: per(seen.young),
    oldPer100k: per(seen.old),
    pauseMillisPer100k: per(seen.pauseMillis),
    longestMillis: seen.longestMillis,
    heapGrownMiB: (process.memoryUsage().heapUsed - before) / 2 ** 20,
  };
}

await makeSpans(WARM_UP_MILLIS);
observer.observe({ entryTypes: ['gc'] });
const figures = [];
for (let nth = 0; nth < Number(rounds); nth++) figures.push(await round());
observer.disconnect();
await provider.forceFlush();
process.send({ made, rounds: figures }, () => process.exit(0));
