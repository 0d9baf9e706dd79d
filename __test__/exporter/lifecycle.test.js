'use strict';

const assert = require('node:assert/strict');
const { performance } = require('node:perf_hooks');
const { test } = require('node:test');
const { OTLPTraceExporter, exportOnce, subjectName } = require('../helpers/subject.js');
const { runProgram } = require('../helpers/child.js');
const { assertConserved, assertOutcome, assertSettled } = require('../helpers/conservation.js');
const { PlainSpans } = require('../helpers/plain_spans.js');
const { startReceiver } = require('../helpers/receiver.js');

// forceFlush(), shutdown() and stats() (O12, X2, R24).

const oursOnly = { skip: subjectName === 'stock' && 'a rule of ours' };
const plain = new PlainSpans(11);

function makeSpans(count) {
  return Array.from({ length: count }, () => plain.span({ attributes: { a: 1 } }));
}

/** A promise with its resolver: holds a reply back until the test has seen what it wants. */
function gate() {
  let open;
  const promise = new Promise((resolve) => {
    open = resolve;
  });
  return { promise, open };
}

async function pair(t, receiverOptions, config) {
  const receiver = await startReceiver(receiverOptions, t);
  const exporter = new OTLPTraceExporter({ url: receiver.url, ...config });
  t.after(() => exporter.shutdown({ timeoutMillis: 0 }));
  return { receiver, exporter };
}

test('forceFlush() waits for what is in flight', async (t) => {
  const held = gate();
  const { receiver, exporter } = await pair(t, { otherwise: { gate: held.promise } });
  let flushed = false;
  const outcome = exporter.exportSpans(makeSpans(2));
  await receiver.waitForRequests(1);
  const flush = exporter.forceFlush().then((result) => {
    flushed = true;
    return result;
  });
  await new Promise(setImmediate);
  assert.equal(flushed, false);
  held.open();
  const result = await flush;
  if (subjectName !== 'stock') assert.deepEqual(result, { timedOut: false, outstanding: 0 });
  assert.equal((await outcome).delivered, 2);
});

test('forceFlush() does not reject because an export failed, and resolves when there is nothing', async (t) => {
  const { exporter } = await pair(t, { otherwise: 400 });
  await exporter.forceFlush();
  const failing = exportOnce(exporter, makeSpans(1));
  await exporter.forceFlush();
  assert.equal((await failing).code, 1);
});

test('forceFlush() with a deadline reports what is outstanding and drops nothing', oursOnly, async (t) => {
  const held = gate();
  const { receiver, exporter } = await pair(t, { otherwise: { gate: held.promise } });
  const outcome = exporter.exportSpans(makeSpans(3));
  await receiver.waitForRequests(1);
  assert.deepEqual(await exporter.forceFlush({ timeoutMillis: 50 }), { timedOut: true, outstanding: 3 });
  const during = exporter.stats();
  assertConserved(during);
  assert.equal(during.pending, 3);
  held.open();
  assert.deepEqual(await outcome, { delivered: 3, rejected: 0, dropped: {}, attempts: 1 });
  assertSettled(exporter.stats());
});

test('shutdown() waits for what is in flight; twice is harmless', async (t) => {
  const { exporter } = await pair(t, { otherwise: { delayMillis: 60 } });
  const outcome = exporter.exportSpans(makeSpans(2));
  const first = exporter.shutdown();
  const second = exporter.shutdown();
  assert.equal(await first, undefined);
  assert.equal(await second, undefined);
  assert.equal((await outcome).delivered, 2);
  await exporter.shutdown();
});

test('shutdown() with a deadline drops what is left, and counts it', oursOnly, async (t) => {
  const { receiver, exporter } = await pair(t, { otherwise: { stall: 'response' } });
  const outcome = exporter.exportSpans(makeSpans(4));
  await receiver.waitForRequests(1);
  const started = performance.now();
  await exporter.shutdown({ timeoutMillis: 100 });
  assert.ok(performance.now() - started < 5000);
  const result = await outcome;
  assertOutcome(result, 4);
  assert.deepEqual(result.dropped, { shutdown_deadline: 4 });
  assertSettled(exporter.stats());
});

test(
  'a program goes on behind a shutdown() that ran out of time, though nothing else holds it',
  oursOnly,
  async (t) => {
    const receiver = await startReceiver({ otherwise: { stall: 'response' } }, t);
    for (const call of ['forceFlush({ timeoutMillis: 30 })', 'shutdown({ timeoutMillis: 30 })']) {
      const { code, stdout, stderr } = await runProgram(
        `
      const { BatchSpanProcessor } = require('.');
      (async () => {
        const exporter = new OTLPTraceExporter({ url, exit: { drainMillis: 0, blockMillis: 0 } });
        const processor = new BatchSpanProcessor(exporter, { maxExportBatchSize: 1 });
        processor.onEnd(makeSpans(1)[0]); // nobody waits for its export, so it holds nothing
        for (let round = 0; round < 3; round++) await exporter.${call};
        console.log('went on');
        await exporter.shutdown({ timeoutMillis: 0 });
      })();`,
        { url: receiver.url },
      );
      assert.deepEqual({ code, stdout }, { code: 0, stdout: 'went on\n' }, `${call}: ${stderr}`);
    }
  },
);

