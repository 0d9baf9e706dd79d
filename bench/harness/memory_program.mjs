// The program of the memory rows: prints how much the resident set grew since before the exporter was loaded.
import { setTimeout as sleep } from 'node:timers/promises';

import { exported, offloop, OURS, STOCK, stock } from './contenders.mjs';
import { makeSpans } from './spans.mjs';

const [who, url, count, idleSeconds, outageMebibytes] = process.argv.slice(2);
const BATCH = 512;

async function settledMebibytes() {
  for (let i = 0; i < 4; i++) {
    globalThis.gc();
    await sleep(50);
  }
  return process.memoryUsage.rss() / 2 ** 20;
}

const batch = Number(count) > 0 ? makeSpans({ count: BATCH, attributes: 8, textLength: 24 }) : null;
const before = await settledMebibytes();
const ours = outageMebibytes && {
  queue: { maxSpans: 1_000_000, maxBytes: Number(outageMebibytes) * 2 ** 20 },
  retry: { maxElapsedMillis: 600_000 },
  exit: { blockMillis: 0 },
};
const exporter = who === OURS ? new (offloop().OTLPTraceExporter)({ url, ...ours }) : stock[STOCK].exporter({ url });
for (let sent = 0; sent < Number(count); sent += BATCH) {
  const answer = exported(exporter, batch);
  if (!outageMebibytes) await answer;
  else {
    answer.catch(() => {}); // refused, or nobody waits for it
    await new Promise(setImmediate);
  }
}
await sleep(Number(idleSeconds) * 1000);
const after = await settledMebibytes();
const pending = exporter.stats?.().pending;
process.stdout.write(JSON.stringify({ grownMiB: after - before, rssMiB: after, pending }), () => process.exit(0));
