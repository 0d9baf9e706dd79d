'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { subjectName } = require('../helpers/subject.js');
const { runProgram } = require('../helpers/child.js');
const { startReceiverProcess } = require('../helpers/receiver_process.js');

// What holds a process with an exporter, and what does not (F57 to F59). Each program is a process of its own; that no span is
// lost, however it ends, is in exit_matrix.test.js.

async function receiverFor(t, options) {
  return startReceiverProcess(options, t);
}

function assertQuiet({ stdout, stderr }, expected = '') {
  assert.equal(stderr, '');
  assert.equal(stdout, expected);
}

test('an exporter that was never used does not hold the process', async () => {
  const ended = await runProgram('new OTLPTraceExporter({ url: "http://127.0.0.1:9/v1/traces" });');
  assert.equal(ended.code, 0);
  assertQuiet(ended);
});

test('R66: an idle exporter does not hold the process', async (t) => {
  const receiver = await receiverFor(t);
  const source = `
    const exporter = new OTLPTraceExporter({ url });
    exporter.export(makeSpans(3), ({ code }) => console.log('code', code, process.uptime() > 0));
  `;
  const ended = await runProgram(source, { url: receiver.url, limitMillis: 10_000 });
  assert.equal(ended.code, 0);
  assertQuiet(ended, 'code 0 true\n');
  assert.ok(ended.millis < 5000, `${ended.millis} ms`);
  assert.equal((await receiver.counts()).spans, 3);
});

test('the natural end waits for what is in flight, and for its callback', async (t) => {
  const receiver = await receiverFor(t, { otherwise: { delayMillis: 700 } });
  const source = `
    const exporter = new OTLPTraceExporter({ url });
    exporter.export(makeSpans(4), ({ code }) => console.log('callback', code));
  `;
  const ended = await runProgram(source, { url: receiver.url });
  assert.equal(ended.code, 0);
  assertQuiet(ended, 'callback 0\n');
  assert.equal((await receiver.counts()).spans, 4);
});

test('the natural end waits for a promise of exportSpans(), and for a retry', async (t) => {
  const receiver = await receiverFor(t, { script: [503] });
  const source =
    "new OTLPTraceExporter({ url }).exportSpans(makeSpans(4)).then(({ delivered }) => console.log('delivered', delivered));";
  const ended = await runProgram(source, { url: receiver.url });
  assertQuiet(ended, 'delivered 4\n');
  assert.equal((await receiver.counts()).requests, 2);
});

test('the natural end with a receiver that never answers ends at the deadline', async (t) => {
  const receiver = await receiverFor(t, { otherwise: { stall: 'response' } });
  const source =
    "new OTLPTraceExporter({ url, timeoutMillis: 600 }).export(makeSpans(1), ({ code }) => console.log('code', code));";
  const ended = await runProgram(source, { url: receiver.url });
  assertQuiet(ended, 'code 1\n');
  assert.ok(ended.millis < 6000, `${ended.millis} ms`);
});

test('process.exit() with a dead receiver is prompt', async (t) => {
  for (const stall of ['request', 'response']) {
    const receiver = await receiverFor(t, { otherwise: { stall } });
    const source = `
      const exporter = new OTLPTraceExporter({ url });
      exporter.export(makeSpans(10), () => {});
      setTimeout(() => process.exit(3), 100);
    `;
    const ended = await runProgram(source, { url: receiver.url });
    assert.equal(ended.code, 3);
    assert.equal(ended.stderr, '');
    // Node's own start and end are part of this time.
    assert.ok(ended.millis < 4000, `${ended.millis} ms`);
  }
});

test('shutdown() in a program that goes on: the process ends by itself', async (t) => {
  const receiver = await receiverFor(t);
  const source = `
    (async () => {
      const exporter = new OTLPTraceExporter({ url });
      exporter.export(makeSpans(2), () => console.log('answered'));
      await exporter.shutdown();
      console.log('down');
    })();
  `;
  const ended = await runProgram(source, { url: receiver.url });
  assert.equal(ended.code, 0);
  assertQuiet(ended, 'answered\ndown\n');
  assert.ok(ended.millis < 5000, `${ended.millis} ms`);
});

test('a worker thread exports and ends', async (t) => {
  const receiver = await receiverFor(t);
  const worker = `
    const { OTLPTraceExporter } = require('./__test__/helpers/subject.js');
    const { PlainSpans } = require('./__test__/helpers/plain_spans.js');
    const { workerData, parentPort } = require('node:worker_threads');
    const exporter = new OTLPTraceExporter({ url: workerData });
    exporter.export([new PlainSpans(1).span()], ({ code }) => parentPort.postMessage(code));
  `;
  const source = `
    const { Worker } = require('node:worker_threads');
    for (let nth = 0; nth < 3; nth++) {
      const worker = new Worker(${JSON.stringify(worker)}, { eval: true, workerData: url });
      worker.on('message', (code) => console.log('code', code));
      worker.on('error', (error) => console.log(error));
    }
    new OTLPTraceExporter({ url }).export(makeSpans(1), ({ code }) => console.log('code', code));
  `;
  const ended = await runProgram(source, { url: receiver.url });
  assert.equal(ended.code, 0);
  assertQuiet(ended, 'code 0\n'.repeat(4));
  assert.equal((await receiver.counts()).spans, 4);
});

test('worker.terminate() with an export in flight is prompt and harmless', async (t) => {
  const receiver = await receiverFor(t, { otherwise: { delayMillis: 300 } });
  const worker = `
    const { OTLPTraceExporter } = require('./__test__/helpers/subject.js');
    const { PlainSpans } = require('./__test__/helpers/plain_spans.js');
    const { workerData, parentPort } = require('node:worker_threads');
    const exporter = new OTLPTraceExporter({ url: workerData });
    exporter.export([new PlainSpans(1).span()], () => {});
    parentPort.postMessage('exported');
    setInterval(() => {}, 1000);
  `;
  const source = `
    const { Worker } = require('node:worker_threads');
    (async () => {
      for (let nth = 0; nth < 10; nth++) {
        const worker = new Worker(${JSON.stringify(worker)}, { eval: true, workerData: url });
        await new Promise((resolve) => worker.once('message', resolve));
        await worker.terminate();
      }
      console.log('done');
    })();
  `;
  const ended = await runProgram(source, { url: receiver.url, limitMillis: 30_000 });
  assert.equal(ended.signal, null);
  assert.equal(ended.code, 0);
  assertQuiet(ended, 'done\n');
  if (subjectName !== 'stock')
    assert.equal((await receiver.waitForSpans(10)).spans, 10, 'a worker loses its promises, never its spans');
});

test('SIGTERM without a listener ends the process as ever', async (t) => {
  const receiver = await receiverFor(t, { otherwise: { delayMillis: 5000 } });
  const source =
    "new OTLPTraceExporter({ url }).export(makeSpans(1), () => {}); setInterval(() => {}, 1000); console.log('ready');";
  const ended = await runProgram(source, {
    url: receiver.url,
    onStart: (child) => child.stdout.once('data', () => child.kill('SIGTERM')),
  });
  assert.equal(ended.signal, 'SIGTERM');
  assert.ok(ended.millis < 4000, `${ended.millis} ms`);
});
