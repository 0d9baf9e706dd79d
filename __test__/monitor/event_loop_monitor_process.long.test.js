'use strict';
// This file measures time, so it runs alone.

const assert = require('node:assert/strict');
const { availableParallelism } = require('node:os');
const { describe, test } = require('node:test');
const { runBlocks } = require('../helpers/blocks.js');

// What a monitor must not call a block, however long it goes on: idleness, load, busy neighbours.
// OFFLOOP_TEST_LONG=1 watches quiet and busy loops for ten minutes each.

const isLong = process.env.OFFLOOP_TEST_LONG === '1';
const QUIET_SECONDS = isLong ? 600 : 10;
const STARVED_SECONDS = isLong ? 90 : 8;

describe('what is no block of the application (R96)', () => {
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
