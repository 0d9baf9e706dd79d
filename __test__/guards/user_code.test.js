'use strict';

const assert = require('node:assert/strict');
const http = require('node:http');
const { AsyncLocalStorage } = require('node:async_hooks');
const { test } = require('node:test');
const { OTLPTraceExporter, exportOnce, subjectName } = require('../helpers/subject.js');
const { hostileThrowables, revokedProxy, thrower } = require('../helpers/bad_values.js');
const { runProgram } = require('../helpers/child.js');
const { assertSettled } = require('../helpers/conservation.js');
const { PlainSpans } = require('../helpers/plain_spans.js');
const { startReceiver } = require('../helpers/receiver.js');
const { startReceiverProcess } = require('../helpers/receiver_process.js');

// Code of the application and what it may cost others, where user_code_table.test.js has no place for it: results of many
// exporters in one wake-up, async contexts, polluted prototypes, the end of the process within a callback.

const options = { skip: subjectName === 'stock' && 'a rule of ours' };
const plain = new PlainSpans(17);

/** Blocks the loop until `condition()` holds, so that all that has come meanwhile is handed out in one turn. */
function blockUntil(condition, limitMillis = 10_000) {
  const end = performance.now() + limitMillis;
  while (!condition() && performance.now() < end) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
}

function meterThatThrows(raise) {
  const instrument = { add: raise, record: raise, addCallback: raise, removeCallback: raise };
  const create = () => instrument;
  return {
    getMeter: () => ({ createCounter: create, createUpDownCounter: create, createHistogram: create }),
  };
}

test('in one wake-up, whoever throws costs nobody else an answer', options, async (t) => {
  // In a process of its own: this one's loop is blocked.
  const receiver = await startReceiverProcess({ otherwise: 200 }, t);
  const refusing = await startReceiverProcess({ otherwise: 400 }, t);
  const answers = [];
  const exporters = [];
  const add = (config, raise) => {
    const exporter = new OTLPTraceExporter({ url: receiver.url, ...config });
    exporters.push(exporter);
    const name = `${exporters.length}`;
    exporter.export([plain.span()], () => {
      answers.push(name);
      raise?.();
    });
    return exporter.exportSpans([plain.span()]).then(() => answers.push(`${name} promise`));
  };
  const promises = [];
  for (const thrown of Object.values(hostileThrowables)) {
    const raise = () => {
      throw thrown;
    };
    promises.push(add({}, raise), add({ selfObsMeterProvider: meterThatThrows(raise) }));
    promises.push(add({ url: refusing.url, onError: raise }, raise), add({}));
  }
  const settled = () => exporters.every((exporter) => exporter.stats().pending === 0);
  blockUntil(settled);
  assert.ok(settled(), 'the native threads have delivered');
  assert.deepEqual(answers, [], 'nothing was handed out meanwhile');
  await Promise.all(promises);
  assert.equal(answers.length, 2 * exporters.length);
  assert.equal(new Set(answers).size, answers.length);
  await Promise.all(exporters.map((exporter) => exporter.shutdown()));
  for (const exporter of exporters) assertSettled(exporter.stats());
});

test('all that an export calls runs in the context of its call', options, async (t) => {
  const receiver = await startReceiver({ otherwise: 400 }, t);
  const storage = new AsyncLocalStorage();
  const seen = new Map();
  const see = (what) => () => {
    if (!seen.has(what)) seen.set(what, new Set());
    seen.get(what).add(storage.getStore());
  };
  const instrument = { add: see('meter'), record: see('meter') };
  const create = () => instrument;
  const exporter = new OTLPTraceExporter({
    url: receiver.url,
    selfObsMeterProvider: {
      getMeter: () => ({ createCounter: create, createUpDownCounter: create, createHistogram: create }),
    },
    headers: async () => {
      see('headers')();
      return {};
    },
  });
  const calls = ['first', 'second', 'third'];
  const answers = calls.flatMap((name) =>
    storage.run(name, () => [
      new Promise((resolve) => exporter.export([plain.span()], () => resolve(see('callback')()))),
      exporter.exportSpans([plain.span()]),
    ]),
  );
  await Promise.all(answers);
  for (const what of ['callback', 'headers', 'meter']) {
    assert.deepEqual([...seen.get(what)].sort(), [...calls].sort(), what);
  }
  await exporter.shutdown();
});

