'use strict';

const assert = require('node:assert/strict');
const { mkdtempSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { describe, test } = require('node:test');
const api = require('@opentelemetry/api');
const { isTracingSuppressed } = require('@opentelemetry/core');
const { BatchSpanProcessor, FileSpanExporter, OTLPTraceExporter } = require('../..');
const { AsyncLocalStorageContextManager } = require('../helpers/context_manager.js');
const { assertConserved, assertSettled } = require('../helpers/conservation.js');
const { diagLines } = require('../helpers/diag_lines.js');
const { decodeRequest } = require('../helpers/otlp_decoder.js');
const { PlainSpans } = require('../helpers/plain_spans.js');
const { startReceiver } = require('../helpers/receiver.js');

// Our processor over our exporter (X20): spans are captured as they end, nothing waits for anything.

const NEVER = { scheduledDelayMillis: 600_000 };
const later = (millis) => new Promise((resolve) => setTimeout(resolve, millis));
const block = (millis) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, millis);

async function pair(t, receiverOptions, config = NEVER, exporterConfig = {}) {
  const receiver = await startReceiver(receiverOptions, t);
  const exporter = new OTLPTraceExporter({ url: receiver.url, ...exporterConfig });
  const processor = new BatchSpanProcessor(exporter, config);
  t.after(() => exporter.shutdown({ timeoutMillis: 0 }));
  const spans = new PlainSpans(7);
  const end = (count, overrides) => {
    for (let nth = 0; nth < count; nth++) processor.onEnd(spans.span(overrides));
  };
  return { receiver, exporter, processor, spans, end };
}

function received(receiver) {
  return receiver.completed.flatMap(({ body, headers }) => {
    const groups = decodeRequest(body, headers['content-type']);
    return groups.flatMap(({ resource, scopes }) =>
      scopes.flatMap(({ spans }) => spans.map((span) => ({ ...span, resource }))),
    );
  });
}

const names = (receiver) => received(receiver).map(({ name }) => name);
const requestSizes = (receiver) =>
  receiver.completed.map(({ body, headers }) => {
    return decodeRequest(body, headers['content-type']).flatMap(({ scopes }) => scopes.flatMap(({ spans }) => spans))
      .length;
  });

function gate() {
  let open;
  const promise = new Promise((resolve) => {
    open = resolve;
  });
  return { promise, open };
}

describe('when a batch leaves', () => {
  test('at its size, at once, many at a time', async (t) => {
    const held = gate();
    const { receiver, end, processor, exporter } = await pair(
      t,
      { otherwise: { gate: held.promise } },
      { ...NEVER, maxExportBatchSize: 3 },
    );
    end(10);
    await receiver.waitForRequests(3);
    assert.deepEqual(requestSizes(receiver), [3, 3, 3]);
    held.open();
    await processor.forceFlush();
    assert.deepEqual(new Set(names(receiver)).size, 10);
    assertSettled(exporter.stats());
  });

  test('after its delay, counted from its first span', async (t) => {
    const { receiver, end } = await pair(t, {}, { scheduledDelayMillis: 40 });
    end(5);
    await receiver.waitForRequests(1);
    end(2);
    await receiver.waitForRequests(2);
    assert.deepEqual(requestSizes(receiver), [5, 2]);
  });

  test('10,000 spans in one turn: none is lost with the defaults', async (t) => {
    const { receiver, end, processor, exporter } = await pair(t, { otherwise: { delayMillis: 20 } }, undefined);
    end(10_000);
    await processor.forceFlush();
    assert.equal(new Set(names(receiver)).size, 10_000);
    assert.equal(exporter.stats().delivered, 10_000);
    assertSettled(exporter.stats());
  });

  test('many spans in a short time make larger batches, unless their size was given', async (t) => {
    for (const [maxExportBatchSize, least, most] of [
      [undefined, 2048, 4096],
      [512, 512, 512],
    ]) {
      const held = gate();
      const config = { ...NEVER, maxExportBatchSize };
      const { receiver, end, processor } = await pair(t, { otherwise: { gate: held.promise } }, config);
      end(9000);
      held.open();
      await processor.forceFlush();
      const largest = Math.max(...requestSizes(receiver));
      assert.ok(largest >= least && largest <= most, `${largest} spans`);
    }
  });

  test('texts that go on in other blocks arrive whole', async (t) => {
    const { receiver, end, processor } = await pair(t, {}, { ...NEVER, maxExportBatchSize: 40 });
    const texts = Array.from({ length: 100 }, (_, nth) => `${nth}`.repeat((nth * 997) % 90_000));
    for (const text of texts) end(1, { attributes: { text } });
    await processor.forceFlush();
    const arrived = received(receiver).map(({ attributes }) => attributes.find(([key]) => key === 'text')?.[1]);
    // Not deepEqual: its report of megabytes helps nobody.
    assert.equal(arrived.length, 100);
    assert.ok(arrived.every(([, text]) => texts.includes(text)));
    assert.equal(new Set(arrived.map(([, text]) => text)).size, new Set(texts).size);
  });
});

