'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { ProtobufTraceSerializer, JsonTraceSerializer } = require('@opentelemetry/otlp-transformer');
const line057 = require('otlp-transformer-1x');
const { OTLPTraceExporter, subjectName } = require('../helpers/subject.js');
const { corpus } = require('../helpers/corpus.js');
const { decodeRequest } = require('../helpers/otlp_decoder.js');
const { firstDifference } = require('../helpers/expected_request.js');
const { asLine2, viewForLine1 } = require('../helpers/plain_spans.js');
const { line3Unavailable, requireLine3 } = require('../helpers/sdk_spans.js');
const { startReceiver } = require('../helpers/receiver.js');

// What reaches a receiver, against what the stock serializers make of the same spans (O20 to O60).

const batches = corpus();

const formats = [
  {
    protocol: 'http/protobuf',
    contentType: 'application/x-protobuf',
    serializer: 'ProtobufTraceSerializer',
    differ: differInBytes,
  },
  { protocol: 'http/json', contentType: 'application/json', serializer: 'JsonTraceSerializer', differ: differInText },
];

const stock2 = { ProtobufTraceSerializer, JsonTraceSerializer };

for (const format of formats) {
  test(`${format.protocol}: the corpus against the stock serializers`, async (t) => {
    const receiver = await startReceiver({}, t);
    const queue = { maxSpans: 65_536, maxBytes: 512 * 1024 * 1024 };
    const exporter = new OTLPTraceExporter({
      url: receiver.url,
      protocol: format.protocol,
      queue,
      timeoutMillis: 30_000,
    });
    t.after(() => exporter.shutdown());
    const bodies = new Map();

    for (const batch of batches) {
      await t.test(`0.223: ${batch.name}`, async () => {
        const body = await send(exporter, receiver, batch.spans, format);
        bodies.set(batch, body);
        const expected = Buffer.from(stock2[format.serializer].serializeRequest(batch.spans.map(asLine2)));
        noDifference(format.differ(body, expected));
      });
    }

    await t.test('0.57, by decoded value', async (t057) => {
      for (const batch of batches) {
        await t057.test(batch.name, { skip: batch.unlike057 ?? false }, () => {
          const body = Buffer.from(line057[format.serializer].serializeRequest(batch.spans.map(viewForLine1)));
          const expected = as057(decodeRequest(withBase64(body, format), format.contentType));
          const actual = as057(decodeRequest(bodies.get(batch), format.contentType));
          noDifference(describe(firstDifference(actual, expected)));
        });
      }
    });

    const reason = line3Unavailable();
    if (reason) t.diagnostic(`0.301 not compared: ${reason}`);
    await t.test('0.301', { skip: reason ?? false }, async (t301) => {
      const stock3 = requireLine3('@opentelemetry/otlp-transformer');
      for (const batch of batches) {
        await t301.test(batch.name, () => {
          const expected = Buffer.from(stock3[format.serializer].serializeRequest(batch.spans.map(asLine2)));
          noDifference(format.differ(bodies.get(batch), expected));
        });
      }
    });
  });
}

test('the corpus is as large as promised', () => {
  const spans = batches.map(({ spans }) => spans.length).reduce((a, b) => a + b, 0);
  assert.ok(spans >= 500, `${spans} spans`);
  assert.ok(batches.some(({ line }) => line === '3.x') || line3Unavailable());
});

async function send(exporter, receiver, spans, { contentType }) {
  const before = receiver.completed.length;
  const outcome = await exporter.exportSpans(spans);
  assert.equal(outcome.error, undefined);
  assert.equal(outcome.delivered, spans.length);
  assert.equal(receiver.completed.length, before + 1, 'one request per export() call');
  const request = receiver.completed.at(-1);
  assert.equal(request.headers['content-type'], contentType);
  return request.body;
}

function noDifference(difference) {
  if (difference !== null) assert.fail(difference);
}

