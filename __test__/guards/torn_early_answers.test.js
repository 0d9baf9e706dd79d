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

/** Runs `call` until it returns or `millis` are over. Whether it was cut off. */
function isCutOff(call, millis) {
  try {
    vm.runInNewContext('call()', { call }, { timeout: millis });
    return false;
  } catch (error) {
    assert.equal(error.code, 'ERR_SCRIPT_EXECUTION_TIMEOUT');
    return true;
  }
}

async function start(t, options) {
  const receiver = await startReceiver();
  t.after(() => receiver.close());
  const exporter = new OTLPTraceExporter({ url: receiver.url, concurrencyLimit: 1, ...options });
  t.after(() => exporter.shutdown());
  return exporter;
}

/** Code of the application in which a call is cut off: it never ends while the call is under way. */
class Endless {
  calls = 0;
  #isUnderWay = false;

  run() {
    this.calls += 1;
    while (this.#isUnderWay);
  }

  /** Cuts `call` off in here; a busy machine may need more than 30 ms to come so far, and is given them with another call. */
  async cutOff(makeCall) {
    for (let millis = 30; millis < 10_000; millis *= 4) {
      const made = await makeCall();
      this.#isUnderWay = true;
      assert.ok(isCutOff(made.call, millis));
      this.#isUnderWay = false;
      if (this.calls > 0) return { ...made, inTheCall: made.answers?.slice() };
      await made.first;
      this.calls = 0; // what was cut off earlier has been answered since
    }
    throw new Error('the call never came so far');
  }
}

test('cut off between the count and the answer: the answer comes', async (t) => {
  const endless = new Endless();
  const { exporter, first, answers, inTheCall } = await endless.cutOff(async () => {
    const exporter = await start(t, { onError: () => endless.run() });
    const first = exporter.exportSpans([plain.span()]);
    const answers = [];
    const call = () => exporter.export([plain.span(), plain.span()], (result) => answers.push(result));
    return { exporter, first, answers, call };
  });
  assert.deepEqual(inTheCall, []);
  assert.deepEqual(
    answers.map(({ code, error }) => [code, error.message]),
    [[1, 'Concurrent export limit reached']],
  );
  assert.equal(endless.calls, 1);
  assert.equal(exporter.stats().refused.queue_full, 2);
  assert.equal((await first).delivered, 1);
});

test('cut off in its callback: it is not called again', async (t) => {
  const endless = new Endless();
  const { exporter, first } = await endless.cutOff(async () => {
    const exporter = await start(t);
    const first = exporter.exportSpans([plain.span()]);
    return { exporter, first, call: () => exporter.export([plain.span()], () => endless.run()) };
  });
  await first;
  assert.equal(endless.calls, 1);
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
