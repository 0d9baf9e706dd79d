'use strict';
// Calls that are cut off anywhere: no stack is left, one frame after the other, or a `vm` script runs out of time at any
// question to the application's objects, or at any moment at all. What comes after such a call arrives, and the account is
// exact. OFFLOOP_TEST_LONG=1 runs every depth, every question and 2,000 random moments.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { runProgram } = require('../helpers/child.js');
const { Random } = require('../helpers/random.js');
const { decodeRequest } = require('../helpers/otlp_decoder.js');
const { startReceiver } = require('../helpers/receiver.js');
const { nearTheEnd, Trap, withinMillis } = require('../helpers/torn.js');
const { getEngine } = require('../../js/native/engine.js');
const { freshPackage, inTime, Subject } = require('../helpers/torn_subject.js');
const {
  exported,
  fileExporter,
  readTraceFiles,
  recordedSpan,
  temporaryDirectory,
} = require('../helpers/tusk_exporter.js');

const isLong = process.env.OFFLOOP_TEST_LONG === '1';
const AFTER = isLong ? 1000 : 20; // spans that end after a call was cut off
const CLEAN = 25; // so many depths in a row at which nothing is cut off are the end of a row of depths
const MOST_FRAMES = 2000;

const ignore = () => {};

/** Steps through depths, one frame after the other, until nothing is cut off any more. */
async function eachDepth(attempt) {
  let clean = 0;
  for (let frames = 0; clean < CLEAN; frames++) {
    assert.ok(frames < MOST_FRAMES, 'every call is cut off');
    clean = (await attempt(frames)) ? clean + 1 : 0;
  }
}

const CALLS = {
  'span.end()': ({ processor, account }) => processor.onEnd(account.tornSpan()),
  'export()': ({ exporter, account }) => exporter.export([account.tornSpan(), account.tornSpan()], ignore),
  'exportSpans()': ({ exporter, account }) => void exporter.exportSpans([account.tornSpan()]).catch(ignore),
  'forceFlush()': ({ processor }) => void processor.forceFlush().catch(ignore),
  'forceFlush() of the exporter': ({ exporter }) => void exporter.forceFlush().catch(ignore),
};

for (const [name, call] of Object.entries(CALLS)) {
  test(`no stack: ${name}, warm`, async (t) => {
    const subject = await Subject.start(t);
    const { account } = subject;
    await eachDepth(async (frames) => {
      subject.end(account.innocentSpans(3));
      const returned = nearTheEnd(() => call(subject), frames, (frames * 7) % 16);
      subject.end(account.innocentSpans(2));
      if (isLong || frames % 8 === 0 || returned) {
        await null;
        subject.end(account.innocentSpans(AFTER));
        await subject.settle(`after ${name} with ${frames} frames left`);
      }
      return returned;
    });
    await subject.close();
  });
}

test('no stack: a runaway recursion ends a span in every frame on its way back', async (t) => {
  const subject = await Subject.start(t, { processor: { maxExportBatchSize: 4096 } });
  const { account } = subject;
  for (let round = 0; round < (isLong ? 50 : 5); round++) {
    subject.end(account.innocentSpans(20));
    let ended = 0;
    const words = new Array(round % 16).fill(0);
    const recurse = () => {
      try {
        recurse();
      } finally {
        if (ended++ < 10) subject.processor.onEnd(account.tornSpan(), ...words);
      }
    };
    assert.throws(recurse, RangeError);
    subject.end(account.innocentSpans(20));
    await subject.settle(`in round ${round}`);
  }
  await subject.close();
});

const FIRST_CALLS = {
  'span.end()': CALLS['span.end()'],
  'export()': CALLS['export()'],
  'exportSpans()': CALLS['exportSpans()'],
  'forceFlush()': CALLS['forceFlush()'],
  'stats()': ({ exporter }) => exporter.stats(),
};

for (const [name, call] of Object.entries(FIRST_CALLS)) {
  test(`no stack: ${name} as the first call of all`, async (t) => {
    const receiver = await startReceiver();
    t.after(() => receiver.close());
    const clean = isLong ? CLEAN : 2;
    let returned = 0;
    for (let frames = 0; returned < clean; frames += isLong ? 1 : 61) {
      assert.ok(frames < MOST_FRAMES, 'every call is cut off');
      const subject = new Subject(receiver, {}, freshPackage());
      if (nearTheEnd(() => call(subject), frames)) returned += 1;
      subject.end(subject.account.innocentSpans(AFTER));
      const outcome = await subject.exporter.exportSpans(subject.account.innocentSpans(2));
      assert.equal(outcome.delivered, 2);
      await subject.settle(`after ${name} with ${frames} frames left`);
      await subject.close();
    }
  });
}