function differInBytes(actual, expected) {
  if (actual.equals(expected)) return null;
  let at = 0;
  while (at < expected.length && actual[at] === expected[at]) at++;
  const around = (bytes) => bytes.subarray(Math.max(0, at - 8), at + 24).toString('hex');
  const where = `byte ${at} of ${actual.length}, stock ${expected.length}: …${around(actual)}… for …${around(expected)}…`;
  return `${fieldOf(actual, expected, 'application/x-protobuf')}\n  ${where}`;
}

function differInText(actual, stock) {
  // Integers beyond int64 are doubles (X3), everything else is the stock text, character by character.
  const expected = subjectName === 'stock' ? stock.toString() : withHugeIntegersAsDoubles(stock.toString());
  const text = actual.toString();
  if (text === expected) return null;
  let at = 0;
  while (at < expected.length && text[at] === expected[at]) at++;
  const around = (whole) => JSON.stringify(whole.slice(Math.max(0, at - 60), at + 60));
  const where = `character ${at} of ${text.length}, stock ${expected.length}: ${around(text)} for ${around(expected)}`;
  return `${fieldOf(actual, Buffer.from(expected), 'application/json')}\n  ${where}`;
}

function withHugeIntegersAsDoubles(text) {
  let found = false;
  const value = JSON.parse(text, (_, part) => {
    if (part === null || typeof part.intValue !== 'number' || Math.abs(part.intValue) < 2 ** 63) return part;
    if (part.intValue === -(2 ** 63)) return part;
    found = true;
    return { doubleValue: part.intValue };
  });
  return found ? JSON.stringify(value) : text;
}

/** The first differing span and field, by the independent decoder. */
function fieldOf(actual, expected, contentType) {
  try {
    const decoded = decodeRequest(expected, contentType);
    const difference = firstDifference(decodeRequest(actual, contentType), decoded);
    return difference ? describe(difference, decoded) : 'the same values in another form';
  } catch (error) {
    return `cannot be decoded: ${error.message}`;
  }
}

function describe(difference, decoded) {
  if (difference === null) return null;
  const [, ...at] = /^\[(\d+)\]\.scopes\[(\d+)\]\.spans\[(\d+)\]/.exec(difference.at) ?? [];
  const name = at.length > 0 && decoded ? ` (span ${JSON.stringify(spanAt(decoded, difference.at)?.name)})` : '';
  return `${difference.at}${name}: got ${difference.actual}, expected ${difference.expected}`;
}

function spanAt(decoded, path) {
  const [, resource, scope, span] = /^\[(\d+)\]\.scopes\[(\d+)\]\.spans\[(\d+)\]/.exec(path);
  return decoded[resource]?.scopes[scope]?.spans[span];
}

/** The 0.57 line writes bytes into JSON as objects, which no receiver reads. */
function withBase64(body, { protocol }) {
  if (protocol !== 'http/json') return body;
  const value = JSON.parse(body, (_, part) => {
    if (typeof part?.bytesValue !== 'object') return part;
    return { bytesValue: Buffer.from(part.bytesValue.data ?? Object.values(part.bytesValue)).toString('base64') };
  });
  return JSON.stringify(value);
}

/**
 * What the 0.57 line never sends is left out: flags, the resource's schema URL, scope attributes and their dropped count.
 * It groups scopes by value in both formats.
 */
function as057(request) {
  return request.map(({ resource, scopes }) => {
    const groups = new Map();
    for (const { scope, schemaUrl, spans } of scopes) {
      const { name, version } = scope;
      const key = `${name}@${version}:${schemaUrl}`;
      const group = groups.get(key) ?? { scope: { name, version }, schemaUrl, spans: [] };
      groups.set(key, group);
      group.spans.push(
        ...spans.map((span) => ({ ...span, flags: 0, links: span.links.map((link) => ({ ...link, flags: 0 })) })),
      );
    }
    // Merged groups come in another order of spans; the order itself is compared with the 0.223 line.
    for (const { spans } of groups.values()) spans.sort((a, b) => (a.traceId < b.traceId ? -1 : 1));
    return { resource, scopes: [...groups.values()] };
  });
}
