'use strict';

const assert = require('node:assert/strict');
const { after, describe, test } = require('node:test');
const { isTracingSuppressed } = require('@opentelemetry/core');
const { AsyncLocalStorageContextManager } = require('../helpers/context_manager.js');
const { BatchSpanProcessor } = require('../..');
const { diagLines } = require('../helpers/diag_lines.js');
const { line3Unavailable, requireLine3 } = require('../helpers/sdk_spans.js');
const { PlainSpans } = require('../helpers/plain_spans.js');

// The SDK's time-outs of exports that never end would hold this process for half a minute after its last test.
after(() => setTimeout(() => process.exit(), 300));

// The newest API there is: what an older copy registers, a newer one does not look at.
const api = line3Unavailable() ? require('@opentelemetry/api') : requireLine3('@opentelemetry/api');
const { context, trace } = api;

// With an exporter that is not ours the processor does what the SDK's own does (O90). Every scenario runs with
// the class of each line and with ours; what they did is compared.

const oneObject = (Class) => (exporter, config) => new Class({ exporter, ...config });
const exporterFirst = (Class) => (exporter, config) => new Class(exporter, config);

const lines = {
  '1.x': () => exporterFirst(require('sdk-trace-1x').BatchSpanProcessor),
  '2.x': () => exporterFirst(require('@opentelemetry/sdk-trace-base').BatchSpanProcessor),
  '2.x, one object': () => oneObject(require('@opentelemetry/sdk-trace').BatchSpanProcessor),
  '3.x': () => oneObject(requireLine3('@opentelemetry/sdk-trace').BatchSpanProcessor),
};
const skip = { '3.x': line3Unavailable() ?? false };
const later = (millis) => new Promise((resolve) => setTimeout(resolve, millis));
const until = async (isSo) => {
  while (!isSo()) await later(1);
};

context.setGlobalContextManager(new AsyncLocalStorageContextManager());

/** An exporter of somebody else; its answers are in the scenario's hand. */
class ForeignExporter {
  constructor(log) {
    this.log = log;
    this.calls = [];
    this.answer = null; // { code, error }: given at once
  }

  export(spans, done) {
    this.log.push(`export ${spans.map(({ name }) => name.slice(5)).join()}`);
    if (isTracingSuppressed(context.active())) this.log.push('suppressed');
    if (this.answer !== null) done(this.answer);
    else this.calls.push(done);
  }

  async shutdown() {
    this.log.push('exporter.shutdown');
  }
}

