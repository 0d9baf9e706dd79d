'use strict';
// This file measures time, so it runs alone.

const assert = require('node:assert/strict');
const { performance } = require('node:perf_hooks');
const { test } = require('node:test');
const { runProgram } = require('../helpers/child.js');
const { startReceiverProcess } = require('../helpers/receiver_process.js');

// An endpoint that never answers delays the end of a process by its deadline and no more (R63, R64, F57 to F59).

const DEADLINE_MILLIS = 400;
const SLACK_MILLIS = 100;

const ways = {
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

/** Milliseconds from the last statement of a program to its end, and how it ended. */
async function endOf({ end, deadline, signals = [] }, url) {
  const exit = { drainMillis: 10_000, blockMillis: 10_000, [deadline]: DEADLINE_MILLIS, signals };
  let markedMillis;
  let endedMillis;
  const { code, signal } = await runProgram(
    `const exporter = new OTLPTraceExporter({ url, timeoutMillis: 60_000, exit: ${JSON.stringify(exit)} });
     const processor = new subject.BatchSpanProcessor(exporter);
     for (const span of makeSpans(300)) processor.onEnd(span);
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
  return { millis: endedMillis - markedMillis, code, signal };
}

/** How late a timer of this process is, at most, while `work` runs: what this machine does to anybody. */
async function withControl(work) {
  let lateMillis = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    lateMillis = Math.max(lateMillis, now - last - 5);
    last = now;
  }, 5);
  const result = await work();
  clearInterval(timer);
  return { ...result, lateMillis };
}

for (const [name, way] of Object.entries(ways)) {
  test(`a dead endpoint delays the end by its deadline at most: ${name}`, async (t) => {
    const healthy = await startReceiverProcess({}, t);
    const dead = await startReceiverProcess({ otherwise: { stall: 'response' } }, t);
    for (let round = 1; ; round++) {
      const usual = await endOf(way, healthy.url);
      const { lateMillis, ...held } = await withControl(() => endOf(way, dead.url));
      const { millis, ...ended } = held;
      assert.deepEqual(ended, way.expected);
      const delayMillis = millis - usual.millis;
      t.diagnostic(
        `delayed by ${delayMillis.toFixed(0)} ms of ${DEADLINE_MILLIS}, control ${lateMillis.toFixed(0)} ms`,
      );
      // The drain does wait: otherwise nothing is shown.
      assert.ok(millis > DEADLINE_MILLIS - 20, `${millis} ms`);
      if (delayMillis <= DEADLINE_MILLIS + SLACK_MILLIS) return;
      assert.ok(lateMillis > SLACK_MILLIS / 4 && round < 3, `${delayMillis} ms, control late by ${lateMillis} ms`);
    }
  });
}
