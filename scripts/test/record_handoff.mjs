// Records hand-off batches as JavaScript writes them, for the Rust tests and the fuzzer that mutate them.
// Run it after a change of the layout: `node scripts/test/record_handoff.mjs`. It refuses to judge what it writes.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const { CopiedMemory } = require('../../js/handoff/memory.js');
const { SpanWriter, WRITTEN } = require('../../js/handoff/span_writer.js');

const directory = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..', 'tests', 'fixtures', 'handoff');

const resource = { attributes: { 'service.name': 'recorded', pid: 7 }, schemaUrl: 'https://example.org/schema' };
const scope = { name: 'recorder', version: '1.2.3' };
const otherScope = { name: 'recorder', schemaUrl: 'https://example.org/scope', attributes: { a: 1 } };

function span(extra) {
  return {
    name: 'GET /',
    kind: 1,
    spanContext: () => ({
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      traceFlags: 1,
      traceState: { serialize: () => 'vendor=1' },
    }),
    startTime: [1700000000, 123456789],
    endTime: [1700000001, 5],
    status: { code: 0 },
    attributes: {},
    events: [],
    links: [],
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
    resource,
    instrumentationScope: scope,
    ...extra,
  };
}

const context = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', traceFlags: 0 };

const batches = {
  plain: [span({ attributes: { 'http.method': 'GET', 'http.status_code': 200, cached: false, ratio: 0.5 } }), span({})],
  nested: [
    span({
      attributes: { list: [1, 'two', [true, null], { deep: { deeper: [] } }], map: { '': 'empty', é: 'ž😀' } },
      parentSpanContext: { ...context, isRemote: true },
      status: { code: 2, message: 'failed: ž' },
    }),
    span({ instrumentationScope: otherScope, attributes: { list: ['\ud800 lone', undefined, 1n] } }),
  ],
  linked: [
    span({
      events: [
        { name: 'retry', time: [1700000000, 5], attributes: { attempt: 1 } },
        { name: 'x'.repeat(300), time: [1, 2] },
      ],
      links: [{ context, attributes: { why: 'cause' } }, { context }],
    }),
  ],
  bulk: [
    span({ attributes: { body: 'a'.repeat(300), utf16: 'ž'.repeat(300), bytes: new Uint8Array([0, 1, 254, 255]) } }),
    span({ attributes: { ['k'.repeat(300)]: 'long key', mixed: `${'a'.repeat(4000)}ž` } }),
  ],
};

rmSync(directory, { recursive: true, force: true });
mkdirSync(directory, { recursive: true });
for (const [name, spans] of Object.entries(batches)) {
  const memory = new CopiedMemory();
  const writer = new SpanWriter(memory, { maxSpanBytes: 1 << 20 }, false);
  writer.begin(1 << 20);
  for (const each of spans) {
    if (writer.write(each) !== WRITTEN) throw new Error(`a span of ${name} was not written`);
  }
  record(name, spans, memory, writer);
}

// The same with texts that were kept by reference and copied later.
const memory = new CopiedMemory();
const writer = new SpanWriter(memory, { maxSpanBytes: 1 << 20 }, true);
const [first, , ...rest] = [...batches.plain, ...batches.linked, ...batches.nested.slice(0, 1)];
const kept = [first, ...rest, first, ...rest, ...batches.bulk.slice(0, 1)];
writer.begin(1 << 20);
for (const [index, each] of kept.entries()) {
  if (index > rest.length) writer.keepTexts();
  if (writer.write(each) !== WRITTEN) throw new Error('a span was not written');
}
if (!writer.copyDeferred(writer.deferred, Number.POSITIVE_INFINITY)) throw new Error('texts are left');
record('kept', kept, memory, writer);

function record(name, spans, memory, writer) {
  const segments = [...writer.stream.takeSegments(), ...writer.longStream.takeSegments()];
  const parts = memory.segmentsForSubmit(segments);
  writeFileSync(path.join(directory, `${name}-${spans.length}.bin`), Buffer.concat(parts));
}
