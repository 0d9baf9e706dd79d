'use strict';
// What a proxy may do that no good one does. Both senders, each transport.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const net = require('node:net');
const { describe, it } = require('node:test');
const { exportOurs, startWorld, toldOf } = require('../helpers/proxy/rig.js');
const { USERINFO } = require('../helpers/proxy/secrets.js');
const { makeMaterial, TRANSPORTS } = require('../helpers/proxy/transports.js');
const { WAYS } = require('../helpers/proxy/ways.js');

const AT_ONCE = 12;
const FLOOD_BYTES = 4 * 1024 * 1024;
const material = makeMaterial();
const byUrl = WAYS['proxy: a URL'];
const onlyOnce = { retry: { maxAttempts: 1 } };
const { HTTP } = TRANSPORTS;
const grpc = TRANSPORTS['gRPC plain'];
const tunnelled = Object.values(TRANSPORTS).filter(({ isTunnel }) => isTunnel);

/** A test of each sender over each of `transports`. */
function each(title, transports, check) {
  for (const transport of transports)
    for (const sender of ['native', 'node'])
      it(`${title}: ${transport.name}, sender ${sender}`, (t) => check(t, transport, sender));
}

/** One export of ours through a proxy that does `otherwise`. */
async function through(t, transport, sender, otherwise, more = {}) {
  const world = await startWorld(t, { transport, material, proxy: { otherwise } });
  const told = toldOf(world, byUrl, { userinfo: USERINFO });
  return { world, ...(await exportOurs(world, told, { sender, ...onlyOnce, ...more })) };
}

function assertFailsThere({ world, results: [{ code, error }] }, text) {
  assert.equal(code, 1);
  assert.match(error.message, text);
  assert.ok(error.message.includes(`through the proxy ${world.proxy.url}`), error.message);
}

describe('F84: odd proxies', { concurrency: AT_ONCE }, () => {
  for (const transport of tunnelled) {
    it(`informational answers before a tunnel: ${transport.name}`, async (t) => {
      const interim = { grant: { interim: [100, 103] } };
      const { results, arrived } = await through(t, transport, 'native', interim);
      assert.deepEqual([results, arrived.length], [[{ code: 0 }], 1]);
      // Node's http takes the first answer for the last, as the stock exporters do.
      assertFailsThere(await through(t, transport, 'node', interim), /HTTP\/1\.1 100 Continue/);
    });
  }

  each('an answer together with the first bytes of the tunnel', [grpc], async (t, transport, sender) => {
    const collector = () => ({ speaksFirst: true });
    const world = await startWorld(t, {
      transport,
      material,
      collector,
      proxy: { otherwise: { grant: { isGlued: true } } },
    });
    const { results, arrived } = await exportOurs(world, toldOf(world, byUrl), { sender, ...onlyOnce });
    assert.deepEqual([results, arrived.length], [[{ code: 0 }], 1]);
  });

  each('informational answers without an end', tunnelled, async (t, transport, sender) => {
    const flood = 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(FLOOD_BYTES / 28);
    const seen = await through(t, transport, sender, { raw: flood, open: true }, { timeoutMillis: 1000 });
    assertFailsThere(seen, /./);
  });

  each('a head without an end', tunnelled, async (t, transport, sender) => {
    const raw = `HTTP/1.1 200 OK\r\n${'X-Flood: 0123456789\r\n'.repeat(FLOOD_BYTES / 21)}`;
    const seen = await through(t, transport, sender, { raw, open: true }, { timeoutMillis: 1000 });
    assertFailsThere(seen, /no tunnel to collector\.test:\d+ /);
  });

  each('a refusal with a page', tunnelled, async (t, transport, sender) => {
    const answer = { answer: 403, body: '<html>Forbidden by policy</html>'.repeat(1000), close: false };
    const seen = await through(t, transport, sender, answer);
    assertFailsThere(seen, /HTTP\/1\.1 403 Forbidden/);
    assert.doesNotMatch(seen.results[0].error.message, /html/);
  });

  each('a redirection is not followed', Object.values(TRANSPORTS), async (t, transport, sender) => {
    const answer = { answer: 307, headers: { Location: 'http://elsewhere.test/v1/traces' } };
    const seen = await through(t, transport, sender, answer);
    assertFailsThere(seen, /Temporary Redirect/);
    assert.equal(seen.world.proxy.requests.length, 1);
  });

  each('an answer that comes byte by byte without an end', Object.values(TRANSPORTS), async (t, transport, sender) => {
    const world = await startWorld(t, { transport, material });
    // Neither a server of Node's nor the scripted proxy is that slow.
    const sockets = new Set();
    const server = net.createServer((socket) => {
      sockets.add(socket);
      const drip = setInterval(() => socket.write('H'), 20);
      socket.on('error', () => {}).on('close', () => clearInterval(drip));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const url = `http://${USERINFO}@127.0.0.1:${server.address().port}`;
    const told = { config: { url: world.collector.url, proxy: url }, env: world.collector.variables };
    const { results } = await exportOurs(world, told, { sender, timeoutMillis: 500 });
    assert.equal(results[0].code, 1);
    assert.match(results[0].error.message, /through the proxy http:\/\/127\.0\.0\.1:\d+/);
  });

  each('a connection that ends after each answer', [HTTP], async (t, transport, sender) => {
    const { results, connections, arrived } = await through(t, transport, sender, { close: true }, { times: 3 });
    assert.deepEqual([results.map(({ code }) => code), arrived.length, connections], [[0, 0, 0], 3, 3]);
  });

  each('connections end with the exporter', Object.values(TRANSPORTS), async (t, transport, sender) => {
    const { world } = await through(t, transport, sender, { stall: true }, { timeoutMillis: 300 });
    await world.proxy.waitFor(() => world.proxy.openConnections === 0);
    const { world: other, results } = await through(t, transport, sender, {});
    assert.equal(results[0].code, 0);
    await other.proxy.waitFor(() => other.proxy.openConnections === 0);
  });

  each('a collector that goes away gets a new tunnel', [grpc, TRANSPORTS['gRPC TLS']], async (t, transport, sender) => {
    const collector = () => ({ script: [{ goaway: {} }] });
    const world = await startWorld(t, { transport, material, collector });
    const { results, arrived } = await exportOurs(world, toldOf(world, byUrl), { sender, times: 3 });
    assert.deepEqual([results.map(({ code }) => code), arrived.length], [[0, 0, 0], 3]);
    assert.equal(world.proxy.requests.length, 2);
  });

  it('a page of its own in place of an answer is what it is from an endpoint', async (t) => {
    const answer = { answer: 200, headers: { 'Content-Type': 'text/html' }, body: '<html>Please log in</html>' };
    for (const sender of ['native', 'node']) {
      const { results } = await through(t, HTTP, sender, answer);
      assert.deepEqual(results, [{ code: 0 }]);
    }
  });
});
