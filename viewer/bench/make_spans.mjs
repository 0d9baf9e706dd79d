// Makes files of spans in the shape that FileSpanExporter, or the Collector's file exporter, writes: the same options give
// the same bytes.
//
//   node viewer/bench/make_spans.mjs --spans 222000 --shape one --seed 1 --out .cache/one
//
// Shapes: `many` traces of some 40 spans, `one` trace, a `deep` chain, a `wide` fan of children, `payload` with 45 KB of
// recorded JSON in each span. Without --out the lines go to standard output.

import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const SPANS_PER_LINE = 512;
const PAYLOADS_PER_LINE = 24;
const SPANS_PER_TRACE = 40;
const PAYLOAD_BYTES = 45_000;
const FILE_BYTES = 64 * 1024 * 1024;
const FIRST_START = 1_795_298_340_000_000_000n;
const ROUTES = ['/cart', '/orders/:id', '/users/:id/addresses', '/search', '/checkout', '/health'];
const SERVICES = ['shop', 'orders', 'payments'];
const TABLES = ['orders', 'users', 'carts', 'prices', 'stock'];

/** Numbers from 0 to 2^32 - 1, by the generator sfc32: one that is linear repeats its low bits, and with them ids. */
export function randomNumbers(seed) {
  let [a, b, c, counter] = [seed | 0, 0x9e3779b9, 0x243f6a88, 1];
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return sum >>> 0;
  };
  for (let i = 0; i < 16; i++) next();
  return next;
}

/** The lines, each without its line feed. */
export function* makeLines({ spans: count, shape = 'many', flavour = 'offloop', seed = 1 }) {
  const random = randomNumbers(seed);
  const write = flavour === 'collector' ? collectorRequest : offloopRequest;
  const perLine = shape === 'payload' ? PAYLOADS_PER_LINE : SPANS_PER_LINE;
  let batch = [];
  for (const span of makeSpans(count, shape, random)) {
    batch.push(span);
    if (batch.length < perLine) continue;
    yield JSON.stringify(write(batch));
    batch = [];
  }
  if (batch.length > 0) yield JSON.stringify(write(batch));
}

function* makeSpans(count, shape, random) {
  const hex = (words) => Array.from({ length: words }, () => random().toString(16).padStart(8, '0')).join('');
  const perTrace = { many: SPANS_PER_TRACE, payload: SPANS_PER_TRACE }[shape] ?? Number.POSITIVE_INFINITY;
  let [trace, ids, size] = ['', [], 0];
  for (let number = 0; number < count; number++) {
    if (ids.length >= size) {
      trace = hex(4);
      ids = [];
      size = Number.isFinite(perTrace) ? 1 + (random() % (2 * perTrace - 1)) : count;
    }
    const id = hex(2);
    const parent = { deep: ids.length - 1, wide: 0 }[shape] ?? (ids.length > 0 ? random() % ids.length : -1);
    yield makeSpan({ trace, id, parent: ids[parent], number, shape, random });
    ids.push(id);
  }
}

function makeSpan({ trace, id, parent, number, shape, random }) {
  const pick = (list) => list[random() % list.length];
  const route = pick(ROUTES);
  const start = FIRST_START + BigInt(number) * 120_000n;
  // Long ones are rare, as in life.
  const micros = 50 + (random() % 2_000) + (random() % 100 === 0 ? random() % 900_000 : 0);
  const isError = random() % 50 === 0;
  const isRequest = parent === undefined;
  const attributes = [
    ['http.request.method', 'GET'],
    ['http.route', route],
    ['http.response.status_code', isError ? 500 : 200],
    ['url.path', route.replace(':id', String(random() % 100_000))],
    ['server.address', `10.0.${random() % 4}.${random() % 32}`],
    ['db.query.text', `SELECT * FROM ${pick(TABLES)} WHERE id = $1`],
    ['app.cache.ratio', (random() % 1000) / 1000 + 0.0005],
    ['app.user', `user-${number}-${random() % 1_000_000}`],
  ];
  if (shape === 'payload') attributes[7] = ['app.payload', payload(number, random)];
  return {
    trace,
    id,
    parent,
    name: isRequest ? `GET ${route}` : `${pick(['SELECT', 'UPDATE', 'render', 'fetch'])} ${pick(TABLES)}`,
    kind: isRequest ? 2 : 3,
    start,
    end: start + BigInt(micros) * 1_000n,
    attributes,
    isError,
    service: SERVICES[Math.floor(number / SPANS_PER_LINE) % SERVICES.length],
  };
}