describe('the bounds', () => {
  test('the exporter`s queue is the bound; drops are counted and told as by the SDK', async (t) => {
    const held = gate();
    const { receiver, end, exporter, processor } = await pair(
      t,
      { otherwise: { gate: held.promise } },
      { ...NEVER, maxExportBatchSize: 4 },
      { queue: { maxSpans: 10 } },
    );
    const lines = await diagLines(async () => {
      end(15);
      assertConserved(exporter.stats());
      assert.equal(exporter.stats().refused.queue_full, 5);
      held.open();
      await processor.forceFlush();
      end(1);
      await processor.forceFlush();
    });
    assert.equal(names(receiver).length, 11);
    assertSettled(exporter.stats());
    const texts = lines.map(([level, text]) => `${level} ${text}`);
    assert.equal(texts.filter((text) => text === 'debug maxQueueSize reached, dropping spans').length, 1);
    assert.ok(texts.includes('warn Dropped 5 spans because maxQueueSize reached'), texts.join('\n'));
  });

  test('maxQueueSize is the bound where it is given', async (t) => {
    const held = gate();
    const { end, exporter, processor, receiver } = await pair(
      t,
      { otherwise: { gate: held.promise } },
      { ...NEVER, maxExportBatchSize: 2, maxQueueSize: 6 },
    );
    end(20);
    assert.equal(exporter.stats().refused.queue_full, 12, 'one batch under way, six spans behind it');
    held.open();
    await processor.forceFlush();
    assert.equal(names(receiver).length, 8);
    end(2);
    await processor.forceFlush();
    assert.equal(names(receiver).length, 10);
  });

  test('the bound in bytes', async (t) => {
    const held = gate();
    const { end, exporter, processor, receiver } = await pair(
      t,
      { otherwise: { gate: held.promise } },
      { ...NEVER, maxExportBatchSize: 2 },
      { queue: { maxBytes: 100_000 } },
    );
    end(10, { attributes: { text: 'x'.repeat(20_000) } });
    const { refused } = exporter.stats();
    assert.ok(refused.bytes_full >= 5, JSON.stringify(refused));
    held.open();
    await processor.forceFlush();
    end(1, { attributes: { text: 'x'.repeat(20_000) } });
    await processor.forceFlush();
    assert.equal(names(receiver).length + refused.bytes_full, 11);
    assertSettled(exporter.stats());
  });

  test('a span that cannot be read or is too large costs itself only', async (t) => {
    const { end, exporter, processor, receiver } = await pair(t, {}, NEVER, { limits: { maxSpanBytes: 10_000 } });
    const broken = {
      get spanContext() {
        let first = true;
        return () => {
          if (first) {
            first = false;
            return { traceFlags: 1 };
          }
          throw new Error('no context');
        };
      },
    };
    end(1);
    processor.onEnd(broken);
    end(1, { attributes: { text: 'x'.repeat(20_000) } });
    end(1);
    await processor.forceFlush();
    assert.equal(names(receiver).length, 2);
    assert.deepEqual(exporter.stats().refused, { invalid: 1, too_large: 1 });
    assertSettled(exporter.stats());
  });

  test('spans that a getter ends while another is written are not mixed into it', async (t) => {
    const { end, processor, receiver, spans } = await pair(t);
    const attributes = {
      before: 1,
      get inner() {
        processor.onEnd(spans.span({ name: 'inner' }));
        return 'value';
      },
    };
    end(1, { name: 'outer', attributes });
    await processor.forceFlush();
    assert.deepEqual(names(receiver), ['outer', 'inner']);
  });
});

