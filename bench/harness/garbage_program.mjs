// The program of the garbage rows: ends spans at a steady rate and says what V8's collector did meanwhile, once per round
// that its parent asks for; between rounds it rests.
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

import { processors, STOCK, stock, tracerFor } from './contenders.mjs';
import { fillAttributes } from './spans.mjs';

const [who, url, rate, attributes, textLength] = process.argv.slice(2);
const spansPerMilli = Number(rate) / 1000;
const TICK_MILLIS = 5;
const WARM_UP_MILLIS = 2000;
const SETTLE_MILLIS = 250;

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

/** One round: what was collected while spans ended for `millis`, per 100,000 of them. */
async function round(millis) {
  await makeSpans(SETTLE_MILLIS);
  seen = { young: 0, old: 0, pauseMillis: 0, longestMillis: 0 };
  observer.observe({ entryTypes: ['gc'] });
  const before = process.memoryUsage().heapUsed;
  const spans = await makeSpans(millis);
  const grown = process.memoryUsage().heapUsed - before;
  await sleep(TICK_MILLIS); // entries come in a later turn
  observer.disconnect();
  const per = (count) => (count * 100_000) / spans;
  return {
    youngPer100k: per(seen.young),
    oldPer100k: per(seen.old),
    pauseMillisPer100k: per(seen.pauseMillis),
    longestMillis: seen.longestMillis,
    heapGrownMiB: grown / 2 ** 20,
  };
}

process.on('message', async ({ millis }) => {
  const figures = await round(millis);
  await provider.forceFlush();
  process.send({ figures, made });
  made = 0;
});
process.on('disconnect', () => process.exit(0));
await makeSpans(WARM_UP_MILLIS);
await provider.forceFlush();
made = 0;
process.send('ready');
