'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { test } = require('node:test');
const {
  CallbackSpanAdapter,
  DriftBatchSpanProcessor,
  InMemorySpanAdapter,
  TdSpanExporter,
  TraceBlockingManager,
  clearRegisteredInMemoryAdapters,
  registerInMemoryAdapter,
  setSpanExporterSource,
  unregisterInMemoryAdapter,
} = require('../../js/entries/tusk.js');
const { diagLines } = require('../helpers/diag_lines.js');
const {
  apiExporter,
  apiReceiver,
  BlockedTraces,
  exported,
  fileExporter,
  readTraceFiles,
  recordedSpan,
  temporaryDirectory,
} = require('../helpers/tusk_exporter.js');

// What `export` decides on the calling thread: which spans, which adapters, which answer.

const MAX_PAYLOAD_BYTES = 1048576 - 50000;

/** Exports to a callback adapter and answers `{ result, spans }`. */
async function cleanSpansOf(t, spans, config) {
  const exporter = fileExporter(t, { directory: temporaryDirectory(t), ...config });
  let cleanSpans = [];
  exporter.clearAdapters();
  exporter.addAdapter(
    new CallbackSpanAdapter((given) => {
      cleanSpans = given;
    }),
  );
  const result = await exported(exporter, spans);
  return { result, spans: cleanSpans };
}

test('R11 R12 the size rule, one byte below, at and above the limit', async (t) => {
  const counted = t.mock.method(Buffer, 'byteLength');
  const cases = [
    // unit, its bytes, how often both texts have to be counted
    ['x', 1, 1],
    ['é', 2, 1],
    ['中', 3, 1],
    ['😀', 4, 1],
    ['\ud800', 3, 1],
  ];
  for (const [unit, bytes] of cases) {
    for (const over of [-1, 0, 1]) {
      const traceBlockingManager = new BlockedTraces();
      const total = MAX_PAYLOAD_BYTES + over;
      const output = '"x"';
      const room = total - output.length - 2;
      const count = Math.floor(room / bytes);
      const input = `"${unit.repeat(count)}${'x'.repeat(room - count * bytes)}"`;
      const span = recordedSpan({ attributes: { 'td.inputValue': input, 'td.outputValue': output } });
      const { traceId } = span.spanContext();
      const { result, spans } = await cleanSpansOf(t, [span], { traceBlockingManager });
      assert.equal(result.code, 0);
      assert.deepEqual([...traceBlockingManager], over > 0 ? [traceId] : [], `${unit} ${over}`);
      assert.equal(spans.length, over > 0 ? 0 : 1);
    }
  }
  assert.ok(counted.mock.callCount() > 0, 'between the two bounds bytes are counted');
});

test('R11 lengths alone decide where they can: nothing is measured, parsed or copied', async (t) => {
  const traceBlockingManager = new BlockedTraces();
  const receiver = await apiReceiver(t);
  const exporter = apiExporter(t, { receiver, traceBlockingManager });
  const small = recordedSpan({ attributes: { 'td.inputValue': `"${'中'.repeat(MAX_PAYLOAD_BYTES / 3 - 10)}"` } });
  const huge = recordedSpan({ attributes: { 'td.inputValue': `"${'x'.repeat(100 << 20)}"` } });
  const spies = [
    t.mock.method(Buffer, 'byteLength'),
    t.mock.method(JSON, 'parse'),
    t.mock.method(JSON, 'stringify'),
    t.mock.method(crypto, 'createHash'),
  ];
  const before = process.memoryUsage().rss;
  const done = exported(exporter, [small, huge]);
  const stringified = spies[2].mock.callCount();
  assert.deepEqual([...traceBlockingManager], [huge.spanContext().traceId], 'blocked before the call returns');
  assert.deepEqual(
    spies.map(({ mock }) => mock.callCount()),
    [0, 0, stringified, 0],
  );
  for (const {
    arguments: [value],
  } of spies[2].mock.calls)
    assert.equal(typeof value.encoding.failBatchOnBadSpan, 'boolean');
  assert.deepEqual(await done, { code: 0 });
  assert.ok(process.memoryUsage().rss - before < 50 << 20, 'the large text was not copied');
  assert.equal(receiver.requests.length, 1);
});

