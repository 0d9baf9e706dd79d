'use strict';
// The generator of test data for the viewer, compared with what FileSpanExporter writes.

const assert = require('node:assert');
const { createHash } = require('node:crypto');
const { mkdtempSync, readdirSync, readFileSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const test = require('node:test');
const { BasicTracerProvider } = require('@opentelemetry/sdk-trace-base');
const { resourceFromAttributes } = require('@opentelemetry/resources');
const api = require('@opentelemetry/api');
const { BatchSpanProcessor, FileSpanExporter } = require('../..');

const generator = import('../../viewer/bench/make_spans.mjs');

const SHAPES = ['many', 'one', 'deep', 'wide', 'payload'];

function spansOf(lines) {
  return lines.flatMap((line) =>
    JSON.parse(line).resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
  );
}

/** Names of members in their order, and types instead of values; of a list its first element. */
function shapeOf(value) {
  if (Array.isArray(value)) return value.length > 0 ? [shapeOf(value[0])] : [];
  if (value === null || typeof value !== 'object') return typeof value;
  return Object.entries(value).map(([name, member]) => [name, shapeOf(member)]);
}

test('the same seed gives the same bytes, another one others (V116)', async () => {
  const { makeLines } = await generator;
  const hash = (options) =>
    createHash('sha256')
      .update([...makeLines(options)].join('\n'))
      .digest('hex');
  for (const shape of SHAPES) {
    for (const flavour of ['offloop', 'collector']) {
      const options = { spans: 100, shape, flavour, seed: 7 };
      assert.strictEqual(hash(options), hash(options), `${shape}, ${flavour}`);
      assert.notStrictEqual(hash(options), hash({ ...options, seed: 8 }), `${shape}, ${flavour}`);
    }
  }
});

test('ids are all different, and every parent is a span of the same trace before it (V116)', async () => {
  const { makeLines } = await generator;
  for (const shape of SHAPES) {
    const count = shape === 'payload' ? 200 : 5_000;
    const spans = spansOf([...makeLines({ spans: count, shape })]);
    assert.strictEqual(new Set(spans.map(({ spanId }) => spanId)).size, count, shape);
    const traceOf = new Map();
    for (const { traceId, spanId, parentSpanId } of spans) {
      if (parentSpanId !== undefined) assert.strictEqual(traceOf.get(parentSpanId), traceId, shape);
      traceOf.set(spanId, traceId);
    }
    const traces = new Set(traceOf.values()).size;
    const isMany = shape === 'many' || shape === 'payload';
    assert.ok(isMany ? traces > count / 60 && traces < count / 25 : traces === 1, `${shape}: ${traces} traces`);
  }
});

test('its lines have the shape that FileSpanExporter writes (V116)', async () => {
  const { makeLines } = await generator;
  const directory = mkdtempSync(path.join(tmpdir(), 'offloop-spans-'));
  try {
    const processor = new BatchSpanProcessor(new FileSpanExporter({ directory }));
    const resource = resourceFromAttributes({ 'service.name': 'shop', 'service.version': '1', 'host.name': 'h' });
    const tracer = new BasicTracerProvider({ resource, spanProcessors: [processor] }).getTracer('http', '1.0.0');
    const [made] = spansOf([...makeLines({ spans: 1 })]);
    const attributes = Object.fromEntries(made.attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
    const root = tracer.startSpan('GET /cart', { kind: api.SpanKind.SERVER, attributes });
    const parent = api.trace.setSpan(api.ROOT_CONTEXT, root);
    tracer.startSpan('SELECT carts', { kind: api.SpanKind.CLIENT, attributes }, parent).end();
    root.end();
    await processor.shutdown();
    const [file] = readdirSync(directory);
    const written = JSON.parse(readFileSync(path.join(directory, file), 'utf8'));
    const [generated] = [...makeLines({ spans: 2, shape: 'one' })].map((line) => JSON.parse(line));
    // The child ends first, so it is the first that is written.
    const spans = generated.resourceSpans[0].scopeSpans[0].spans.reverse();
    generated.resourceSpans[0].scopeSpans[0].spans = spans;
    assert.deepStrictEqual(shapeOf(generated), shapeOf(written));
    const shapes = (request) => request.resourceSpans[0].scopeSpans[0].spans.map(shapeOf);
    assert.deepStrictEqual(shapes(generated), shapes(written));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
