'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { runProgram } = require('../helpers/child.js');
const { startReceiverProcess } = require('../helpers/receiver_process.js');
const { inMain } = require('../helpers/worker_programs.js');

// What ends behind our own listener of the `exit` event: in listeners that were added later, and in a process that goes on
// because somebody else has emitted the event.

// A library hears of the end of the process there when its threads are gone.
const notOnWindows = { skip: process.platform === 'win32' && 'each span is waited for there' };

const SLOW = { otherwise: { delayMillis: 60 } };
const PROCESSOR = `
  const exporter = new OTLPTraceExporter({ url });
  const processor = new subject.BatchSpanProcessor(exporter);
  const end = (count) => { for (const span of makeSpans(count)) processor.onEnd(span); };
  end(10);`;

async function run(t, source, options) {
  const receiver = await startReceiverProcess(options, t);
  const { code, signal, stdout, stderr } = await runProgram(source, { url: receiver.url });
  assert.deepEqual({ signal, stderr }, { signal: null, stderr: '' });
  return { code, stdout, receiver, ...(await receiver.counts()) };
}

/** The listener prints how long it has been called. */
const behind = (body) => `process.on('exit', () => {
  const started = performance.now();
  ${body}
  require('node:fs').writeSync(1, String(performance.now() - started));
});`;

for (const [name, end, code] of [
  ['process.exit()', 'process.exit(4);', 4],
  ['a natural end', '', 0],
]) {
  test(`spans that end behind our listener leave in batches: ${name}`, notOnWindows, async (t) => {
    const ended = await run(t, `${PROCESSOR} ${behind('end(1000);')} ${end}`, SLOW);
    assert.deepEqual(
      { code: ended.code, spans: ended.spans, requests: ended.requests },
      { code, spans: 1010, requests: 3 },
    );
  });
}

test('exports behind our listener are waited for together, long texts included', notOnWindows, async (t) => {
  const late = `for (let nth = 0; nth < 12; nth++) {
    const [span] = makeSpans(1);
    exporter.export([{ ...span, attributes: { text: nth + 'x'.repeat(300000) } }], () => {});
  }`;
  const source = `const exporter = new OTLPTraceExporter({ url, exit: { blockMillis: 5000 } });
    exporter.export(makeSpans(1), () => {});
    ${behind(late)}
    process.exit();`;
  const { spans, stdout } = await run(t, source, SLOW);
  assert.equal(spans, 13);
  assert.ok(Number(stdout) < 12 * 60, `${stdout} ms`);
});

test('a span whose resource is not known yet leaves with what is known', notOnWindows, async (t) => {
  const late = `const [span] = makeSpans(1);
    const resource = { attributes: {}, asyncAttributesPending: true, waitForAsyncAttributes: () => new Promise(() => {}) };
    processor.onEnd({ ...span, resource });`;
  assert.equal((await run(t, `${PROCESSOR} ${behind(late)} process.exit();`)).spans, 11);
});

test('the first span of all may end there', notOnWindows, async (t) => {
  const source = PROCESSOR.replace('end(10);', behind('end(1000);'));
  assert.equal((await run(t, `${source} process.exit();`, SLOW)).spans, 1000);
});

test('a silent receiver costs the time once', notOnWindows, async (t) => {
  const source = `const exporter = new OTLPTraceExporter({ url, exit: { blockMillis: 600 } });
    process.on('exit', () => require('node:fs').writeSync(1, Date.now() + ' '));
    exporter.export(makeSpans(1), () => {});
    ${behind('for (let nth = 0; nth < 50; nth++) exporter.export(makeSpans(1), () => {});')}
    process.exit();`;
  const { stdout } = await run(t, source, { otherwise: { stall: 'response' } });
  const millis = Date.now() - Number(stdout.split(' ')[0]);
  assert.ok(millis >= 590 && millis < 1150, `${millis} ms`);
});

