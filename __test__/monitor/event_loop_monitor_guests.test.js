'use strict';
// This file measures time, so it runs alone.

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const { getEngine } = require('../../js/native/engine.js');
const { OpenSpans } = require('../../js/monitor/open_spans.js');
const { followResource, resourceEntries } = require('../../js/monitor/span_resource.js');
const { noStacks } = require('../helpers/blocks.js');
const { runProgram } = require('../helpers/child.js');

// A monitor is a guest: what it meets that is broken, foreign or unknown is neither made worse nor told to the application.

const ENTRY_BYTES = 64;

/** A table with `count` entries, and how many of them are of open spans: of those that have ended the highest bit is set. */
function openTable(count) {
  const table = new ArrayBuffer(count * ENTRY_BYTES);
  const openSpans = new OpenSpans();
  openSpans.open(() => table);
  const taken = () =>
    Array.from({ length: count }, (_, entry) => new Int32Array(table)[entry * 16]).filter((version) => version > 0);
  return { openSpans, taken: () => taken().length };
}

const spanOf = (n, more) => ({
  spanContext: () => ({ traceId: '0af7651916cd43dd8448eb211c80319c', spanId: `${n}`.padStart(16, '1'), traceFlags: 1 }),
  ...more,
});

const throws = () => {
  throw new Error('of the application');
};

describe('open spans', () => {
  test('a span that two processors tell of is open once, and ends', () => {
    const { openSpans, taken } = openTable(8);
    const [first, second] = [spanOf(1), spanOf(2)];
    for (const span of [first, first, second, second]) openSpans.started(span);
    assert.equal(taken(), 2);
    for (const span of [first, first]) openSpans.ended(span);
    assert.equal(taken(), 1);
    for (const span of [second, second]) openSpans.ended(span);
    assert.equal(taken(), 0);
  });

  test('a span that nobody ends is given up for a new one, and entries are used again in turn', () => {
    const { openSpans, taken } = openTable(4);
    for (let n = 1; n <= 10; n++) openSpans.started(spanOf(n));
    assert.equal(taken(), 4, 'the newest');
    for (let n = 1; n <= 10; n++) openSpans.ended(spanOf(n));
    assert.equal(taken(), 0);
    for (let round = 0; round < 20; round++) {
      for (let n = 1; n <= 3; n++) openSpans.started(spanOf(n));
      assert.equal(taken(), 3);
      for (let n = 3; n >= 1; n--) openSpans.ended(spanOf(n));
      assert.equal(taken(), 0);
    }
  });

  test('what a span is called is told by number, anew when it ends or a block is over, and never costs the span (R114)', () => {
    const texts = [];
    const table = new ArrayBuffer(8 * ENTRY_BYTES);
    const openSpans = new OpenSpans();
    openSpans.open(
      () => table,
      (text) => texts.push(text),
    );
    const told = (entry) => {
      const about = new Int32Array(table)[entry * 16 + 1];
      return [texts[(about >> 2) - 1], (about & 2) !== 0, (about & 1) !== 0];
    };
    const server = spanOf(1, { name: 'GET', kind: 1, attributes: {} });
    const inner = spanOf(2, { name: 'query', kind: 0, attributes: {}, parentSpanContext: server.spanContext() });
    const handler = spanOf(3, {
      name: 'handler',
      attributes: { 'http.route': '/a' },
      parentSpanId: inner.spanContext().spanId,
    });
    const middleware = spanOf(4, {
      attributes: { 'http.route': '/', 'express.type': 'middleware' },
      parentSpanId: server.spanContext().spanId,
    });
    for (const span of [server, inner, handler, middleware]) openSpans.started(span);
    const none = [undefined, false, false];
    assert.deepEqual([0, 1, 2, 3].map(told), [['GET', false, true], none, ['/a', true, false], none]);
    server.attributes['http.route'] = '/b';
    assert.deepEqual(told(0), ['GET', false, true], 'nobody has asked');
    openSpans.refresh();
    assert.deepEqual(told(0), ['/b', true, true]);
    server.attributes['http.route'] = '/c';
    openSpans.ended(server);
    assert.deepEqual(told(0), ['/c', true, true]);
    Object.defineProperty(handler, 'attributes', { get: throws });
    openSpans.refresh();
    openSpans.ended(handler);
    assert.deepEqual(told(2), ['/a', true, false]);
    ['', undefined, null, 7, Symbol('x'), {}].forEach((name, nth) => {
      openSpans.started(spanOf(50 + nth, { name }));
    });
    assert.deepEqual(texts, ['GET', '/a', '/b', '/c'], 'each once, and texts alone');
  });

  test('a span or a resource whose getters throw reaches nobody who starts or ends one', () => {
    const { openSpans, taken } = openTable(8);
    let seen = 0;
    openSpans.onResource = (resource) => {
      seen += 1;
      followResource(resource, () => {});
    };
    const bad = [
      spanOf(1, { spanContext: throws }),
      Object.defineProperty(spanOf(2), 'resource', { get: throws }),
      spanOf(3, { resource: Object.defineProperty({}, 'attributes', { get: throws }) }),
      spanOf(4, { resource: { attributes: {}, asyncAttributesPending: true, waitForAsyncAttributes: throws } }),
    ];
    for (const span of bad) {
      openSpans.started(span);
      openSpans.batchBegan([span]);
      openSpans.ended(span);
    }
    openSpans.batchBegan(Object.defineProperty([], 0, { get: throws }));
    openSpans.onBatch = throws;
    openSpans.batchBegan(null);
    assert.equal(seen, 2);
    assert.equal(taken(), 0);
    openSpans.started(spanOf(5));
    assert.equal(taken(), 1, 'the next one is told of');
  });
});