/** JSON in a text, as recorders write it. */
function payload(number, random) {
  const items = [];
  for (let bytes = 0; bytes < PAYLOAD_BYTES; bytes += 60)
    items.push({ id: random() % 1_000_000, text: `item "${number}" of a list`, price: (random() % 10_000) / 100 });
  return JSON.stringify(items).slice(0, PAYLOAD_BYTES);
}

const resourceOf = (service) => [
  ['service.name', service],
  ['service.version', '1.4.2'],
  ['host.name', 'example-host'],
  ['process.pid', 4242],
];

function offloopRequest(batch) {
  const value = (one) => {
    if (typeof one === 'string') return { stringValue: one };
    return Number.isInteger(one) ? { intValue: one } : { doubleValue: one };
  };
  const list = (pairs) => pairs.map(([key, one]) => ({ key, value: value(one) }));
  const spans = batch.map((span) => ({
    traceId: span.trace,
    spanId: span.id,
    parentSpanId: span.parent,
    name: span.name,
    kind: span.kind,
    startTimeUnixNano: String(span.start),
    endTimeUnixNano: String(span.end),
    attributes: list(span.attributes),
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    status: { code: span.isError ? 2 : 0 },
    links: [],
    droppedLinksCount: 0,
    flags: 257,
  }));
  const resource = { attributes: list(resourceOf(batch[0].service)), droppedAttributesCount: 0 };
  const scope = { name: '@opentelemetry/instrumentation-http', version: '0.223.0' };
  return { resourceSpans: [{ resource, scopeSpans: [{ scope, spans }] }] };
}

/** As the Collector writes: integers as text, and nothing that has its default. */
function collectorRequest(batch) {
  const value = (one) => {
    if (typeof one === 'string') return { stringValue: one };
    return Number.isInteger(one) ? { intValue: String(one) } : { doubleValue: one };
  };
  const list = (pairs) => pairs.map(([key, one]) => ({ key, value: value(one) }));
  const spans = batch.map((span) => ({
    traceId: span.trace,
    spanId: span.id,
    parentSpanId: span.parent ?? '',
    flags: 257,
    name: span.name,
    kind: span.kind,
    startTimeUnixNano: String(span.start),
    endTimeUnixNano: String(span.end),
    attributes: list(span.attributes),
    status: span.isError ? { code: 2 } : {},
  }));
  const scope = { name: '@opentelemetry/instrumentation-http', version: '0.223.0' };
  return {
    resourceSpans: [{ resource: { attributes: list(resourceOf(batch[0].service)) }, scopeSpans: [{ scope, spans }] }],
  };
}

function writeFiles(directory, lines) {
  mkdirSync(directory, { recursive: true });
  let [file, bytes, number] = [undefined, 0, 0];
  for (const line of lines) {
    const length = Buffer.byteLength(line) + 1;
    if (file === undefined || bytes + length > FILE_BYTES) {
      if (file !== undefined) closeSync(file);
      number += 1;
      file = openSync(path.join(directory, `traces-${String(number).padStart(4, '0')}.jsonl`), 'w');
      bytes = 0;
    }
    writeSync(file, `${line}\n`);
    bytes += length;
  }
  if (file !== undefined) closeSync(file);
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      spans: { type: 'string', default: '200000' },
      shape: { type: 'string', default: 'many' },
      flavour: { type: 'string', default: 'offloop' },
      seed: { type: 'string', default: '1' },
      out: { type: 'string' },
    },
  });
  const { shape, flavour, out } = values;
  const lines = makeLines({ spans: Number(values.spans), shape, flavour, seed: Number(values.seed) });
  if (out !== undefined) writeFiles(out, lines);
  else for (const line of lines) process.stdout.write(`${line}\n`);
}