test('no stack: shutdown()', async (t) => {
  const receiver = await startReceiver();
  t.after(() => receiver.close());
  await eachDepth(async (frames) => {
    const subject = new Subject(receiver);
    subject.end(subject.account.innocentSpans(3));
    const returned = nearTheEnd(() => void subject.exporter.shutdown().catch(ignore), frames);
    await inTime(subject.processor.forceFlush(), `forceFlush() after shutdown() with ${frames} frames left`).catch(
      ignore,
    );
    await inTime(subject.exporter.shutdown(), `a second shutdown() with ${frames} frames left`);
    const { accepted, delivered, offered, pending } = subject.exporter.stats();
    assert.deepEqual({ offered, pending, delivered }, { offered: 3, pending: 0, delivered: accepted });
    return returned;
  });
});

/** The application's objects, every look at which is a question. */
function trapped(trap, options) {
  const ask = () => trap.ask();
  const headers = {
    get authorization() {
      ask();
      return 'Bearer x';
    },
  };
  const meter = { add: ask, record: ask, addCallback: ask, removeCallback: ask };
  const makers = ['createCounter', 'createUpDownCounter', 'createHistogram', 'createObservableUpDownCounter'];
  const meters = Object.fromEntries(makers.map((maker) => [maker, () => meter]));
  const selfObsMeterProvider = { getMeter: () => meters };
  return {
    exporter: { headers, selfObsMeterProvider, ...options?.exporter },
    processor: { selfObsMeterProvider, ...options?.processor },
  };
}

const TRAPPED = {
  'the first span of a batch': { before: 0, call: ({ processor }, span) => processor.onEnd(span) },
  'a later span of a batch': { before: 3, call: ({ processor }, span) => processor.onEnd(span) },
  'the last span of a batch': {
    before: 3,
    options: { processor: { maxExportBatchSize: 4 } },
    call: ({ processor }, span) => processor.onEnd(span),
  },
  'every span is a batch': {
    before: 1,
    options: { processor: { maxExportBatchSize: 1 } },
    call: ({ processor }, span) => processor.onEnd(span),
  },
  'export()': { before: 1, step: 29, call: ({ exporter }, _span, list) => exporter.export(list, ignore) },
  'exportSpans()': {
    before: 1,
    step: 29,
    call: ({ exporter }, _span, list) => void exporter.exportSpans(list).catch(ignore),
  },
  'forceFlush()': { before: 3, call: ({ processor }) => void processor.forceFlush().catch(ignore) },
};

for (const [name, { before, options, call, step = 3 }] of Object.entries(TRAPPED)) {
  test(`out of time at every question: ${name}`, async (t) => {
    const trap = new Trap();
    const subject = await Subject.start(t, trapped(trap, options));
    const { account } = subject;
    let cutOff = 0;
    for (let at = 0; ; at += isLong ? 1 : step) {
      trap.set(-1);
      subject.end(account.innocentSpans(before));
      const span = trap.watch(account.tornSpan());
      const list = trap.watch([trap.watch(account.tornSpan()), trap.watch(account.tornSpan())]);
      trap.set(at);
      const returned = withinMillis(() => call(subject, span, list), 2);
      const isOver = returned && trap.asked <= at;
      trap.set(-1);
      if (!returned) cutOff += 1;
      subject.end(account.innocentSpans(2)); // in the same turn, while nobody can know
      await null;
      if (isLong || at % 4 === 0 || isOver) {
        subject.end(account.innocentSpans(AFTER));
        await subject.settle(`after question ${at}`);
      }
      if (isOver) break;
    }
    t.diagnostic(`${cutOff} calls were cut off`);
    if (name !== 'forceFlush()') assert.ok(cutOff > 8, `only ${cutOff} calls were cut off`);
    await subject.close();
  });
}

test('out of time at a random moment', async (t) => {
  const random = new Random(20_26);
  const trap = new Trap();
  const subject = await Subject.start(t, trapped(trap));
  const { account } = subject;
  const moments = isLong ? 2000 : 40;
  let cutOff = 0;
  for (let moment = 0; moment < moments; moment++) {
    subject.end(account.innocentSpans(random.below(4)));
    const calls = Object.values(CALLS);
    const work = () => {
      for (let n = 0; n < 1000; n++) calls[random.below(calls.length)](subject);
    };
    if (!withinMillis(work, 1 + random.below(3))) cutOff += 1;
    subject.end(account.innocentSpans(2));
    await null;
    subject.end(account.innocentSpans(AFTER));
    await subject.settle(`after moment ${moment}`);
  }
  t.diagnostic(`${cutOff} of ${moments} calls were cut off`);
  await subject.close();
});

