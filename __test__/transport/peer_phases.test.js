'use strict';

const assert = require('node:assert/strict');
const { fork } = require('node:child_process');
const { join } = require('node:path');
const { test } = require('node:test');
const { planOf, startPeer } = require('../helpers/peer_phases.js');

// A peer that answers in any phase of connection and request, with any status, whole or cut, and ends in any way, beside
// the stock exporter in a process of its own. Never worse than stock, and never delivered without a 2xx.
// OFFLOOP_PEER_SEED=17 replays one exchange; OFFLOOP_TEST_LONG=1 makes 2,000 of them.

const isLong = process.env.OFFLOOP_TEST_LONG === '1';
const only = process.env.OFFLOOP_PEER_SEED;
const EXCHANGES = isLong ? 2000 : 60;
const AT_ONCE = 60;
const TIMEOUT_MILLIS = 2500;
const PATIENCE_MILLIS = 6000; // stock answers some of them never
const PASSING = new Set([101, 429, 502, 503, 504]);
const PROGRAM = join(__dirname, '..', 'helpers', 'peer_phases_program.js');

function startExporter(t, name) {
  const child = fork(PROGRAM, [name]);
  t.after(() => child.kill());
  const waiting = new Map();
  child.on('message', (result) => waiting.get(result.id)(result));
  child.on('exit', (code) => {
    for (const [id, done] of waiting) done({ id, code: 2, error: { message: `the process has ended: ${code}` } });
  });
  return (id, config) =>
    new Promise((resolve) => {
      waiting.set(id, (result) => {
        waiting.delete(id);
        resolve(result);
      });
      child.send({ id, config });
      setTimeout(() => waiting.get(id)?.({ id, code: 3, error: { message: 'no answer' } }), PATIENCE_MILLIS).unref();
    });
}

async function exchange(exporter, seed) {
  const peer = await startPeer(seed);
  const result = await exporter(seed, { url: peer.url, timeoutMillis: TIMEOUT_MILLIS });
  peer.stop();
  return { ...result, said: peer.said };
}

/** What is wrong with the exchange, or null. */
function verdict(ours, stock) {
  const isSuccess = (status) => status >= 200 && status <= 299;
  if (ours.code === 0) return ours.said.some(isSuccess) ? null : 'delivered without a 2xx';
  if (ours.code !== 1) return 'no answer';
  // Ours has read a status that means an end. Stock may not have read it: a reset has overtaken it there.
  if (ours.said.some((status) => !isSuccess(status) && !PASSING.has(status) && ours.error.code === status)) return null;
  return stock.code === 0 && stock.said.some(isSuccess) ? 'lost, and stock delivers' : null;
}

test('a peer that answers at any time, and ends in any way', { timeout: 600_000 }, async (t) => {
  const [ours, stock] = ['ours', 'stock'].map((name) => startExporter(t, name));
  const seeds = only === undefined ? Array.from({ length: EXCHANGES }, (_, seed) => seed + 1) : [Number(only)];
  const wrong = [];
  let delivered = 0;
  while (seeds.length > 0) {
    await Promise.all(
      seeds.splice(0, AT_ONCE).map(async (seed) => {
        const [mine, theirs] = await Promise.all([exchange(ours, seed), exchange(stock, seed)]);
        if (mine.code === 0) delivered += 1;
        const reason = verdict(mine, theirs);
        if (reason !== null) wrong.push({ seed, reason, mine, theirs, plan: planOf(seed) });
      }),
    );
  }
  assert.deepEqual(
    wrong.map((each) => JSON.stringify(each)),
    [],
  );
  if (only === undefined) assert.ok(delivered > EXCHANGES / 3, `${delivered} of ${EXCHANGES} are delivered`);
});