describe('a resource that is still being detected', () => {
  const lines = {
    '1.x': (later) =>
      new (require('resources-1x').Resource)(
        { now: 'here' },
        later.then((late) => ({ late })),
      ),
    '2.x': (later) => require('@opentelemetry/resources').resourceFromAttributes({ now: 'here', late: later }),
  };
  for (const [line, make] of Object.entries(lines)) {
    test(`of the ${line} line is read without a complaint, and again when it is complete`, async (t) => {
      const { diag } = require('@opentelemetry/api');
      const told = [];
      const tell = (...words) => told.push(words.join(' '));
      diag.setLogger({ verbose: tell, debug: tell, info: tell, warn: tell, error: tell });
      t.after(() => diag.disable());
      told.length = 0;
      let settle;
      const resource = make(
        new Promise((resolve) => {
          settle = resolve;
        }),
      );
      const sets = [];
      followResource(resource, (entries) => sets.push(entries));
      assert.deepEqual(sets, [[{ key: 'now', value: 'here' }]]);
      settle('there');
      await resource.waitForAsyncAttributes();
      await new Promise(setImmediate);
      assert.deepEqual(sets[1], [
        { key: 'now', value: 'here' },
        { key: 'late', value: 'there' },
      ]);
      assert.deepEqual(told, []);
    });
  }

  test('that never gets readable is nobody`s unhandled rejection', async (t) => {
    const rejections = [];
    const note = (error) => rejections.push(error);
    process.on('unhandledRejection', note);
    t.after(() => process.off('unhandledRejection', note));
    const resource = { attributes: { a: 1 }, asyncAttributesPending: true, getRawAttributes: () => [['a', 1]] };
    resource.waitForAsyncAttributes = async () => {
      resource.asyncAttributesPending = false;
      Object.defineProperty(resource, 'attributes', { get: throws });
    };
    const sets = [];
    followResource(resource, (entries) => sets.push(entries));
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(sets, [resourceEntries({ attributes: { a: 1 } })]);
    assert.deepEqual(rejections, []);
  });
});

describe('export', () => {
  for (const monitor of ['without a monitor', 'with a monitor']) {
    test(`of a list whose elements throw counts them and does not throw, ${monitor}`, async () => {
      const ended = await runProgram(
        `const { EventLoopMonitor } = require(process.cwd());
         const exporter = new OTLPTraceExporter({ url: 'http://127.0.0.1:1/', concurrencyLimit: 1 });
         if (${monitor === 'with a monitor'}) new EventLoopMonitor({ exporter: { export() {}, shutdown() {} } }).enable();
         const bad = Object.defineProperty([], 0, { get() { throw new Error('element'); } });
         (async () => {
           const told = [];
           for (let nth = 0; nth < 3; nth++) {
             await new Promise((resolve) => exporter.export(bad, ({ error }) => { told.push(error?.code ?? null); resolve(); }));
           }
           console.log(JSON.stringify({ told, refused: exporter.stats().refused }));
         })();`,
      );
      assert.deepEqual({ code: ended.code, stderr: ended.stderr }, { code: 0, stderr: '' });
      const { told, refused } = JSON.parse(ended.stdout);
      assert.deepEqual(new Set(told).size, 1, 'the third is told what the first is: none is thought to be under way');
      assert.deepEqual(refused, { invalid: 3 });
    });
  }
});