test('R1 a native export parses, prints and hashes nothing on this thread', async (t) => {
  const directory = temporaryDirectory(t);
  const exporter = fileExporter(t, { directory });
  await exported(exporter, [recordedSpan()]); // the lane is made once
  const rows = JSON.stringify(Array.from({ length: 200 }, (_, id) => ({ id, name: `row ${id}`, value: id / 7 })));
  const spans = Array.from({ length: 512 }, () =>
    recordedSpan({ traceId: 'c'.repeat(32), attributes: { 'td.outputValue': rows } }),
  );
  const parse = t.mock.method(JSON, 'parse');
  const hash = t.mock.method(crypto, 'createHash');
  const bytes = t.mock.method(Buffer, 'byteLength');
  assert.deepEqual(await exported(exporter, spans), { code: 0 });
  assert.deepEqual([parse.mock.callCount(), hash.mock.callCount(), bytes.mock.callCount()], [0, 0, 0]);
  parse.mock.restore();
  assert.equal(readTraceFiles(directory)['c'.repeat(32)].length, 512);
});

test('a blocked trace loses later spans, not earlier ones; a root with an error blocks', async (t) => {
  const traceBlockingManager = new BlockedTraces();
  const traceId = 'd'.repeat(32);
  const span = (overrides) => recordedSpan({ traceId, ...overrides });
  const batch = [span(), span({ kind: 1, status: { code: 2 } }), span(), recordedSpan()];
  const { spans } = await cleanSpansOf(t, batch, { traceBlockingManager });
  assert.deepEqual(
    spans.map(({ spanId }) => spanId),
    [batch[0], batch[3]].map((each) => each.spanContext().spanId),
  );
  assert.deepEqual([...traceBlockingManager], [traceId]);
  assert.equal((await cleanSpansOf(t, [span()], { traceBlockingManager })).spans.length, 0);
  const others = [recordedSpan({ kind: 2, status: { code: 2 } }), recordedSpan({ kind: 1, status: { code: 0 } })];
  assert.equal((await cleanSpansOf(t, others, { traceBlockingManager })).spans.length, 2);
});

test('a span of another library blocks nothing and is not recorded', async (t) => {
  const traceBlockingManager = new BlockedTraces();
  const instrumentationLibrary = { name: 'other' };
  const batch = [recordedSpan({ instrumentationLibrary, kind: 1, status: { code: 2 } }), recordedSpan()];
  const { spans } = await cleanSpansOf(t, batch, { traceBlockingManager });
  assert.equal(spans.length, 1);
  assert.equal(traceBlockingManager.size, 0);
});

test('blocked traces are shared by every copy, and the recorder’s own manager can take their place', (t) => {
  const manager = TraceBlockingManager.getInstance();
  t.after(() => TraceBlockingManager.setInstance(manager));
  const copy = freshCopy();
  assert.equal(copy.TraceBlockingManager.getInstance(), manager);
  manager.blockTrace('trace of a test');
  assert.equal(copy.TraceBlockingManager.getInstance().isTraceBlocked('trace of a test'), true);
  const own = new BlockedTraces();
  copy.TraceBlockingManager.setInstance(own);
  assert.equal(TraceBlockingManager.getInstance(), own);
  assert.throws(() => TraceBlockingManager.setInstance({}), TypeError);
});

function freshCopy() {
  const cached = Object.keys(require.cache).filter((name) =>
    /js[\\/](?:entries[\\/]tusk|tusk|guards[\\/]timers)/.test(name),
  );
  const kept = cached.map((name) => [name, require.cache[name]]);
  for (const name of cached) delete require.cache[name];
  const copy = require('../../js/entries/tusk.js');
  for (const [name, module] of kept) require.cache[name] = module;
  return copy;
}

