'use strict';
// This file measures time, so it runs alone.

const assert = require('node:assert/strict');
const { monitorEventLoopDelay } = require('node:perf_hooks');
const { test } = require('node:test');
const { runProgram } = require('../helpers/child.js');
const { startReceiverProcess } = require('../helpers/receiver_process.js');

// A service that ends 10,000 spans of 2 kB a second while its collector takes 100 ms for each request (R6): nothing is
// lost, the loop does not notice, memory stays. OFFLOOP_TEST_LONG=1 runs it for a minute, and then until memory is flat.
// Service, collector and control have the same priority. A run in which the machine starved the collector or the control
// does not judge the library: it is repeated, twice at most. A service that the machine held up does not make up for it
// in a burst, which would be another load than the one of the rule; if nobody else was late, the library held it up.

const isLong = process.env.OFFLOOP_TEST_LONG === '1';
const SECONDS = isLong ? 60 : 4;
const FIRST_SECONDS = 60; // everything has been needed once
const STEADY_SECONDS = 90;
const MEMORY_SECONDS = 480; // at most
const COLLECT_SECONDS = 5;
const BLOCK_BYTES = 256 * 1024;
const SLOW = { otherwise: { delayMillis: 100 } };
const SPANS_PER_SECOND = 10_000;
const BURST_SPANS = 5000; // made in one turn at most: what half a second leaves, a third of the queue
const MAX_P99_GROWTH_MILLIS = 1;
const STARVED_MILLIS = 100;
const MAX_GROWTH_BYTES_PER_MINUTE = 1e6;

/**
 * The second from which on no more blocks were made: a sample a second, and their bytes are in `external`. Memory of a
 * service is what its busiest moment needed. Where the machine holds the workers up for 100 ms, 1,000 more spans wait, 2 MB
 * in blocks and as much again on their way through the encoder; the blocks are recycled and never go while they are needed
 * now and then. That is a step, and no growth: a run with such a step in it (4.6 to 13.8 MB of blocks, native memory from 59
 * to 66 MB) was red under a rule that compared two fixed windows. A leak of blocks has no last step.
 */
function lastStep(memory) {
  let [highest, second] = [0, 0];
  memory.forEach(({ external }, nth) => {
    if (external < highest + BLOCK_BYTES / 2) return;
    highest = external;
    second = nth;
  });
  return second;
}

/** Where the steady time begins, once it has been long enough. */
function steadyFrom(memory, firstSeconds, steadySeconds) {
  const from = Math.max(firstSeconds, lastStep(memory) + 1);
  return memory.length >= from + steadySeconds ? from : undefined;
}

/**
 * A program that makes spans with the SDK for `seconds`, or until memory has been steady if `isMemoryRun`; prints what it
 * saw as JSON. Without `url` nothing is exported.
 */
const service = (seconds, isMemoryRun) => `
  const { monitorEventLoopDelay } = require('node:perf_hooks');
  const { BasicTracerProvider } = require('@opentelemetry/sdk-trace-base');
  const exporter = url === 'none' ? null : new OTLPTraceExporter({ url });
  const processor = exporter && new subject.BatchSpanProcessor(exporter);
  const tracer = new BasicTracerProvider({ spanProcessors: processor ? [processor] : [] }).getTracer('load');
  const filler = 'x'.repeat(1500);
  const BLOCK_BYTES = ${BLOCK_BYTES};
  ${lastStep}
  ${steadyFrom}
  const isSteady = (memory) => ${isMemoryRun} && steadyFrom(memory, ${FIRST_SECONDS}, ${STEADY_SECONDS}) !== undefined;
  const makeSpan = (nth) => {
    const span = tracer.startSpan('GET /users/:id', { kind: 1 });
    for (let at = 0; at < 8; at++) span.setAttribute('http.request.attribute.' + at, 'value ' + nth + ' of ' + at);
    span.setAttribute('payload', filler + nth);
    span.end();
  };
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const memory = [];
  let made = 0;
  const total = ${seconds} * ${SPANS_PER_SECOND};
  const began = performance.now();
  let heldUpMillis = 0;
  const some = setInterval(() => {
    const now = performance.now();
    let due = Math.min(total, Math.floor((now - began - heldUpMillis) * ${SPANS_PER_SECOND / 1000}));
    const excess = due - made - ${BURST_SPANS};
    if (excess > 0) { heldUpMillis += excess / ${SPANS_PER_SECOND / 1000}; due -= excess; }
    while (made < due) makeSpan(made++);
    const seconds = Math.floor((now - began) / 1000);
    if (memory.length < seconds) {
      if (seconds % ${COLLECT_SECONDS} === 0) globalThis.gc?.();
      memory.push(process.memoryUsage());
    }
    if (made === 5000 || (made > 5000 && !delay.isOn)) { delay.isOn = true; delay.enable(); }
    if (made === total || isSteady(memory)) { clearInterval(some); finish(); }
  }, 5);
  const finish = async () => {
    delay.disable();
    await processor?.forceFlush();
    const stats = exporter?.stats();
    console.log(JSON.stringify({ p99Millis: delay.percentile(99) / 1e6, p50Millis: delay.percentile(50) / 1e6, maxMillis: delay.max / 1e6, heldUpMillis, made, memory, stats }));
  };`;