test(
  'whoever keeps something for each async resource keeps nothing for exports that have their answer',
  options,
  async (t) => {
    const receiver = await startReceiverProcess({ otherwise: 200 }, t);
    const { stdout, stderr } = await runProgram(
      `
    const { BatchSpanProcessor } = subject;
    const kept = new Map();
    let current;
    require('node:async_hooks').createHook({
      init: (id, type) => { if (current !== undefined) kept.set(id, type); },
      destroy: (id) => kept.delete(id),
      promiseResolve: (id) => kept.delete(id),
    }).enable();
    const instrument = { add() {}, record() {} }, create = () => instrument;
    const selfObsMeterProvider = { getMeter: () => ({ createCounter: create, createUpDownCounter: create, createHistogram: create }) };
    const [span] = makeSpans(1);
    const ways = {};
    for (const [name, config] of Object.entries({
      plain: {}, live: { headers: { a: 'b' } }, asked: { headers: async () => ({ a: 'b' }) }, node: { transport: 'node' },
      metered: { selfObsMeterProvider },
    })) {
      const exporter = new OTLPTraceExporter({ url, ...config });
      ways[name + ' export'] = () => new Promise((resolve) => exporter.export([span], resolve));
      ways[name + ' exportSpans'] = () => exporter.exportSpans([span]);
      const processor = new BatchSpanProcessor(new OTLPTraceExporter({ url, ...config }));
      ways[name + ' processor'] = () => { processor.onEnd(span); return processor.forceFlush(); };
    }
    const settle = async () => { for (let n = 0; n < 2; n++) { await new Promise((resolve) => setTimeout(resolve, 20)); gc(); } };
    (async () => {
      const left = {};
      for (const [name, way] of Object.entries(ways)) {
        await way();
        await settle();
        kept.clear();
        for (let n = 0; n < 20; n++) {
          current = {};
          const answer = way();
          current = undefined;
          await answer;
        }
        await settle();
        if (kept.size > 6) left[name] = [kept.size, [...new Set(kept.values())].join()];
      }
      console.log(JSON.stringify(left));
      process.exit();
    })();`,
      { url: receiver.url, nodeArguments: ['--expose-gc'], limitMillis: 60_000 },
    );
    assert.equal(stderr, '');
    assert.deepEqual(JSON.parse(stdout), {});
  },
);

test('what somebody has given to Object.prototype is no field of ours', options, async (t) => {
  const receiver = await startReceiver({ otherwise: ({ target }) => (target === '/refuse' ? 400 : 200) }, t);
  // Fields of results, of configurations and of facts that native code and JavaScript tell each other.
  const names = [
    ...[
      'send',
      'notice',
      'block',
      'headers',
      'left',
      'flush',
      'outcome',
      'failed',
      'text',
      'level',
      'error',
      'original',
    ],
    ...[
      'partialSuccess',
      'httpStatus',
      'body',
      'bodyError',
      'errno',
      'syscall',
      'address',
      'port',
      'addresses',
      'hostname',
    ],
    ...[
      'reason',
      'retryAfter',
      'date',
      'location',
      'socketPath',
      'maxIdleSockets',
      'tls',
      'ca',
      'extraCa',
      'cert',
      'key',
    ],
    ...[
      'servername',
      'maxConcurrency',
      'maxSpans',
      'maxBytes',
      'dropOldest',
      'maxElapsedMillis',
      'maxAttempts',
      'drift',
    ],
    ...['directory', 'maxFiles', 'attemptTimeoutMillis', 'honorRetryAfter', 'headerSource', 'isRecording', 'help'],
    ...['beforeExport', 'createWriter', 'onOpen', 'lane', 'call', 'contentEncoding', 'context', 'thrown', 'warnings'],
  ];
  const { stdout, stderr, code } = await runProgram(
    `
    const { BatchSpanProcessor } = subject;
    const within = (answer) => Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 5000, 'hangs').unref())]);
    const pollute = (name) => Object.defineProperty(Object.prototype, name, { value: 'x', writable: true, configurable: true });
    const cases = {
      native: {}, live: { headers: { a: 'b' } }, asked: { headers: async () => ({ a: 'b' }) }, node: { transport: 'node' },
    };
    const made = Object.entries(cases).flatMap(([name, config]) => ['/v1/traces', '/refuse'].map((path) =>
      [name + path, new OTLPTraceExporter({ url: new URL(path, url).href, ...config })]));
    (async () => {
      for (const name of ${JSON.stringify(names)}) {
        pollute(name);
        try {
          for (const [label, exporter] of made) {
            const processor = new BatchSpanProcessor(exporter);
            const spans = makeSpans(2);
            processor.onEnd(spans[0]);
            const flushed = within(processor.forceFlush().then(() => 'ok', () => 'failed'));
            const outcome = await within(exporter.exportSpans([spans[1]]));
            const { code } = await within(new Promise((resolve) => exporter.export([spans[1]], resolve)));
            const isRefused = label.endsWith('/refuse');
            const right = isRefused ? ['failed', 0, 1] : ['ok', 1, 0];
            const seen = [await flushed, outcome.delivered, code];
            if (String(seen) !== String(right)) console.log(name, label, String(seen), JSON.stringify(outcome));
          }
        } catch (error) {
          console.log(name, error.stack);
        }
        delete Object.prototype[name];
      }
      for (const [label, exporter] of made) {
        await within(exporter.shutdown());
        const { offered, accepted, pending } = exporter.stats();
        if (offered !== ${3 * names.length} || pending !== 0) console.log(label, offered, accepted, pending);
      }
      console.log('done');
    })();`,
    { url: receiver.url, limitMillis: 60_000 },
  );
  assert.deepEqual([stdout, stderr, code], ['done\n', '', 0]);
});