test('blocked traces are forgotten ten minutes after their first block', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval', 'Date'], now: 1_000_000 });
  const { TraceBlockingManager: Manager } = freshCopy();
  const manager = new Manager();
  const minute = 60_000;
  manager.blockTrace('first');
  await undefined; // its timer is not made in the context of this call
  t.mock.timers.tick(5 * minute);
  manager.blockTrace('first'); // does not count anew
  manager.blockTrace('second');
  t.mock.timers.tick(5 * minute);
  assert.equal(manager.isTraceBlocked('first'), true, 'ten minutes are not more than ten');
  t.mock.timers.tick(2 * minute);
  assert.deepEqual([manager.isTraceBlocked('first'), manager.isTraceBlocked('second')], [false, true]);
  t.mock.timers.tick(10 * minute);
  assert.equal(manager.isTraceBlocked('second'), false);
});

test('R77 a bad span costs itself, wherever it cannot be read', async (t) => {
  const bad = [
    recordedSpan({ attributes: { 'td.inputValue': '{' } }),
    recordedSpan({ attributes: { 'td.inputValue': undefined } }),
    recordedSpan({ attributes: { 'td.inputValue': 5 } }),
    recordedSpan({ attributes: { 'td.outputValue': ['[]'] } }),
    { ...recordedSpan(), attributes: undefined },
    { ...recordedSpan(), startTime: undefined },
    {
      ...recordedSpan(),
      spanContext: () => {
        throw new Error('broken');
      },
    },
    null,
  ];
  for (const way of ['native', 'objects']) {
    const directory = temporaryDirectory(t);
    const exporter = fileExporter(t, { directory, way });
    const good = [recordedSpan(), recordedSpan()];
    const lines = await diagLines(async () => {
      assert.deepEqual(await exported(exporter, [good[0], ...bad, good[1]]), { code: 0 }, way);
    });
    assert.equal(Object.keys(readTraceFiles(directory)).length, 2);
    assert.ok(lines.some(([level, text]) => level === 'warn' && /could not be/.test(text)));
    const strict = fileExporter(t, { directory, way, failBatchOnBadSpan: true });
    for (const span of bad) {
      const { code, error } = await exported(strict, [recordedSpan(), span]);
      assert.equal(code, 1, `${way}: ${JSON.stringify(span)}`);
      assert.ok(error instanceof Error);
    }
    const { error } = await exported(strict, [recordedSpan({ attributes: { 'td.inputValue': 'sk_live_s3cr3t' } })]);
    assert.ok(
      error instanceof SyntaxError && !error.message.includes('s3cr3t'),
      `${way} shows the payload: ${error.message}`,
    );
    assert.equal(Object.keys(readTraceFiles(directory)).length, 2, 'and nothing else was written');
  }
});

test('custom adapters get clean spans with OpenTelemetry’s kind, and protobuf only if asked', async (t) => {
  const span = recordedSpan({ kind: 1, attributes: { 'td.packageType': 4 } });
  const { spans } = await cleanSpansOf(t, [span], { environment: 'test' });
  assert.equal(Object.keys(spans[0]).length, 26);
  assert.equal(spans[0].kind, 1);
  assert.equal(spans[0].isRootSpan, true);
  assert.equal(spans[0].protoSpanBytes, undefined);
  assert.ok(Object.hasOwn(spans[0], 'protoSpanBytes') && Object.hasOwn(spans[0], 'metadata'));
  const asked = await cleanSpansOf(t, [span], { protoSpanBytes: true });
  assert.ok(Buffer.isBuffer(asked.spans[0].protoSpanBytes));
  assert.ok(asked.spans[0].protoSpanBytes.includes(span.spanContext().traceId));
});

test('clean spans are made some per turn of the loop', async (t) => {
  let turns = 0;
  let isOver = false;
  const count = () => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  const spans = Array.from({ length: 100 }, () => recordedSpan());
  const { spans: made } = await cleanSpansOf(t, spans);
  isOver = true;
  assert.equal(made.length, 100);
  assert.ok(turns >= 4, `${turns} turns`);
});

