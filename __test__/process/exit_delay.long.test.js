'use strict';
// This file measures time, so it runs alone.

const assert = require('node:assert/strict');
const { performance } = require('node:perf_hooks');
const { describe, test } = require('node:test');
const { runProgram } = require('../helpers/child.js');
const { refusedUrl } = require('../helpers/receiver.js');
const { startReceiverProcess } = require('../helpers/receiver_process.js');
const { inMain } = require('../helpers/worker_programs.js');

// An endpoint that never answers delays the end of a process by its deadline and no more (R63, R64, F57 to F59). The tests
// mostly wait, so they run side by side. Where an end was late, a control is asked: the same end with nobody to wait for.

const DEADLINE_MILLIS = 400;
const SLACK_MILLIS = 100;
const EARLY_MILLIS = 20; // the mark of a program takes some time to arrive
const ROUNDS = 3;
const silent = { otherwise: { stall: 'response' } };
const unix = { skip: process.platform === 'win32' && 'nobody waits there' };

const exits = {
  'natural end': { end: '', deadline: 'drainMillis', expected: { code: 0, signal: null } },
  'process.exit(3)': { end: 'process.exit(3);', deadline: 'blockMillis', expected: { code: 3, signal: null } },
  'uncaught throw': {
    end: "throw new Error('uncaught');",
    deadline: 'blockMillis',
    expected: { code: 1, signal: null },
  },
  'unhandled rejection': {
    end: "Promise.reject(new Error('unhandled'));",
    deadline: 'blockMillis',
    expected: { code: 1, signal: null },
  },
  'SIGTERM with the option': {
    end: "process.kill(process.pid, 'SIGTERM'); setTimeout(() => {}, 10_000);",
    deadline: 'drainMillis',
    signals: ['SIGTERM'],
    expected: { code: null, signal: 'SIGTERM' },
  },
};

const byProcessor = `
  const processor = new subject.BatchSpanProcessor(exporter);
  for (const span of makeSpans(300)) processor.onEnd(span);`;
/** An endpoint that refuses connections, in the place of a receiver. */
const refused = async () => ({ url: await refusedUrl() });

const byExport = 'exporter.export(makeSpans(1), () => {});';

/** Milliseconds from the last statement of a program to its end, and how it ended. */
async function endOf(url, exit, end, hold = byProcessor, transport) {
  let markedMillis;
  let endedMillis;
  const { code, signal, stderr } = await runProgram(
    `const exporter = new OTLPTraceExporter({ url, timeoutMillis: 60_000, ${transport ? `transport: '${transport}',` : ''} exit: ${JSON.stringify(exit)} });
     ${hold}
     setTimeout(() => { require('node:fs').writeSync(1, 'mark'); ${end} }, 300);`,
    {
      url,
      onStart(child) {
        child.stdout.once('data', () => {
          markedMillis = performance.now();
        });
        child.once('exit', () => {
          endedMillis = performance.now();
        });
      },
    },
  );
  return { millis: endedMillis - markedMillis, code, signal, stderr };
}

/** What `work` resolves with, and how late a timer of this process was meanwhile: what this machine does to anybody. */
async function whileWatched(work) {
  let lateMillis = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    lateMillis = Math.max(lateMillis, now - last - 5);
    last = now;
  }, 5);
  try {
    return { result: await work(), lateMillis };
  } finally {
    clearInterval(timer);
  }
}

/**
 * Demands that the end that `held` measures takes `millis`, and at most a slack more than the end that `usual` measures.
 * A defect is late every time; a machine that is late the third time too is granted its own lateness.
 */
async function assertDelay(t, millis, held, usual) {
  for (let round = 1; ; round++) {
    const { result, lateMillis } = await whileWatched(held);
    assert.ok(result >= millis - EARLY_MILLIS, `${result} ms, less than ${millis}`);
    if (result <= millis + SLACK_MILLIS) return;
    const control = await usual();
    const allowed = millis + SLACK_MILLIS + (round < ROUNDS ? 0 : lateMillis);
    t.diagnostic(
      `${result.toFixed(0)} ms, the control ${control.toFixed(0)} ms, a timer late by ${lateMillis.toFixed(0)}`,
    );
    if (result - control <= allowed) return;
    assert.ok(round < ROUNDS, `${result} ms, the control took ${control} ms, allowed are ${allowed} ms more`);
  }
}

