'use strict';
// Owns the matrix of proxies in both of its forms: every transport, every way of telling an exporter of a proxy, every sender,
// everything that may go wrong; beside the stock exporters where they understand the way.

const assert = require('node:assert/strict');
const { it } = require('node:test');
const { inspect } = require('node:util');
const { exportOurs, exportStock, makeSpans, startWorld, toldOf } = require('./rig.js');
const { FAULTS, LARGE_TEXT, ODDITIES } = require('./rows.js');
const { PAIR, USERINFO, WRONG } = require('./secrets.js');
const { HOST, makeMaterial, TRANSPORTS } = require('./transports.js');
const { WAYS } = require('./ways.js');

/** Rows mostly wait for their next attempt. */
const AT_ONCE = 24;
const SHORT_MILLIS = 600; // for what never answers
const PATIENT_MILLIS = 60_000; // for what is overcome, on any machine
const STOCK_MILLIS = 1500; // for what fails with the stock exporter, which tries again until then
const material = makeMaterial();
const once = { retry: { maxAttempts: 1 } };

/** Cells of transport, way and sender; the short form has each transport with each sender, and every way once. */
function cells(isLong) {
  const all = Object.values(TRANSPORTS).flatMap((transport) =>
    Object.entries(WAYS)
      .filter(([, way]) => way.fits(transport))
      .flatMap(([name, way]) => way.senders.map((sender) => ({ transport, name, way, sender }))),
  );
  if (isLong) return all;
  return all.filter(({ transport, name, sender }, nth) => {
    const isFirst = all.findIndex((each) => each.transport === transport && each.sender === sender) === nth;
    return isFirst || (name === 'proxyEnv of agent options' && sender === 'native');
  });
}

const titleOf = ({ transport, name, sender }) => `${transport.name}, ${name}, sender ${sender}`;

/** What the proxy is asked for the first time, over a connection that is kept. */
function askedOf({ isGrpc, isTunnel }, port, credentials = null) {
  const host = `${HOST}:${port}`;
  if (isTunnel) return { method: 'CONNECT', target: host, host, credentials };
  assert.equal(isGrpc, false);
  return { method: 'POST', target: `http://${host}/v1/traces`, host, credentials };
}

const askedBy = ({ proxy }) =>
  proxy.requests.map(({ method, target, headers, credentials }) => ({
    method,
    target,
    host: headers.host,
    credentials,
  }));

function assertNames(world, way, { error }) {
  if (way.isUnknown) return;
  const named = `through the proxy ${world.proxy.url}`;
  // What a console shows of an error is not its message.
  for (const text of [error.message, inspect(error)]) assert.ok(text.includes(named), `${named} is not in: ${text}`);
}

/** Deliveries: the plain one, several over one connection, credentials, odd but right answers. */
function deliveries(isLong) {
  for (const cell of cells(isLong)) {
    const { transport, way, sender } = cell;
    it(`${titleOf(cell)}: three exports, one connection`, async (t) => {
      const world = await startWorld(t, { transport, material });
      const { results, stats, connections, arrived } = await exportOurs(world, toldOf(world, way), {
        sender,
        times: 3,
      });
      assert.deepEqual(results, [{ code: 0 }, { code: 0 }, { code: 0 }]);
      assert.deepEqual([stats.accepted, stats.delivered, arrived.length, connections], [3, 3, 3, 1]);
      const asked = askedOf(transport, world.collector.port);
      assert.deepEqual(askedBy(world), transport.isTunnel ? [asked] : [asked, asked, asked]);
    });
    for (const [what, userinfo, pair] of [
      ['user and password, percent-encoded', USERINFO, PAIR],
      ['a user alone', 'us3r', cell.name === 'the variable grpc_proxy' ? 'us3r' : 'us3r:'],
      ['a password with what is no encoding', 'us3r:p4ss%zz', 'us3r:p4ss%zz'],
    ]) {
      // Node's own reading of a variable throws for what is no encoding.
      if (what.includes('no encoding') && /proxyEnv/.test(cell.name)) continue;
      it(`${titleOf(cell)}: ${what}`, async (t) => {
        const world = await startWorld(t, { transport, material, proxy: { credentials: pair } });
        const { results, arrived } = await exportOurs(world, toldOf(world, way, { userinfo }), { sender });
        assert.deepEqual(results, [{ code: 0 }]);
        assert.deepEqual([askedBy(world), arrived.length], [[askedOf(transport, world.collector.port, pair)], 1]);
      });
    }
    if (!transport.isTunnel) continue;
    for (const [what, otherwise] of Object.entries(ODDITIES)) {
      it(`${titleOf(cell)}: a proxy that ${what}`, async (t) => {
        const world = await startWorld(t, { transport, material, proxy: { otherwise } });
        const { results, arrived } = await exportOurs(world, toldOf(world, way), { sender });
        assert.deepEqual([results, arrived.length], [[{ code: 0 }], 1]);
      });
    }
  }
}

