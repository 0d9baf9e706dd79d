'use strict';
// This file measures time, so it runs alone.

const assert = require('node:assert/strict');
const { setTimeout: sleep } = require('node:timers/promises');
const { describe, test } = require('node:test');
const { runProgram } = require('../helpers/child.js');
const { assertStack, noStacks, noStops, receivedSpans, runBlocks } = require('../helpers/blocks.js');
const { startReceiverProcess } = require('../helpers/receiver_process.js');

// What a monitor must survive and what it must not call a block: kills, stops, debuggers. What takes longer to see, such as
// idleness and load, is in event_loop_monitor_process.long.test.js.

/** Calls `act(child)` once the program has said \`ready\`. */
function whenReady(act) {
  return (child) => {
    let text = '';
    let isReady = false;
    child.stdout.on('data', (chunk) => {
      text += chunk;
      if (isReady || !text.includes('ready')) return;
      isReady = true;
      act(child);
    });
  };
}

const stopForASecond = whenReady(async (child) => {
  await sleep(700);
  child.kill('SIGSTOP');
  await sleep(1000);
  child.kill('SIGCONT');
});

test('two copies of the module in one thread watch its loop once', async () => {
  const { code, stdout, stderr } = await runProgram(
    `const ours = (file) => /[\\\\/](js[\\\\/].*|index)\\.js$/.test(file) && !file.includes('node_modules');
     const copy = () => {
       for (const file of Object.keys(require.cache)) if (ours(file)) delete require.cache[file];
       const { EventLoopMonitor, OTLPTraceExporter: Exporter } = require('.');
       return new EventLoopMonitor({ exporter: new Exporter({ url: 'http://127.0.0.1:1/' }) });
     };
     const [one, two] = [copy(), copy()];
     console.log(one.constructor !== two.constructor, one.enable(), two.enable(), one.enable());
     one.disable();
     two.disable();
     console.log(two.enable(), one.enable());
     two.disable();`,
    { url: '' },
  );
  assert.deepEqual([code, stdout, stderr], [0, 'true true false true\ntrue false\n', '']);
});

describe('a block that has not ended (R95)', () => {
  test('is with the collector, stack and all, when the process is killed in it', async (t) => {
    const receiver = await startReceiverProcess({ keep: true }, t);
    let arrivedAfter = Number.NaN;
    const program = `
      const { EventLoopMonitor } = require(process.cwd());
      function endless() { for (;;); }
      new EventLoopMonitor({ exporter: new OTLPTraceExporter({ url }) }).enable();
      setTimeout(() => { process.stdout.write('ready ' + (performance.timeOrigin + performance.now())); setTimeout(endless); }, 100);`;
    const ended = await runProgram(program, {
      url: receiver.url,
      onStart: whenReady(async (child) => {
        while ((await receiver.counts()).spans === 0 && child.exitCode === null) await sleep(10);
        arrivedAfter = performance.timeOrigin + performance.now();
        child.kill('SIGKILL');
      }),
    });
    assert.equal(ended.signal, 'SIGKILL');
    const [span, ...others] = receivedSpans(await receiver.requests());
    assert.equal(others.length, 0);
    assert.equal(span.name, 'event-loop-blocked');
    assert.equal(span.attributes['event_loop.block.ongoing'], true);
    assertStack(span.attributes, /at endless \(\[eval\]/);
    if (!noStacks) assert.equal(span.attributes['code.function.name'], 'endless');
    assert.ok(span.durationMillis >= 600, `${span.durationMillis} ms`);
    const blockedAt = Number(/ready ([\d.]+)/.exec(ended.stdout)[1]);
    const delay = arrivedAfter - blockedAt;
    assert.ok(delay < 3000, `it arrived ${delay} ms after the block had begun`);
  });

  test('is followed by its final span, linked to it, when it ends after all', async (t) => {
    const { blocks, stats, truth } = await runBlocks(
      t,
      `monitor.enable(); setTimeout(() => { block('long', 1300); finish(); }, 100);`,
    );
    assert.equal(blocks.length, 2);
    const [open, final] = blocks;
    assert.deepEqual(
      [open, final].map(({ attributes }) => attributes['event_loop.block.ongoing']),
      [true, false],
    );
    assert.notEqual(open.spanId, final.spanId);
    assert.deepEqual(
      final.links.map(({ traceId, spanId }) => ({ traceId, spanId })),
      [{ traceId: open.traceId, spanId: open.spanId }],
    );
    assert.equal(final.attributes['event_loop.block.severity'], 'critical', 'longer than criticalMillis (R92)');
    const early = open.durationMillis >= 1000 ? 'critical' : 'warning';
    assert.equal(open.attributes['event_loop.block.severity'], early);
    assert.ok(final.durationMillis >= 1300 && open.durationMillis < final.durationMillis);
    assert.ok(open.arrivedMillis < final.arrivedMillis, 'it left while the loop was blocked');
    assert.ok(Math.abs(open.startMillis - truth[0].start) < 100);
    assert.deepEqual([stats.blocks, stats.spans], [1, 2]);
  });
});

describe('what is no block of the application (R96)', { concurrency: 2 }, () => {
  test('a stopped process that was idle is counted, once', { skip: noStops }, async (t) => {
    const { blocks, stats } = await runBlocks(
      t,
      `monitor.enable(); setTimeout(() => console.log('ready'), 100); setTimeout(finish, 3000);`,
      { onStart: stopForASecond },
    );
    assert.deepEqual([blocks.length, stats.blocks, stats.paused], [0, 0, 1]);
  });

  test('a stopped process that was at work is counted, once', { skip: noStops }, async (t) => {
    const { blocks, stats } = await runBlocks(
      t,
      `monitor.enable();
       const until = performance.now() + 3000;
       setTimeout(() => console.log('ready'), 100);
       const work = () => { busy(5); if (performance.now() < until) setImmediate(work); else finish(); };
       work();`,
      { onStart: stopForASecond },
    );
    assert.deepEqual([blocks.length, stats.blocks, stats.paused], [0, 0, 1]);
    assert.ok(stats.turns > 50);
  });

  test('a debugger that pauses the thread is counted', async (t) => {
    const { blocks, stats } = await runBlocks(
      t,
      `monitor.enable();
       const { Worker } = require('node:worker_threads');
       const debug = \`
         const { Session } = require('node:inspector');
         const session = new Session();
         session.connectToMainThread();
         const post = (method) => new Promise((resolve) => session.post(method, resolve));
         const stay = setInterval(() => {}, 100);
         session.on('Debugger.paused', () => setTimeout(() => post('Debugger.resume').then(() => {
           session.disconnect(); // a worker that ends with its session aborts the process, with or without a monitor
           setTimeout(() => clearInterval(stay), 200);
         }), 900));
         post('Debugger.enable').then(() => post('Debugger.pause'));\`;
       setTimeout(() => new Worker(debug, { eval: true }).on('exit', () => setTimeout(finish, 100)), 100);
       const beat = setInterval(() => {}, 10); setTimeout(() => clearInterval(beat), 2500);`,
      { nodeArguments: ['--inspect=127.0.0.1:0'] },
    );
    assert.deepEqual([blocks.length, stats.blocks, stats.debugger], [0, 0, 1]);
  });
});