describe('stacks', () => {
  const native = () => getEngine().createLoopMonitor(20, false);

  test('are taken only after one that was known has been seen', { skip: noStacks }, () => {
    const monitor = native();
    assert.deepEqual(monitor.capabilities(), { turns: true, stacks: false });
    assert.equal(monitor.proveStacks('another', __filename, 1), false);
    function known() {
      const line = Number(/:(\d+):\d+\)?$/.exec(new Error().stack.split('\n')[1])[1]);
      return [
        monitor.proveStacks('known', __filename, line + 1),
        monitor.proveStacks('known', __filename, line + 3),
        monitor.proveStacks('known', `${__filename}x`, line + 3),
      ];
    }
    const [wrongLine, right, wrongScript] = known();
    assert.deepEqual([wrongLine, right, wrongScript], [false, true, false]);
    assert.deepEqual(monitor.capabilities(), { turns: true, stacks: false }, 'the last word counts');
    const { proveStacks } = require('../../js/monitor/stack_proof.js');
    assert.equal(proveStacks(monitor), true);
    assert.deepEqual(monitor.capabilities(), { turns: true, stacks: true });
  });

  for (const [name, expected] of [
    ['electron', { turns: true, stacks: false }],
    ['bun', { turns: false, stacks: false }],
  ]) {
    test(`are not taken on ${name}, whatever its V8 is called`, (t) => {
      const { versions } = process;
      Object.defineProperty(process, 'versions', { value: { ...versions, [name]: '1.0.0' } });
      t.after(() => Object.defineProperty(process, 'versions', { value: versions }));
      const monitor = native();
      assert.equal(require('../../js/monitor/stack_proof.js').proveStacks(monitor), false);
      assert.deepEqual(monitor.capabilities(), expected);
    });
  }
});

test('a block that runs into process.exit() is told to a foreign destination, whoever came first', async () => {
  const ended = await runProgram(
    `const { EventLoopMonitor } = require(process.cwd());
     const exporter = new OTLPTraceExporter({ url: 'http://127.0.0.1:1/', exit: { blockMillis: 50 } });
     exporter.export(makeSpans(1), () => {});
     const spans = [];
     const foreign = { export(batch, done) { spans.push(...batch); done({ code: 0 }); }, shutdown: async () => {} };
     const monitor = new EventLoopMonitor({ exporter: foreign });
     monitor.enable();
     process.on('exit', () => console.log(JSON.stringify({ spans: spans.length, blocks: monitor.stats().blocks })));
     setTimeout(() => {
       require(process.cwd() + '/__test__/helpers/block_program.js').busy(400);
       process.exit(0);
     }, 100);`,
  );
  assert.deepEqual({ code: ended.code, stderr: ended.stderr }, { code: 0, stderr: '' });
  assert.deepEqual(JSON.parse(ended.stdout), { spans: 1, blocks: 1 });
});

test('a program that enables and disables thousands of times in one turn pays for one table', async () => {
  const { code, stdout, stderr } = await runProgram(`
    const { EventLoopMonitor } = subject;
    const exporter = new OTLPTraceExporter({ url: 'http://127.0.0.1:1/v1/traces' });
    const monitor = new EventLoopMonitor({ exporter });
    const round = () => { monitor.enable(); monitor.disable(); };
    for (let nth = 0; nth < 100; nth++) round();
    const before = process.memoryUsage();
    for (let nth = 0; nth < 3000; nth++) round();
    const after = process.memoryUsage();
    process.stdout.write(JSON.stringify({ external: after.external - before.external, rss: after.rss - before.rss }));
  `);
  assert.equal(code, 0, stderr);
  const { external, rss } = JSON.parse(stdout);
  assert.ok(external < 2 ** 20, `${external} bytes`); // a table for each would be 94 MiB
  assert.ok(rss < 47 * 2 ** 20, `${rss} bytes`);
});