/** The steps of a fault: `isOnce` for the first request, and always otherwise. */
function stepsOf({ step, collector }, isOnce, transport) {
  const steps = (value) => (isOnce ? { script: [value] } : { otherwise: value });
  return {
    proxy: step === undefined ? {} : steps(step),
    collector: collector && ((proxy) => steps(collector(proxy, transport))),
  };
}

/** Faults: each fails with an error that names the proxy, and what passes is overcome by the next attempt. */
function faults(isLong) {
  for (const cell of cells(isLong)) {
    const { transport, way, sender } = cell;
    for (const [what, fault] of Object.entries(FAULTS)) {
      if (fault.fits && !fault.fits(transport)) continue;
      const { isRepeated, code, text } = fault.expect(transport);
      const spans = makeSpans(1, fault.large ? { text: LARGE_TEXT } : {});
      const limit = fault.isSlow ? { timeoutMillis: SHORT_MILLIS } : {};
      it(`${titleOf(cell)}: a proxy that ${what}`, async (t) => {
        const world = await startWorld(t, { transport, material, ...stepsOf(fault, false, transport) });
        const told = toldOf(world, way, { userinfo: USERINFO });
        const { results, failures, stats } = await exportOurs(world, told, { sender, spans, ...once, ...limit });
        const [{ error }] = results;
        assert.equal(results[0].code, 1);
        assertNames(world, way, results[0]);
        assert.match(error.message, text);
        if (code !== 'any') assert.equal(error.code, code);
        assert.deepEqual([stats.delivered, failures.length], [0, 1]);
        assertNames(world, way, { error: failures[0] });
      });
      if (fault.isSlow) continue;
      it(`${titleOf(cell)}: a proxy that ${what}, once`, async (t) => {
        const world = await startWorld(t, { transport, material, ...stepsOf(fault, true, transport) });
        const told = toldOf(world, way, { userinfo: USERINFO });
        const { results, stats, arrived } = await exportOurs(world, told, {
          sender,
          spans,
          timeoutMillis: PATIENT_MILLIS,
        });
        assert.equal(world.proxy.requests.length, isRepeated ? 2 : 1);
        assert.equal(results[0].code, isRepeated ? 0 : 1, results[0].error?.message);
        assert.deepEqual([stats.accepted, stats.delivered], [1, isRepeated ? 1 : 0]);
        // What was cut off behind the whole request has come twice.
        if (isRepeated) assert.ok(arrived.length >= 1);
      });
    }
    it(`${titleOf(cell)}: wrong credentials`, async (t) => {
      const world = await startWorld(t, { transport, material, proxy: { credentials: PAIR } });
      const told = toldOf(world, way, { userinfo: WRONG });
      const { results, arrived } = await exportOurs(world, told, { sender, ...once });
      assert.equal(results[0].code, 1);
      assert.match(results[0].error.message, /Proxy Authentication Required/);
      assertNames(world, way, results[0]);
      assert.equal(arrived.length, 0);
    });
    it(`${titleOf(cell)}: a proxy that is not there`, async (t) => {
      const world = await startWorld(t, { transport, material });
      const { port } = world.proxy;
      await world.proxy.stop();
      const told = toldOf(world, way, { userinfo: USERINFO });
      const { results } = await exportOurs(world, told, { sender, ...once });
      assert.match(results[0].error.message, new RegExp(`connect ECONNREFUSED 127\\.0\\.0\\.1:${port}`));
      assert.equal(results[0].error.code, transport.isGrpc ? 14 : 'ECONNREFUSED');
      assertNames(world, way, results[0]);
    });
    it(`${titleOf(cell)}: a proxy that is gone, and comes back`, async (t) => {
      const world = await startWorld(t, { transport, material });
      const { port } = world.proxy;
      const told = toldOf(world, way, { userinfo: USERINFO });
      const between = [() => world.proxy.stop(), () => world.proxy.listen(port)];
      const { results, stats, arrived } = await exportOurs(world, told, { sender, times: 3, between, ...once });
      assert.deepEqual([results.map(({ code }) => code), stats.delivered, arrived.length], [[0, 1, 0], 2, 2]);
      // A connection that had stood is lost first.
      assertNames(world, way, results[1]);
    });
  }
}

