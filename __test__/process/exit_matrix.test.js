'use strict';

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const { runProgram } = require('../helpers/child.js');
const { acceptedSpans, surviveEnds } = require('../helpers/exit_matrix.js');
const { startReceiver } = require('../helpers/receiver.js');
const { subjectName } = require('../helpers/subject.js');
const { inMain } = require('../helpers/worker_programs.js');

// Every way in which a process ends, and everything that may hold spans then: all of them arrive, and the process ends as
// it would have without us (R63, R64; F57 to F59). How long an end may take is in exit_delay.long.test.js, and the same over gRPC in
// exit_matrix_grpc.test.js.

describe('300 of 300 spans survive (R63, R64, F57, F58, F59)', { concurrency: 3 }, () => {
  surviveEnds('HTTP', { skip: subjectName === 'stock' && 'a rule of ours' });
});

// A main thread that never loaded the addon cannot wait for what its workers leave behind, and one that did has waited
// already when they are stopped: a library hears of the end of the process there when its threads are gone.
const notOnWindows = { concurrency: 3, skip: process.platform === 'win32' && 'nobody waits there' };
const exporting = 'new OTLPTraceExporter({ url, exit }).export(makeSpans(1), () => {});';
const mains = {
  'has never loaded the addon': '',
  'has loaded it and exported nothing': 'new OTLPTraceExporter({ url, exit });',
  'has shut its exporter down': `
    const own = new OTLPTraceExporter({ url, exit }); own.export(makeSpans(1), () => {}); await own.shutdown();`,
  'has exported': exporting,
};
const workersEnd = {
  'terminates its workers and ends': ['for (const worker of workers) await worker.terminate();', 0],
  'calls process.exit() with workers alive': ['process.exit(6);', 6],
  'throws with workers alive': ["setImmediate(() => { throw new Error('uncaught'); });", 1],
};
const receivers = {
  slow: { otherwise: { delayMillis: 200 } },
  'at first unavailable': { script: [503, 503, 503] },
};

describe('spans of workers survive (R62, R64)', notOnWindows, () => {
  for (const [main, first] of Object.entries(mains)) {
    for (const [end, [last, code]] of Object.entries(workersEnd)) {
      for (const [how, options] of Object.entries(receivers)) {
        test(`a main thread that ${main} ${end}, the receiver is ${how}`, async (t) => {
          const receiver = await startReceiver(options, t);
          const ended = await runProgram(
            inMain(
              `const exit = { drainMillis: 20000, blockMillis: 20000 };
               ${first}
               const workers = Array.from({ length: 2 }, (_, seed) => startWorker(\`
                 const processor = new BatchSpanProcessor(exporter);
                 exporter.export(makeSpans(5), () => {});
                 for (const span of makeSpans(7)) processor.onEnd(span);
                 parentPort.postMessage('exported');
                 setInterval(() => {}, 1000);
               \`, seed, { exit, maxConcurrency: 1 })); // the second batch is sent when the first is answered
               await Promise.all(workers.map((worker) => once(worker, 'message')));
               ${last}`,
            ),
            { url: receiver.url, limitMillis: 60_000 },
          );
          assert.deepEqual({ code: ended.code, signal: ended.signal }, { code, signal: null });
          if (code !== 1) assert.equal(ended.stderr, '');
          const own = first.includes('export(') ? 1 : 0;
          assert.equal(acceptedSpans(receiver, options.script?.length), 24 + own);
        });
      }
    }
  }
});
