'use strict';
// This file measures time, so it runs alone.

const assert = require('node:assert/strict');
const { availableParallelism } = require('node:os');
const { setTimeout: sleep } = require('node:timers/promises');
const { describe, test } = require('node:test');
const { runProgram } = require('../helpers/child.js');
const { isFinal, receivedSpans, runBlocks } = require('../helpers/blocks.js');
const { startReceiverProcess } = require('../helpers/receiver_process.js');

// What a monitor must survive and what it must not call a block: kills, stops, debuggers, idleness, load, workers.
// OFFLOOP_TEST_LONG=1 watches quiet and busy loops for ten minutes each.

const isLong = process.env.OFFLOOP_TEST_LONG === '1';
const QUIET_SECONDS = isLong ? 600 : 10;
const STARVED_SECONDS = isLong ? 90 : 8;

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
    assert.equal(span.attributes['code.function.name'], 'endless');
    assert.match(span.attributes['code.stacktrace'], /at endless \(\[eval\]/);
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

describe('what is no block of the application (R96)', () => {
  test('a stopped process that was idle is counted, once', async (t) => {
    const { blocks, stats } = await runBlocks(
      t,
      `monitor.enable(); setTimeout(() => console.log('ready'), 100); setTimeout(finish, 3000);`,
      { onStart: stopForASecond },
    );
    assert.deepEqual([blocks.length, stats.blocks, stats.paused], [0, 0, 1]);
  });

  test('a stopped process that was at work is counted, once', async (t) => {
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

  test(`${STARVED_SECONDS} s of turns that busy neighbours make long are counted, and a block among them is told`, async (t) => {
    const neighbours = Math.min(3 * availableParallelism(), 48);
    const { finals, blocks, stats, late } = await runBlocks(
      t,
      `const { Worker } = require('node:worker_threads');
       const neighbours = Array.from({ length: ${neighbours} }, () => new Worker('for (;;);', { eval: true }));
       const until = performance.now() + ${STARVED_SECONDS * 1000};
       let left = 0;
       const turn = () => {
         left += 1;
         busy(30 + (left * 7) % 30);
         if (performance.now() < until) return setImmediate(turn);
         block('its own', 300);
         setImmediate(async () => {
           await Promise.all(neighbours.map((worker) => worker.terminate()));
           finish();
         });
       };
       setTimeout(() => { monitor.enable(); setImmediate(turn); }, 300);`,
      { limitMillis: STARVED_SECONDS * 1000 + 60_000 },
    );
    const told = JSON.stringify({ stats, late, blocks: blocks.map(({ attributes }) => attributes) });
    assert.equal(finals.length, 1, told);
    assert.equal(stats.blocks, 1, told);
    assert.ok(finals[0].attributes['event_loop.block.cpu_ms'] >= 300, told);
    assert.equal(finals[0].attributes['event_loop.block.cause'], 'cpu', told);
    assert.equal(finals[0].attributes['code.function.name'], 'busy');
    if (neighbours > 2 * availableParallelism()) assert.ok(stats.starved > 0, told);
  });

  test(`${QUIET_SECONDS} s of idleness: no span, and the loop is never woken`, async (t) => {
    const { blocks, stats } = await runBlocks(
      t,
      `setTimeout(() => {
         monitor.enable();
         const before = monitor.stats().turns;
         let turns;
         // V8 collects garbage in turns of its own when a program has been idle for some seconds.
         setTimeout(() => { turns = monitor.stats().turns - before; }, 4000);
         setTimeout(() => finish({ turns }), ${QUIET_SECONDS * 1000});
       }, 500);`,
      { limitMillis: QUIET_SECONDS * 1000 + 30_000 },
    ).then(({ turns, ...seen }) => {
      assert.ok(turns <= 2, `${turns} turns in an idle loop`);
      return seen;
    });
    assert.deepEqual([blocks.length, stats.blocks], [0, 0]);
    assert.ok(stats.idleMillis >= QUIET_SECONDS * 990);
  });

  test(`${QUIET_SECONDS} s of a server that is busy all the time but yields: no span`, async (t) => {
    const { blocks, stats, requests } = await runBlocks(
      t,
      `const http = require('node:http');
       const { Worker } = require('node:worker_threads');
       let requests = 0;
       const server = http.createServer((_request, response) => { requests += 1; busy(1); response.end('ok'); });
       server.listen(0, '127.0.0.1', () => {
         const load = \`
           const http = require('node:http');
           const agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
           const one = () => http.get({ port: \${server.address().port}, agent }, (response) => response.resume().on('end', one)).on('error', () => {});
           for (let nth = 0; nth < 16; nth++) one();\`;
         const worker = new Worker(load, { eval: true });
         setTimeout(() => {
           monitor.enable();
           setTimeout(async () => {
             const seen = monitor.stats();
             await worker.terminate();
             server.close();
             server.closeAllConnections();
             finish({ stats: seen, requests });
           }, ${QUIET_SECONDS * 1000});
         }, 1000);
       });`,
      { limitMillis: QUIET_SECONDS * 1000 + 60_000 },
    );
    assert.deepEqual([blocks.length, stats.blocks], [0, 0], JSON.stringify(stats));
    assert.ok(requests > QUIET_SECONDS * 50, `${requests} requests`);
    assert.ok(stats.idleMillis < QUIET_SECONDS * 500, `idle for ${stats.idleMillis} ms`);
  });
});

test('100 workers that end in every way, each with its monitor on: no abort, and every block is told (R91)', async (t) => {
  const receiver = await startReceiverProcess({ keep: true }, t);
  const ended = await runProgram(
    `const { Worker } = require('node:worker_threads');
     const ways = {
       natural: 'setTimeout(() => {}, 20)',
       block: 'setTimeout(() => busy(150), 5)',
       exit: 'setTimeout(() => process.exit(0), 20)',
       terminated: "parentPort.postMessage('now'); setInterval(() => {}, 1000)",
       terminatedInBlock: "setTimeout(() => { parentPort.postMessage('now'); for (;;); }, 5)",
     };
     const source = (way) => \`
       const { parentPort, workerData: { root, url } } = require('node:worker_threads');
       const { EventLoopMonitor, OTLPTraceExporter } = require(root);
       const { busy } = require(root + '/__test__/helpers/block_program.js');
       new EventLoopMonitor({ exporter: new OTLPTraceExporter({ url }) }).enable();
       \${ways[way]}\`;
     const run = (way) => new Promise((resolve) => {
       const worker = new Worker(source(way), { eval: true, workerData: { root: process.cwd(), url } });
       worker.on('message', () => setTimeout(() => worker.terminate(), way === 'terminatedInBlock' ? 130 : 0));
       worker.on('exit', resolve);
     });
     (async () => {
       for (let round = 0; round < 20; round++) await Promise.all(Object.keys(ways).map(run));
       console.log('done');
     })();`,
    { url: receiver.url, limitMillis: 120_000 },
  );
  const { code, signal, stdout, stderr } = ended;
  assert.deepEqual({ code, signal, stdout, stderr }, { code: 0, signal: null, stdout: 'done\n', stderr: '' });
  const finals = receivedSpans(await receiver.requests()).filter(isFinal);
  const told = finals.filter(({ attributes }) => attributes['event_loop.block.cause'] === 'cpu');
  assert.ok(told.length >= 20, `${told.length} of at least 20 blocks`);
});
