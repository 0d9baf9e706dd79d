// The program of the memory rows: prints how much its memory grew since before the exporter was loaded; with an outage,
// since an exporter had sent as many spans as will be offered. On Linux that is what is resident of its own pages and of the addon's:
// which pages of Node's binary happen to be mapped moves by megabytes from one start to the next.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { exported, NO_EXPORTER, offloop, OURS, STOCK, stock } from './contenders.mjs';
import { makeSpans } from './spans.mjs';

const [who, url, count, idleSeconds, outage] = process.argv.slice(2);
const BATCH = 512;
const TRICKLE_MILLIS = 200;

async function settledMebibytes() {
  for (let i = 0; i < 4; i++) {
    globalThis.gc();
    await sleep(50);
  }
  return process.platform === 'linux' ? ownKibibytes() / 1024 : process.memoryUsage.rss() / 2 ** 20;
}

/** Resident pages without a file behind them, and all of the addon's. */
function ownKibibytes() {
  const mappings = readFileSync('/proc/self/smaps', 'utf8').split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/);
  const kibibytes = (mapping, what) => Number(mapping.match(new RegExp(`^${what}:\\s+(\\d+) kB`, 'm'))?.[1] ?? 0);
  return mappings.reduce((sum, mapping) => sum + kibibytes(mapping, /\.node\n/.test(mapping) ? 'Rss' : 'Anonymous'), 0);
}

function createExporter(target, ours) {
  if (who === NO_EXPORTER) return { export: (_spans, done) => setImmediate(done, { code: 0 }) };
  return who === OURS
    ? new (offloop().OTLPTraceExporter)({ url: target, ...ours })
    : stock[STOCK].exporter({ url: target });
}

const batch = Number(count) > 0 ? makeSpans({ count: BATCH, attributes: 8, textLength: 24 }) : null;
let before = await settledMebibytes();
let exporter;
if (outage) {
  const { goodUrl, maxBytes } = JSON.parse(outage);
  const good = createExporter(goodUrl);
  for (let sent = 0; sent < Number(count); sent += BATCH) await exported(good, batch);
  before = await settledMebibytes();
  exporter = createExporter(url, {
    queue: { maxSpans: 1_000_000, maxBytes },
    retry: { maxElapsedMillis: 600_000 },
    exit: { blockMillis: 0 },
  });
  const offer = () => exported(exporter, batch).catch(() => {}); // refused, or never answered
  for (let sent = 0; sent < Number(count); sent += BATCH) {
    offer();
    await new Promise(setImmediate);
  }
  const until = performance.now() + Number(idleSeconds) * 1000;
  while (performance.now() < until) {
    offer();
    await sleep(TRICKLE_MILLIS);
  }
} else {
  exporter = createExporter(url);
  for (let sent = 0; sent < Number(count); sent += BATCH) await exported(exporter, batch);
  await sleep(Number(idleSeconds) * 1000);
}
const after = await settledMebibytes();
const pending = exporter.stats?.().pending;
process.stdout.write(JSON.stringify({ grownMiB: after - before, rssMiB: after, pending }), () => process.exit(0));