describe('forceFlush() and shutdown()', () => {
  test('forceFlush() waits for what is in flight', async (t) => {
    const held = gate();
    const { end, processor, receiver } = await pair(
      t,
      { otherwise: { gate: held.promise } },
      { ...NEVER, maxExportBatchSize: 2 },
    );
    end(2);
    await receiver.waitForRequests(1);
    let flushed = false;
    const flush = processor.forceFlush().then(() => {
      flushed = true;
    });
    await later(30);
    assert.equal(flushed, false);
    held.open();
    await flush;
  });

  test('forceFlush() with nothing to do', async (t) => {
    const { processor } = await pair(t);
    assert.equal(await processor.forceFlush(), undefined);
  });

  test('a failure of a flushed batch is its caller`s, any other the global handler`s', async (t) => {
    const { end, processor, exporter } = await pair(t, { otherwise: 400 }, { ...NEVER, maxExportBatchSize: 2 });
    const lines = await diagLines(async () => {
      end(1);
      await assert.rejects(processor.forceFlush(), { name: 'OTLPExporterError', code: 400 });
    });
    assert.equal(lines.filter(([level]) => level === 'error').length, 0);
    const handled = await diagLines(async () => {
      end(2);
      await exporter.forceFlush();
      await later(1);
    });
    const errors = handled.filter(([level]) => level === 'error');
    assert.equal(errors.length, 1);
    assert.match(String(errors[0][1]), /Bad Request/);
  });

  test('an export that outlives exportTimeoutMillis is reported and goes on', async (t) => {
    const held = gate();
    const { end, processor, exporter } = await pair(
      t,
      { otherwise: { gate: held.promise } },
      { maxExportBatchSize: 1, exportTimeoutMillis: 30, scheduledDelayMillis: 10 },
    );
    const lines = await diagLines(async () => {
      end(1);
      await later(120);
    });
    assert.match(JSON.stringify(lines.filter(([level]) => level === 'error')), /Timeout/);
    held.open();
    await exporter.forceFlush();
    assert.equal(exporter.stats().delivered, 1);
    await processor.forceFlush();
  });

  test('forceFlush() ends its wait at exportTimeoutMillis, and nothing is dropped', async (t) => {
    const held = gate();
    const config = { ...NEVER, exportTimeoutMillis: 60 };
    const { end, processor, exporter } = await pair(t, { otherwise: { gate: held.promise } }, config);
    end(3);
    await assert.rejects(processor.forceFlush(), { message: 'Timeout' });
    assert.equal(exporter.stats().pending, 3);
    await assert.rejects(processor.forceFlush(), { message: 'Timeout' }); // it still waits for them
    held.open();
    await processor.forceFlush();
    const { delivered, dropped, pending } = exporter.stats();
    assert.deepEqual({ delivered, dropped, pending }, { delivered: 3, dropped: {}, pending: 0 });
  });

  test('an export of somebody else counts, too', async (t) => {
    const held = gate();
    const config = { ...NEVER, exportTimeoutMillis: 60 };
    const { processor, exporter, spans } = await pair(t, { otherwise: { gate: held.promise } }, config);
    const other = exporter.exportSpans([spans.span()]);
    await assert.rejects(processor.forceFlush(), { message: 'Timeout' });
    held.open();
    await processor.forceFlush();
    assert.equal((await other).delivered, 1);
  });

  test('an overdue batch is waited for by the next flush', async (t) => {
    const held = gate();
    const config = { maxExportBatchSize: 1, exportTimeoutMillis: 40, scheduledDelayMillis: 5 };
    const { end, processor, exporter } = await pair(t, { otherwise: { gate: held.promise } }, config);
    await diagLines(async () => {
      end(1);
      await later(100);
    });
    setTimeout(held.open, 10);
    await processor.forceFlush();
    assert.equal(exporter.stats().delivered, 1);
  });

  test('results that are there after a block count, although the timer comes first', async (t) => {
    const exporter = new FileSpanExporter({ directory: mkdtempSync(path.join(tmpdir(), 'offloop-')) });
    const processor = new BatchSpanProcessor(exporter, { exportTimeoutMillis: 60, scheduledDelayMillis: 20 });
    t.after(() => exporter.shutdown({ timeoutMillis: 0 }));
    const spans = new PlainSpans(7);
    processor.onEnd(spans.span());
    const lines = await diagLines(async () => {
      const flush = processor.forceFlush();
      await later(1);
      processor.onEnd(spans.span()); // leaves by itself meanwhile
      block(250);
      await flush;
      await later(1);
    });
    assert.deepEqual(
      lines.filter(([level]) => level === 'error'),
      [],
    );
    assert.equal(exporter.stats().delivered, 2);
  });

  test('shutdown() takes exportTimeoutMillis and the time of the exporter, and says what it leaves', async (t) => {
    const held = gate();
    const config = { ...NEVER, exportTimeoutMillis: 60 };
    const { end, processor, exporter } = await pair(t, { otherwise: { gate: held.promise } }, config);
    const { shutdown } = exporter;
    exporter.shutdown = () => shutdown.call(exporter, { timeoutMillis: 60 });
    end(3);
    await assert.rejects(processor.shutdown(), { message: 'Timeout' });
    assert.deepEqual(exporter.stats().dropped, { shutdown_deadline: 3 });
    held.open();
  });

  test('shutdown() delivers what is left, once, and shuts the exporter down', async (t) => {
    const { end, processor, exporter, receiver } = await pair(t);
    end(5);
    const down = processor.shutdown();
    end(3);
    assert.equal(processor.shutdown(), down);
    assert.equal(processor.forceFlush(), down);
    await down;
    assert.equal(names(receiver).length, 5);
    assert.deepEqual((await exporter.exportSpans([new PlainSpans(1).span()])).dropped, { after_shutdown: 1 });
  });

  test('the exporter is shut down first: what was captured before goes out, what ends later is counted', async (t) => {
    const { receiver, exporter, processor, end } = await pair(t);
    end(10);
    const down = exporter.shutdown();
    end(3);
    await down;
    await processor.shutdown();
    const { delivered, refused, offered } = exporter.stats();
    assert.deepEqual({ delivered, refused, offered }, { delivered: 10, refused: { after_shutdown: 3 }, offered: 13 });
    assert.equal(received(receiver).length, 10);
  });

  test('shutdown() reaches the exporter although the last batch failed', async (t) => {
    const { end, processor, exporter } = await pair(t, { otherwise: 400 });
    end(1);
    await assert.rejects(processor.shutdown(), { code: 400 });
    assert.deepEqual((await exporter.exportSpans([new PlainSpans(1).span()])).dropped, { after_shutdown: 1 });
  });

  test('an exporter that was shut down by itself', async (t) => {
    const { end, processor, exporter } = await pair(t);
    await exporter.shutdown();
    end(2);
    await processor.forceFlush();
    assert.equal(exporter.stats().refused.after_shutdown, 2);
  });
});

