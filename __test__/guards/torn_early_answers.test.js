'use strict';
// An export that `concurrencyLimit` refuses is counted and answered in the call itself. Wherever that call is cut off, what
// is counted is answered, once, and no place under the limit is lost.

const assert = require('node:assert/strict');
const { setTimeout: sleep } = require('node:timers/promises');
const { test } = require('node:test');
const vm = require('node:vm');
const { OTLPTraceExporter } = require('../..');
const { PlainSpans } = require('../helpers/plain_spans.js');
const { startReceiver } = require('../helpers/receiver.js');

const plain = new PlainSpans(11);

let isUnderWay = false; // a call that is to be cut off

/** Runs `call` until it returns or `millis` are over. Whether it was cut off. */
function isCutOff(call, millis) {
  isUnderWay = true;
  try {
    vm.runInNewContext('call()', { call }, { timeout: millis });
    return false;
  } catch (error) {
    assert.equal(error.code, 'ERR_SCRIPT_EXECUTION_TIMEOUT');
    return true;
  } finally {
    isUnderWay = false;
  }
}

/**
 * Cuts off a call that `prepare(stopHere)` makes where it comes to `stopHere()`. On a slow machine it comes there later, when
 * nothing would end it any more: there is another trial then, with more time.
 */
async function cutOffThere(prepare) {
  for (let millis = 30; ; millis *= 4) {
    let isThere = false;
    const { call, ...made } = await prepare(() => {
      isThere = isUnderWay;
      while (isUnderWay);
    });
    assert.ok(isCutOff(call, millis));
    if (isThere) return made;
    assert.ok(millis < 60_000, 'the call never came so far');
  }
}

async function start(t, options) {
  const receiver = await startReceiver();
  t.after(() => receiver.close());
  const exporter = new OTLPTraceExporter({ url: receiver.url, concurrencyLimit: 1, ...options });
  t.after(() => exporter.shutdown());
  return exporter;
}

test('cut off between the count and the answer: the answer comes', async (t) => {
  const { exporter, first, answers, told } = await cutOffThere(async (stopHere) => {
    const told = [];
    const onError = (failure) => {
      told.push(failure.reason);
      stopHere();
    };
    const exporter = await start(t, { onError });
    const first = exporter.exportSpans([plain.span()]);
    const answers = [];
    const call = () => exporter.export([plain.span(), plain.span()], (result) => answers.push(result));
    return { call, exporter, first, answers, told };
  });
  assert.deepEqual(
    answers.map(({ code, error }) => [code, error.message]),
    [[1, 'Concurrent export limit reached']],
  );
  assert.deepEqual(told, ['queue_full']);
  assert.equal(exporter.stats().refused.queue_full, 2);
  assert.equal((await first).delivered, 1);
});

test('cut off in its callback: it is not called again', async (t) => {
  const { exporter, first, answers } = await cutOffThere(async (stopHere) => {
    const exporter = await start(t);
    const first = exporter.exportSpans([plain.span()]);
    const answers = [];
    const callback = (result) => {
      answers.push(result);
      stopHere();
    };
    return { call: () => exporter.export([plain.span()], callback), exporter, first, answers };
  });
  await first;
  assert.equal(answers.length, 1);
  assert.equal(exporter.stats().refused.queue_full, 1);
});

test('cut off at any moment: what is counted is answered, and the limit stays what it is', async (t) => {
  const exporter = await start(t);
  const answers = [];
  let calls = 0;
  const cutOffs = process.env.OFFLOOP_TEST_LONG === '1' ? 200 : 25;
  for (let round = 0; round < cutOffs; round++) {
    const endless = () => {
      for (;;) {
        const call = calls++;
        answers[call] = 0;
        exporter.export([plain.span()], () => {
          answers[call] += 1;
        });
      }
    };
    assert.ok(isCutOff(endless, 3 + (round % 3)));
    await sleep(2);
  }
  await exporter.forceFlush();
  await sleep(20);
  assert.deepEqual(
    answers.filter((times) => times > 1),
    [],
  );
  const answered = answers.filter((times) => times === 1).length;
  const { offered } = exporter.stats();
  // A call that is cut off where its callback begins has called it, as far as anybody can tell.
  assert.ok(offered - answered <= cutOffs / 8, `${offered} spans are counted, ${answered} calls were answered`);
  assert.equal((await exporter.exportSpans([plain.span()])).delivered, 1);
});
