'use strict';
// health() and onHealth: whether the collector is there. A collector that answers 503, or nobody at all, comes and goes.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { it } = require('node:test');
const { BatchSpanProcessor, OTLPTraceExporter } = require('../..');
const { Health } = require('../../js/exporter/health.js');
const { startReceiver } = require('../helpers/receiver.js');
const { PlainSpans } = require('../helpers/plain_spans.js');

const root = path.resolve(__dirname, '..', '..');
const plain = new PlainSpans(11);
const makeSpans = (count) => Array.from({ length: count }, () => plain.span());

it('M3: a collector that fails and comes back is told twice, with why and since when', async (t) => {
  let isUp = false;
  const receiver = await startReceiver({ otherwise: () => (isUp ? 200 : 503) }, t);
  const told = [];
  const exporter = new OTLPTraceExporter({
    url: `${receiver.url}?key=planted`,
    timeoutMillis: 60_000,
    onHealth(health) {
      told.push(health);
      isUp = true;
    },
  });
  const endpoint = receiver.url;
  assert.deepEqual(exporter.health(), { state: 'ok', since: null, lastFailure: null, endpoint });
  const before = Date.now();
  const outcomes = await Promise.all(Array.from({ length: 8 }, () => exporter.exportSpans(makeSpans(1))));
  assert.ok(outcomes.every(({ delivered }) => delivered === 1));

  assert.deepEqual(
    told.map(({ state }) => state),
    ['away', 'ok'],
  );
  const [away, back] = told;
  assert.equal(away.lastFailure.code, '503');
  assert.ok(away.since >= before && away.since <= back.since && back.since <= Date.now());
  assert.equal(away.endpoint, endpoint, 'without its query');
  assert.deepEqual(exporter.health(), { ...back, lastFailure: null });
  await exporter.shutdown();
});

it('M3: nobody listens: away, with the code of the network', async () => {
  const port = await freePort();
  const away = Promise.withResolvers?.() ?? resolvers();
  const exporter = new OTLPTraceExporter({ url: `http://127.0.0.1:${port}/v1/traces`, onHealth: away.resolve });
  const exported = exporter.exportSpans(makeSpans(1));
  const { state, lastFailure } = await away.promise;
  assert.deepEqual([state, lastFailure.code], ['away', 'ECONNREFUSED']);
  await exporter.shutdown({ timeoutMillis: 0 });
  await exported;
});

it('M3: a collector that is away when the exporter is shut down is not back by that', async () => {
  const port = await freePort();
  const told = [];
  const exporter = new OTLPTraceExporter({
    url: `http://127.0.0.1:${port}/v1/traces`,
    onHealth: ({ state }) => told.push(state),
  });
  const exports = Array.from({ length: 8 }, () => exporter.exportSpans(makeSpans(1)));
  while (told.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  await exporter.shutdown({ timeoutMillis: 0 });
  await Promise.all(exports);
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual([told, exporter.health().state, exporter.stats().breaker], [['away'], 'away', 'closed']);
});

it('M3: an onHealth that throws, rejects, exports or shuts the exporter down costs nothing', async (t) => {
  const acts = {
    throws: () => assert.fail('onHealth'),
    rejects: () => Promise.reject(new Error('onHealth')),
    exports: (exporter) => void exporter.exportSpans(makeSpans(1)),
    'shuts down': (exporter) => exporter.shutdown({ timeoutMillis: 5000 }),
  };
  for (const [name, act] of Object.entries(acts)) {
    let isUp = false;
    const receiver = await startReceiver({ otherwise: () => (isUp ? 200 : 503) }, t);
    const exporter = new OTLPTraceExporter({
      url: receiver.url,
      timeoutMillis: 60_000,
      onHealth() {
        isUp = true;
        return act(exporter);
      },
    });
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => exporter.exportSpans(makeSpans(1))));
    for (const { delivered, dropped } of outcomes) assert.equal(delivered + (dropped.shutdown_deadline ?? 0), 1, name);
    await exporter.shutdown();
    const { accepted, delivered, dropped } = exporter.stats();
    assert.equal(accepted, delivered + (dropped.shutdown_deadline ?? 0), name);
  }
});

/** What a program with an exporter writes to standard error once the timer of a minute fires, which it does at once. */
async function written(setUp, env = {}) {
  const program = `
    const timers = require('node:timers');
    const { setTimeout: real } = timers;
    const { Health } = (() => {
      const guarded = require(${JSON.stringify(path.join(root, 'js/guards/timers.js'))});
      const file = require.resolve(${JSON.stringify(path.join(root, 'js/guards/timers.js'))});
      require.cache[file].exports = { ...guarded, setTimeout: (act, millis) => real(act, millis === 60_000 ? 1 : millis) };
      return require(${JSON.stringify(path.join(root, 'js/exporter/health.js'))});
    })();
    ${setUp}
    const health = new Health({ endpoint: 'http://collector:4318/v1/traces?key=planted' });
    health.told({ state: 'open', code: 'ECONNREFUSED', message: 'connect ECONNREFUSED 127.0.0.1:4318' });
    if (globalThis.isBack) health.told({ state: 'closed' });
    setTimeout(() => {}, 50);
  `;
  const child = spawn(process.execPath, ['-e', program], { cwd: root, env: { ...process.env, ...env }, stdio: 'pipe' });
  let text = '';
  child.stderr.on('data', (chunk) => (text += chunk));
  const [code] = await once(child, 'close');
  assert.equal(code, 0, text);
  return text;
}

it('M4: a collector that has been away for a minute is told, where nobody else would hear of it', async () => {
  const why = 'http://collector:4318/v1/traces has been away for 60 s: connect ECONNREFUSED 127.0.0.1:4318';
  const line = `offloop: warn: ${why} (OFFLOOP_LOG=none silences this line)\n`;
  const logger = `require('@opentelemetry/api').diag.setLogger({ warn: (text) => process.stderr.write('logger: ' + text) });`;
  assert.equal(await written(''), line);
  assert.equal(await written('', { OFFLOOP_LOG: 'none' }), '');
  assert.equal(await written(logger), `logger: Offloop: ${why}`);
  assert.match(await written('', { OFFLOOP_LOG: 'warn' }), /^offloop: warn: Offloop: http.* has been away[^\n]*\n$/);
  assert.equal(await written('globalThis.isBack = true;'), '', 'it is back by then');
});

it('M4: an exporter that is shut down warns of nothing any more', () => {
  const health = new Health({ endpoint: 'http://collector/' });
  health.told({ state: 'open' });
  health.silence();
  assert.deepEqual([health.now().state, health.now().lastFailure], ['away', { code: null, message: '' }]);
});

it('M5: await using shuts exporter and processor down', async (t) => {
  const receiver = await startReceiver({}, t);
  const exporter = new OTLPTraceExporter({ url: receiver.url });
  const processor = new BatchSpanProcessor(exporter);
  for (const span of makeSpans(3)) processor.onEnd(span);
  await processor[Symbol.asyncDispose]();
  assert.equal(exporter.stats().delivered, 3);
  assert.deepEqual((await exporter.exportSpans(makeSpans(1))).dropped, { after_shutdown: 1 });
  await exporter[Symbol.asyncDispose]();
});

async function freePort() {
  const receiver = await startReceiver();
  const { port } = receiver;
  await receiver.close();
  return port;
}

function resolvers() {
  let resolve;
  const promise = new Promise((fulfil) => (resolve = fulfil));
  return { promise, resolve };
}