describe('resources that are still being detected', () => {
  function pendingResource() {
    const { promise, open } = gate();
    const resource = { attributes: { early: 1 }, asyncAttributesPending: true, waitForAsyncAttributes: () => promise };
    const settle = () => {
      resource.attributes = { early: 1, late: 2 };
      resource.asyncAttributesPending = false;
      open();
    };
    return { resource, settle };
  }

  test('their spans wait, others do not; all carry what was detected', async (t) => {
    const { end, processor, receiver } = await pair(t, {}, { ...NEVER, maxExportBatchSize: 1 });
    const { resource, settle } = pendingResource();
    end(2, { resource });
    end(1, { name: 'other' });
    await receiver.waitForRequests(1);
    assert.deepEqual(names(receiver), ['other']);
    const flush = processor.forceFlush();
    await later(20);
    assert.equal(receiver.completed.length, 1);
    settle();
    await flush;
    const late = received(receiver).filter(({ name }) => name !== 'other');
    assert.equal(late.length, 2);
    for (const span of late) assert.match(JSON.stringify(span.resource), /"late"/);
  });

  test('one that fails is reported, and its spans are not lost', async (t) => {
    const { end, processor, receiver } = await pair(t);
    const resource = {
      attributes: {},
      asyncAttributesPending: true,
      waitForAsyncAttributes: () => Promise.reject(new Error('no resource')),
    };
    const lines = await diagLines(async () => {
      end(1, { resource });
      await processor.forceFlush();
    });
    assert.match(JSON.stringify(lines), /no resource/);
    assert.equal(names(receiver).length, 1);
  });

  test('they are bounded like all others', async (t) => {
    const { end, exporter } = await pair(t, {}, { ...NEVER, maxExportBatchSize: 2 }, { queue: { maxSpans: 3 } });
    const { resource, settle } = pendingResource();
    end(5, { resource });
    assert.equal(exporter.stats().refused.queue_full, 2);
    settle();
  });
});

