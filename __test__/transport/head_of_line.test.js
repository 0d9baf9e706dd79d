'use strict';
// This file measures time, so it runs alone.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { OTLPTraceExporter, subjectName } = require('../helpers/subject.js');
const { assertSettled } = require('../helpers/conservation.js');
const { PlainSpans } = require('../helpers/plain_spans.js');
const { startReceiver } = require('../helpers/receiver.js');
const { Watch, measured } = require('../helpers/watch.js');

// A request that stalls stalls itself, and a shutdown ends when its caller says so: on the wall, with a control.

const oursOnly = { skip: subjectName === 'stock' && 'a rule of ours' };
const plain = new PlainSpans(29);
const turn = () => new Promise(setImmediate);

async function pair(t, receiverOptions, config) {
  const receiver = await startReceiver(receiverOptions, t);
  const exporter = new OTLPTraceExporter({ url: receiver.url, timeoutMillis: 60_000, ...config });
  t.after(() => exporter.shutdown({ timeoutMillis: 0 }));
  return { receiver, exporter };
}

for (const mode of ['terminal', 'attempt']) {
  test(`R27, R28: an unrelated export is through within 50 ms while a flush waits (${mode})`, oursOnly, async (t) => {
    await measured(50, async () => {
      const { receiver, exporter } = await pair(t, { script: [{ stall: 'response' }] });
      // A first export pays for threads and client; what is measured is the schedule.
      const stalled = exporter.exportSpans([plain.span()]);
      await receiver.waitForRequests(1);
      let isFlushed = false;
      const flush = exporter.forceFlush({ mode, timeoutMillis: 60_000 }).then(() => {
        isFlushed = true;
      });
      await turn();
      const watch = new Watch();
      const outcome = await exporter.exportSpans([plain.span()]);
      const result = watch.stop();
      assert.equal(outcome.delivered, 1);
      assert.equal(isFlushed, false);
      await exporter.shutdown({ timeoutMillis: 0 });
      await flush;
      assert.deepEqual((await stalled).dropped, { shutdown_deadline: 1 });
      return result;
    });
  });
}

test(
  'R51, R52, R53: shutdown({ timeoutMillis: 300 }) with 200 batches against a stalling server',
  oursOnly,
  async (t) => {
    await measured(400, async () => {
      const { receiver, exporter } = await pair(t, { otherwise: { stall: 'response' } });
      const outcomes = Array.from({ length: 200 }, () => exporter.exportSpans([plain.span({ attributes: { a: 1 } })]));
      await receiver.waitForRequests(4);
      const watch = new Watch();
      await exporter.shutdown({ timeoutMillis: 300 });
      const result = watch.stop();
      for (const outcome of await Promise.all(outcomes)) assert.deepEqual(outcome.dropped, { shutdown_deadline: 1 });
      await receiver.waitFor(() => receiver.openConnections === 0);
      const before = [receiver.requests.length, receiver.connections.length];
      await new Promise((resolve) => setTimeout(resolve, 100));
      assert.deepEqual([receiver.requests.length, receiver.connections.length], before, 'nothing is posted later');
      // A shutdown waits for all of them, so they have all the places that there are.
      assert.ok(before[0] > 4 && before[0] <= 30, `${before[0]} at once, and nothing at the end`);
      const stats = exporter.stats();
      assertSettled(stats);
      assert.equal(stats.dropped.shutdown_deadline, 200);
      return result;
    });
  },
);
