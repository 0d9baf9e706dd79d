'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { describe, test } = require('node:test');
const { runProgram } = require('../helpers/child.js');
const { startReceiverProcess } = require('../helpers/receiver_process.js');

// What lives longer than the call that needs it first holds no store of that call.

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-context-'));
process.on('exit', () => fs.rmSync(directory, { recursive: true }));
const place = JSON.stringify(directory);

const EXPORTER = 'const exporter = new OTLPTraceExporter({ url });';
const PROCESSOR = `${EXPORTER} const processor = new subject.BatchSpanProcessor(exporter);`;
const TUSK = `const tusk = require('./js/entries/tusk.js');`;

const calls = {
  'nothing, to compare': [PROCESSOR, ''],
  'onEnd()': [PROCESSOR, 'processor.onEnd(makeSpans(1)[0]);', 'await processor.forceFlush();'],
  'export()': [EXPORTER, 'exporter.export(makeSpans(1), () => {});'],
  'export() with headers that are asked for': [
    `const exporter = new OTLPTraceExporter({ url, headers: async () => ({ a: 'b' }) });`,
    'exporter.export(makeSpans(1), () => {});',
  ],
  'export() of a long text': [
    EXPORTER,
    `const [span] = makeSpans(1);
     exporter.export([{ ...span, attributes: { text: 'x'.repeat(3e6) } }], () => {});`,
  ],
  'exportSpans()': [EXPORTER, 'exporter.exportSpans(makeSpans(1));'],
  'exportSpans() over TLS': [
    `const exporter = new OTLPTraceExporter({ url: url.replace('http:', 'https:'), timeoutMillis: 300 });`,
    'exporter.exportSpans(makeSpans(1));',
  ],
  'exportSpans() of a file': [
    `const exporter = new subject.FileSpanExporter({ directory: ${place} });`,
    'exporter.exportSpans(makeSpans(1));',
  ],
  'forceFlush()': [PROCESSOR, 'exporter.forceFlush(); processor.forceFlush();'],
  'forceFlush() with a span': [PROCESSOR, 'processor.onEnd(makeSpans(1)[0]); processor.forceFlush();'],
  'stats()': [EXPORTER, 'exporter.stats();'],
  'enable()': [
    `${PROCESSOR} const monitor = new subject.EventLoopMonitor({ exporter, thresholdMillis: 20 });`,
    'monitor.enable();',
  ],
  'enable() over TLS': [
    `const exporter = new OTLPTraceExporter({ url: url.replace('http:', 'https:') });
     const monitor = new subject.EventLoopMonitor({ exporter });`,
    'monitor.enable();',
  ],
  "enable() with somebody else's exporter": [
    'const monitor = new subject.EventLoopMonitor({ exporter: { export: (_, done) => done({ code: 0 }) } });',
    'monitor.enable();',
  ],
  'a first record': [
    `${TUSK} const exporter = new tusk.TdSpanExporter({ mode: 'RECORD', baseDirectory: ${place} });`,
    "exporter.getAdapters()[0].exportSpans([{ traceId: '0af7651916cd43dd8448eb211c80319c', kind: 1 }]);",
    'await exporter.forceFlush();',
  ],
  'a first blocked trace': [
    `${TUSK} const manager = tusk.TraceBlockingManager.getInstance();`,
    `manager.blockTrace('0af7651916cd43dd8448eb211c80319c');`,
  ],
};
// Before Node.js 24 a promise holds the stores of the call that has made it, and the answer of `shutdown()` is kept.
if (Number(process.versions.node.split('.')[0]) >= 24) {
  calls['shutdown()'] = [PROCESSOR, 'processor.shutdown(); exporter.shutdown();'];
}

describe('the first call of a process lets its context go', { concurrency: 3 }, () => {
  for (const [name, [before, call, after = '']] of Object.entries(calls)) {
    test(name, async (t) => {
      const receiver = await startReceiverProcess({}, t);
      const source = `${before}
        const { AsyncLocalStorage } = require('node:async_hooks');
        const storage = new AsyncLocalStorage();
        const pause = (millis) => new Promise((resolve) => setTimeout(resolve, millis));
        let store;
        const look = () => store.deref() === undefined; // a suspended function would hold what it has seen
        const first = () => storage.run({}, () => {
          store = new WeakRef(storage.getStore());
          ${call}
        });
        setTimeout(async () => {
          first();
          ${after}
          // Whoever asks a WeakRef holds its target until the end of the turn.
          let isGone = false;
          for (let n = 0; n < 60 && !isGone; n += 1) {
            await pause(30);
            gc();
            await pause(1);
            isGone = look();
          }
          console.log(isGone);
          process.exit();
        }, 1);`;
      const { stdout, stderr } = await runProgram(source, { url: receiver.url, nodeArguments: ['--expose-gc'] });
      assert.deepEqual({ stdout, stderr }, { stdout: 'true\n', stderr: '' });
    });
  }
});
