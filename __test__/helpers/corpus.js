'use strict';

const values = require('./corpus_values.js');
const { fieldBatches } = require('./corpus_fields.js');
const { groupingBatches } = require('./corpus_groups.js');
const { PlainSpans, asLine1, randomSpans } = require('./plain_spans.js');
const { sdkSpans, line3Unavailable } = require('./sdk_spans.js');
const { stringsBySize } = require('./corpus_strings.js');
const { turnBatches } = require('./corpus_turns.js');

/**
 * The conformance corpus: batches of spans that together touch every rule of encoding (O20 to O60). Deterministic; `randomCount`
 * sets how many random spans come on top. A batch is `{ name, spans, unlike057? }`: `unlike057` says why the 0.57 line
 * cannot be compared with.
 */
function corpus({ randomCount = 300, sdkCount = 60, seed = 20_261_121 } = {}) {
  const batches = [
    ...valueBatches(seed),
    ...fieldBatches(seed + 1),
    ...groupingBatches(seed + 2),
    ...sizeBatches(seed + 3),
    ...stringBatches(seed + 4),
    ...turnBatches(seed + 10),
  ];
  const random = randomSpans(seed + 5, randomCount);
  for (let at = 0; at < random.length; at += 100) {
    batches.push({ name: `random spans ${at}`, spans: random.slice(at, at + 100) });
  }
  batches.push({ name: 'random spans, 1.x shape', spans: randomSpans(seed + 6, 50).map(asLine1) });
  for (const line of ['1.x', '2.x', ...(line3Unavailable() ? [] : ['3.x'])]) {
    batches.push({ name: `SDK ${line} spans`, spans: sdkSpans(line, seed + 7, sdkCount), line });
  }
  batches.push({
    name: 'spans of the 1.x and the 2.x SDK in one batch',
    spans: sdkSpans('1.x', seed + 8, 10).flatMap((span, nth) => [span, sdkSpans('2.x', seed + 9 + nth, 1)[0]]),
  });
  return batches;
}

const surrogates057 = 'lone surrogates: its protobufjs writes the ones in short strings as three bytes each';
const holes057 = 'holes: it fails on them';
const int64057 = 'integers beyond int64: it clamps them';

function valueBatches(seed) {
  const spans = new PlainSpans(seed);
  return [
    { name: 'numbers', spans: spans.spansWithValue(values.numbers) },
    { name: 'integers beyond int64', spans: spans.spansWithValue(values.hugeIntegers), unlike057: int64057 },
    { name: 'strings', spans: spans.spansWithValue(values.strings) },
    { name: 'lone surrogates', spans: spans.spansWithValue(values.loneSurrogates), unlike057: surrogates057 },
    { name: 'booleans', spans: spans.spansWithValue({ true: true, false: false }) },
    { name: 'byte arrays', spans: spans.spansWithValue(values.bytes) },
    { name: 'containers', spans: spans.spansWithValue(values.containers) },
    { name: 'sparse arrays', spans: spans.spansWithValue(values.sparse), unlike057: holes057 },
    { name: 'exotic objects', spans: spans.spansWithValue(values.exotic) },
    { name: 'objects of another realm', spans: spans.spansWithValue(values.foreignRealm()) },
    { name: 'values without an AnyValue', spans: spans.spansWithValue(values.unsupported) },
    { name: 'keys', spans: keySpans(spans) },
    {
      name: 'lone surrogates in keys',
      spans: [spans.span({ attributes: keyed(Object.values(values.loneSurrogates)) })],
      unlike057: surrogates057,
    },
    { name: 'neighbours whose ends would join', spans: joiningSpans(spans), unlike057: surrogates057 },
  ];
}

function keyed(keys) {
  return Object.fromEntries(keys.map((key, index) => [key, index]));
}

