'use strict';
// Where a runtime forbids memory that is not its own (Electron), Rust copies what JavaScript wrote. Same bytes, no views.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const memory = require('../../js/handoff/memory.js');

let blocks = 0;
class CountingMemory extends memory.CopiedMemory {
  acquireBlock(minBytes) {
    blocks += 1;
    return super.acquireBlock(minBytes);
  }
}
// Before the engine is loaded: it asks for its memory once per environment.
memory.createMemory = () => new CountingMemory();

const { OTLPTraceExporter } = require('../..');
const { ProtobufTraceSerializer } = require('@opentelemetry/otlp-transformer');
const { startReceiver } = require('../helpers/receiver.js');
const { randomSpans } = require('../helpers/plain_spans.js');
const { stringsBySize } = require('../helpers/corpus_strings.js');

test('copied blocks carry the same spans as native ones', async () => {
  const receiver = await startReceiver();
  const exporter = new OTLPTraceExporter({ url: receiver.url });
  try {
    const texts = stringsBySize().flatMap(({ strings }) => Object.values(strings));
    const spans = randomSpans(7, texts.length);
    for (const [index, makeText] of texts.entries()) spans[index].attributes = { text: makeText() };
    for (let round = 0; round < 3; round++) {
      const outcome = await exporter.exportSpans(spans);
      assert.equal(outcome.delivered, spans.length);
      const requests = await receiver.waitForRequests(round + 1);
      assert.ok(Buffer.from(ProtobufTraceSerializer.serializeRequest(spans)).equals(requests[round].body));
    }
    assert.ok(blocks > 1, `the test went through ${blocks} copied blocks`);
  } finally {
    await exporter.shutdown();
    await receiver.close();
  }
});
