'use strict';

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const { OTLPTraceExporter } = require('../..');
const { diagLines } = require('../helpers/diag_lines.js');
const { line3Unavailable, requireLine3 } = require('../helpers/sdk_spans.js');
const { decodeRequest } = require('../helpers/otlp_decoder.js');
const { asLine2, PlainSpans } = require('../helpers/plain_spans.js');
const { startReceiver } = require('../helpers/receiver.js');
const { stockExporter } = require('../helpers/subject.js');

// The SDK's SimpleSpanProcessor over our exporter and over the stock one (O91): every scenario runs with both,
// and what reached the collector, and when promises resolved, is compared.

const lines = {
  '1.x': (exporter) => new (require('sdk-trace-1x').SimpleSpanProcessor)(exporter),
  '2.x': (exporter) => new (require('@opentelemetry/sdk-trace-base').SimpleSpanProcessor)(exporter),
  '3.x': (exporter) => new (requireLine3('@opentelemetry/sdk-trace').SimpleSpanProcessor)({ exporter }),
};
const skip = { '3.x': line3Unavailable() ?? false };

function pendingResource() {
  let settle;
  const wait = new Promise((resolve) => {
    settle = resolve;
  });
  const resource = { attributes: { early: 1 }, asyncAttributesPending: true, waitForAsyncAttributes: () => wait };
  return {
    resource,
    settle() {
      resource.asyncAttributesPending = false;
      settle();
    },
  };
}

const scenarios = {
  async 'one request for each sampled span'({ end, processor }) {
    end(3);
    end(2, { context: { traceFlags: 0 } });
    await processor.forceFlush();
  },
  async 'forceFlush() waits for every export'({ end, processor, log, received }) {
    end(5);
    await processor.forceFlush();
    log.push(`${received()} at the flush`);
  },
  async 'a span waits for its resource'({ end, processor, log, received }) {
    const { resource, settle } = pendingResource();
    end(1, { resource });
    end(1);
    await new Promise((resolve) => setTimeout(resolve, 60));
    log.push(`${received()} before`);
    settle();
    await processor.forceFlush();
  },
  async 'shutdown() ends it'({ end, processor }) {
    end(1);
    await processor.forceFlush();
    await processor.shutdown();
    end(2);
    await processor.forceFlush();
  },
};

/** What came of a scenario: names in order of arrival, sizes of requests, and the scenario's own notes. */
async function record(t, scenario, makeProcessor, makeExporter) {
  const receiver = await startReceiver({}, t);
  const exporter = makeExporter({ url: receiver.url });
  const processor = makeProcessor(exporter);
  const spans = new PlainSpans(9);
  const log = [];
  const end = (count, overrides) => {
    for (let nth = 0; nth < count; nth++) processor.onEnd(asLine2(spans.span(overrides)));
  };
  const received = () => receiver.completed.length;
  await scenario({ end, processor, log, received });
  await processor.shutdown();
  const requests = receiver.completed.map(({ body, headers }) => {
    return decodeRequest(body, headers['content-type']).flatMap(({ scopes }) =>
      scopes.flatMap(({ spans: each }) => each),
    );
  });
  return {
    log,
    sizes: requests.map(({ length }) => length),
    names: requests.flatMap((each) => each.map(({ name }) => name)).sort(),
  };
}

const ours = (config) => new OTLPTraceExporter(config);

for (const [line, makeProcessor] of Object.entries(lines)) {
  describe(`the simple processor of ${line}`, { skip: skip[line] || false }, () => {
    for (const [name, scenario] of Object.entries(scenarios)) {
      test(name, async (t) => {
        const expected = await record(t, scenario, makeProcessor, stockExporter);
        assert.ok(expected.names.length > 0);
        assert.deepEqual(await record(t, scenario, makeProcessor, ours), expected);
      });
    }

    test('deliberately otherwise: a burst of 100 spans loses none', async (t) => {
      const burst = async ({ end, processor, log }) => {
        end(100);
        await processor.forceFlush().catch(({ message }) => log.push(message));
      };
      let stock;
      await diagLines(async () => {
        stock = await record(t, burst, makeProcessor, stockExporter);
      });
      assert.equal(stock.names.length, 30);
      const { names, log } = await record(t, burst, makeProcessor, ours);
      assert.deepEqual([names.length, log], [100, []]);
    });
  });
}
