'use strict';
// Attempts that JavaScript makes itself (`transport: 'node'`, a `headers` function): what was given up meanwhile is not sent,
// is not asked for, is ended, and costs no memory.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { mkdtempSync, rmSync } = require('node:fs');
const net = require('node:net');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const { OTLPTraceExporter, subjectName } = require('../helpers/subject.js');
const { runProgram } = require('../helpers/child.js');
const { assertConserved } = require('../helpers/conservation.js');
const { PlainSpans } = require('../helpers/plain_spans.js');
const { startReceiver } = require('../helpers/receiver.js');

const oursOnly = { skip: subjectName === 'stock' && 'a rule of ours' };
const plain = new PlainSpans(36);

function block(millis) {
  for (const end = performance.now() + millis; performance.now() < end; );
}

test('what was given up while the loop was blocked is not sent afterwards', oursOnly, async (t) => {
  const receiver = await startReceiver({}, t);
  const retry = { maxElapsedMillis: 60_000 };
  const config = { url: receiver.url, transport: 'node', timeoutMillis: 100, retry };
  const exporter = new OTLPTraceExporter(config);
  t.after(() => exporter.shutdown({ timeoutMillis: 0 }));
  const outcome = exporter.exportSpans([plain.span()]);
  block(2_000);
  assert.equal((await outcome).delivered, 1);
  await sleep(300);
  assert.ok(receiver.requests.length <= 2, `${receiver.requests.length} requests for one batch`);
  assertConserved(exporter.stats());
});

test('a headers function is not called for attempts that were given up', oursOnly, async (t) => {
  const receiver = await startReceiver({}, t);
  let calls = 0;
  const headers = async () => {
    calls += 1;
    return { 'x-call': String(calls) };
  };
  const retry = { maxElapsedMillis: 60_000 };
  const exporter = new OTLPTraceExporter({ url: receiver.url, headers, timeoutMillis: 100, retry });
  t.after(() => exporter.shutdown({ timeoutMillis: 0 }));
  const outcome = exporter.exportSpans([plain.span()]);
  block(2_000);
  const { delivered, dropped } = await outcome;
  assert.deepEqual([delivered, dropped], [1, {}], 'a blocked loop is no refusal');
  assert.ok(calls <= 3, `${calls} calls for one batch`);
});

test('the end of an attempt ends its request, also one that a shutdown gives up', oursOnly, async (t) => {
  const server = net.createServer().listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const url = `http://127.0.0.1:${server.address().port}/v1/traces`;
  const exporter = new OTLPTraceExporter({ url, transport: 'node', timeoutMillis: 60_000 });
  const outcome = exporter.exportSpans([plain.span()]);
  const [socket] = await once(server, 'connection');
  socket.resume().on('error', () => {});
  const closed = once(socket, 'close');
  await exporter.shutdown({ timeoutMillis: 100 });
  assert.deepEqual((await outcome).dropped, { shutdown_deadline: 1 });
  await closed; // the test runs out of time if nobody closes it
});

test('what only the event loop could have sent is dropped as environment_gone at exit', oursOnly, async () => {
  const { stdout } = await runProgram(`
    const exporters = [{ transport: 'node' }, { headers: async () => ({ a: 'b' }) }].map(
      (config) => new OTLPTraceExporter({ url: 'http://127.0.0.1:9/v1/traces', ...config }));
    for (const exporter of exporters) exporter.exportSpans(makeSpans(1));
    process.on('exit', () => console.log(JSON.stringify(exporters.map((exporter) => exporter.stats().dropped))));
    process.nextTick(() => process.exit(0));
  `);
  assert.deepEqual(JSON.parse(stdout), [{ environment_gone: 1 }, { environment_gone: 1 }]);
});

const long = process.env.OFFLOOP_TEST_LONG === '1';

test('what a batch keeps that has left by its size does not depend on its delay', {
  skip: oursOnly.skip || (!long && 'in the long form'),
}, async (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'offloop-late-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const grown = async (scheduledDelayMillis) => {
    const { stdout } = await runProgram(
      `
      const exporter = new subject.FileSpanExporter({ directory: ${JSON.stringify(directory)}, maxFiles: 1 });
      const processor = new subject.BatchSpanProcessor(exporter, {
        maxExportBatchSize: 1, scheduledDelayMillis: ${scheduledDelayMillis}, maxQueueSize: 4096 });
      const [span] = makeSpans(1);
      const rounds = async (count) => {
        for (let n = 0; n < count; n += 1) {
          for (let nth = 0; nth < 2000; nth += 1) processor.onEnd(span);
          await processor.forceFlush();
        }
        gc();
        return process.memoryUsage().rss;
      };
      (async () => {
        const before = await rounds(5);
        console.log(((await rounds(60)) - before) / 2 ** 20);
        process.exit();
      })();`,
      { nodeArguments: ['--expose-gc'], limitMillis: 120_000 },
    );
    return Number(stdout);
  };
  const [short, delayed] = [await grown(100), await grown(600_000)];
  // 800 bytes of each of 120,000 were 96 MB.
  assert.ok(
    delayed < short + 35,
    `+${delayed.toFixed(1)} MB with a delay of 10 minutes, +${short.toFixed(1)} MB without`,
  );
});