test('an adapter that throws, rejects or answers FAILED makes the export fail; the others are still called', async (t) => {
  const failure = new Error('adapter');
  const adapters = {
    throws: () => {
      throw failure;
    },
    rejects: async () => {
      throw failure;
    },
    answers: async () => ({ code: 1, error: failure }),
  };
  for (const [name, exportSpans] of Object.entries(adapters)) {
    for (const ignoreSinkErrors of [false, true]) {
      const exporter = fileExporter(t, { directory: temporaryDirectory(t), ignoreSinkErrors });
      const memory = new InMemorySpanAdapter();
      exporter.clearAdapters();
      exporter.addAdapter({ name, exportSpans, shutdown: async () => {} });
      exporter.addAdapter(memory);
      const result = await exported(exporter, [recordedSpan()]);
      if (ignoreSinkErrors && name === 'answers') assert.deepEqual(result, { code: 0 });
      else assert.deepEqual(result, { code: 1, error: failure }, name);
      assert.equal(memory.getAllSpans().length, 1);
    }
  }
});

test('forceFlush and shutdown wait for adapters that get objects', async (t) => {
  const slow = async (account, spans) => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    account.done += spans.length;
    return { code: 0 };
  };
  const adapters = {
    custom: (account) => ({ name: 'c', exportSpans: (spans) => slow(account, spans), shutdown: async () => {} }),
    callback: (account) => new CallbackSpanAdapter((spans) => slow(account, spans)),
  };
  const trials = [];
  for (const make of Object.values(adapters)) {
    for (const method of ['forceFlush', 'shutdown']) trials.push([make, method]);
  }
  await Promise.all(
    trials.map(async ([make, method]) => {
      const account = { done: 0 };
      const exporter = fileExporter(t, { directory: temporaryDirectory(t) });
      exporter.clearAdapters();
      exporter.addAdapter(make(account));
      const result = exported(exporter, [recordedSpan(), recordedSpan()]);
      await exporter[method]();
      assert.equal(account.done, 2, `${method}: ${make}`);
      assert.deepEqual(await result, { code: 0 });
    }),
  );
});

test('an adapter that never answers: FAILED at the deadline of the export, and every wait ends', async (t) => {
  const never = () => new Promise(() => {});
  const exporter = fileExporter(t, {
    directory: temporaryDirectory(t),
    exportTimeoutMillis: 1,
    ignoreSinkErrors: true,
  });
  const memory = new InMemorySpanAdapter();
  exporter.clearAdapters();
  exporter.addAdapter({ name: 'never', exportSpans: never, shutdown: async () => {} });
  exporter.addAdapter(memory);
  const config = { maxQueueSize: 4, maxExportBatchSize: 1, scheduledDelayMillis: 60_000 };
  const processor = new DriftBatchSpanProcessor({ exporter, config, mode: 'RECORD' });
  processor.onEnd(recordedSpan());
  const flushed = assert.rejects(processor.forceFlush(), /^Error: Timeout$/);
  const open = fileExporter(t, { directory: temporaryDirectory(t), exportTimeoutMillis: 1 });
  open.clearAdapters();
  open.addAdapter({ name: 'open', exportSpans: never, forceFlush: never, shutdown: never });
  const ended = ['forceFlush', 'shutdown'].map((method) => assert.rejects(open[method](), /^Error: Timeout$/));
  const [{ code, error }] = await Promise.all([exported(exporter, [recordedSpan()]), exporter.forceFlush()]);
  assert.deepEqual([code, error.message], [1, 'Timeout: an adapter has not answered within 3503 ms']);
  await flushed;
  assert.equal(processor.getHealthSnapshot().exportFailureCount, 1);
  assert.ok(memory.getAllSpans().length >= 2, 'the other adapter has got them');
  await Promise.all(ended);
  open.clearAdapters();
  exporter.clearAdapters();
  await processor.shutdown();
});

test('the callback runs once, later, in the context of the call; what it throws goes nowhere', async (t) => {
  const { AsyncLocalStorage } = require('node:async_hooks');
  const storage = new AsyncLocalStorage();
  const exporter = fileExporter(t, { directory: temporaryDirectory(t) });
  let isInside = true;
  const seen = await new Promise((resolve) => {
    storage.run('context', () =>
      exporter.export([recordedSpan()], () => resolve({ isInside, store: storage.getStore() })),
    );
    isInside = false;
  });
  assert.deepEqual(seen, { isInside: false, store: 'context' });
  const lines = await diagLines(async () => {
    exporter.export([recordedSpan()], () => {
      throw new Error('of the caller');
    });
    await exporter.forceFlush();
    await new Promise((resolve) => setImmediate(resolve));
  });
  assert.ok(lines.some(([level]) => level === 'error'));
});