test('the same in a worker: what comes behind its wait is owed by the end of the process', notOnWindows, async (t) => {
  const source = inMain(`
    const worker = startWorker(\`
      const processor = new BatchSpanProcessor(exporter);
      const end = (count) => { for (const span of makeSpans(count)) processor.onEnd(span); };
      end(10);
      process.on('exit', () => end(1000));
      process.exit();
    \`, 1);
    await once(worker, 'exit');
    process.exit();`);
  const { spans, requests } = await run(t, source, SLOW);
  assert.deepEqual({ spans, requests }, { spans: 1010, requests: 3 });
});

// --- an `exit` event that was not the end ---

for (const [name, event] of [
  ['emitted by the application', "process.emit('exit', 0);"],
  [
    'of a process.exit() that was replaced inside',
    `const { reallyExit } = process;
     process.reallyExit = () => { process.reallyExit = reallyExit; throw new Error('no'); };
     try { process.exit(0); } catch {}`,
  ],
]) {
  const exporter = (config) => PROCESSOR.replace('{ url }', `{ url, ${config} }`);
  const ways = [
    ['native', ''],
    ["transport: 'node'", "transport: 'node'"],
    ['headers that are asked for', 'headers: async () => ({ a: "b" })'],
  ];
  // Node's own sockets need `process.nextTick()`, which does nothing any more after a process.exit().
  for (const [way, config] of event.includes('emit') ? ways : ways.slice(0, 1)) {
    test(`an exit event ${name} is not the end: ${way}`, async (t) => {
      const source = `${exporter(config)}
        ${event}
        setTimeout(async () => {
          end(200);
          await processor.forceFlush();
          console.log('flushed', exporter.stats().pending);
          const answers = await Promise.all(Array.from({ length: 3 }, () => exporter.exportSpans(makeSpans(1))));
          console.log('delivered', answers.map(({ delivered }) => delivered).join());
          await processor.shutdown();
          console.log('listeners', process.listenerCount('exit'), process.listenerCount('beforeExit'));
        }, 50);`;
      const { stdout, spans, requests } = await run(t, source);
      assert.equal(stdout, 'flushed 0\ndelivered 1,1,1\nlisteners 0 0\n');
      assert.deepEqual({ spans, isBatched: requests <= 6 }, { spans: 213, isBatched: true });
    });
  }
}

test('nothing is lost where the event is emitted and the process killed', notOnWindows, async (t) => {
  const receiver = await startReceiverProcess(SLOW, t);
  const source = `${PROCESSOR} process.emit('exit', 0); process.kill(process.pid, 'SIGKILL');`;
  assert.equal((await runProgram(source, { url: receiver.url })).signal, 'SIGKILL');
  assert.equal((await receiver.counts()).spans, 10);
});

test('what was on its way at such an event is answered', async (t) => {
  const source = `const exporter = new OTLPTraceExporter({ url, exit: { blockMillis: 30 } });
    exporter.export(makeSpans(2), ({ code }) => console.log('code', code));
    process.emit('exit', 0);`;
  assert.equal((await run(t, source, { otherwise: { delayMillis: 300 } })).stdout, 'code 0\n');
});

test('the real end behind such an event has its own time', async (t) => {
  const source = `const exporter = new OTLPTraceExporter({ url, exit: { blockMillis: 300 } });
    exporter.export(makeSpans(1), () => {});
    process.emit('exit', 0);
    const { reallyExit } = process;
    setTimeout(() => {
      const started = performance.now();
      process.reallyExit = (code) => {
        require('node:fs').writeSync(1, String(performance.now() - started));
        reallyExit.call(process, code);
      };
      process.exit();
    }, 400);`;
  const { stdout } = await run(t, source, { otherwise: { stall: 'response' } });
  assert.ok(Number(stdout) >= 290, `${stdout} ms`);
});

test('such an event in a worker does not end its exporter', async (t) => {
  const source = inMain(`
    const worker = startWorker(\`
      process.emit('exit', 0);
      exporter.export(makeSpans(2), () => {});
      process.emit('exit', 0);
      setTimeout(() => exporter.exportSpans(makeSpans(3)).then(({ delivered }) => parentPort.postMessage(delivered)), 30);
    \`, 1);
    console.log(await once(worker, 'message'));`);
  const { spans, stdout } = await run(t, source);
  assert.deepEqual({ spans, stdout }, { spans: 5, stdout: '3\ndone\n' });
});
