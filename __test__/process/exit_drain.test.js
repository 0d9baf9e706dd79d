'use strict';
// This file measures time, so it runs alone.

const assert = require('node:assert/strict');
const net = require('node:net');
const { test } = require('node:test');
const { subjectName } = require('../helpers/subject.js');
const { runProgram } = require('../helpers/child.js');
const { startReceiverProcess } = require('../helpers/receiver_process.js');

// Nothing is lost at the end of a process (R63, R64, R66; F57 to F59). Every program is one of its own.

const CYCLES = process.env.OFFLOOP_TEST_LONG === '1' ? 1000 : 300;
const TRIES = 3; // where the machine, not the library, may be late
const oursOnly = { skip: subjectName === 'stock' && 'a rule of ours' };

async function program(t, source, options, receiverOptions) {
  const receiver = await startReceiverProcess(receiverOptions, t);
  const ended = await runProgram(source, { url: receiver.url, ...options });
  const { spans } = await receiver.counts();
  return { ...ended, spans };
}

/** A port where nobody listens. */
async function closedPort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

// Texts that are copied in later turns: without the drain there are none.
const exported = `
  const exporter = new OTLPTraceExporter({ url });
  const spans = makeSpans(300);
  for (const [nth, span] of spans.entries()) span.attributes = { text: nth + 'x'.repeat(30000) };
  exporter.export(spans, () => {});`;

for (const [name, source, expected] of [
  ['natural end', exported, { code: 0 }],
  ['natural end with process.exitCode', `${exported} process.exitCode = 5;`, { code: 5 }],
  ['process.exit(3)', `${exported} process.exit(3);`, { code: 3 }],
  ['process.exit(3) in a later turn', `${exported} setImmediate(() => process.exit(3));`, { code: 3 }],
  ['uncaught throw', `${exported} throw new Error('uncaught');`, { code: 1 }],
  ['unhandled rejection', `${exported} Promise.reject(new Error('unhandled'));`, { code: 1 }],
]) {
  test(`R63 R64 F57 F58: 300 of 300 spans survive: ${name}`, oursOnly, async (t) => {
    const { code, signal, spans } = await program(t, source);
    assert.deepEqual({ code, signal, spans }, { ...expected, signal: null, spans: 300 });
  });
}

for (const signal of ['SIGTERM', 'SIGINT']) {
  test(`F59: 300 of 300 spans survive ${signal} with the option on; the process dies of it`, oursOnly, async (t) => {
    const {
      code,
      signal: died,
      spans,
    } = await program(
      t,
      `const exporter = new OTLPTraceExporter({ url, exit: { signals: ['${signal}'] } });
       exporter.export(makeSpans(300), () => {});
       setInterval(() => {}, 1000);
       process.kill(process.pid, '${signal}');`,
    );
    assert.deepEqual({ code, died, spans }, { code: null, died: signal, spans: 300 });
  });
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
    `${exported} console.log(process.listenerCount('SIGTERM'), process.listenerCount('SIGINT'));`,
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

test('several exporters share one budget', oursOnly, async (t) => {
  const source = (count) => `
    for (let nth = 0; nth < ${count}; nth++) {
      new OTLPTraceExporter({ url, exit: { blockMillis: 400 } }).export(makeSpans(1), () => {});
    }
    setTimeout(() => process.exit(0), 50);`;
  const stalled = { otherwise: { stall: 'response' } };
  // What starting and ending a process costs is the machine`s: each try has its own control.
  for (let nth = 1; ; nth++) {
    const one = await program(t, source(1), {}, stalled);
    const five = await program(t, source(5), {}, stalled);
    assert.ok(one.millis >= 400, `${one.millis} ms`);
    const isShared = five.millis - one.millis < 400;
    if (!isShared && nth < TRIES) continue;
    assert.ok(isShared, `one: ${one.millis} ms, five: ${five.millis} ms`);
    return;
  }
});

/** How long the end of a program takes: from the mark it prints to its last moment. */
async function endMillis(t, { exit, end, port, before = '' }, receiverOptions) {
  const receiver = port === undefined ? await startReceiverProcess(receiverOptions, t) : null;
  const url = receiver?.url ?? `http://127.0.0.1:${port}/v1/traces`;
  let marked;
  const { code } = await runProgram(
    `const exporter = new OTLPTraceExporter({ url, timeoutMillis: 60000, exit: ${JSON.stringify(exit)} });
     process.reallyExit = ((exit) => (code) => { require('node:fs').writeSync(1, 'end ' + performance.now() + '\\n'); exit.call(process, code); })(process.reallyExit);
     exporter.export(makeSpans(1), () => {});
     ${before}
     setTimeout(() => { require('node:fs').writeSync(1, 'mark ' + performance.now() + '\\n'); ${end} }, 200);`,
    {
      url,
      onStart: (child) =>
        child.stdout.on('data', (chunk) => {
          marked = (marked ?? '') + chunk;
        }),
    },
  );
  const [, mark, last] = /^mark ([\d.]+)\nend ([\d.]+)\n$/.exec(marked);
  return { code, millis: last - mark };
}

test('process.exit() with an endpoint that never answers takes blockMillis', oursOnly, async (t) => {
  const exit = { blockMillis: 600 };
  const { code, millis } = await endMillis(t, { exit, end: 'process.exit(4);' }, { otherwise: { stall: 'response' } });
  assert.equal(code, 4);
  assert.ok(millis >= 590 && millis <= 700, `${millis} ms`);
});

test('process.exit() does not wait for an endpoint that refuses connections', oursOnly, async (t) => {
  const port = await closedPort();
  const { code, millis } = await endMillis(t, { exit: { blockMillis: 5000 }, end: 'process.exit(4);', port });
  assert.equal(code, 4);
  assert.ok(millis < 1000, `${millis} ms`);
});

test('blockMillis 0 does not wait at all', oursOnly, async (t) => {
  const exit = { blockMillis: 0 };
  const { millis } = await endMillis(t, { exit, end: 'process.exit(4);' }, { otherwise: { stall: 'response' } });
  assert.ok(millis < 250, `${millis} ms`);
});

test('nothing on its way: the listeners cost nothing', oursOnly, async (t) => {
  const { stdout, code } = await program(
    t,
    `const exporter = new OTLPTraceExporter({ url });
     exporter.export(makeSpans(1), () => {
       const started = performance.now();
       process.on('exit', () => console.log(performance.now() - started < 400));
     });`,
    {},
    {},
  );
  assert.deepEqual({ stdout, code }, { stdout: 'true\n', code: 0 });
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