const scenarios = {
  async 'a full batch is exported in onEnd, one at a time'({ make, end, exporter, log }) {
    const processor = make({ maxExportBatchSize: 2, maxQueueSize: 10, scheduledDelayMillis: 10_000 });
    end(processor, 5);
    log.push('ended');
    exporter.calls.shift()({ code: 0 });
    await later(5);
    exporter.calls.shift()({ code: 0 });
    await later(5);
    await processor.shutdown;
  },
  async 'a timer exports what is less than a batch'({ make, end, exporter, log }) {
    const processor = make({ maxExportBatchSize: 4, maxQueueSize: 10, scheduledDelayMillis: 20 });
    end(processor, 3);
    log.push('ended');
    exporter.answer = { code: 0 };
    await later(60);
    end(processor, 1);
    await later(60);
  },
  async 'what comes while an export is under way waits for its own timer'({ make, end, exporter, log }) {
    const processor = make({ maxExportBatchSize: 2, maxQueueSize: 10, scheduledDelayMillis: 30 });
    end(processor, 3);
    await later(60);
    log.push('answered');
    exporter.calls.shift()({ code: 0 });
    await later(60);
  },
  async 'a full queue drops and says so twice'({ make, end, exporter }) {
    const processor = make({ maxExportBatchSize: 2, maxQueueSize: 3, scheduledDelayMillis: 10_000 });
    end(processor, 9);
    exporter.answer = { code: 0 };
    exporter.calls.shift()({ code: 0 });
    await later(5);
    end(processor, 2);
    await later(5);
  },
  async 'a batch larger than the queue'({ make, end }) {
    const processor = make({ maxExportBatchSize: 6, maxQueueSize: 3, scheduledDelayMillis: 10_000 });
    end(processor, 3);
  },
  async 'the defaults'({ make, end, exporter }) {
    const processor = make();
    exporter.answer = { code: 0 };
    end(processor, 1024);
    await later(5);
    await processor.forceFlush();
  },
  async 'undefined and null options'({ make, end, exporter }) {
    const processor = make({ maxExportBatchSize: undefined, maxQueueSize: undefined, scheduledDelayMillis: undefined });
    exporter.answer = { code: 0 };
    end(processor, 513);
    await processor.forceFlush();
  },
  async 'unsampled spans and spans after shutdown'({ make, end, exporter }) {
    const processor = make({ maxExportBatchSize: 2, scheduledDelayMillis: 10 });
    exporter.answer = { code: 0 };
    end(processor, 2, { context: { traceFlags: 0 } });
    end(processor, 1, { context: { traceFlags: 3 } });
    const down = processor.shutdown();
    end(processor, 3);
    await down;
    await processor.forceFlush();
    await processor.shutdown();
    await later(30);
  },
  async 'failures go to the global handler'({ make, end, exporter }) {
    const processor = make({ maxExportBatchSize: 1, scheduledDelayMillis: 10 });
    exporter.answer = { code: 1, error: new Error('the exporter failed') };
    end(processor, 1);
    await later(5);
    exporter.answer = { code: 1 };
    end(processor, 1);
    await later(5);
  },
  async 'an export that takes too long is not waited for'({ make, end, exporter, log }) {
    const processor = make({ maxExportBatchSize: 1, scheduledDelayMillis: 10, exportTimeoutMillis: 40 });
    end(processor, 2);
    await later(20);
    log.push('before');
    await later(40);
    log.push('after');
    for (const done of exporter.calls) done({ code: 0 });
  },
  async 'forceFlush starts every batch at once'({ make, end, exporter, log }) {
    const processor = make({ maxExportBatchSize: 4, maxQueueSize: 100, scheduledDelayMillis: 10_000 });
    end(processor, 14);
    const flush = processor.forceFlush().then(() => log.push('flushed'));
    log.push(`${exporter.calls.length} under way`);
    for (const done of exporter.calls.splice(0)) done({ code: 0 });
    await flush;
  },
  async 'forceFlush rejects with the first failure'({ make, end, exporter, log }) {
    const processor = make({ maxExportBatchSize: 4, maxQueueSize: 100, scheduledDelayMillis: 10_000 });
    end(processor, 3);
    const flush = processor.forceFlush().catch((error) => log.push(`rejected: ${error.message}`));
    exporter.calls.shift()({ code: 1, error: new Error('no') });
    await flush;
  },
  async 'pending resources are waited for'({ make, end, exporter, log }) {
    const processor = make({ maxExportBatchSize: 2, scheduledDelayMillis: 10_000 });
    const resource = pendingResource();
    exporter.answer = { code: 0 };
    end(processor, 1, { resource });
    end(processor, 1);
    log.push('ended');
    resource.settle();
    await later(5);
  },
  async 'pending resources that fail'({ make, end, exporter }) {
    const processor = make({ maxExportBatchSize: 1, scheduledDelayMillis: 10_000 });
    const resource = pendingResource();
    exporter.answer = { code: 0 };
    end(processor, 1, { resource });
    resource.fail(new Error('no resource'));
    await later(5);
  },
  async 'a pending resource that never settles costs one time-out'({ make, end, exporter, log }) {
    const processor = make({ maxExportBatchSize: 1, scheduledDelayMillis: 10, exportTimeoutMillis: 40 });
    exporter.answer = { code: 0 };
    end(processor, 1, { resource: pendingResource() });
    end(processor, 1);
    log.push('ended');
    await until(() => log.includes('export 1'));
  },
  async 'exports that never end pile up, one for each time-out'({ make, end, exporter, log }) {
    const processor = make({ maxExportBatchSize: 1, scheduledDelayMillis: 10, exportTimeoutMillis: 100 });
    end(processor, 3);
    await until(() => exporter.calls.length === 3);
    log.push(`${exporter.calls.length} under way`);
    for (const done of exporter.calls) done({ code: 0 });
  },
  async 'after a failure the next full batch leaves'({ make, end, exporter, log }) {
    const processor = make({ maxExportBatchSize: 2, scheduledDelayMillis: 10_000 });
    end(processor, 5);
    exporter.calls.shift()({ code: 1, error: new Error('no') });
    await later(5);
    log.push(`${exporter.calls.length} under way`);
    exporter.calls.shift()({ code: 0 });
    await later(5);
  },
  async 'forceFlush does not wait for what is in flight, and takes what waits behind it'({ make, end, exporter, log }) {
    const processor = make({ maxExportBatchSize: 2, scheduledDelayMillis: 10_000 });
    end(processor, 3);
    const flush = processor.forceFlush().then(() => log.push('flushed'));
    exporter.calls.pop()({ code: 0 });
    await flush;
    log.push(`${exporter.calls.length} under way`);
    exporter.calls.pop()({ code: 0 });
  },
  async 'an export under way holds the process, a schedule delay does not'({ make, end, exporter, log }) {
    const held = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = held();
    const processor = make({ maxExportBatchSize: 2, scheduledDelayMillis: 10_000, exportTimeoutMillis: 10_000 });
    end(processor, 1);
    log.push(`${held() - before} held`);
    end(processor, 1);
    log.push(`${held() - before} held`);
    exporter.calls.pop()({ code: 0 });
    log.push(`${held() - before} held`);
  },
  async 'an exporter that answers twice'({ make, end, exporter }) {
    const processor = make({ maxExportBatchSize: 1, scheduledDelayMillis: 10 });
    end(processor, 1);
    const [done] = exporter.calls;
    done({ code: 0 });
    done({ code: 1, error: new Error('late') });
    await later(5);
    exporter.answer = { code: 0 };
    end(processor, 1);
    await later(5);
  },
};

