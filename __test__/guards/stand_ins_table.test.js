'use strict';
// Every class of every entry, every method of it, every stand-in: what the method does there is what it does on the object
// itself. A class or a method that the table below does not call fails here.

const assert = require('node:assert/strict');
const { after, before, describe, it } = require('node:test');
const path = require('node:path');
const fs = require('node:fs');
const os = require('node:os');
const { SUCCESS_RESPONSE } = require('../helpers/drift_request.js');
const { PlainSpans } = require('../helpers/plain_spans.js');
const { startReceiver } = require('../helpers/receiver.js');
const { methodNames, standIns } = require('../helpers/stand_ins.js');
const { exported, recordedSpan } = require('../helpers/tusk_exporter.js');
const { spanOf } = require('../helpers/ways_in.js');

const root = path.join(__dirname, '..', '..');
const manifest = require('../../package.json');
const ours = require('../..');
const tusk = require('../../js/entries/tusk.js');

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-stand-ins-'));
const plain = new PlainSpans(11);
let receiver;
let backend;
before(async () => {
  receiver = await startReceiver();
  backend = await startReceiver({ otherwise: { body: SUCCESS_RESPONSE } });
});
after(async () => {
  await Promise.all([receiver.close(), backend.close()]);
  fs.rmSync(directory, { recursive: true, force: true });
});

/** An exporter that takes everything, `taken` counts. */
function counter() {
  return {
    taken: 0,
    export(spans, done) {
      this.taken += spans.length;
      done({ code: 0 });
    },
    async shutdown() {},
  };
}

const recorder = () => ({
  mode: 'RECORD',
  baseDirectory: directory,
  apiKey: 'k',
  observableServiceId: 's',
  tuskBackendBaseUrl: backend.origin,
  sdkVersion: '1',
  sdkInstanceId: 'i',
  exportTimeoutMillis: 5000,
});
const laneCalls = {
  export: (x) => exported(x, [plain.span()]),
  exportSpans: async (x) => (await x.exportSpans([plain.span()])).delivered,
  stats: (x) => x.stats().delivered,
  health: (x) => x.health().state,
  forceFlush: (x) => x.forceFlush(),
  shutdown: async (x) => [await x.shutdown(), (await x.exportSpans([plain.span()])).delivered],
};
const adapterCalls = {
  exportSpans: async (x) => (await x.exportSpans([spanOf.clean()])).code,
  forceFlush: (x) => x.forceFlush(),
  shutdown: (x) => x.shutdown(),
  stats: (x) => x.stats(),
};
const breakerCalls = {
  recordFailure: (x) => x.recordFailure(),
  allowRequest: (x) => x.allowRequest(),
  getState: (x) => x.getState(),
  recordSuccess: (x) => [x.recordSuccess(), x.getState()],
};

/** By class: arguments of its constructor, and the calls in the order in which they are made. */
const table = {
  OTLPTraceExporter: { args: () => [{ url: receiver.url }], calls: laneCalls },
  FileSpanExporter: { args: () => [{ directory }], calls: laneCalls },
  BatchSpanProcessor: {
    args: () => [counter()],
    calls: {
      onStart: (x) => x.onStart(plain.span(), {}),
      onEnd: (x) => x.onEnd(plain.span()),
      forceFlush: async (x, [exporter]) => [await x.forceFlush(), exporter.taken],
      shutdown: async (x, [exporter]) => [await x.shutdown(), x.onEnd(plain.span()), exporter.taken],
    },
  },
  DropSampler: {
    args: () => [{ names: ['health'], delegate: { shouldSample: () => ({ decision: 1 }), toString: () => 'mine' } }],
    calls: {
      shouldSample: (x) => ['health', 'other'].map((name) => x.shouldSample({}, name, name, 0, {}, []).decision),
      toString: (x) => x.toString(),
    },
  },
  EventLoopMonitor: {
    args: () => [{ processor: { onEnd() {} } }],
    calls: {
      enable: (x) => [x.enable(), x.enable()],
      stats: (x) => Object.keys(x.stats()),
      disable: (x) => [x.disable(), x.disable()],
    },
  },
  TdSpanExporter: {
    args: () => [recorder()],
    calls: {
      getAdapters: (x) => x.getAdapters().map(({ name }) => name),
      export: (x) => exported(x, [recordedSpan()]),
      addAdapter: async (x) => {
        const memory = new tusk.InMemorySpanAdapter();
        x.addAdapter(memory);
        const result = await exported(x, [recordedSpan()]);
        return [result, memory.getAllSpans().length, x.getAdapters().length];
      },
      removeAdapter: (x) => [x.removeAdapter(x.getAdapters()[1]), x.getAdapters().length],
      getHealthSnapshot: (x) => x.getHealthSnapshot(),
      forceFlush: (x) => x.forceFlush(),
      shutdown: (x) => x.shutdown(),
      // The list is another one then, as in the SDK: a frozen object cannot have it.
      clearAdapters: (x) => (Object.isFrozen(x) ? 0 : [x.clearAdapters(), x.getAdapters().length][1]),
    },
  },
  DriftBatchSpanProcessor: {
    args: () => [
      {
        exporter: counter(),
        config: { maxQueueSize: 2, maxExportBatchSize: 2, scheduledDelayMillis: 60_000 },
        mode: 'RECORD',
      },
    ],
    calls: {
      onStart: (x) => x.onStart(recordedSpan(), {}),
      onEnd: (x) => x.onEnd(recordedSpan()),
      getHealthSnapshot: (x) => x.getHealthSnapshot(),
      forceFlush: async (x, [{ exporter }]) => [await x.forceFlush(), exporter.taken],
      shutdown: async (x, [{ exporter }]) => [
        x.onEnd(recordedSpan()),
        await x.shutdown(),
        x.onEnd(recordedSpan()),
        exporter.taken,
      ],
    },
  },
  FilesystemSpanAdapter: { args: () => [{ baseDirectory: directory }], calls: adapterCalls },
  ApiSpanAdapter: {
    args: () => [recorder()],
    calls: {
      ...adapterCalls,
      postExportRequest: (x) => x.postExportRequest(new Uint8Array(8)),
      getHealthSnapshot: (x) => ({ ...x.getHealthSnapshot(), lastExportLatencyMs: 0 }),
    },
  },
  CallbackSpanAdapter: {
    args: () => {
      const got = [];
      return [(spans) => void got.push(...spans), got];
    },
    calls: {
      exportSpans: async (x, [, got]) => [await x.exportSpans([1, 2]), got],
      shutdown: (x) => x.shutdown(),
    },
  },
  InMemorySpanAdapter: {
    args: () => [],
    calls: {
      collectSpan: (x) => x.collectSpan({ instrumentationName: 'Pg', kind: 1 }),
      exportSpans: (x) => x.exportSpans([{ instrumentationName: 'Http', kind: 2 }]),
      getAllSpans: (x) => x.getAllSpans(),
      getSpansByInstrumentation: (x) => x.getSpansByInstrumentation('P'),
      getSpansByKind: (x) => x.getSpansByKind(2),
      clear: (x) => [x.clear(), x.getAllSpans()],
      shutdown: (x) => [x.collectSpan({}), x.shutdown(), x.getAllSpans()],
    },
  },
  CircuitBreaker: { args: () => [{ failureThreshold: 1, resetTimeoutMs: 60_000 }], calls: breakerCalls },
  TraceBlockingManager: {
    args: () => [],
    calls: {
      blockTrace: (x) => x.blockTrace('a'),
      isTraceBlocked: (x) => [x.isTraceBlocked('a'), x.isTraceBlocked('b')],
    },
  },
};

