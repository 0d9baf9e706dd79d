'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { JsonTraceSerializer, ProtobufTraceSerializer } = require('@opentelemetry/otlp-transformer');
const { OTLPTraceExporter, exportOnce, subjectName } = require('../helpers/subject.js');
const { runProgram } = require('../helpers/child.js');
const { assertSettled } = require('../helpers/conservation.js');
const { PlainSpans } = require('../helpers/plain_spans.js');
const { startReceiver } = require('../helpers/receiver.js');
const { startReceiverProcess } = require('../helpers/receiver_process.js');

// Batches whose texts are copied in later turns: they stay whole, whatever happens between the turns.

const plain = new PlainSpans(91);
const queue = { maxSpans: 65_536, maxBytes: 512 * 1024 * 1024 };

/** Some megabytes of text: more than one turn copies. */
function largeBatch(label, count = 40) {
  return Array.from({ length: count }, (_, nth) => {
    const text = `${label} ${nth} ${nth % 3 ? 'ascii ' : '漢字 '}`.repeat(12_000);
    return plain.span({ name: `${label} ${nth}`, attributes: { before: nth, text, after: 'x'.repeat(nth) } });
  });
}

function stockBytes(spans) {
  return Buffer.from(ProtobufTraceSerializer.serializeRequest(spans));
}

async function pair(t, config) {
  const receiver = await startReceiver({}, t);
  const exporter = new OTLPTraceExporter({ url: receiver.url, queue, timeoutMillis: 30_000, ...config });
  t.after(() => exporter.shutdown());
  return { receiver, exporter };
}

function assertArrived(receiver, batches) {
  const bodies = receiver.completed.map(({ body }) => body);
  assert.equal(bodies.length, batches.length);
  for (const [nth, expected] of batches.entries())
    assert.ok(
      bodies.some((body) => body.equals(expected)),
      `batch ${nth}`,
    );
}

test('several large batches at once, small ones between them', async (t) => {
  const { receiver, exporter } = await pair(t);
  const batches = [];
  for (let nth = 0; nth < 5; nth++) batches.push(largeBatch(`large ${nth}`), [plain.span({ name: `small ${nth}` })]);
  const expected = batches.map(stockBytes);
  const outcomes = await Promise.all(batches.map((batch) => exporter.exportSpans(batch)));
  for (const [nth, outcome] of outcomes.entries())
    assert.deepEqual([outcome.delivered, outcome.error], [batches[nth].length, undefined]);
  assertArrived(receiver, expected);
});

test('two exporters with large batches at once', async (t) => {
  const left = await pair(t);
  const right = await pair(t);
  const batches = [largeBatch('left'), largeBatch('right')];
  const expected = batches.map(stockBytes);
  await Promise.all([left.exporter.exportSpans(batches[0]), right.exporter.exportSpans(batches[1])]);
  assertArrived(left.receiver, [expected[0]]);
  assertArrived(right.receiver, [expected[1]]);
});

test('many short texts: more than one turn copies, joined texts are kept by reference', async (t) => {
  const texts = ['ascii ', '漢字 ', 'lone \ud83d ', 'pair \ud83d\ude00 ', ''];
  const batch = Array.from({ length: 512 }, (_, nth) => {
    const attributes = { [`key of ${nth % 200}`]: 'defined late, then known', nested: { list: [texts[nth % 5], nth] } };
    for (let at = 0; at < 30; at++) attributes[`text.${at}`] = `${nth} ${texts[(nth >> 3) % 5]}`.repeat(at);
    return plain.span({ name: `span ${nth}`, attributes, events: [{ name: 'event', time: [1, nth], attributes }] });
  });
  for (const [protocol, serializer] of [
    ['http/protobuf', ProtobufTraceSerializer],
    ['http/json', JsonTraceSerializer],
  ]) {
    const { receiver, exporter } = await pair(t, { protocol });
    const expected = Buffer.from(serializer.serializeRequest(batch));
    const outcomes = await Promise.all([exporter.exportSpans(batch), exporter.exportSpans(batch)]);
    for (const { delivered } of outcomes) assert.equal(delivered, batch.length);
    assertArrived(receiver, [expected, expected]);
  }
});

test('what is read is read at once: bytes, containers and fields change while texts wait', async (t) => {
  const { receiver, exporter } = await pair(t);
  const bytes = Buffer.alloc(200_000, 'bytes');
  const batch = largeBatch('changing');
  batch.push(plain.span({ attributes: { bytes, list: ['before'], map: { text: 'y'.repeat(50_000) } } }));
  const expected = stockBytes(batch);
  const outcome = exporter.exportSpans(batch);
  bytes.fill(0);
  const last = batch.at(-1);
  last.attributes.list[0] = 'after';
  last.attributes.map.text = 'changed';
  for (const span of batch) {
    span.name = 'changed';
    span.attributes = {};
  }
  batch.length = 0;
  assert.equal((await outcome).delivered, 41);
  assertArrived(receiver, [expected]);
});

test('forceFlush() and shutdown() cover texts that still wait', async (t) => {
  for (const method of ['forceFlush', 'shutdown']) {
    const { receiver, exporter } = await pair(t);
    const batch = largeBatch(method, 100);
    const expected = stockBytes(batch);
    const result = exportOnce(exporter, batch);
    await exporter[method]();
    assert.equal(receiver.completed.length, 1, `${method}() resolves once the batch has arrived`);
    assert.deepEqual(await result, { code: 0 });
    assertArrived(receiver, [expected]);
    if (subjectName !== 'stock') assertSettled(exporter.stats());
  }
});

test('the natural end of a process waits for texts that still wait', async (t) => {
  const receiver = await startReceiverProcess({}, t);
  const source = `
    const spans = makeSpans(100);
    for (const span of spans) span.attributes = { text: 'long text '.repeat(30_000) };
    new OTLPTraceExporter({ url, timeoutMillis: 30_000 }).export(spans, ({ code }) => console.log('code', code));
  `;
  const ended = await runProgram(source, { url: receiver.url, limitMillis: 40_000 });
  assert.equal(ended.stdout, 'code 0\n', ended.stderr);
  const { spans, bodyBytes } = await receiver.counts();
  assert.equal(spans, 100);
  assert.ok(bodyBytes > 30_000_000);
});
