'use strict';
// This file measures time, so it runs alone.

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const { compareWithTruth, kinds } = require('../helpers/block_kinds.js');
const { compareStacks, guilty } = require('../helpers/block_stacks.js');
const { isFinal, receivedSpans, runBlocks, underControl } = require('../helpers/blocks.js');
const { runProgram } = require('../helpers/child.js');
const { startReceiverProcess } = require('../helpers/receiver_process.js');

// What is seen on the main thread is seen on worker threads too, and a hundred of them leave nothing behind.

describe('blocks that the loop of a worker suffers (R88, R89, R90, R93)', () => {
  test('eight kinds: one final span each, start and length as they were; 60 ms: none', async (t) => {
    await underControl(() => runBlocks(t, kinds, { thread: 'worker', limitMillis: 60_000 }), compareWithTruth);
  });

  test('the stack of a block names the guilty function and line', async (t) => {
    await underControl(() => runBlocks(t, guilty, { thread: 'worker' }), compareStacks);
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