test('recorded spans: no stack, and out of time at every question', async (t) => {
  const directory = temporaryDirectory(t);
  const exporter = fileExporter(t, { directory });
  const traceId = 'b348ad42b929743b82c2089f0991edbb';
  const innocent = new Set();
  const torn = new Set();
  let made = 0;
  const make = (names) => {
    const name = `span ${made++}`;
    names.add(name);
    const attributes = { 'td.name': name, 'td.inputValue': JSON.stringify({ name, pad: 'x'.repeat(500) }) };
    return recordedSpan({ traceId, attributes });
  };
  const trap = new Trap();
  const check = async (context) => {
    const { code } = await inTime(exported(exporter, [make(innocent), make(innocent)]), `export() ${context}`);
    assert.equal(code, 0, context);
  };
  await eachDepth(async (frames) => {
    const returned = nearTheEnd(() => exporter.export([make(torn)], ignore), frames, (frames * 7) % 16);
    await check(`with ${frames} frames left`);
    return returned;
  });
  for (let at = 0; ; at += isLong ? 1 : 3) {
    const list = [trap.watch(make(torn)), trap.watch(make(torn))];
    trap.set(at);
    const returned = withinMillis(() => exporter.export(list, ignore), 2);
    const isOver = returned && trap.asked <= at;
    trap.set(-1);
    await check(`after question ${at}`);
    if (isOver) break;
  }
  await exporter.forceFlush();
  const seen = new Map();
  for (const line of Object.values(readTraceFiles(directory)).flat()) {
    const { name, inputValue } = JSON.parse(line);
    assert.equal(inputValue.name, name, 'a line holds what belongs to another span');
    seen.set(name, (seen.get(name) ?? 0) + 1);
  }
  for (const name of innocent) assert.equal(seen.get(name), 1, name);
  for (const [name, times] of seen) assert.ok(times === 1 && (innocent.has(name) || torn.has(name)), name);
});

test('process.exit() in a getter of a span: what it had exported before arrives', async (t) => {
  const receiver = await startReceiver();
  t.after(() => receiver.close());
  const source = `
    const exporter = new OTLPTraceExporter({ url });
    const [inner, outer] = makeSpans(2);
    inner.name = 'inner';
    const attributes = {
      get() {
        exporter.export([inner], () => {});
        process.exit(7);
      },
    };
    exporter.export([Object.defineProperty(outer, 'attributes', attributes)], () => {});`;
  const { code } = await runProgram(source, { url: receiver.url });
  assert.equal(code, 7);
  const names = receiver.completed.flatMap(({ body, headers }) =>
    decodeRequest(body, headers['content-type']).flatMap(({ scopes }) =>
      scopes.flatMap(({ spans }) => spans.map(({ name }) => name)),
    ),
  );
  assert.deepEqual(names, ['inner']);
});

test('a call that nobody answers is over after its time', async () => {
  const engine = getEngine();
  const answers = [];
  const before = performance.now();
  const id = await new Promise((resolve) => {
    const id = engine.ask((result) => {
      answers.push(result);
      resolve(id);
    }, 30);
  });
  assert.ok(performance.now() - before >= 25);
  assert.deepEqual(answers, [null]);
  assert.equal(engine.forget(id), undefined, 'nothing of it is left');
});

test('no stack: the first span of a resource that is being detected', async (t) => {
  const subject = await Subject.start(t, { processor: { scheduledDelayMillis: 20 } });
  const { account } = subject;
  await eachDepth(async (frames) => {
    const held = [account.tornSpan(), ...account.innocentSpans(2)];
    let detect;
    const detected = new Promise((resolve) => {
      detect = resolve;
    });
    const resource = {
      attributes: { 'service.name': 'detected' },
      asyncAttributesPending: true,
      waitForAsyncAttributes: () => detected,
    };
    for (const span of held) span.resource = resource;
    const [first, ...others] = held;
    const returned = nearTheEnd(() => subject.processor.onEnd(first), frames);
    subject.end(others);
    resource.asyncAttributesPending = false;
    detect();
    if (isLong || frames % 8 === 0 || returned) await subject.settle(`with ${frames} frames left`);
    return returned;
  });
  await subject.close();
});
