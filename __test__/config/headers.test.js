'use strict';
// Headers that cannot be read, and names that stand twice: beside the stock exporter.

const assert = require('node:assert/strict');
const { after, before, beforeEach, describe, it } = require('node:test');
const { OTLPTraceExporter: StockExporter } = require('@opentelemetry/exporter-trace-otlp-http');
const { BatchSpanProcessor, OTLPTraceExporter } = require('../..');
const { recordDiag, startRecorder, withEnvironment } = require('../helpers/config/recorder.js');
const { PlainSpans } = require('../helpers/plain_spans.js');

const plain = new PlainSpans(36);
let recorder;
before(async () => {
  recorder = await startRecorder();
});
beforeEach(() => recorder.reset());
after(() => recorder.close());

const WAYS = {
  native: (config) => new OTLPTraceExporter({ ...config, protocol: 'http/json', transport: 'native' }),
  node: (config) => new OTLPTraceExporter({ ...config, protocol: 'http/json', transport: 'node' }),
  stock: (config) => new StockExporter(config),
};

async function exported(make, config) {
  const exporter = make({ url: `${recorder.origin}/v1/traces`, ...config });
  const result = await new Promise((resolve) => exporter.export([plain.span()], resolve));
  await exporter.shutdown();
  return result;
}

describe('a name that stands twice goes out as with the stock exporter', () => {
  const type = { 'Content-Type': 'text/plain', 'content-type': 'x/y' };
  const cases = {
    'in an object': { headers: type },
    'in what a function answers': { headers: async () => type },
    'with the last spelling first': { headers: { 'content-type': 'x/y', 'Content-Type': 'text/plain' } },
    'once, in another spelling': { headers: { 'content-type': 'x/y' } },
    'the name of the program': { headers: { 'User-Agent': 'a', 'user-agent': 'b' } },
    'in a variable': { variable: 'Content-Type=text/plain,content-type=x/y' },
  };
  for (const [what, { headers, variable }] of Object.entries(cases)) {
    it(what, async () => {
      const sent = {};
      for (const [way, make] of Object.entries(WAYS)) {
        if (way === 'native' && typeof headers === 'function') continue;
        recorder.reset();
        const variables = variable === undefined ? {} : { OTEL_EXPORTER_OTLP_HEADERS: variable };
        await withEnvironment(variables, () => exported(make, headers === undefined ? {} : { headers }));
        const { 'content-type': contentType, 'user-agent': userAgent } = recorder.requests[0].headers;
        sent[way] = [contentType, userAgent === 'b'];
      }
      for (const way of Object.keys(sent)) assert.deepEqual(sent[way], sent.stock, way);
    });
  }
});

const boom = () => {
  throw new RangeError('boom');
};
const UNREADABLE = {
  'whose getter throws': () => ({
    get 'x-a'() {
      return boom();
    },
  }),
  'that does not name its members': () => new Proxy({}, { ownKeys: boom }),
  'with a value that cannot be sent': () => ({ 'x-a': 'a\nb' }),
};

describe('an object of headers', () => {
  for (const [what, make] of Object.entries(UNREADABLE)) {
    it(`${what} fails the export, and the log says so`, async () => {
      for (const [way, makeExporter] of Object.entries(WAYS)) {
        const { lines } = await recordDiag(async () => {
          const { code, error } = await exported(makeExporter, { headers: make() });
          assert.equal(code, 1, way);
          assert.match(error.message, /boom|Invalid character/, way);
        });
        const line = lines.map(String).find((text) => text.includes('Dropped 1 spans'));
        if (way !== 'stock') assert.match(line, /(boom|Invalid character in header content \["x-a"\])$/, way);
      }
      assert.equal(recorder.requests.length, 0);
    });
  }

  it('that cannot be read is told by a processor, too', async () => {
    const { lines } = await recordDiag(async () => {
      const headers = UNREADABLE['whose getter throws']();
      const exporter = WAYS.native({ url: recorder.origin, headers });
      const processor = new BatchSpanProcessor(exporter);
      processor.onEnd(plain.span());
      await processor.forceFlush().catch(() => {});
      assert.deepEqual(exporter.stats().refused, { non_retryable: 1 });
      await processor.shutdown().catch(() => {});
    });
    assert.ok(
      lines.some((line) => /Dropped 1 spans .*: nothing was sent: boom$/.test(line)),
      lines.join('\n'),
    );
  });
});

describe('a section of our own that does not name its members', () => {
  for (const name of ['queue', 'limits', 'retry', 'exit']) {
    it(name, () => {
      const message = `Configuration: ${name} is invalid, expected object (actual: cannot be read)`;
      assert.throws(() => WAYS.native({ [name]: new Proxy({}, { ownKeys: boom }) }), { message });
      const option = { queue: 'maxSpans', limits: 'maxSpanBytes', retry: 'maxAttempts', exit: 'blockMillis' }[name];
      const getter = Object.defineProperty({}, option, { get: boom, enumerable: true });
      assert.throws(
        () => WAYS.native({ [name]: getter }),
        new RegExp(`^Error: Configuration: ${name}\\.${option} is invalid`),
      );
    });
  }
});

it('a function that does not answer costs an attempt, and no request goes out at its end', async () => {
  let calls = 0;
  const headers = () => (++calls === 1 ? new Promise(() => {}) : Promise.resolve({ 'x-call': String(calls) }));
  const exporter = new OTLPTraceExporter({
    url: `${recorder.origin}/v1/traces`,
    protocol: 'http/json',
    timeoutMillis: 400,
    retry: { maxElapsedMillis: 4000 },
    headers,
  });
  const first = exporter.exportSpans([plain.span({ name: 'first' })]);
  await exporter.exportSpans([plain.span({ name: 'second' })]); // so that there are headers of before
  const { delivered } = await first;
  await exporter.shutdown();
  assert.equal(delivered, 1);
  const names = recorder.requests.map(({ body }) => /first|second/.exec(JSON.stringify(body))[0]);
  assert.deepEqual(names.sort(), ['first', 'second']);
});
