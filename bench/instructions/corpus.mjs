// The batches whose instructions are counted: fixed spans, written by the real writer into JavaScript's own memory.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { CopiedMemory } = require('../../js/handoff/memory.js');
const { SpanWriter, WRITTEN } = require('../../js/handoff/span_writer.js');

const MAX_SPAN_BYTES = 16 * 2 ** 20;
const ASCII = 'select order_id, total from orders where customer = 4711 and state in (open, paid) limit 100; ';
const WIDE = 'příliš žluťoučký kůň úpěl ďábelské ódy; 東京都千代田区 €42 — ';

/** Text that differs per span and attribute, of fixed length. */
function text(alphabet, index, attribute, length) {
  const start = (index * 31 + attribute * 17) % alphabet.length;
  return alphabet.repeat(Math.ceil((length + start) / alphabet.length)).substring(start, start + length);
}

function flatAttributes(index, { attributes, textLength, alphabet = ASCII }) {
  const result = {};
  for (let attribute = 0; attribute < attributes; attribute++) {
    if (attribute % 4 === 3) result[`attr.num.${attribute}`] = index * attribute + 0.5;
    else result[`http.request.attr.${attribute}`] = text(alphabet, index, attribute, textLength);
  }
  return result;
}

function nestedAttributes(index) {
  return {
    'http.status': 200 + (index % 5),
    'flag.cached': index % 2 === 0,
    'list.of.words': ['alpha', 'beta', 'gamma'],
    'list.of.numbers': [1, 2.5, -3],
    body: { user: { id: index, tags: ['a', 'b'] }, ratio: 0.25 },
  };
}

/** A recorded query result of about 45 KB, as record/replay spans carry it. */
function recordedAttributes(index) {
  const rows = Array.from({ length: 200 }, (_, row) => ({
    id: index * 200 + row,
    customer: `customer ${(index * 7919 + row * 104_729) % 1_000_003}`,
    email: `person.${row}@example-${index % 97}.test`,
    total: ((index * 31 + row * 17) % 100_000) / 100,
    paid: row % 3 === 0,
    note: row % 5 === 0 ? null : `left at the "front" door, floor ${row % 40}`,
    created_at: new Date(1_735_702_074_000 + row * 61_000).toISOString(),
    tags: ['web', `shard-${row % 16}`],
  }));
  return {
    'td.name': 'pg.query',
    'td.packageName': 'pg',
    'td.inputValue': JSON.stringify({ text: 'SELECT * FROM orders WHERE shop = $1', values: [index] }),
    'td.outputValue': JSON.stringify({ command: 'SELECT', rowCount: rows.length, oid: null, rows }),
    'td.inputSchemaMerges': '{"values":{"matchImportance":0}}',
  };
}

/** A statement as a batch insert writes it: a literal every dozen characters. */
function statement(index) {
  const rows = Array.from(
    { length: 60 },
    (_, row) =>
      `(${index * 60 + row}, 'customer ${row * 7919}', ${row * 1.25}, "note"."floor", $${(row % 9) + 1}, NULL)`,
  );
  return `INSERT INTO orders (id, customer, total, note, shop, paid) VALUES ${rows.join(', ')} ON CONFLICT DO NOTHING`;
}

function spansOf(shape) {
  const resource = { attributes: { 'service.name': 'corpus', 'service.version': '1.0.0' } };
  const instrumentationScope = { name: 'corpus', version: '1.0.0' };
  return Array.from({ length: shape.spans }, (_, index) => {
    const id = (length) => (index + 1).toString(16).padStart(length, '0');
    const context = { traceId: id(32), spanId: id(16), traceFlags: 1 };
    return {
      spanContext: () => context,
      parentSpanContext: shape.nested ? { traceId: id(32), spanId: 'ab'.repeat(8), traceFlags: 1 } : undefined,
      name: `GET /api/users/:id ${index % 7}`,
      kind: 1,
      startTime: [1_700_000_000 + index, 1000 * index],
      endTime: [1_700_000_000 + index, 1000 * index + 500_000],
      status: { code: 0 },
      attributes: shape.attributesOf?.(index) ?? flatAttributes(index, shape),
      events: shape.nested ? [{ name: 'step', time: [1_700_000_000, index], attributes: { n: index } }] : [],
      links: shape.nested ? [{ context, attributes: { why: 'retry' } }] : [],
      resource,
      instrumentationScope,
      droppedAttributesCount: 0,
      droppedEventsCount: 0,
      droppedLinksCount: 0,
      duration: [0, 500_000],
      ended: true,
    };
  });
}

/** Name and shape of every batch. */
export const SHAPES = {
  small: { spans: 512, attributes: 8, textLength: 24, stages: ['decode', 'protobuf', 'json', 'lane'] },
  medium: {
    spans: 512,
    attributes: 20,
    textLength: 40,
    stages: ['decode', 'protobuf', 'json', 'lane', 'keys', 'detectors'],
  },
  large: { spans: 64, attributes: 2, textLength: 16_384 },
  wide: { spans: 128, attributes: 20, textLength: 40, alphabet: WIDE },
  nested: { spans: 256, nested: true, attributesOf: nestedAttributes },
  recorded: { spans: 16, attributesOf: recordedAttributes, stages: ['decode', 'json', 'lines', 'request', 'rows'] },
  users: {
    spans: 512,
    attributesOf: (index) => ({ 'user.id': text(ASCII, index, 0, 55) }),
    stages: ['decode', 'token'],
  },
  statements: {
    spans: 64,
    attributesOf: (index) => ({ 'db.query.text': statement(index) }),
    stages: ['decode', 'sql'],
  },
  document: {
    spans: 16,
    attributesOf: (index) => ({ document: JSON.stringify({ note: text(ASCII, index, 0, 45_000) }) }),
    stages: ['decode', 'document'],
  },
};

/** One batch as the counting program reads it. */
export function recordBatch(shape) {
  const memory = new CopiedMemory();
  const writer = new SpanWriter(memory, { maxSpanBytes: MAX_SPAN_BYTES }, false);
  writer.begin(Number.MAX_SAFE_INTEGER);
  for (const span of spansOf(shape)) {
    if (writer.write(span) !== WRITTEN) throw new Error('a span of the corpus was refused');
  }
  const segments = memory.segmentsForSubmit(writer.stream.takeSegments());
  const head = new Uint32Array([shape.spans, segments.length, ...segments.map((segment) => segment.length)]);
  return Buffer.concat([Buffer.from(head.buffer), ...segments]);
}
