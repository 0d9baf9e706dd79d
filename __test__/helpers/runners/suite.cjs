'use strict';
// The tests that every runner runs, in each of its test files: an application's, which exports through Offloop with whatever
// the runner has made of timers, globals and modules. What arrives is judged outside.

const fs = require('node:fs');
const { setFlagsFromString } = require('node:v8');
const { runInNewContext } = require('node:vm');
const { BasicTracerProvider } = require('@opentelemetry/sdk-trace-base');

const { COLLECTOR, RECORD, RESETS } = process.env;

/** One span; `isLeft`: the test forgets to shut down, as most do. */
async function exportOne({ BatchSpanProcessor, OTLPTraceExporter }, name, isLeft) {
  const exporter = new OTLPTraceExporter({ url: COLLECTOR, exit: { signals: ['SIGTERM'] } });
  const processor = new BatchSpanProcessor(exporter);
  const provider = new BasicTracerProvider({ spanProcessors: [processor] });
  provider.getTracer('suite').startSpan(name).end();
  await processor.forceFlush();
  if (!isLeft) await provider.shutdown();
}

/** `load()` answers our module, `reset()` makes the runner forget it. */
function define({ file, test, load, reset, useFakeTimers, useRealTimers }) {
  const tried = async (name, isLeft) => exportOne(await load(), `${file}: ${name}`, isLeft);

  test('real timers', async () => {
    await tried('real, left', true);
    await tried('real, shut down', false);
  });

  test('fake timers', async () => {
    useFakeTimers();
    await tried('fake, left', true);
    await tried('fake, shut down', false);
    useRealTimers();
  });

  test('loaded while timers are fake', async () => {
    useFakeTimers();
    reset();
    await tried('loaded under fake, left', true);
    await tried('loaded under fake, shut down', false);
    useRealTimers();
  });

  test('modules are reset', async () => {
    for (let nth = 0; nth < Number(RESETS); nth += 1) {
      reset();
      await tried(`reset ${nth}`, nth % 2 === 0);
    }
  });
}

/** Names of the spans that `file` exports. */
function spanNames(file, resets) {
  const ways = ['real', 'fake', 'loaded under fake'].flatMap((way) => [`${way}, left`, `${way}, shut down`]);
  const names = [...ways, ...Array.from({ length: resets }, (_, nth) => `reset ${nth}`)];
  return names.map((name) => `${file}: ${name}`);
}

/** What this process holds after a test file: a line of the file `RECORD`. */
async function record(kind) {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  for (let nth = 0; nth < 3; nth += 1) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const listeners = ['exit', 'beforeExit', 'SIGTERM'].map((name) => process.listenerCount(name));
  const { heapUsed, external, rss } = process.memoryUsage();
  fs.appendFileSync(RECORD, `${JSON.stringify({ kind, pid: process.pid, heapUsed, external, rss, listeners })}\n`);
}

module.exports = { define, record, spanNames };