/** `endOf` with the end of the program checked: milliseconds. */
async function millisOf(expected, ...rest) {
  const { millis, stderr, ...ended } = await endOf(...rest);
  assert.deepEqual(ended, expected, stderr);
  return millis;
}

describe('a dead endpoint delays the end by its deadline at most', { concurrency: 2 }, () => {
  for (const [name, { end, deadline, signals = [], expected }] of Object.entries(exits)) {
    // Windows has no signals: what Node.js calls so ends a process at once.
    const skip = signals.length > 0 && process.platform === 'win32' && 'no signals there';
    test(name, { skip }, async (t) => {
      const [healthy, dead] = [await startReceiverProcess({}, t), await startReceiverProcess(silent, t)];
      const exit = { drainMillis: 10_000, blockMillis: 10_000, [deadline]: DEADLINE_MILLIS, signals };
      const measure = (url) => () => millisOf(expected, url, exit, end);
      await assertDelay(t, DEADLINE_MILLIS, measure(dead.url), measure(healthy.url));
    });
  }

  test('natural end, sent by Node', async (t) => {
    const [healthy, dead] = [await startReceiverProcess({}, t), await startReceiverProcess(silent, t)];
    const exit = { drainMillis: DEADLINE_MILLIS };
    const measure = (url) => () => millisOf({ code: 0, signal: null }, url, exit, '', byProcessor, 'node');
    await assertDelay(t, DEADLINE_MILLIS, measure(dead.url), measure(healthy.url));
  });

  const another = 'new OTLPTraceExporter({ url, exit: { blockMillis: 400 } }).export(makeSpans(1), () => {});';
  for (const [name, start, blockMillis, millis, hold] of [
    ['an endpoint that never answers takes blockMillis', startReceiverProcess, 600, 600, byExport],
    ['blockMillis 0 does not wait at all', startReceiverProcess, 0, 0, byExport],
    ['an endpoint that refuses connections is not waited for', refused, 5000, 0, byExport],
    ['five exporters share one budget', startReceiverProcess, 400, 400, byExport + another.repeat(4)],
  ]) {
    test(`process.exit() with export() under way: ${name}`, async (t) => {
      const [healthy, dead] = [await startReceiverProcess({}, t), await start(silent, t)];
      const measure = (url) => () =>
        millisOf({ code: 4, signal: null }, url, { blockMillis }, 'process.exit(4);', hold);
      await assertDelay(t, millis, measure(dead.url), measure(healthy.url));
    });
  }

  test('nothing on its way: the listeners cost nothing', async (t) => {
    const { url } = await startReceiverProcess({}, t);
    const exit = { drainMillis: 10_000, blockMillis: 10_000 };
    const measure = (hold) => () => millisOf({ code: 0, signal: null }, url, exit, '', hold);
    await assertDelay(t, 0, measure(byExport), measure(''));
  });
});

/** What the end of a process with a worker takes, from the `exit` event of its main thread on. */
async function endMillis(url, { main = '', worker = 'setInterval(() => {}, 1000);', exit, last }) {
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
    { url, limitMillis: 60_000 },
  );
  const ended = Date.now();
  assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
  return ended - Number(stdout.match(/^\d+$/m)[0]);
}

const terminate = 'await worker.terminate()';
const mainWaits = (millis) => `
  const own = new OTLPTraceExporter({ url, timeoutMillis: 60000, exit: { drainMillis: ${millis}, blockMillis: ${millis} } });
  new subject.BatchSpanProcessor(own).onEnd(makeSpans(1)[0]);`;

describe('what workers leave behind delays the end by its deadline at most', { concurrency: 2, ...unix }, () => {
  for (const [name, program, options, millis = 0, start = startReceiverProcess] of [
    ['a silent receiver costs blockMillis', { exit: { blockMillis: 600 }, last: terminate }, silent, 600],
    ['with blockMillis 0 nobody waits', { exit: { blockMillis: 0 }, last: terminate }, silent],
    ['an endpoint that refuses costs nothing', { exit: { blockMillis: 9000 }, last: terminate }, silent, 0, refused],
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
      { worker: '', exit: { drainMillis: 300, blockMillis: 5000 }, last: "await once(worker, 'exit')" },
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
    test(`R62 F57 F58: ${name}`, async (t) => {
      const [healthy, dead] = [await startReceiverProcess({}, t), await start(options, t)];
      const measure = (url) => () => endMillis(url, program);
      await assertDelay(t, millis, measure(dead.url), measure(healthy.url));
    });
  }
});