function pendingResource() {
  let settle;
  let fail;
  const wait = new Promise((resolve, reject) => {
    settle = resolve;
    fail = reject;
  });
  return {
    attributes: {},
    asyncAttributesPending: true,
    waitForAsyncAttributes: () => wait,
    settle() {
      this.asyncAttributesPending = false;
      settle();
    },
    fail,
  };
}

/** What a scenario did: the calls of the exporter and the lines of the diagnostic logger, in order. */
async function record(scenario, construct, env = {}) {
  const log = [];
  const exporter = new ForeignExporter(log);
  const spans = new PlainSpans(3);
  const end = (processor, count, overrides) => {
    for (let nth = 0; nth < count; nth++) processor.onEnd(spans.span(overrides));
  };
  const before = { ...process.env };
  Object.assign(process.env, env);
  try {
    const lines = await diagLines(async () => {
      await scenario({ make: (config) => construct(exporter, config), end, exporter, log });
      await later(1);
    }, api);
    const texts = lines.map(([level, ...args]) => `${level} ${args.map(textOf).join(' ')}`);
    return { log, texts: texts.filter((text) => !text.includes('@opentelemetry/api')) };
  } finally {
    process.env = before;
  }
}

/** The default handler logs an error as JSON whose stack tells where it was made. */
function textOf(argument) {
  try {
    return JSON.parse(argument).message;
  } catch {
    return String(argument);
  }
}

for (const [line, stock] of Object.entries(lines)) {
  describe(`as the batch processor of ${line}`, { skip: skip[line] || false }, () => {
    const ours =
      line.includes('one') || line === '3.x' ? oneObject(BatchSpanProcessor) : exporterFirst(BatchSpanProcessor);
    for (const [name, scenario] of Object.entries(scenarios)) {
      test(name, async () => {
        const expected = await record(scenario, stock());
        assert.ok(expected.log.length + expected.texts.length > 0);
        assert.deepEqual(await record(scenario, ours), expected);
      });
    }

    for (const [name, env] of Object.entries({
      numbers: {
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '2',
        OTEL_BSP_MAX_QUEUE_SIZE: '3',
        OTEL_BSP_SCHEDULE_DELAY: '20',
      },
      blanks: { OTEL_BSP_MAX_EXPORT_BATCH_SIZE: ' ', OTEL_BSP_MAX_QUEUE_SIZE: '' },
      garbage: { OTEL_BSP_MAX_EXPORT_BATCH_SIZE: 'many' },
      'a time for each export': { OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '1', OTEL_BSP_EXPORT_TIMEOUT: '30' },
    })) {
      test(`OTEL_BSP_*: ${name}`, { skip: line === '1.x' && 'the 1.x line reads them when it is loaded' }, async () => {
        const scenario = async ({ make, end, exporter }) => {
          const processor = make();
          if (name.startsWith('a time')) {
            end(processor, 1);
          } else {
            exporter.answer = { code: 0 };
            end(processor, 9);
          }
          await later(120);
        };
        assert.deepEqual(await record(scenario, ours, env), await record(scenario, stock(), env));
      });
    }
  });
}

test('deliberately otherwise: forceFlush() asks the exporter, shutdown() reaches it after a failure', async () => {
  const log = [];
  const exporter = new ForeignExporter(log);
  exporter.forceFlush = async () => log.push('exporter.forceFlush');
  exporter.answer = { code: 1, error: new Error('no') };
  const processor = new BatchSpanProcessor(exporter, { scheduledDelayMillis: 10_000 });
  processor.onEnd(new PlainSpans(1).span());
  await assert.rejects(processor.forceFlush(), /^Error: no$/);
  processor.onEnd(new PlainSpans(2).span());
  await assert.rejects(processor.shutdown(), /^Error: no$/);
  const asked = ['export 0', 'exporter.forceFlush'];
  assert.deepEqual(
    log.filter((entry) => entry !== 'suppressed'),
    [...asked, ...asked, 'exporter.shutdown'],
  );
});

test('a program without a context manager', async () => {
  context.disable();
  try {
    const log = [];
    const exporter = new ForeignExporter(log);
    exporter.answer = { code: 0 };
    const processor = new BatchSpanProcessor(exporter);
    processor.onEnd(new PlainSpans(1).span());
    await processor.shutdown();
    assert.deepEqual(log, ['export 0', 'exporter.shutdown']);
    assert.equal(trace.getActiveSpan(), undefined);
  } finally {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager());
  }
});
