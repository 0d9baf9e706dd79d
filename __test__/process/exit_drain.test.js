'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { subjectName } = require('../helpers/subject.js');
const { runProgram } = require('../helpers/child.js');
const { startReceiverProcess } = require('../helpers/receiver_process.js');

// What the drain at the end of a process needs and leaves behind: listeners, copies, memory (R63, R64; F57 to F59). That
// nothing is lost, however a process ends, is in exit_matrix.test.js, and how long an end takes in exit_delay.test.js.

const CYCLES = process.env.OFFLOOP_TEST_LONG === '1' ? 1000 : 300;
const oursOnly = { skip: subjectName === 'stock' && 'a rule of ours' };

async function program(t, source, options, receiverOptions) {
  const receiver = await startReceiverProcess(receiverOptions, t);
  const ended = await runProgram(source, { url: receiver.url, ...options });
  const { spans } = await receiver.counts();
  return { ...ended, spans };
}

test('a signal that the application listens to is the application`s', oursOnly, async (t) => {
  const { code, signal, spans, stdout } = await program(
    t,
    `const exporter = new OTLPTraceExporter({ url, exit: { signals: ['SIGTERM'] } });
     exporter.export(makeSpans(300), () => {});
     process.on('SIGTERM', () => { console.log('heard'); setTimeout(() => process.exit(9), 300); });
     process.kill(process.pid, 'SIGTERM');
     setInterval(() => {}, 1000);`,
  );
  assert.deepEqual({ code, signal, spans, stdout }, { code: 9, signal: null, spans: 300, stdout: 'heard\n' });
});

test('without the option nobody listens to signals', oursOnly, async (t) => {
  const { stdout } = await program(
    t,
    `new OTLPTraceExporter({ url }).export(makeSpans(300), () => {});
     console.log(process.listenerCount('SIGTERM'), process.listenerCount('SIGINT'));`,
  );
  assert.equal(stdout, '0 0\n');
});

test('a shut down exporter leaves no signal listener behind', oursOnly, async (t) => {
  const { stdout } = await program(
    t,
    `const exporter = new OTLPTraceExporter({ url, exit: { signals: ['SIGTERM'] } });
     exporter.export(makeSpans(1), async () => {
       const before = process.listenerCount('SIGTERM');
       await exporter.shutdown();
       console.log(before, process.listenerCount('SIGTERM'));
     });`,
  );
  assert.equal(stdout, '1 0\n');
});

test('spans that an exit handler exports arrive, whether it was added before or after', oursOnly, async (t) => {
  const { code, spans } = await program(
    t,
    `const exporter = new OTLPTraceExporter({ url });
     process.on('exit', () => exporter.export(makeSpans(7), () => {}));
     exporter.export(makeSpans(1), () => {});
     process.on('exit', () => exporter.export(makeSpans(5), () => {}));
     process.exit(0);`,
  );
  assert.deepEqual({ code, spans }, { code: 0, spans: 13 });
});

test('texts that are copied in later turns are whole at process.exit()', oursOnly, async (t) => {
  const receiver = await startReceiverProcess({}, t);
  const { code } = await runProgram(
    `const exporter = new OTLPTraceExporter({ url });
     const text = 'x'.repeat(1 << 20);
     for (let nth = 0; nth < 5; nth++) {
       const spans = makeSpans(2).map((span) => ({ ...span, attributes: { text: text + nth } }));
       exporter.export(spans, () => {});
     }
     process.exit(0);`,
    { url: receiver.url },
  );
  const { spans, bodyBytes } = await receiver.counts();
  assert.deepEqual({ code, spans }, { code: 0, spans: 10 });
  assert.ok(bodyBytes > 10 << 20, `${bodyBytes} bytes`);
});

test('many copies of the module in one process warn of no listener leak', oursOnly, async (t) => {
  const { stderr, spans } = await program(
    t,
    `for (let nth = 0; nth < 15; nth++) {
       for (const name of Object.keys(require.cache)) if (/[\\\\/]js[\\\\/]|[\\\\/]index\\.js$/.test(name)) delete require.cache[name];
       const { OTLPTraceExporter } = require('./index.js');
       new OTLPTraceExporter({ url }).export(makeSpans(1), () => {});
     }`,
  );
  assert.deepEqual({ stderr, spans }, { stderr: '', spans: 15 });
});

test(`R107: ${CYCLES} exporters that nobody holds any more deliver and let everything go`, oursOnly, async (t) => {
  const { code, spans, stdout, stderr } = await program(
    t,
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
    { nodeArguments: ['--expose-gc'], limitMillis: 60_000 },
  );
  assert.equal(stderr, '');
  assert.deepEqual({ code, spans }, { code: 0, spans: CYCLES });
  t.diagnostic(stdout.trim());
  const { gone, descriptors, threads, grewBytes } = JSON.parse(stdout);
  assert.ok(gone >= CYCLES - 1, `${gone} collected`);
  assert.ok(descriptors <= 5 && threads <= 2, stdout);
  // One that stays costs some ten kilobytes at least; the resident set moves by a few megabytes by itself.
  assert.ok(grewBytes < 10e6, `the second half of the cycles took ${grewBytes} bytes`);
});
