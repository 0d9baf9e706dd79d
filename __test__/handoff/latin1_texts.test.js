'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { ProtobufTraceSerializer } = require('@opentelemetry/otlp-transformer');
const { OTLPTraceExporter } = require('../helpers/subject.js');
const { PlainSpans } = require('../helpers/plain_spans.js');
const { startReceiver } = require('../helpers/receiver.js');

// Texts of one byte per unit beyond ASCII, and texts that turn wide late, around every length where the way they are
// written changes.

const plain = new PlainSpans(17);
const LENGTHS = [255, 256, 257, 1023, 4096, 4097, 16_383, 16_384, 16_385, 65_535, 65_536, 65_537, 140_000];

function texts(length) {
  const all = Array.from({ length: 256 }, (_, unit) => String.fromCharCode(unit)).join('');
  const latin1 = all.repeat(Math.ceil(length / 256)).slice(0, length);
  const ascii = 'a'.repeat(length);
  const wideParent = `${'b'.repeat(length)}漢`;
  return {
    latin1,
    lastIsLatin1: `${ascii.slice(1)}ÿ`,
    lastIsWide: `${latin1.slice(1)}Ā`,
    lastIsPair: `${latin1.slice(2)}😀`,
    narrowPartOfWide: wideParent.slice(0, length), // V8 keeps two bytes per unit of it
    ascii,
  };
}

test('texts beyond ASCII arrive as the stock serializer writes them', async (t) => {
  const receiver = await startReceiver({}, t);
  const exporter = new OTLPTraceExporter({ url: receiver.url, timeoutMillis: 30_000 });
  t.after(() => exporter.shutdown());
  // Twice: what was written before decides how the next text is tried.
  for (const lengths of [LENGTHS, LENGTHS.toReversed()]) {
    const spans = lengths.map((length) => plain.span({ name: `of ${length}`, attributes: texts(length) }));
    const expected = Buffer.from(ProtobufTraceSerializer.serializeRequest(spans));
    const outcome = await exporter.exportSpans(spans);
    assert.equal(outcome.delivered, spans.length, JSON.stringify(outcome));
    assert.ok(receiver.completed.at(-1).body.equals(expected), 'the body differs');
  }
});
