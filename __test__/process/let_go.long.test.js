'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { runProgram } = require('../helpers/child.js');
const { startReceiverProcess } = require('../helpers/receiver_process.js');
const { subjectName } = require('../helpers/subject.js');

// Exporters and processors that a program forgets: what they hold is delivered, and then nothing of them is left.

const CYCLES = process.env.OFFLOOP_TEST_LONG === '1' ? 1000 : 300;
const oursOnly = { skip: subjectName === 'stock' && 'a rule of ours' };

test(`R107: ${CYCLES} exporters that nobody holds any more deliver and let everything go`, oursOnly, async (t) => {
  const receiver = await startReceiverProcess({}, t);
  const { code, stdout, stderr } = await runProgram(
    `const cycles = ${CYCLES};
     const collected = new FinalizationRegistry(() => { gone += 1; });
     let gone = 0;
     const settle = async () => { for (let nth = 0; nth < 40; nth++) { gc(); await new Promise((resolve) => setTimeout(resolve, 5)); } };
     const descriptors = () => require('node:fs').readdirSync('/proc/self/fd').length;
     const threads = () => require('node:fs').readdirSync('/proc/self/task').length;
     const cycle = () => {
       const exporter = new OTLPTraceExporter({ url });
       collected.register(exporter);
       exporter.export(makeSpans(1), () => {});
     };
     (async () => {
       cycle(); await settle();
       const before = { descriptors: descriptors(), threads: threads() };
       let half;
       for (let nth = 1; nth < cycles; nth++) { cycle(); if (nth % 50 === 0) await settle(); if (nth === cycles / 2) half = process.memoryUsage.rss(); }
       await settle();
       const text = JSON.stringify({ gone, descriptors: descriptors() - before.descriptors, threads: threads() - before.threads, grewBytes: process.memoryUsage.rss() - half });
       console.log(text);
     })();`,
    { url: receiver.url, nodeArguments: ['--expose-gc'], limitMillis: 60_000 },
  );
  assert.equal(stderr, '');
  const { spans } = await receiver.counts();
  assert.deepEqual({ code, spans }, { code: 0, spans: CYCLES });
  t.diagnostic(stdout.trim());
  const { gone, descriptors, threads, grewBytes } = JSON.parse(stdout);
  assert.ok(gone >= CYCLES - 1, `${gone} collected`);
  assert.ok(descriptors <= 5 && threads <= 2, stdout);
  // One that stays costs some ten kilobytes at least; the resident set moves by a few megabytes by itself.
  assert.ok(grewBytes < 10e6, `the second half of the cycles took ${grewBytes} bytes`);
});

test('a processor that nobody holds any more delivers and lets everything go', async (t) => {
  const receiver = await startReceiverProcess({}, t);
  const { stdout, code } = await runProgram(
    `const { BatchSpanProcessor } = subject;
     const collected = new FinalizationRegistry(() => { gone += 1; });
     let gone = 0;
     const settle = async () => { for (let nth = 0; nth < 30; nth++) { gc(); await new Promise((resolve) => setTimeout(resolve, 5)); } };
     const cycle = () => {
       const processor = new BatchSpanProcessor(new OTLPTraceExporter({ url }), { scheduledDelayMillis: 20 });
       collected.register(processor);
       for (const span of makeSpans(2)) processor.onEnd(span);
     };
     (async () => {
       cycle(); await settle();
       const before = process.memoryUsage().rss;
       for (let nth = 1; nth < 200; nth++) { cycle(); if (nth % 50 === 0) await settle(); }
       await settle();
       const growth = process.memoryUsage().rss - before;
       console.log(JSON.stringify({ isGone: gone >= 199, grew: growth > 40e6 && growth }));
     })();`,
    { url: receiver.url, nodeArguments: ['--expose-gc'], limitMillis: 60_000 },
  );
  assert.deepEqual(
    { code, spans: (await receiver.counts()).spans, ...JSON.parse(stdout) },
    { code: 0, spans: 400, isGone: true, grew: false },
  );
});
