'use strict';
// A recursion that has run out of stack calls us in every frame on its way back, as an error handler or a `finally` does:
// the first calls find next to nothing, each later one some words more. Spans that had ended before arrive, so do those
// that end afterwards, each once; the account is exact, no rejection is left behind, and the exporter can be shut down.
// OFFLOOP_TEST_LONG=1 tries 24 sizes of frames.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const offloop = require('../..');
const { assertConserved } = require('../helpers/conservation.js');
const { startReceiver } = require('../helpers/receiver.js');
const { runaway } = require('../helpers/torn.js');
const { freshPackage, inTime, Subject } = require('../helpers/torn_subject.js');

const isLong = process.env.OFFLOOP_TEST_LONG === '1';
const SIZES = isLong ? Array.from({ length: 24 }, (_, words) => words) : [0, 3];
const BEFORE = 200;
const AFTER = 1000;
const WARMED = 20;
// A batch leaves soon after the recursion or by the flush alone; `times` frames call us: too few for any call to find enough
// stack, or so many that the last ones do.
const CASES = [
  { scheduledDelayMillis: 20, times: 20 },
  { scheduledDelayMillis: 5000, times: 260 },
  ...(isLong ? [{ scheduledDelayMillis: 20, times: 260 }] : []),
];

const ignore = () => {};

const ACTS = {
  'span.end()': ({ processor }, span) => processor.onEnd(span),
  'export()': ({ exporter }, span) => exporter.export([span], ignore),
  'exportSpans()': ({ exporter }, span) => exporter.exportSpans([span]),
  'forceFlush() of the processor': ({ processor }) => processor.forceFlush(),
  'forceFlush() of the exporter': ({ exporter }) => exporter.forceFlush(),
  'every call in turn': (subject, span, number) => {
    const acts = Object.values(ACTS).slice(0, 5);
    return acts[number % acts.length](subject, span);
  },
};

const ENDS = {
  'shutdown() of the exporter': ({ exporter }) => exporter.shutdown(),
  'shutdown() of the processor': ({ processor }) => processor.shutdown(),
};

/** What nobody has handled while a test ran. */
function watchStrays(t) {
  const strays = [];
  const note = (error) => strays.push(error);
  const events = ['uncaughtException', 'unhandledRejection'];
  for (const event of events) process.on(event, note);
  t.after(() => {
    for (const event of events) process.off(event, note);
  });
  return strays;
}

/** Subjects in every state that is tried, one after the other. */
async function* subjects(t) {
  const receiver = await startReceiver();
  t.after(() => receiver.close());
  for (const isWarm of [false, true]) {
    for (const words of SIZES) {
      for (const { scheduledDelayMillis, times } of CASES) {
        const subject = new Subject(
          receiver,
          { processor: { scheduledDelayMillis } },
          isWarm ? offloop : freshPackage(),
        );
        if (isWarm) await warm(subject);
        const context = `in ${isWarm ? 'warm' : 'cold'} code, ${words} words, ${times} times, ${scheduledDelayMillis} ms`;
        yield { subject, words, times, context, isWarm };
      }
    }
  }
}

async function warm(subject) {
  for (let n = 0; n < 20; n++) await subject.exporter.forceFlush();
  subject.end(subject.account.innocentSpans(WARMED / 2));
  await subject.exporter.exportSpans(subject.account.innocentSpans(WARMED / 2));
  await subject.settle('before');
}

/** Whether anything was cut off, and all that was not is settled. */
async function recurse(subject, { words, times }, act, context) {
  const spans = Array.from({ length: times }, () => subject.account.tornSpan());
  let returned = 0;
  const answers = runaway(
    (number) => {
      const answer = act(subject, spans[number], number);
      returned += 1;
      return answer;
    },
    times,
    words,
  );
  assert.ok(returned < times, `nothing was cut off ${context}`);
  return Promise.allSettled(answers.map((answer) => inTime(Promise.resolve(answer), `a call ${context}`)));
}

for (const [name, act] of Object.entries(ACTS)) {
  test(`a runaway recursion: ${name}`, async (t) => {
    const strays = watchStrays(t);
    for await (const { subject, words, times, context } of subjects(t)) {
      const { account } = subject;
      subject.end(account.innocentSpans(BEFORE));
      const settled = recurse(subject, { words, times }, act, context);
      subject.end(account.innocentSpans(AFTER));
      await settled;
      const { delivered } = await subject.exporter.exportSpans(account.innocentSpans(2));
      assert.equal(delivered, 2, context);
      await subject.settle(context);
      await subject.close();
      assert.deepEqual(strays, [], context);
    }
  });
}

for (const [name, act] of Object.entries(ENDS)) {
  test(`a runaway recursion: ${name}`, async (t) => {
    const strays = watchStrays(t);
    for await (const { subject, words, times, context, isWarm } of subjects(t)) {
      const { account, exporter, processor } = subject;
      subject.end(account.innocentSpans(BEFORE));
      await recurse(subject, { words, times }, act, context);
      await inTime(processor.forceFlush().catch(ignore), `forceFlush() ${context}`);
      await inTime(processor.shutdown(), `the next shutdown() of the processor ${context}`);
      await inTime(exporter.shutdown(), `the next shutdown() of the exporter ${context}`);
      const stats = exporter.stats();
      assertConserved(stats);
      assert.equal(stats.pending, 0, context);
      assert.equal(stats.delivered, stats.accepted, context);
      assert.equal(stats.offered, WARMED * isWarm + BEFORE, context);
      // An exporter that is shut down refuses a batch that is still being filled; a processor exports it before.
      if (act === ENDS['shutdown() of the processor']) account.check([stats], context);
      assert.deepEqual(strays, [], context);
    }
  });
}
