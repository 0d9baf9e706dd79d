'use strict';
// Timers and clocks that something else has replaced: fake timers of tests, the timers of simulated browsers, recorders that
// patch the clock. Replaced after we were loaded they mean nothing to us; replaced before, they cost punctuality, and no
// promise of ours stays open.

const assert = require('node:assert/strict');
const { readFileSync, readdirSync } = require('node:fs');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');
const { runProgram } = require('../helpers/child.js');
const { startReceiver } = require('../helpers/receiver.js');

let receiver;
let hanging;
before(async () => {
  receiver = await startReceiver({ otherwise: { delayMillis: 100 } });
  hanging = await startReceiver({ otherwise: { stall: 'response' } });
});
after(async () => {
  await receiver.close();
  await hanging.close();
});

const NAMES = ['setTimeout', 'setInterval', 'setImmediate'];
const CLEARS = ['clearTimeout', 'clearInterval', 'clearImmediate'];

const onBoth = (names, value) => `
  for (const name of ${JSON.stringify(names)}) {
    globalThis[name] = require('node:timers')[name] = (${value})(globalThis[name], name);
  }`;

function fakeTimers(apis) {
  return `require('node:test').mock.timers.enable(${JSON.stringify({ apis })});`;
}

/** What replaces the globals, in a program. */
const replacements = {
  nothing: '',
  "node:test's fake timers": fakeTimers([...NAMES, 'Date']),
  'timers that never fire': onBoth(NAMES, '() => () => ({ ref() {}, unref() {}, hasRef: () => false })'),
  'timers that are numbers': `
    const timers = new Map(); let next = 1;
    ${onBoth(NAMES, '(real) => (...args) => { timers.set(next, real(...args)); return next++; }')}
    ${onBoth(CLEARS, '(real) => (id) => real(timers.get(id) ?? id)')}`,
  'timers that are undefined': onBoth(NAMES, '(real) => (...args) => { real(...args); }'),
  'timers that throw': onBoth([...NAMES, ...CLEARS], "() => () => { throw new Error('no timers here'); }"),
  'a clock that stands still': 'performance.now = () => 1000;',
  'a clock that goes backwards': 'let time = 1e9; performance.now = () => (time -= 1000);',
  'a clock that answers NaN': 'performance.now = () => NaN;',
  'no performance': "Object.defineProperty(globalThis, 'performance', { value: {}, configurable: true });",
  'Date that stands still': 'Date.now = () => 0;',
  'microtasks that never come': 'globalThis.queueMicrotask = () => {}; process.nextTick.call = null;',
  'everything at once': `${onBoth(NAMES, '() => () => 0')} performance.now = () => 0; Date.now = () => 0; globalThis.queueMicrotask = () => {};`,
};

/** What a program does with each of the two processors. Nothing of its own holds the loop: each call of ours does. */
const work = `
  const { BatchSpanProcessor } = require('.');
  const exporter = new OTLPTraceExporter({ url });
  const others = { export: (spans, done) => exporter.export(spans, done), forceFlush: () => exporter.forceFlush(), shutdown: () => exporter.shutdown() };
  const processors = [new BatchSpanProcessor(exporter), new BatchSpanProcessor(others)];
  const [one, two, three, four] = makeSpans(4);
  (async () => {
    processors[0].onEnd(one);
    processors[1].onEnd(two);
    for (const processor of processors) await processor.forceFlush();
    await exporter.exportSpans([three]);
    await new Promise((resolve) => exporter.export([], resolve));
    await new Promise((resolve) => exporter.export('no list', resolve));
    processors[0].onEnd(four);
    await processors[0].shutdown();
    process._rawDebug(JSON.stringify(exporter.stats().delivered));
  })().catch((error) => { process._rawDebug(error.stack); process.exit(1); });`;

describe('replaced when we are loaded', { concurrency: 6 }, () => {
  for (const [name, replace] of Object.entries(replacements)) {
    test(name, async () => {
      const ended = await runProgram(`require('.'); ${replace}\n${work}`, {
        url: receiver.url,
        nodeArguments: ['--no-warnings'],
      });
      assert.deepEqual([ended.code, ended.stderr.trim(), ended.stdout], [0, '4', ''], JSON.stringify(ended));
    });
  }
});

