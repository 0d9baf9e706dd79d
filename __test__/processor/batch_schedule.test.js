'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const { test } = require('node:test');
const { BatchSpanProcessor, OTLPTraceExporter } = require('../..');
const { assertSettled } = require('../helpers/conservation.js');
const { decodeRequest } = require('../helpers/otlp_decoder.js');
const { PlainSpans } = require('../helpers/plain_spans.js');
const { startReceiver } = require('../helpers/receiver.js');

// When a batch leaves, and of what size it is: over our exporter (native clock) and over any other (the SDK's timers).

const library = path.join(__dirname, '..', '..', 'js');

/** An exporter of somebody else's that keeps what it gets. */
class Keeper {
  batches = [];
  export(spans, resultCallback) {
    this.batches.push(spans.map(({ name }) => name));
    queueMicrotask(() => resultCallback({ code: 0 }));
  }
  async shutdown() {}
}

/** Time that passes when the test says so, for a copy of the library that has its timers. */
class HandClock {
  #now = 0;
  #timers = new Map();

  /** @returns a processor class whose timers are these */
  load() {
    const loaded = Object.entries(require.cache).filter(([name]) => name.startsWith(`${library}${path.sep}`));
    for (const [name] of loaded) delete require.cache[name];
    try {
      const timers = require('../../js/guards/timers.js'); // of this copy alone
      timers.setTimeout = (run, millis) => {
        const timer = { ref: () => timer, unref: () => timer, hasRef: () => false };
        this.#timers.set(timer, { run, at: this.#now + millis });
        return timer;
      };
      timers.clearTimeout = (timer) => this.#timers.delete(timer);
      return require('../../js/processor/batch_span_processor.js').BatchSpanProcessor;
    } finally {
      for (const name of Object.keys(require.cache))
        if (name.startsWith(`${library}${path.sep}`)) delete require.cache[name];
      for (const [name, module] of loaded) require.cache[name] = module;
    }
  }

  tick(millis) {
    this.#now += millis;
    for (const [timer, { run, at }] of [...this.#timers]) {
      if (at <= this.#now && this.#timers.delete(timer)) run();
    }
  }
}

function endNamed(processor, count, first = 0) {
  const spans = new PlainSpans(17);
  for (let nth = first; nth < first + count; nth++) processor.onEnd(spans.span({ name: `span ${nth}` }));
}

async function oursWith(t, options) {
  const receiver = await startReceiver({}, t);
  const exporter = new OTLPTraceExporter({ url: receiver.url });
  const processor = new BatchSpanProcessor(exporter, options);
  t.after(() => exporter.shutdown({ timeoutMillis: 0 }));
  const batches = () =>
    receiver.completed.map(({ body, headers }) =>
      decodeRequest(body, headers['content-type']).flatMap(({ scopes }) =>
        scopes.flatMap(({ spans }) => spans.map(({ name }) => name)),
      ),
    );
  return { receiver, exporter, processor, batches };
}

const names = (count, first = 0) => Array.from({ length: count }, (_, nth) => `span ${first + nth}`);

test('R17: by size or by time, whichever comes first, to the millisecond of a clock in the test`s hand', async () => {
  const clock = new HandClock();
  const BatchSpanProcessor = clock.load();
  const turn = () => new Promise(setImmediate);
  const keeper = new Keeper();
  const processor = new BatchSpanProcessor(keeper, { maxExportBatchSize: 5, scheduledDelayMillis: 500 });
  endNamed(processor, 4);
  clock.tick(499);
  await turn();
  assert.deepEqual(keeper.batches, []);
  clock.tick(1);
  await turn();
  assert.deepEqual(keeper.batches, [names(4)]);
  endNamed(processor, 5, 4);
  await turn();
  assert.deepEqual(keeper.batches, [names(4), names(5, 4)], 'a full batch does not wait');
  clock.tick(10_000);
  await turn();
  assert.equal(keeper.batches.length, 2, 'and leaves no timer behind');
});

test('R17: over our exporter: not before the delay, jitter included, and at once when it is full', async (t) => {
  const delay = 300;
  const { receiver, processor, batches } = await oursWith(t, { maxExportBatchSize: 5, scheduledDelayMillis: delay });
  const started = performance.now();
  endNamed(processor, 4);
  const [first] = await receiver.waitForRequests(1);
  assert.deepEqual(batches(), [names(4)]);
  // A tenth of the delay is jitter, so that a fleet of processes does not export in step.
  assert.ok(first.arrivedMillis - started >= delay * 0.9 - 1, `after ${first.arrivedMillis - started} ms`);

  const full = await oursWith(t, { maxExportBatchSize: 5, scheduledDelayMillis: 3_600_000 });
  endNamed(full.processor, 5);
  await full.receiver.waitForRequests(1);
  assert.deepEqual(full.batches(), [names(5)]);
});

test('R18: a large flush is split into requests of the batch size, in order inside each', async (t) => {
  const options = { maxExportBatchSize: 100, maxQueueSize: 2_000, scheduledDelayMillis: 3_600_000 };
  const { exporter, processor, batches } = await oursWith(t, options);
  const keeper = new Keeper();
  const other = new BatchSpanProcessor(keeper, options);
  for (const each of [processor, other]) {
    endNamed(each, 1_001);
    await each.forceFlush();
  }
  for (const [label, requests] of [
    ['ours', batches()],
    ['any other', keeper.batches],
  ]) {
    assert.equal(requests.length, 11, label);
    // Requests of ours race on several connections; which one arrives first says nothing.
    const sorted = requests.toSorted((a, b) => number(a[0]) - number(b[0]));
    const expected = Array.from({ length: 11 }, (_, nth) => names(nth < 10 ? 100 : 1, nth * 100));
    assert.deepEqual(sorted, expected, label);
  }
  assertSettled(exporter.stats());
});

function number(name) {
  return Number(name.slice('span '.length));
}