/** Runs the service; `controlMillis` is what the same measurement saw meanwhile in this process, which does nothing. */
async function run(t, seconds, receiver, isMemoryRun = false) {
  const url = receiver?.url ?? 'none';
  const control = monitorEventLoopDelay({ resolution: 1 });
  control.enable();
  const { code, stdout, stderr } = await runProgram(service(seconds, isMemoryRun), {
    url,
    limitMillis: (seconds + 60) * 1000,
    nodeArguments: isMemoryRun ? ['--expose-gc'] : [],
  });
  control.disable();
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  const seen = {
    ...JSON.parse(stdout),
    controlMillis: control.percentile(99) / 1e6,
    controlMaxMillis: control.max / 1e6,
    collectorMaxMillis: (await receiver?.maxDelayMillis()) ?? 0,
  };
  const { p50Millis, p99Millis, maxMillis, heldUpMillis, controlMillis, controlMaxMillis, collectorMaxMillis } = seen;
  t.diagnostic(
    `${url === 'none' ? 'no exporter' : 'offloop'}: loop delay p50 ${p50Millis.toFixed(2)}, p99 ${p99Millis.toFixed(2)}, ` +
      `max ${maxMillis.toFixed(1)}, held up for ${heldUpMillis.toFixed(0)} ms; control p99 ${controlMillis.toFixed(2)}, ` +
      `max ${controlMaxMillis.toFixed(1)} ms; collector max ${collectorMaxMillis.toFixed(1)} ms`,
  );
  return seen;
}

function assertAllDelivered({ offered, accepted, delivered, refused, dropped, pending }, spans) {
  assert.deepEqual(
    { offered, accepted, delivered, refused, dropped, pending },
    { offered: spans, accepted: spans, delivered: spans, refused: {}, dropped: {}, pending: 0 },
  );
}

test(`R6: 10,000 spans a second for ${SECONDS} s: all delivered, the loop does not notice`, async (t) => {
  const spans = SECONDS * SPANS_PER_SECOND;
  // A process that does nothing shows how late anybody is on this machine.
  for (let round = 1; ; round++) {
    const receiver = await startReceiverProcess(SLOW, t);
    const without = await run(t, SECONDS, null);
    const ours = await run(t, SECONDS, receiver);
    await receiver.close();
    const isStarved = Math.max(ours.controlMaxMillis, ours.collectorMaxMillis) > STARVED_MILLIS;
    const isGood = ours.stats.delivered === spans && ours.heldUpMillis === 0;
    if (isStarved && !isGood && round < 3) continue;
    assertAllDelivered(ours.stats, spans);
    assert.ok(isStarved || ours.heldUpMillis === 0, `the service was held up for ${ours.heldUpMillis} ms`);
    const growthMillis = ours.p99Millis - without.p99Millis;
    const ofMachineMillis = Math.max(0, ours.controlMillis - without.controlMillis);
    if (growthMillis - ofMachineMillis <= MAX_P99_GROWTH_MILLIS) return;
    assert.ok(ofMachineMillis > 0.25 && round < 3, `p99 grew by ${growthMillis} ms, of the control ${ofMachineMillis}`);
  }
});

test('R6: memory is flat after the first minute and the last step', {
  skip: !isLong && 'OFFLOOP_TEST_LONG=1 runs it',
}, async (t) => {
  const receiver = await startReceiverProcess(SLOW, t);
  const { made, memory, stats } = await run(t, MEMORY_SECONDS, receiver, true);
  assertAllDelivered(stats, made);
  const from = steadyFrom(memory, FIRST_SECONDS, STEADY_SECONDS);
  assert.ok(from !== undefined, `blocks were still being made in second ${lastStep(memory)} of ${memory.length}`);
  t.diagnostic(`steady from second ${from} on, with ${(memory[from].external / 1e6).toFixed(1)} MB of blocks`);
  // How large V8 keeps its heap is V8's. What is in use tells after a full collection, which the service asks for now and
  // then: left to itself, V8 makes one in 40 s or so, and the least of 45 s was anything between 9 and 11 MB.
  const measures = { native: ({ rss, heapTotal }) => rss - heapTotal, 'heap in use': ({ heapUsed }) => heapUsed };
  for (const [name, measure] of Object.entries(measures)) {
    const half = STEADY_SECONDS / 2;
    const least = [from, from + half].map((second) => Math.min(...memory.slice(second, second + half).map(measure)));
    const growth = ((least[1] - least[0]) * 60) / half;
    t.diagnostic(`${name}: ${least.map((bytes) => (bytes / 1e6).toFixed(1)).join(' to ')} MB`);
    assert.ok(growth < MAX_GROWTH_BYTES_PER_MINUTE, `${name} grows by ${growth} bytes a minute`);
  }
});