/** Equal where a stock exporter understands the way. */
function besideStock(isLong) {
  for (const cell of cells(isLong).filter(({ sender, way }) => sender === way.senders[0])) {
    const { transport, way, sender } = cell;
    for (const version of way.stock) {
      if (!isLong && version !== '0.223.1') continue;
      const title = `${transport.name}, ${cell.name}, ${version}`;
      for (const [what, userinfo, credentials] of [
        ['no credentials', undefined, null],
        ['credentials', USERINFO, PAIR],
        ['a user alone', 'us3r', null],
      ]) {
        it(`${title}: ${what}`, async (t) => {
          const runs = [];
          for (const run of [exportStock.bind(null, version), exportOurs]) {
            const world = await startWorld(t, { transport, material, proxy: { credentials } });
            const { asked, connections, arrived, results } = await run(world, toldOf(world, way, { userinfo }), {
              ...(run === exportOurs && { sender }),
              times: 2,
            });
            runs.push(
              JSON.parse(
                JSON.stringify({ asked, connections, arrived, results }).replaceAll(world.collector.port, 'PORT'),
              ),
            );
          }
          assert.deepEqual(runs[1], runs[0]);
          assert.deepEqual(runs[0].results, [{ code: 0 }, { code: 0 }]);
        });
      }
      for (const [what, fault] of Object.entries(isLong ? FAULTS : {})) {
        if (fault.isSlow || (fault.fits && !fault.fits(transport))) continue;
        it(`${title}: never worse where a proxy ${what}, once`, async (t) => {
          const codes = [];
          for (const run of [exportStock.bind(null, version), exportOurs]) {
            const world = await startWorld(t, { transport, material, ...stepsOf(fault, true, transport) });
            const spans = makeSpans(1, fault.large ? { text: LARGE_TEXT } : {});
            const { results } = await run(world, toldOf(world, way), { ...(run === exportOurs && { sender }), spans });
            codes.push(results[0].code);
          }
          assert.ok(codes[1] <= codes[0], `stock ${codes[0]}, ours ${codes[1]}`);
        });
      }
      it(`${title}: a proxy that is gone`, async (t) => {
        const codes = [];
        for (const run of [exportStock.bind(null, version), exportOurs]) {
          const world = await startWorld(t, { transport, material });
          await world.proxy.stop();
          const { results } = await run(world, toldOf(world, way), { timeoutMillis: STOCK_MILLIS });
          codes.push(results[0].code);
        }
        assert.deepEqual(codes, [1, 1]);
      });
    }
  }
}

module.exports = { AT_ONCE, besideStock, deliveries, faults };
