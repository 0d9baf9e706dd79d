// A worker thread of the thread rows: exports pre-made spans one batch after the other and says what that cost it.
import { parentPort, workerData } from 'node:worker_threads';

import { exported, exporters } from './contenders.mjs';
import { threadCpuMicros } from './cpu.mjs';
import { makeSpans } from './spans.mjs';

const { who, url, batches, spansPerBatch, underWay } = workerData;
const { create, sdk } = exporters().find(({ name }) => name === who);
const exporter = create({ url, timeoutMillis: 30_000 }, { queue: { maxSpans: 65_536, maxBytes: 2 ** 27 } });
const spans = makeSpans({ count: spansPerBatch, attributes: 8, textLength: 24, sdk });

async function exportBatches(count) {
  let started = 0;
  const one = async () => {
    while (started < count) {
      started += 1;
      await exported(exporter, spans);
    }
  };
  await Promise.all(Array.from({ length: underWay }, one));
}

parentPort.on('message', async (message) => {
  if (message === 'run') {
    const before = threadCpuMicros();
    await exportBatches(batches);
    parentPort.postMessage({ micros: threadCpuMicros() - before });
  } else {
    await exporter.shutdown();
    process.exit(0);
  }
});
await exportBatches(20);
parentPort.postMessage('ready');
