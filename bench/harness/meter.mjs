// Owns what is measured around a body: main-thread CPU, process CPU, wall time, slices and loop delay.
import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';

import { processCpuMicros, threadCpuMicros } from './cpu.mjs';

/** Runs `body(i)` `repeat` times, one after the other, and returns what that cost. */
export async function measure(body, repeat = 1) {
  const process0 = processCpuMicros();
  const wall0 = performance.now();
  const thread0 = threadCpuMicros();
  for (let i = 0; i < repeat; i++) {
    const pending = body(i);
    if (pending !== undefined && typeof pending?.then === 'function') await pending;
  }
  const mainMicros = threadCpuMicros() - thread0;
  return { mainMicros, processMicros: processCpuMicros() - process0, wallMillis: performance.now() - wall0 };
}

/** A turn of less is a loop that waits. */
const IDLE_MICROS = 50;

/**
 * Runs `body()` and returns the most main-thread CPU spent between two turns of the event loop, in milliseconds.
 *
 * A chain of immediates reads the thread's clock once per turn, so a "slice" is all that runs in one turn: an upper
 * bound of what any single callback holds the loop for. While the loop waits, the clock is read once per millisecond only,
 * and the first slice after that may be some turns together: ten thousand immediates are garbage whose collection would be
 * a slice of the body's. Never mix with `measure`.
 */
export async function longestSliceMillis(body) {
  let longest = 0;
  let running = true;
  await new Promise(setImmediate);
  let last = threadCpuMicros();
  const turn = () => {
    const now = threadCpuMicros();
    const slice = now - last;
    if (slice > longest) longest = slice;
    last = now;
    if (!running) return;
    if (slice < IDLE_MICROS) setTimeout(turn, 1);
    else setImmediate(turn);
  };
  setImmediate(turn);
  try {
    await body();
  } finally {
    running = false;
  }
  turn();
  return longest / 1000;
}

/** Event-loop delay of everything between the call and `stop()`, in milliseconds. */
export function watchLoopDelay() {
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  const utilization0 = performance.eventLoopUtilization();
  histogram.enable();
  return {
    stop() {
      histogram.disable();
      const millis = (nanos) => Math.max(0, nanos / 1e6 - 1); // the timer's own resolution is not delay
      return {
        loopDelayP50Millis: millis(histogram.percentile(50)),
        loopDelayP99Millis: millis(histogram.percentile(99)),
        loopDelayP999Millis: millis(histogram.percentile(99.9)),
        loopDelayMaxMillis: millis(histogram.max),
        loopUtilization: performance.eventLoopUtilization(utilization0).utilization,
      };
    },
  };
}

/**
 * Blocks of the loop between the call and `stop()`: the longest in wall time, the most main-thread CPU between two ticks
 * (which tells a block of the program's from a machine that was busy elsewhere), and the delay over time.
 */
export function watchBlocks({ tickMillis = 5, bucketMillis = 50 } = {}) {
  const start = performance.now();
  const timeline = [];
  let longest = 0;
  let mostCpu = 0;
  let lastAt = start;
  let lastCpu = threadCpuMicros();
  const tick = () => {
    const now = performance.now();
    const cpu = threadCpuMicros();
    const late = Math.max(0, now - lastAt - tickMillis);
    longest = Math.max(longest, late);
    mostCpu = Math.max(mostCpu, (cpu - lastCpu) / 1000);
    const bucket = Math.floor((now - start) / bucketMillis);
    for (let at = Math.floor((now - late - start) / bucketMillis); at <= bucket; at++) {
      timeline[at] = Math.max(timeline[at] ?? 0, Math.round(late * 10) / 10);
    }
    lastAt = now;
    lastCpu = cpu;
  };
  const timer = setInterval(tick, tickMillis);
  return {
    stop() {
      tick();
      clearInterval(timer);
      return {
        longestBlockMillis: longest,
        mostCpuMillis: mostCpu,
        timeline: { bucketMillis, delayMillis: Array.from(timeline, (delay) => delay ?? 0) },
      };
    },
  };
}

/** Time the garbage collector held this thread between the call and `stop()`, in milliseconds. */
export function watchGarbageCollection() {
  let millis = 0;
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) millis += entry.duration;
  });
  observer.observe({ entryTypes: ['gc'] });
  return {
    async stop() {
      await new Promise(setImmediate); // entries arrive in a later turn
      observer.disconnect();
      return millis;
    },
  };
}

/** Resident set and heap in MiB. */
export function memoryMebibytes() {
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rssMiB: rss / 2 ** 20, heapMiB: heapUsed / 2 ** 20, externalMiB: external / 2 ** 20 };
}

/** A full collection when the process was started with --expose-gc, so that nobody pays for another's garbage. */
export function collectGarbage() {
  globalThis.gc?.();
}

const SETTLE_MILLIS = 100;

/**
 * A full collection and what it leaves to do: V8 sweeps on, and tells of weak references in later turns. On a heap of some
 * hundred megabytes that is milliseconds of the main thread, which would be the bill of whoever comes first.
 */
export async function collectAllGarbage() {
  collectGarbage();
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MILLIS));
}
