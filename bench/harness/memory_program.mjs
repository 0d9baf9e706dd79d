// The program of the memory rows: prints how much the resident set grew since before the exporter was loaded.
import { setTimeout as sleep } from 'node:timers/promises';

import { exported, offloop, OURS, STOCK, stock } from './contenders.mjs';
import { makeSpans } from './spans.mjs';

const [who, url, count, idleSeconds] = process.argv.slice(2);
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
const exporter = who === OURS ? new (offloop().OTLPTraceExporter)({ url }) : stock[STOCK].exporter({ url });
for (let sent = 0; sent < Number(count); sent += BATCH) await exported(exporter, batch);
await sleep(Number(idleSeconds) * 1000);
const after = await settledMebibytes();
process.stdout.write(JSON.stringify({ grownMiB: after - before, rssMiB: after }), () => process.exit(0));