function keySpans(spans) {
  const keys = [...Object.values(values.strings), 'k'.repeat(300), 'é'.repeat(5000), '漢'.repeat(5000)];
  const ordered = {
    z: 1,
    10: 2,
    y: 3,
    9: 4,
    '': 5,
    1: 6,
    '01': 7,
    '-5': 8,
    4294967294: 9,
    4294967295: 10,
    1.5: 11,
    a: 12,
  };
  return [
    spans.span({ attributes: keyed(keys) }),
    spans.span({
      attributes: ordered,
      events: [{ name: 'e', time: [1, 2], attributes: ordered }],
      links: [{ context: spans.context(), attributes: ordered }],
    }),
    spans.span({ attributes: values.containers.protoKey }),
    spans.span({ attributes: values.containers.nullPrototype }),
    spans.span({ attributes: values.containers.inherited }),
    spans.span({ attributes: values.containers.symbolKeys }),
    spans.span({ attributes: values.containers.hiddenKey }),
    spans.span({ attributes: values.containers.getter }),
    spans.span({ attributes: new Map([['not', 'enumerated']]) }),
    // The same key again and again, and the same text as key and as value: interning must not mix them up.
    ...Array.from({ length: 20 }, (_, index) =>
      spans.span({ name: 'same', attributes: { same: 'same', other: `other ${index}`, same2: 'same' } }),
    ),
  ];
}

function joiningSpans(spans) {
  const high = 'x\ud83d';
  const low = '\ude00y';
  return [
    spans.span({ name: high, attributes: { [low]: high, next: low }, status: { code: 2, message: low } }),
    spans.span({ name: low, attributes: { a: high, [low]: high, [`${low}2`]: low } }),
    spans.span({ attributes: { list: [high, low, high, low], map: { [low]: high, tail: low } } }),
    spans.span({ attributes: { wide: `${'漢'.repeat(400)}\ud83d`, narrow: `\ude00${'é'.repeat(400)}` } }),
    spans.span({
      events: [
        { name: high, time: [0, 0], attributes: { [low]: high } },
        { name: low, time: [0, 0] },
      ],
    }),
  ];
}

function sizeBatches(seed) {
  const spans = new PlainSpans(seed);
  const list = (length, make) => Array.from({ length }, (_, nth) => make(nth));
  const many = (length, make) => Object.fromEntries(list(length, (nth) => [`attribute.${nth}`, make(nth)]));
  return [
    {
      name: 'attribute counts around varint and block limits',
      spans: [1, 8, 20, 127, 128, 129, 1000].map((count) => spans.span({ attributes: many(count, (nth) => nth) })),
    },
    {
      name: 'many keys',
      spans: list(200, (nth) =>
        spans.span({ attributes: { [`unique.${nth}.a`]: nth, [`unique.${nth}.b`]: `${nth}`, common: nth } }),
      ),
    },
    {
      name: 'one span with 20,000 keys',
      spans: [spans.span({ attributes: many(20_000, (nth) => (nth % 2 ? nth : `value ${nth}`)) })],
    },
    {
      name: 'long arrays',
      spans: [
        spans.span({
          attributes: {
            numbers: list(10_000, (nth) => nth * 1.5),
            strings: list(3000, (nth) => `item ${nth} é`),
            booleans: list(5000, (nth) => nth % 3 === 0),
          },
        }),
      ],
    },
    {
      name: 'nesting',
      spans: [100, 200].map((depth) =>
        spans.span({
          attributes: {
            array: list(depth, () => 0).reduce((inner) => [inner, 1], 'core'),
            map: list(depth, () => 0).reduce((inner) => ({ a: 1, inner }), 'core'),
          },
        }),
      ),
    },
    {
      name: 'large byte arrays',
      spans: [70_000, 300_000].map((length) =>
        spans.span({ attributes: { bytes: Buffer.alloc(length, 'abc'), tail: 'after' } }),
      ),
    },
    { name: 'one span', spans: [spans.span()] },
    {
      name: 'many small spans',
      spans: list(2000, (nth) => spans.span({ attributes: many(8, (key) => (key % 2 ? nth : `value ${nth}`)) })),
    },
  ];
}

function stringBatches(seed) {
  const spans = new PlainSpans(seed);
  return stringsBySize().map(({ name, strings }) => ({
    name: `strings of ${name}`,
    spans: Object.entries(strings).map(([kind, make]) => {
      return spans.span({
        name: kind,
        attributes: { before: 'b', text: make(), after: 'a' },
        events: [{ name: 'e', time: [1, 1], attributes: { text: make() } }],
      });
    }),
  }));
}

module.exports = { corpus };
