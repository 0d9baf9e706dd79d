'use strict';

/**
 * A program that loads our module again and again, as a development server does: `<url> <reloads> <shutdown|abandon>`. Prints
 * how many copies were collected, by how much the heap grew, and the listeners that are left.
 */

const path = require('node:path');
const { PlainSpans } = require('./plain_spans.js');

const root = path.join(__dirname, '..', '..');
const [url, reloads, how] = process.argv.slice(2);

/** Node's own lists of modules hold every copy, too. */
function forget() {
  for (const file of Object.keys(require.cache)) {
    const isOurs = ['js', 'addon', 'index.js', 'package.json'].some((name) => file.startsWith(path.join(root, name)));
    if (isOurs) delete require.cache[file];
  }
  for (const each of [module, ...Object.values(require.cache)]) each.children?.splice(0);
}

let collected = 0;
const registry = new FinalizationRegistry(() => {
  collected += 1;
});

async function useOnce() {
  forget();
  const { BatchSpanProcessor, OTLPTraceExporter } = require(root);
  registry.register(BatchSpanProcessor);
  const exporter = new OTLPTraceExporter({ url, exit: { signals: ['SIGTERM'] } });
  const processor = new BatchSpanProcessor(exporter);
  const spans = new PlainSpans(1);
  for (let n = 0; n < 20; n += 1) processor.onEnd(spans.span());
  if (how === 'shutdown') await processor.shutdown();
  else await processor.forceFlush();
}

async function settle() {
  for (let n = 0; n < 10; n += 1) {
    global.gc();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function main() {
  for (let n = 0; n < 5; n += 1) await useOnce();
  await settle();
  const start = process.memoryUsage().heapUsed;
  for (let n = 1; n <= reloads; n += 1) {
    await useOnce();
    if (n % 10 === 0) await settle();
  }
  forget();
  await settle();
  const listeners = ['exit', 'beforeExit', 'SIGTERM'].map((name) => process.listenerCount(name)).join();
  console.log(JSON.stringify({ collected, grew: process.memoryUsage().heapUsed - start, listeners }));
}

main();
