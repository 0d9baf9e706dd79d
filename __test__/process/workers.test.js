'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { runProgram } = require('../helpers/child.js');
const { startReceiverProcess } = require('../helpers/receiver_process.js');
const { inMain } = require('../helpers/worker_programs.js');

// Environments that come and go (R67, F61 to F63): a worker loses its promises, never its spans, and nothing crashes.
// OFFLOOP_TEST_LONG=1 runs ten times as many rounds.

const isLong = process.env.OFFLOOP_TEST_LONG === '1';
const rounds = (long, short) => (isLong ? long : short);
const limitMillis = isLong ? 300_000 : 60_000;

async function workersOnly(t, body, { spans, receiverOptions, expected = 'done\n' }) {
  const receiver = await startReceiverProcess(receiverOptions, t);
  const ended = await runProgram(inMain(body), { url: receiver.url, limitMillis });
  assert.deepEqual(
    { code: ended.code, signal: ended.signal, stdout: ended.stdout, stderr: ended.stderr },
    { code: 0, signal: null, stdout: expected, stderr: '' },
  );
  assert.equal((await receiver.waitForSpans(spans, 20_000)).spans, spans);
}

test('R67: eight workers export through processors of their own and end', async (t) => {
  await workersOnly(
    t,
    `const worker = \`
       const processor = new BatchSpanProcessor(exporter);
       for (const span of makeSpans(700)) processor.onEnd(span);
     \`;
     await Promise.all(Array.from({ length: 8 }, (_, seed) => once(startWorker(worker, seed), 'exit')));`,
    { spans: 5600 },
  );
});

test(`R67 F61: ${rounds(200, 20)} workers are terminated while their exports are under way`, async (t) => {
  const count = rounds(200, 20);
  await workersOnly(
    t,
    `const worker = \`
       const processor = new BatchSpanProcessor(exporter);
       exporter.export(makeSpans(5), () => {});
       for (const span of makeSpans(7)) processor.onEnd(span);
       exporter.exportSpans(makeSpans(5));
       exporter.forceFlush();
       parentPort.postMessage('exported');
       setInterval(() => {}, 1000);
     \`;
     for (let seed = 0; seed < ${count}; seed++) {
       const started = startWorker(worker, seed);
       await once(started, 'message');
       await started.terminate();
     }`,
    { spans: 17 * count, receiverOptions: { otherwise: { delayMillis: 30 } } },
  );
});

test(`${rounds(200, 20)} workers are terminated at any moment`, async (t) => {
  const count = rounds(200, 20);
  const receiver = await startReceiverProcess({ otherwise: { delayMillis: 5 } }, t);
  const ended = await runProgram(
    inMain(
      `const worker = \`
         const processor = new BatchSpanProcessor(exporter, { scheduledDelayMillis: 2, maxExportBatchSize: 20 });
         const some = () => { for (const span of makeSpans(30)) processor.onEnd(span); setImmediate(some); };
         some();
         parentPort.postMessage('started');
       \`;
       for (let seed = 0; seed < ${count}; seed++) {
         const started = startWorker(worker, seed);
         await once(started, 'message');
         await new Promise((resolve) => setTimeout(resolve, seed % 20));
         await started.terminate();
       }`,
    ),
    { url: receiver.url, limitMillis },
  );
  const { code, signal, stdout, stderr } = ended;
  assert.deepEqual({ code, signal, stdout, stderr }, { code: 0, signal: null, stdout: 'done\n', stderr: '' });
});

test(`R67 F62: the addon is loaded in a worker only, ${rounds(100, 10)} times`, async (t) => {
  const count = rounds(100, 10);
  await workersOnly(
    t,
    `for (let seed = 0; seed < ${count}; seed++) {
       await once(startWorker("exporter.export(makeSpans(3), () => {});", seed), 'exit');
     }`,
    { spans: 3 * count },
  );
});

for (const [name, end] of [
  ['process.exit() in a worker', 'process.exit(5);'],
  ['an uncaught error in a worker', "throw new Error('uncaught');"],
]) {
  test(`${name}: its spans arrive, the process goes on`, async (t) => {
    await workersOnly(
      t,
      `const worker = startWorker(\`
         const processor = new BatchSpanProcessor(exporter);
         for (const span of makeSpans(300)) processor.onEnd(span);
         exporter.export(makeSpans(3, { text: 'x'.repeat(1 << 20) }), () => {});
         ${end}
       \`, 1);
       worker.on('error', () => {});
       console.log('code', await once(worker, 'exit'));`,
      { spans: 303, expected: `code ${end.startsWith('process') ? 5 : 1}\ndone\n` },
    );
  });
}

