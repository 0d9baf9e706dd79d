'use strict';
// This file measures time, so it runs alone.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { runProgram } = require('../helpers/child.js');
const { countSpans } = require('../helpers/otlp_decoder.js');
const { startReceiverProcess } = require('../helpers/receiver_process.js');
const { inMain } = require('../helpers/worker_programs.js');

// What workers leave behind when the process ends (R62, R64, R67): a main thread that never loaded the addon cannot wait
// for it, and one that did has waited already when its workers are stopped. tests/process_end.rs has the native half.

// A library hears of the end of the process there when its threads are gone.
const notOnWindows = { skip: process.platform === 'win32' && 'nobody waits there' };

const TRIES = 3; // where the machine, not the library, may be late
const TEARDOWN_MILLIS = 100; // the rule's own allowance

/** Spans in the requests that were answered with 200: the others come first. */
async function acceptedSpans(receiver, unavailable = []) {
  const requests = (await receiver.requests()).filter(({ index }) => index >= unavailable.length);
  return requests.reduce((spans, { body, headers }) => spans + countSpans(body, headers['content-type']), 0);
}

const exporting = 'new OTLPTraceExporter({ url, exit }).export(makeSpans(1), () => {});';

for (const [main, first] of [
  ['has never loaded the addon', ''],
  ['has loaded it and exported nothing', 'new OTLPTraceExporter({ url, exit });'],
  [
    'has shut its exporter down',
    `const own = new OTLPTraceExporter({ url, exit }); own.export(makeSpans(1), () => {}); await own.shutdown();`,
  ],
  ['has exported', exporting],
]) {
  for (const [end, last, code] of [
    ['terminates its workers and ends', 'for (const worker of workers) await worker.terminate();', 0],
    ['calls process.exit() with workers alive', 'process.exit(6);', 6],
    ['throws with workers alive', "setImmediate(() => { throw new Error('uncaught'); });", 1],
  ]) {
    for (const [how, options] of [
      ['slow', { otherwise: { delayMillis: 200 } }],
      ['at first unavailable', { script: [503, 503, 503] }],
    ]) {
      test(`R62 R64: a main thread that ${main} ${end}, the receiver is ${how}`, notOnWindows, async (t) => {
        const receiver = await startReceiverProcess({ ...options, keep: true }, t);
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
        assert.equal(await acceptedSpans(receiver, options.script), 24 + (first.includes('export(') ? 1 : 0));
      });
    }
  }
}

/** What the end of the process takes, from the `exit` event of its main thread on. */
async function endMillis(t, { main = '', worker = 'setInterval(() => {}, 1000);', exit, last, url }, receiverOptions) {
  const receiver = await startReceiverProcess(receiverOptions, t);
  const { code, signal, stdout, stderr } = await runProgram(
    inMain(
      `process.prependListener('exit', () => require('node:fs').writeSync(1, Date.now() + '\\n'));
       ${main}
       const worker = startWorker(\`
         const processor = new BatchSpanProcessor(exporter);
         for (const span of makeSpans(5)) processor.onEnd(span); // unlike a call of export, they hold nothing
         parentPort.postMessage('exported');
         ${worker}
       \`, 1, { timeoutMillis: 60000, exit: ${JSON.stringify(exit)} });
       worker.on('error', () => {});
       await once(worker, 'message');
       ${last};`,
    ),
    { url: url ?? receiver.url, limitMillis: 60_000 },
  );
  const ended = Date.now();
  assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
  const { spans } = await receiver.counts();
  return { millis: ended - Number(stdout.match(/^\d+$/m)[0]), spans };
}

const terminate = 'await worker.terminate()';
const silent = { otherwise: { stall: 'response' } };
const mainWaits = (millis) => `
  const own = new OTLPTraceExporter({ url, timeoutMillis: 60000, exit: { drainMillis: ${millis}, blockMillis: ${millis} } });
  new subject.BatchSpanProcessor(own).onEnd(makeSpans(1)[0]);`;

for (const [name, program, receiverOptions, millisWaited = 0] of [
  ['a silent receiver costs blockMillis', { exit: { blockMillis: 600 }, last: terminate }, silent, 600],
  ['with blockMillis 0 nobody waits', { exit: { blockMillis: 0 }, last: terminate }, silent],
  [
    'an endpoint that refuses costs nothing',
    { exit: { blockMillis: 9000 }, last: terminate, url: 'http://127.0.0.1:9/v1/traces' },
    {},
  ],
  [
    'a main thread that waits is not followed by a second wait: process.exit()',
    { main: mainWaits(600), exit: { blockMillis: 5000 }, last: 'process.exit()' },
    silent,
    600,
  ],
  [
    'a main thread that waits is not followed by a second wait: natural end',
    { main: mainWaits(600), exit: { blockMillis: 5000 }, last: 'worker.unref()' },
    silent,
  ],
  [
    'a main thread that does not want to wait decides for its workers',
    { main: mainWaits(0), exit: { blockMillis: 5000 }, last: 'process.exit()' },
    silent,
  ],
  [
    'a worker that has waited at its natural end is not waited for again',
    {
      worker: '',
      exit: { drainMillis: 300, blockMillis: 5000 },
      last: "await once(worker, 'exit')",
    },
    silent,
  ],
  [
    'a worker that has waited in process.exit() is not waited for again',
    { worker: 'process.exit(0);', exit: { blockMillis: 1500 }, last: "await once(worker, 'exit')" },
    silent,
  ],
  [
    'nothing on its way costs nothing',
    {
      worker: 'setInterval(() => {}, 1000); processor.forceFlush().then(() => parentPort.postMessage(2));',
      exit: { blockMillis: 9000 },
      last: `await once(worker, 'message'); ${terminate}`,
    },
    {},
  ],
]) {
  test(`R62 F57 F58: ${name}`, notOnWindows, async (t) => {
    for (let nth = 1; ; nth++) {
      const { millis } = await endMillis(t, program, receiverOptions);
      assert.ok(millis >= millisWaited - 10, `${millis} ms`);
      if (millis > millisWaited + TEARDOWN_MILLIS && nth < TRIES) continue;
      assert.ok(millis <= millisWaited + TEARDOWN_MILLIS, `${millis} ms`);
      return;
    }
  });
}
