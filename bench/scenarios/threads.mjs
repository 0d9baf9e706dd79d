// One and two JavaScript threads of one process that export at the same time: the engine is shared, the cost is not.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

import { exporters, FOUR_TIMES, OURS, STOCK } from '../harness/contenders.mjs';
import { startReceiver } from '../harness/receiver.mjs';

export const name = 'threads';
export const title = 'Worker threads of one process that export at the same time: batches of 512 spans, 8 attributes';
export const heavy = true;

const PROGRAM = new URL('../harness/export_worker.mjs', import.meta.url);
const SPANS_PER_BATCH = 512;
const BATCHES = 100;
const UNDER_WAY = 4;

function contender({ name: who, absent }, threads) {
  return {
    name: who,
    absent,
    async setUp() {
      const receiver = await startReceiver({ countSpans: true });
      const workerData = {
        who,
        url: receiver.url,
        batches: BATCHES,
        spansPerBatch: SPANS_PER_BATCH,
        underWay: UNDER_WAY,
      };
      const workers = Array.from({ length: threads }, () => new Worker(PROGRAM, { workerData, execArgv: [] }));
      await Promise.all(workers.map((worker) => once(worker, 'message')));
      return { receiver, workers };
    },
    async body(_round, { receiver, workers }) {
      await receiver.reset();
      const start = performance.now();
      const answers = await Promise.all(
        workers.map((worker) => {
          const answer = once(worker, 'message');
          worker.postMessage('run');
          return answer;
        }),
      );
      const seconds = (performance.now() - start) / 1000;
      const spans = threads * BATCHES * SPANS_PER_BATCH;
      const totals = await receiver.totals();
      if (totals.spans !== spans) throw new Error(`${totals.spans} of ${spans} spans arrived`);
      const micros = answers.reduce((sum, [answer]) => sum + answer.micros, 0);
      return { spansPerSecond: spans / seconds, threadMicrosPerSpan: micros / spans };
    },
    async tearDown({ receiver, workers }) {
      await Promise.all(
        workers.map((worker) => {
          worker.postMessage('end');
          return once(worker, 'exit');
        }),
      );
      receiver.stop();
    },
  };
}

/** The rows of this scenario. */
export function cases() {
  return [1, 2].map((threads) => ({
    name: threads === 1 ? '1 thread' : `${threads} threads`,
    note: `${UNDER_WAY} exports under way per thread; queue.maxSpans 65536, maxBytes 128 MiB; the receiver shares the cores`,
    contenders: exporters().map((exporter) => contender(exporter, threads)),
    rows: [
      {
        what: 'CPU of the exporting threads',
        unit: 'µs/span',
        metric: 'threadMicrosPerSpan',
        subject: OURS,
        timesFaster: FOUR_TIMES,
      },
      {
        what: 'rate, all threads',
        unit: 'spans/s',
        metric: 'spansPerSecond',
        higherIsBetter: true,
        subject: OURS,
        timesBetter: { [STOCK]: 1 },
      },
    ],
  }));
}