test('process.exit() in a callback: the results that came with it are handed out all the same', options, async (t) => {
  const receiver = await startReceiverProcess({ otherwise: 200 }, t);
  const { stdout, code } = await runProgram(
    `
    const exporters = Array.from({ length: 4 }, () => new OTLPTraceExporter({ url }));
    let answers = 0;
    for (const exporter of exporters) exporter.export(makeSpans(1), () => {
      answers += 1;
      if (answers === 2) process.exit(3);
    });
    process.on('exit', () => setImmediate(() => {}));
    while (exporters.some((exporter) => exporter.stats().pending > 0)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    process.on('exit', () => console.log(answers));`,
    { url: receiver.url },
  );
  assert.deepEqual([stdout, code], ['4\n', 3]);
});

test('an agent that never comes is asked for again', options, async (t) => {
  const receiver = await startReceiver({}, t);
  let asked = 0;
  const exporter = new OTLPTraceExporter({
    url: receiver.url,
    timeoutMillis: 300,
    httpAgentOptions() {
      asked += 1;
      return asked === 1 ? new Promise(() => {}) : new http.Agent();
    },
  });
  assert.equal((await exportOnce(exporter, [plain.span()])).code, 1);
  for (let tries = 0; tries < 20; tries += 1) {
    if ((await exportOnce(exporter, [plain.span()])).code === 0) break; // the deadline is short, the machine may be busy
  }
  assert.ok(receiver.completed.length > 0);
  assert.equal(asked, 2);
  await exporter.shutdown();
});

test('a monitor whose exporter, processor or meter misbehaves costs the application nothing', options, async () => {
  const { stdout, stderr, code } = await runProgram(
    `
    const { EventLoopMonitor } = subject;
    const { diag } = require('@opentelemetry/api');
    const surprises = [];
    process.on('uncaughtException', (error) => surprises.push(String(error)));
    process.on('unhandledRejection', (error) => surprises.push(String(error)));
    const raise = () => { throw null; }, reject = async () => { throw undefined; }, rubbish = () => Symbol('x');
    const never = () => new Promise(() => {}), wrong = (_spans, answer) => { answer(null); answer({ code: 7 }); answer(); };
    const instruments = new Proxy({}, { get: () => raise });
    const configs = [raise, reject, rubbish, never, wrong].flatMap((hook) => [
      { exporter: { export: hook, shutdown: hook } }, { processor: { onEnd: hook } },
      { meterProvider: { getMeter: hook } }, { meterProvider: { getMeter: () => instruments } },
    ]);
    (async () => {
      for (const config of configs) {
        const monitor = new EventLoopMonitor({ thresholdMillis: 20, ...config });
        monitor.enable();
        for (let block = 0; block < 2; block += 1) {
          await new Promise(setImmediate);
          const end = performance.now() + 40;
          while (performance.now() < end);
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        monitor.disable();
        const { blocks, starved } = monitor.stats(); // a busy machine starves the loop
        if (blocks + starved === 0) surprises.push('no block');
      }
      console.log(surprises.join());
    })();`,
    { limitMillis: 30_000 },
  );
  assert.deepEqual([stdout, stderr, code], ['\n', '', 0]);
});

test('a list that says it is endless, or no number, is no list', options, async (t) => {
  const receiver = await startReceiver({}, t);
  const exporter = new OTLPTraceExporter({ url: receiver.url });
  const lengths = [
    Number.POSITIVE_INFINITY,
    Number.NaN,
    -1,
    0.5,
    2 ** 32,
    2 ** 53,
    '2',
    10n,
    null,
    Symbol('length'),
    {},
  ];
  const lists = [
    ...lengths.map((length) => ({ length })),
    revokedProxy([]),
    new Proxy([], { get: thrower }),
    'text',
    7,
  ];
  for (const list of lists) {
    const { code, error } = await exportOnce(exporter, list);
    assert.deepEqual([code, error.message], [1, 'export expects an array of spans']);
    await assert.rejects(exporter.exportSpans(list), TypeError);
  }
  // One that is as long as a list can be is not read to its end.
  const { dropped } = await exporter.exportSpans(new Array(2 ** 32 - 1));
  assert.deepEqual(dropped, { invalid: 2 ** 32 - 1 });
  await exporter.shutdown();
  assertSettled(exporter.stats());
});