describe('what belongs to the user', () => {
  test('user code of an export runs with tracing suppressed', async (t) => {
    api.context.setGlobalContextManager(new AsyncLocalStorageContextManager());
    t.after(() => api.context.disable());
    const seen = [];
    const headers = async () => {
      seen.push(isTracingSuppressed(api.context.active()));
      return {};
    };
    const { end, processor } = await pair(t, {}, NEVER, { headers });
    end(1);
    await processor.forceFlush();
    assert.deepEqual(seen, [true]);
  });

  test('a subclass and a patched export are called, not bypassed', async (t) => {
    const receiver = await startReceiver({}, t);
    const counts = [];
    class Counting extends OTLPTraceExporter {
      export(spans, done) {
        counts.push(spans.length);
        super.export(spans, done);
      }
    }
    const subclassed = new Counting({ url: receiver.url });
    const patched = new OTLPTraceExporter({ url: receiver.url });
    const original = patched.export;
    patched.export = (spans, done) => {
      counts.push(spans.length);
      original.call(patched, spans, done);
    };
    for (const exporter of [subclassed, patched]) {
      const processor = new BatchSpanProcessor(exporter, NEVER);
      for (let nth = 0; nth < 3; nth++) processor.onEnd(new PlainSpans(nth).span());
      await processor.shutdown();
    }
    assert.deepEqual(counts, [3, 3]);
    assert.equal(names(receiver).length, 6);
  });

  test('an export patched later is called from then on', async (t) => {
    const { end, processor, exporter, receiver } = await pair(t);
    end(2);
    let patched = 0;
    exporter.export = (spans, done) => {
      patched += spans.length;
      OTLPTraceExporter.prototype.export.call(exporter, spans, done);
    };
    end(3);
    await processor.forceFlush();
    assert.equal(patched, 3);
    assert.equal(names(receiver).length, 5);
  });

  test('a headers object is read when a batch leaves, by demand, size or delay', async (t) => {
    for (const [scheduledDelayMillis, leave] of [
      [600_000, ({ processor }) => processor.forceFlush()],
      [600_000, ({ end }) => end(1)],
      [40, () => {}],
    ]) {
      const headers = { 'x-number': '1' };
      const config = { maxExportBatchSize: 2, scheduledDelayMillis };
      const processing = await pair(t, {}, config, { headers });
      processing.end(1);
      headers['x-number'] = '2';
      leave(processing);
      await processing.receiver.waitForRequests(1);
      assert.equal(processing.receiver.completed[0].headers['x-number'], '2');
    }
  });

  test('a headers object that cannot be read any more: the batch leaves with what it had, and that is told', async (t) => {
    const headers = { 'x-number': '1' };
    const { end, processor, receiver, exporter } = await pair(t, {}, NEVER, { headers });
    end(1);
    headers['x-number'] = 'a\nb';
    const lines = await diagLines(() => processor.forceFlush());
    assert.equal(receiver.completed[0].headers['x-number'], '1');
    assert.equal(lines.filter(([level, text]) => level === 'warn' && /headers could not be read/.test(text)).length, 1);
    end(1);
    assert.deepEqual(exporter.stats().refused, { non_retryable: 1 }, 'later ones fail as an export does');
  });

  test('metrics of the processor', async (t) => {
    const seen = {};
    const callbacks = [];
    const instrument = (name) => ({
      add: (value, attributes) => {
        const key = `${name} ${attributes['error.type'] ?? ''}`.trim();
        seen[key] = (seen[key] ?? 0) + value;
      },
      addCallback: (callback) => callbacks.push(callback),
      removeCallback: (callback) => callbacks.splice(callbacks.indexOf(callback), 1),
    });
    const meter = {
      createCounter: instrument,
      createUpDownCounter: instrument,
      createObservableUpDownCounter: instrument,
    };
    const config = {
      ...NEVER,
      maxExportBatchSize: 2,
      maxQueueSize: 4,
      selfObsMeterProvider: { getMeter: () => meter },
    };
    const { end, processor } = await pair(t, {}, config);
    end(9);
    let size;
    callbacks[0]({
      observe: (value) => {
        size = value;
      },
    });
    assert.equal(size, 0, 'six spans under way, none waits');
    await processor.shutdown();
    assert.deepEqual(seen, {
      'otel.sdk.processor.span.queue.capacity': 4,
      'otel.sdk.processor.span.processed queue_full': 3,
      'otel.sdk.processor.span.processed': 6,
    });
    assert.equal(callbacks.length, 0);
  });
});
