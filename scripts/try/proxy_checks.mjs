// Owns what is tried through a proxy program: each check is a row of scripts/try/proxies.mjs, for one transport, one way of telling
// an exporter of its proxy and one sender. A check answers 'none' where it has nothing to try.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';

const require = createRequire(import.meta.url);
const helpers = '../../__test__/helpers/proxy';
const { exportOurs, exportStock, makeSpans, toldOf } = require(`${helpers}/rig.js`);
const { makeMaterial, startCollector } = require(`${helpers}/transports.js`);

const STOCK_VERSION = '0.223.1';
const LOG_MILLIS = 10_000;
const QUIET_MILLIS = 100;
const LARGE_TEXT = 'large '.repeat(100_000);
// Plain letters, because tinyproxy takes no others; the scripted proxy has the rest.
export const CREDENTIALS = { user: 'us3r', password: 'p4ss' };
const WRONG = 'us3r:wr0ng';
const once = { retry: { maxAttempts: 1 } };
export const material = makeMaterial();

/** What the rows of the matrix ask of a world, with a program in the place of the scripted proxy. */
function worldOf({ transport, collector }, program, url = collector.urlFor(program.host)) {
  return {
    transport,
    material,
    collector: { ...collector, url },
    proxy: { ...program, requests: [], connections: [] },
  };
}

/** Until what went through the program before has been written down. */
async function quiet(program) {
  let last = -1;
  while (last !== program.asked().length) {
    last = program.asked().length;
    await sleep(QUIET_MILLIS);
  }
}

/** Runs, and answers how many requests came to the collector by it and what the program was asked for. */
async function counting({ collector, transport }, program, count, run) {
  await quiet(program);
  const [arrivedBefore, askedBefore] = [collector.arrived().length, program.asked().length];
  const { results } = await run();
  // squid writes a tunnel down when it ends, and agents of the application keep theirs.
  collector.receiver.cut();
  const arrived = collector.arrived().slice(arrivedBefore);
  const wanted = transport.isTunnel ? 1 : count;
  const asked = () => program.asked().slice(askedBefore);
  for (const until = Date.now() + LOG_MILLIS; asked().length < wanted && Date.now() < until; ) await sleep(20);
  const targets = asked().map(({ method, target }) => `${method} ${target}`);
  return { results, arrived: JSON.parse(JSON.stringify(arrived)), targets };
}

function targetsOf({ transport, collector }, { host }, count) {
  const target = `${host}:${collector.port}`;
  if (transport.isTunnel) return [`CONNECT ${target}`];
  return Array.from({ length: count }, () => `POST http://${target}/v1/traces`);
}

const delivered = (count) => Array.from({ length: count }, () => ({ code: 0 }));

async function failing(row, program, { userinfo, url, text }) {
  const world = worldOf(row, program, url);
  const told = toldOf(world, row.way, { userinfo });
  const { results, stats } = await exportOurs(world, told, { sender: row.sender, ...once });
  const [{ code, error }] = results;
  assert.equal(code, 1);
  assert.match(error.message, text);
  if (!row.way.isUnknown) assert.ok(error.message.includes(`through the proxy ${program.url}`), error.message);
  assert.equal(stats.delivered, 0);
}

/** tinyproxy ends the connection with a request half read: Node, as the stock exporter on it, may hear of that first. */
function saying(words, { transport, sender }) {
  return new RegExp(sender === 'node' && !transport.isTunnel ? `${words}|ECONNRESET|EPIPE` : words);
}

/** To wrong credentials tinyproxy answers 401. */
const REFUSAL = 'Proxy Authentication Required|Unauthorized';
const UNREACHED = 'Unable to connect|retryable status|Service Unavailable';

export const CHECKS = {
  async 'three exports'(row) {
    const world = worldOf(row, row.open);
    const run = () => exportOurs(world, toldOf(world, row.way), { sender: row.sender, times: 3 });
    const { results, arrived, targets } = await counting(row, row.open, 3, run);
    assert.deepEqual([results, arrived.length], [delivered(3), 3]);
    assert.deepEqual(targets, targetsOf(row, row.open, 3));
  },

  async 'a large export with credentials'(row) {
    const world = worldOf(row, row.guarded);
    const { user, password } = CREDENTIALS;
    const told = toldOf(world, row.way, { userinfo: `${user}:${password}` });
    const spans = makeSpans(3, { text: LARGE_TEXT });
    const run = () => exportOurs(world, told, { sender: row.sender, spans });
    const { results, arrived } = await counting(row, row.guarded, 1, run);
    assert.deepEqual(results, delivered(1));
    assert.equal(arrived.flatMap(({ spans: came }) => came.flatMap(({ scopes }) => scopes[0].spans)).length, 3);
  },

  'wrong credentials': (row) => failing(row, row.guarded, { userinfo: WRONG, text: saying(REFUSAL, row) }),

  'no credentials': (row) => failing(row, row.guarded, { text: saying(REFUSAL, row) }),

  async 'a port that is not allowed'(row) {
    if (!row.transport.isTunnel) return 'none';
    const other = await startCollector(row.transport, material);
    try {
      await failing(row, row.open, { url: other.urlFor(row.open.host), text: / 403 / });
      assert.equal(other.arrived().length, 0);
    } finally {
      await other.close();
    }
  },

  async 'a collector that is gone'(row) {
    if (row.transport.isTunnel) return 'none'; // its port would not be allowed
    const other = await startCollector(row.transport, material);
    await other.close();
    await failing(row, row.open, {
      url: other.urlFor(row.open.host),
      text: saying(UNREACHED, row),
    });
  },

  async 'a program that dies and comes back'(row) {
    const world = worldOf(row, row.open);
    const between = [() => row.open.stop(), () => row.open.start()];
    const run = () => exportOurs(world, toldOf(world, row.way), { sender: row.sender, times: 3, ...once, between });
    const { results, stats } = await run();
    assert.deepEqual(
      results.map(({ code }) => code),
      [0, 1, 0],
      results[2].error?.message,
    );
    if (!row.way.isUnknown) assert.match(results[1].error.message, /through the proxy /);
    assert.equal(stats.delivered, 2);
  },

  async 'beside the stock exporter'(row) {
    if (!row.way.stock.includes(STOCK_VERSION) || row.sender !== row.way.senders[0]) return 'none';
    const seen = [];
    for (const send of [exportStock.bind(null, STOCK_VERSION), exportOurs]) {
      const world = worldOf(row, row.guarded);
      const told = toldOf(world, row.way, { userinfo: `${CREDENTIALS.user}:${CREDENTIALS.password}` });
      seen.push(await counting(row, row.guarded, 2, () => send(world, told, { times: 2 })));
    }
    assert.deepEqual(seen[1], seen[0]);
    assert.deepEqual([seen[0].results, seen[0].targets], [delivered(2), targetsOf(row, row.guarded, 2)]);
  },
};