test('when it does not record, nothing is read and nothing is called', async (t) => {
  for (const mode of ['REPLAY', 'DISABLED', undefined]) {
    const exporter = new TdSpanExporter({ mode, baseDirectory: temporaryDirectory(t) });
    exporter.clearAdapters();
    exporter.addAdapter({ name: 'never', exportSpans: () => assert.fail('called'), shutdown: async () => {} });
    assert.deepEqual(await exported(exporter, null), { code: 0 });
  }
});

test('adapters: the default one, the live list, adding, removing, clearing', async (t) => {
  const directory = temporaryDirectory(t);
  const config = { mode: 'RECORD', baseDirectory: directory, tuskBackendBaseUrl: 'http://127.0.0.1:1' };
  const names = (exporter) => exporter.getAdapters().map(({ name }) => name);
  assert.deepEqual(names(new TdSpanExporter(config)), ['filesystem']);
  const remote = { ...config, useRemoteExport: true, apiKey: 'k', observableServiceId: 's' };
  assert.deepEqual(names(new TdSpanExporter(remote)), ['api']);
  for (const missing of ['useRemoteExport', 'apiKey', 'observableServiceId']) {
    assert.deepEqual(names(new TdSpanExporter({ ...remote, [missing]: '' })), ['filesystem'], missing);
  }
  const exporter = new TdSpanExporter(config);
  const memory = new InMemorySpanAdapter();
  exporter.addAdapter(memory);
  assert.deepEqual(names(exporter), ['filesystem', 'in-memory']);
  exporter.removeAdapter(memory);
  exporter.removeAdapter(memory);
  assert.deepEqual(names(exporter), ['filesystem']);
  exporter.clearAdapters();
  assert.deepEqual(names(exporter), []);
  assert.deepEqual(await exported(exporter, [recordedSpan()]), { code: 0 });
});

test('the in-memory adapter and its place in the current exporter', async (t) => {
  const exporter = fileExporter(t, { directory: temporaryDirectory(t) });
  setSpanExporterSource(() => exporter);
  t.after(() => setSpanExporterSource(() => undefined));
  const memory = new InMemorySpanAdapter();
  registerInMemoryAdapter(memory);
  assert.deepEqual(exporter.getAdapters(), [memory]);
  await exported(exporter, [
    recordedSpan({ kind: 1, attributes: { 'td.instrumentationName': 'PgInstrumentation' } }),
    recordedSpan(),
  ]);
  assert.equal(memory.getAllSpans().length, 2);
  assert.equal(memory.getSpansByInstrumentation('Pg').length, 1);
  assert.equal(memory.getSpansByKind(2).length, 1);
  unregisterInMemoryAdapter(memory);
  assert.deepEqual(exporter.getAdapters(), []);
  registerInMemoryAdapter(memory);
  clearRegisteredInMemoryAdapters();
  assert.deepEqual(exporter.getAdapters(), []);
  await memory.shutdown();
  assert.equal(memory.getAllSpans().length, 0);
});

test('one export to files, API and memory at once', async (t) => {
  const directory = temporaryDirectory(t);
  const receiver = await apiReceiver(t);
  const exporter = fileExporter(t, { directory });
  exporter.addAdapter(apiExporter(t, { receiver }).getAdapters()[0]);
  const memory = new InMemorySpanAdapter();
  exporter.addAdapter(memory);
  const spans = Array.from({ length: 50 }, () => recordedSpan());
  assert.deepEqual(await exported(exporter, spans), { code: 0 });
  assert.equal(Object.keys(readTraceFiles(directory)).length, 50);
  assert.equal(receiver.requests.length, 1);
  assert.equal(memory.getAllSpans().length, 50);
  assert.deepEqual(exporter.getHealthSnapshot().failureCount, 0);
});