test('a worker that goes with texts not yet copied loses the spans that lack them only', async (t) => {
  await workersOnly(
    t,
    `const worker = startWorker(\`
       const long = makeSpans(1, { text: 'x'.repeat(8 << 20) });
       exporter.export([...makeSpans(6), ...long, ...long, ...long], () => {});
       parentPort.postMessage('exported');
       while (true);
     \`, 1);
     await once(worker, 'message');
     await worker.terminate();`,
    { spans: 6 },
  );
});

test('the main thread ends while workers live: what they captured arrives', async (t) => {
  const receiver = await startReceiverProcess({}, t);
  const { code, signal } = await runProgram(
    inMain(
      `new OTLPTraceExporter({ url }).export(makeSpans(1), () => {});
       const workers = Array.from({ length: 3 }, (_, seed) => startWorker(\`
         exporter.export(makeSpans(4), () => {});
         parentPort.postMessage('exported');
         setInterval(() => {}, 1000);
       \`, seed));
       await Promise.all(workers.map((worker) => once(worker, 'message')));
       process.exit(6);`,
    ),
    { url: receiver.url, limitMillis },
  );
  assert.deepEqual({ code, signal }, { code: 6, signal: null });
  assert.equal((await receiver.counts()).spans, 13);
});

test('a function for headers of a worker that is gone: the last headers are used', async (t) => {
  const receiver = await startReceiverProcess({ keep: true, script: [200, 503] }, t);
  const { code } = await runProgram(
    inMain(
      `const worker = startWorker(\`
         const own = new OTLPTraceExporter({ url: workerData.url, headers: async () => ({ 'x-own': 'yes' }) });
         own.export(makeSpans(1), () => own.export(makeSpans(2), () => {}));
         setTimeout(() => parentPort.postMessage('exported'), 300);
         setInterval(() => {}, 1000);
       \`, 1);
       await once(worker, 'message');
       await worker.terminate();
       await new Promise((resolve) => setTimeout(resolve, 2500));`,
    ),
    { url: receiver.url, limitMillis },
  );
  assert.equal(code, 0);
  const requests = await receiver.requests();
  assert.equal(requests.length, 3, 'the retry went out without its worker');
  for (const { headers } of requests) assert.equal(headers['x-own'], 'yes');
});

test('cluster workers and forked processes deliver and end', async (t) => {
  const receiver = await startReceiverProcess({}, t);
  const source = `
    const cluster = require('node:cluster');
    const { BatchSpanProcessor } = subject;
    const processor = new BatchSpanProcessor(new OTLPTraceExporter({ url }));
    for (const span of makeSpans(10)) processor.onEnd(span);
    if (cluster.isPrimary) {
      cluster.setupPrimary({ exec: process.env.PROGRAM, execArgv: [] });
      for (let nth = 0; nth < 3; nth++) cluster.fork();
      const { fork } = require('node:child_process');
      fork(process.env.PROGRAM, { execArgv: [], env: { ...process.env, FORKED: '1' } });
    }`;
  const fs = require('node:fs');
  const path = require('node:path');
  const directory = fs.mkdtempSync(path.join(require('node:os').tmpdir(), 'offloop-'));
  t.after(() => fs.rmSync(directory, { recursive: true }));
  const PROGRAM = path.join(directory, 'forked.js');
  fs.writeFileSync(
    PROGRAM,
    `const root = ${JSON.stringify(path.join(__dirname, '..', '..'))};
     const { OTLPTraceExporter, BatchSpanProcessor } = require(root);
     const { PlainSpans } = require(root + '/__test__/helpers/plain_spans.js');
     const processor = new BatchSpanProcessor(new OTLPTraceExporter({ url: process.env.RECEIVER_URL }));
     for (let nth = 0; nth < 10; nth++) processor.onEnd(new PlainSpans(nth).span());
     if (process.env.FORKED) process.exit(0);
     else require('node:cluster').worker.disconnect();`,
  );
  const { code, signal, stderr } = await runProgram(source, { url: receiver.url, env: { PROGRAM }, limitMillis });
  assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
  assert.equal((await receiver.waitForSpans(50)).spans, 50);
});
