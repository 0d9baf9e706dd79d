// Owns a processor that costs the main thread next to nothing and another core as much as an exporter's threads would:
// whether a service pays for what other threads do shows in its row.
import { Worker } from 'node:worker_threads';

export const BUSY_WORKER = 'a busy worker';

const SPANS_PER_WAKE = 512;
const MICROS_PER_WAKE = 800; // about what Offloop's threads need for as many spans

const PROGRAM = `
  const { workerData: wakes } = require('node:worker_threads');
  const numbers = new Float64Array(25_000);
  for (let seen = 0; ; ) {
    Atomics.wait(wakes, 0, seen);
    seen = Atomics.load(wakes, 0);
    const until = performance.now() + ${MICROS_PER_WAKE / 1000};
    while (performance.now() < until) for (let i = 0; i < 500; i++) numbers[(i * 37 + seen) % 25_000] += i;
  }`;

export function createBusyWorker() {
  const wakes = new Int32Array(new SharedArrayBuffer(4));
  new Worker(PROGRAM, { eval: true, workerData: wakes }).unref();
  let spans = 0;
  return {
    onStart() {},
    onEnd() {
      spans += 1;
      if (spans % SPANS_PER_WAKE !== 0) return;
      Atomics.add(wakes, 0, 1);
      Atomics.notify(wakes, 0);
    },
    async forceFlush() {},
    async shutdown() {},
  };
}