// What was replaced before we are loaded is out of our way as well.
const alone = Object.fromEntries(NAMES.map((name) => [`${name} of node:test alone`, fakeTimers([name])]));
// Sockets of Node's own fail under timers that throw.
const atLoad = Object.keys(replacements).filter((name) => name !== 'nothing' && name !== 'timers that throw');
Object.assign(replacements, alone);
const preloaded = (name) => ({
  nodeArguments: ['--no-warnings', '--require', path.join(__dirname, '..', 'helpers', 'replaced_globals.js')],
  env: { OFFLOOP_TEST_REPLACE: replacements[name] },
});

describe('replaced before we are loaded', { concurrency: 6 }, () => {
  for (const name of atLoad) {
    test(name, async () => {
      const ended = await runProgram(work, { url: receiver.url, ...preloaded(name) });
      assert.deepEqual([ended.code, ended.stderr.trim(), ended.stdout], [0, '4', ''], JSON.stringify(ended));
    });
  }
});

describe('replaced before we are loaded, and a collector hangs', { concurrency: 6 }, () => {
  test('timers that never fire: the wait for a collector that hangs ends', async () => {
    const ended = await runProgram(
      `const { BatchSpanProcessor } = require('.');
       const exporter = new OTLPTraceExporter({ url, timeoutMillis: 20000 });
       const processor = new BatchSpanProcessor(exporter, { exportTimeoutMillis: 600, scheduledDelayMillis: 50 });
       const isAwake = realInterval(() => {}, 1000);
       const began = Date.now();
       require('@opentelemetry/core').setGlobalErrorHandler((error) => {
         process._rawDebug(error.message, Date.now() - began < 4000);
         process.reallyExit(0);
       });
       processor.onEnd(makeSpans(1)[0]);`,
      { url: hanging.url, ...preloaded('timers that never fire') },
    );
    assert.equal(ended.stderr.trim(), 'Timeout true', JSON.stringify(ended));
  });

  for (const name of [
    "node:test's fake timers",
    'timers that never fire',
    'a clock that goes backwards',
    ...Object.keys(alone),
  ]) {
    test(`${name}: long texts are copied, and a flush that a collector does not answer ends`, async () => {
      const ended = await runProgram(
        `const { BatchSpanProcessor } = require('.');
         const spans = makeSpans(2);
         spans[0].attributes = { text: 'ж'.repeat(4_000_000) };
         const exit = { drainMillis: 0, blockMillis: 0 };
         const exporter = new OTLPTraceExporter({ url, exit });
         const silent = new OTLPTraceExporter({ url: ${JSON.stringify(hanging.url)}, exit });
         const processor = new BatchSpanProcessor(silent, { exportTimeoutMillis: 400 });
         (async () => {
           process._rawDebug((await exporter.exportSpans([spans[0]])).delivered);
           processor.onEnd(spans[1]);
           await processor.forceFlush().catch(({ message }) => process._rawDebug(message));
         })();`,
        { url: receiver.url, ...preloaded(name) },
      );
      assert.deepEqual([ended.code, ended.stderr, ended.stdout], [0, '1\nTimeout\n', ''], JSON.stringify(ended));
    });
  }
});

// The recorder's own schedule follows the clock of a test, as that of the SDK whose names it has: nobody waits for it.
const FOLLOWS = /^tusk[\\/](resilience|trace_blocking_manager|drift_batch_span_processor)\.js$/;

test('no file but js/guards/timers.js takes timers or the clock from the globals', () => {
  const folder = path.join(__dirname, '..', '..', 'js');
  const files = readdirSync(folder, { recursive: true }).filter(
    (name) => name.endsWith('.js') && name !== path.join('guards', 'timers.js') && !FOLLOWS.test(name),
  );
  for (const file of files) {
    const source = readFileSync(path.join(folder, file), 'utf8').replace(/^\s*(\/\/|\*|\/\*).*$/gm, '');
    for (const name of [...NAMES, ...CLEARS, 'queueMicrotask', 'performance\\.now']) {
      if (!new RegExp(`(?<![.\\w])${name}\\(`).test(source)) continue;
      assert.match(
        source,
        new RegExp(`\\b${name}\\b[^;]*\\} = require\\('[./\\w]*timers\\.js'\\)`),
        `${file}: ${name}`,
      );
    }
  }
});
