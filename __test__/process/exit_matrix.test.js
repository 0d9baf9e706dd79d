'use strict';

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const { runProgram } = require('../helpers/child.js');
const { countSpans } = require('../helpers/otlp_decoder.js');
const { startReceiver } = require('../helpers/receiver.js');
const { subjectName } = require('../helpers/subject.js');
const { inMain } = require('../helpers/worker_programs.js');

// Every way in which a process ends, and everything that may hold spans then: all of them arrive, and the process ends as
// it would have without us (R63, R64; F57 to F59). How long an end may take is in exit_delay.test.js.

const oursOnly = { skip: subjectName === 'stock' && 'a rule of ours' };
const PROMPT_MILLIS = 4000; // a processor waits for five seconds by default, and nobody may wait for that

const ways = {
  'natural end': { end: '', code: 0 },
  'natural end with process.exitCode': { end: 'process.exitCode = 5;', code: 5 },
  'process.exit(3)': { end: 'process.exit(3);', code: 3 },
  'process.exit(3) in a later turn': { end: 'setImmediate(() => process.exit(3));', code: 3 },
  'process.exit(3) 50 ms later': { end: 'setTimeout(() => process.exit(3), 50);', code: 3 },
  'uncaught throw': { end: "throw new Error('the uncaught one');", code: 1, says: /the uncaught one/ },
  'unhandled rejection': { end: "Promise.reject(new Error('the unhandled one'));", code: 1, says: /the unhandled one/ },
  SIGTERM: { end: "process.kill(process.pid, 'SIGTERM'); setInterval(() => {}, 1000);", signal: 'SIGTERM' },
  SIGINT: { end: "process.kill(process.pid, 'SIGINT'); setInterval(() => {}, 1000);", signal: 'SIGINT' },
};

const holders = {
  'an exporter': 'exporter.export(makeSpans(300), () => {});',
  // Without the drain there are none.
  'an exporter that copies long texts in later turns': `
    const spans = makeSpans(300);
    for (const [nth, span] of spans.entries()) span.attributes = { text: nth + 'x'.repeat(30000) };
    exporter.export(spans, () => {});`,
  'a processor': `
    const processor = new subject.BatchSpanProcessor(exporter);
    for (const span of makeSpans(300)) processor.onEnd(span);`,
};

/** How many spans arrived in requests that were answered with 200: the `unavailable` first ones were not. */
function acceptedSpans(receiver, unavailable = 0) {
  return receiver.completed
    .filter(({ index }) => index >= unavailable)
    .reduce((spans, { body, headers }) => spans + countSpans(body, headers['content-type']), 0);
}

describe('300 of 300 spans survive (R63, R64, F57, F58, F59)', { concurrency: 3 }, () => {
  for (const [holder, hold] of Object.entries(holders)) {
    for (const [name, { end, code = null, signal = null, says }] of Object.entries(ways)) {
      test(`held by ${holder}: ${name}`, oursOnly, async (t) => {
        const receiver = await startReceiver({}, t);
        const exit = { blockMillis: 5000, signals: signal === null ? [] : [signal] };
        const ended = await runProgram(
          `const exporter = new OTLPTraceExporter({ url, exit: ${JSON.stringify(exit)} }); ${hold} ${end}`,
          { url: receiver.url },
        );
        const seen = { code: ended.code, signal: ended.signal, spans: acceptedSpans(receiver), stdout: ended.stdout };
        assert.deepEqual(seen, { code, signal, spans: 300, stdout: '' });
        if (says === undefined) assert.equal(ended.stderr, '');
        else assert.match(ended.stderr, says);
        assert.doesNotMatch(ended.stderr, /panick|thread '/);
        assert.ok(ended.millis < PROMPT_MILLIS, `${ended.millis} ms`);
      });
    }
  }
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