/** Classes of all entries, by name, of the first entry that has it; those without methods have no state to miss. */
function publicClasses() {
  const classes = {};
  for (const [entry, target] of Object.entries(manifest.exports)) {
    if (entry === './package.json' || entry === './register') continue;
    for (const [name, value] of Object.entries(require(path.join(root, target.default)))) {
      const isClass = typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));
      if (isClass && methodNames(value).length > 0) classes[name] ??= value;
    }
  }
  return classes;
}

async function answersOf({ args, calls }, Class, standIn) {
  const given = args();
  const object = standIn(Class, given);
  const answers = {};
  for (const [method, call] of Object.entries(calls)) {
    try {
      answers[method] = await Promise.all([call(object, given)].flat());
    } catch (error) {
      answers[method] = `${error}`;
    }
  }
  return answers;
}

const classes = publicClasses();

it('the table has every class, and of each every method', () => {
  assert.deepEqual(Object.keys(table).sort(), Object.keys(classes).sort());
  for (const [name, Class] of Object.entries(classes)) {
    assert.deepEqual(Object.keys(table[name].calls).sort(), methodNames(Class), name);
  }
});

describe('every method does on a stand-in what it does on the object', () => {
  for (const [name, Class] of Object.entries(classes)) {
    it(name, async () => {
      const expected = await answersOf(table[name], Class, standIns.itself);
      for (const [method, answer] of Object.entries(expected)) assert.ok(Array.isArray(answer), `${method}: ${answer}`);
      for (const [form, standIn] of Object.entries(standIns)) {
        assert.deepEqual(await answersOf(table[name], Class, standIn), expected, form);
      }
    });
  }
});

it('an adapter that stands in for one of ours is called: what it does is not bypassed', async () => {
  for (const [Adapter, methods] of [
    [tusk.FilesystemSpanAdapter, ['exportSpans']],
    [tusk.ApiSpanAdapter, ['exportSpans', 'postExportRequest']],
  ]) {
    for (const method of methods) {
      const target = new Adapter(recorder());
      const own = (...args) => {
        called.push(form);
        return target[method](...args);
      };
      const bound = (object, name) => {
        const value = object[name];
        return typeof value === 'function' ? value.bind(object) : value;
      };
      const forms = {
        'a Proxy that binds methods': new Proxy(target, {
          get: (object, name) => (name === method ? own : bound(object, name)),
        }),
        'a Proxy': new Proxy(target, { get: (object, name) => (name === method ? own : object[name]) }),
        'Object.create': Object.create(target, { [method]: { value: own } }),
      };
      const called = [];
      let form;
      for (form of Object.keys(forms)) {
        // With methods bound to the target, `exportSpans` knows of no other `postExportRequest`, as in the SDK.
        if (method === 'postExportRequest' && form.includes('binds')) continue;
        const exporter = new tusk.TdSpanExporter(recorder());
        exporter.clearAdapters();
        exporter.addAdapter(forms[form]);
        assert.deepEqual(await exported(exporter, [recordedSpan()]), { code: 0 }, form);
        assert.deepEqual(called.splice(0), [form], `${Adapter.name} ${method}`);
        await exporter.shutdown();
      }
    }
  }
});

it('a method on something else says so, and onEnd throws nothing', () => {
  const { prototype } = tusk.DriftBatchSpanProcessor;
  prototype.onEnd.call({}, recordedSpan());
  assert.throws(() => prototype.getHealthSnapshot.call({}), /a method of the processor was called on something else/);
  assert.throws(() => ours.EventLoopMonitor.prototype.stats.call({}), /a method of the monitor/);
});