test('after shutdown() an export fails at once and never throws', oursOnly, async (t) => {
  const { receiver, exporter } = await pair(t);
  await exporter.exportSpans(makeSpans(1));
  await exporter.shutdown();
  const outcome = await exporter.exportSpans(makeSpans(6));
  assert.deepEqual(outcome.dropped, { after_shutdown: 6 });
  assert.equal(outcome.attempts, 0);
  assert.equal(outcome.error.code, 'after_shutdown');
  const { code, error } = await exportOnce(exporter, makeSpans(1));
  assert.equal(code, 1);
  assert.ok(error instanceof Error);
  await exporter.forceFlush();
  assert.equal(receiver.completed.length, 1);
  const stats = exporter.stats();
  assertSettled(stats);
  assert.equal(stats.refused.after_shutdown, 7);
});

test('an exporter that never exported can be flushed and shut down', async () => {
  const exporter = new OTLPTraceExporter({ url: 'http://127.0.0.1:9/v1/traces' });
  await exporter.forceFlush();
  await exporter.shutdown();
});

test('stats() are conserved in every snapshot', oursOnly, async (t) => {
  const steps = [200, 400, { status: 200, delayMillis: 10 }, 503, { reset: 'request' }, 200, 404];
  let nth = 0;
  const { exporter } = await pair(t, { otherwise: () => steps[nth++ % steps.length] }, { timeoutMillis: 500 });
  const outcomes = [];
  let snapshots = 0;
  let running = true;
  const watcher = (async () => {
    while (running) {
      assertConserved(exporter.stats());
      snapshots += 1;
      await new Promise(setImmediate);
    }
  })();
  for (let round = 0; round < 60; round++) {
    outcomes.push(exporter.exportSpans(makeSpans(1 + (round % 5))));
    if (round % 7 === 0) await new Promise(setImmediate);
  }
  const settled = await Promise.all(outcomes);
  running = false;
  await watcher;
  assert.ok(snapshots > 3);
  for (const [round, outcome] of settled.entries()) assertOutcome(outcome, 1 + (round % 5));
  const stats = exporter.stats();
  assertSettled(stats);
  assert.equal(
    stats.delivered,
    settled.reduce((total, { delivered }) => total + delivered, 0),
  );
  assert.equal(stats.offered, 60 * 3);
});

test('stats(): the fields and what they start from', oursOnly, async (t) => {
  const { exporter } = await pair(t);
  const fresh = exporter.stats();
  assert.deepEqual(
    { ...fresh, threads: undefined },
    {
      offered: 0,
      accepted: 0,
      refused: {},
      delivered: 0,
      rejected: 0,
      dropped: {},
      pending: 0,
      pendingBytes: 0,
      inFlight: 0,
      requests: 0,
      sentBytes: 0,
      retries: 0,
      breaker: 'closed',
      lastExportLatencyMillis: null,
      threads: undefined,
    },
  );
  await exporter.exportSpans(makeSpans(2));
  const used = exporter.stats();
  assert.equal(used.offered, 2);
  assert.ok(used.lastExportLatencyMillis >= 0 && used.lastExportLatencyMillis < 60_000);
  assert.ok(used.threads >= 2 && used.threads <= 8, `${used.threads} threads`);
});

test('a full queue refuses at once and counts', oursOnly, async (t) => {
  const held = gate();
  const { receiver, exporter } = await pair(t, { otherwise: { gate: held.promise } }, { queue: { maxSpans: 10 } });
  const first = exporter.exportSpans(makeSpans(10));
  await receiver.waitForRequests(1);
  const refused = await exporter.exportSpans(makeSpans(4));
  assert.deepEqual(refused.dropped, { queue_full: 4 });
  assert.equal(refused.error.code, 'queue_full');
  const { code, error } = await exportOnce(exporter, makeSpans(1));
  assert.equal(code, 1);
  assert.ok(error instanceof Error);
  held.open();
  assert.equal((await first).delivered, 10);
  assert.equal((await exporter.exportSpans(makeSpans(4))).delivered, 4, 'there is room again');
  const stats = exporter.stats();
  assertSettled(stats);
  assert.equal(stats.refused.queue_full, 5);
});
