'use strict';

const values = require('./corpus_values.js');
const { PlainSpans, asLine1, randomSpans, resource, scope, traceState } = require('./plain_spans.js');
const { sdkSpans, line3Unavailable } = require('./sdk_spans.js');
const { stringsBySize } = require('./corpus_strings.js');

/**
 * The conformance corpus: batches of spans that together touch every rule of otlp.md §2–§6. Deterministic; `randomCount`
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
const fraction057 = 'fractional times: it fails on them';

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
    { name: 'lone surrogates in keys', spans: [spans.span({ attributes: keyed(Object.values(values.loneSurrogates)) })], unlike057: surrogates057 },
    { name: 'neighbours whose ends would join', spans: joiningSpans(spans), unlike057: surrogates057 },
  ];
}

function keyed(keys) {
  return Object.fromEntries(keys.map((key, index) => [key, index]));
}

function keySpans(spans) {
  const keys = [...Object.values(values.strings), 'k'.repeat(300), 'é'.repeat(5000), '漢'.repeat(5000)];
  const ordered = { z: 1, 10: 2, y: 3, 9: 4, '': 5, 1: 6, '01': 7, '-5': 8, 4294967294: 9, 4294967295: 10, 1.5: 11, a: 12 };
  return [
    spans.span({ attributes: keyed(keys) }),
    spans.span({ attributes: ordered, events: [{ name: 'e', time: [1, 2], attributes: ordered }], links: [{ context: spans.context(), attributes: ordered }] }),
    spans.span({ attributes: values.containers.protoKey }),
    spans.span({ attributes: values.containers.nullPrototype }),
    spans.span({ attributes: values.containers.inherited }),
    spans.span({ attributes: values.containers.symbolKeys }),
    spans.span({ attributes: values.containers.hiddenKey }),
    spans.span({ attributes: values.containers.getter }),
    spans.span({ attributes: new Map([['not', 'enumerated']]) }),
    // The same key again and again, and the same text as key and as value: interning must not mix them up.
    ...Array.from({ length: 20 }, (_, index) => spans.span({ name: 'same', attributes: { same: 'same', other: `other ${index}`, same2: 'same' } })),
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
    spans.span({ events: [{ name: high, time: [0, 0], attributes: { [low]: high } }, { name: low, time: [0, 0] }] }),
  ];
}

function fieldBatches(seed) {
  const spans = new PlainSpans(seed);
  const each = (list, make) => list.map((value) => spans.span(make(value)));
  return [
    { name: 'kinds', spans: each([0, 1, 2, 3, 4, null, undefined, 17], (kind) => ({ kind })) },
    { name: 'status', spans: each([{ code: 0 }, { code: 1, message: 'kept' }, { code: 2 }, { code: 2, message: '' }, { code: 2, message: 'ошибка' }, { code: 2, message: undefined }, { code: 9 }, { code: 300 }], (status) => ({ status })) },
    { name: 'names', spans: each([...Object.values(values.strings), 'n'.repeat(70_000)], (name) => ({ name })) },
    { name: 'trace flags', spans: each([0, 1, 2, 127, 128, 255, 256, 511, undefined], (traceFlags) => ({ context: { traceFlags } })) },
    { name: 'parents', spans: parentSpans(spans) },
    { name: 'trace state', spans: each(['', 'a=1', 'vendor=é', 'k=v,'.repeat(100), undefined], (text) => ({ context: { traceState: traceState(text) } })) },
    { name: 'ids', spans: idSpans(spans) },
    { name: 'times', spans: timeSpans(spans) },
    { name: 'fractional times', spans: each([[1.9, 0.9], [1_700_000_000.5, 123.999], [0.1, 999_999_999.999]], (startTime) => ({ startTime, endTime: startTime })), unlike057: fraction057 },
    { name: 'dropped counts', spans: each([0, 1, 127, 128, 65_536, 2 ** 31, 2 ** 32 - 1, undefined], (count) => ({ droppedAttributesCount: count, droppedEventsCount: count, droppedLinksCount: count })) },
    { name: 'events', spans: eventSpans(spans) },
    { name: 'links', spans: linkSpans(spans) },
    { name: 'empty strings everywhere', spans: [emptySpan(spans)] },
  ];
}

function parentSpans(spans) {
  const parents = [undefined, { isRemote: true }, { isRemote: false }, { isRemote: undefined }].map((part) => part && spans.context(part));
  const states = [spans.context({ spanId: '' }), spans.context({ traceState: traceState('parent=1'), isRemote: true })];
  return [...parents, ...states].map((parentSpanContext) => spans.span({ parentSpanContext }));
}

function idSpans(spans) {
  const ids = [
    { traceId: 'ABCDEF0123456789ABCDEF0123456789', spanId: 'FEDCBA9876543210' },
    { traceId: 'AbCdEf0123456789aBcDeF0123456789', spanId: 'fEdCbA9876543210' },
    { traceId: '0'.repeat(32), spanId: '0'.repeat(16) },
    { traceId: '', spanId: '' },
    { traceId: 'ab', spanId: 'cd' },
    { traceId: 'abcd'.repeat(40), spanId: '12'.repeat(70) },
    { traceId: '0123456789abcdef', spanId: '0123456789abcdef0123456789abcdef' },
  ];
  return ids.map((context) => {
    return spans.span({ context, parentSpanContext: spans.context(context), links: [{ context: spans.context(context) }] });
  });
}

function timeSpans(spans) {
  const times = [[0, 0], [0, 1], [1, 0], [65_535, 999_999_999], [65_536, 0], [2_147_483_647, 1], [2_147_483_648, 1], [4_294_967_296, 5], [1_700_000_000, 1_000_000_000], [1_700_000_000, 5_999_999_999], [0, 1_700_000_000_000_000_000], [18_446_744_073, 709_551_615]];
  return times.map((time) => spans.span({ startTime: time, endTime: time, events: [{ name: 'at', time }] }));
}

function eventSpans(spans) {
  const time = [1_700_000_000, 42];
  const attributes = { a: 1, b: 'two' };
  return [
    spans.span({ events: [{ name: 'bare', time }] }),
    spans.span({ events: [{ name: '', time: [0, 0], attributes: {} }] }),
    spans.span({ events: [{ name: 'counted', time, attributes, droppedAttributesCount: 300 }, { name: 'zero', time, droppedAttributesCount: 0 }] }),
    spans.span({ events: [{ name: 'none', time, attributes: undefined, droppedAttributesCount: undefined }] }),
    spans.span({ events: [{ name: 'null', time, attributes: null, droppedAttributesCount: null }] }),
    spans.span({ events: Array.from({ length: 1000 }, (_, nth) => ({ name: `event ${nth}`, time: [1_700_000_000, nth], attributes: { nth } })) }),
  ];
}

function linkSpans(spans) {
  const link = (context, rest) => ({ context: spans.context(context), ...rest });
  return [
    spans.span({ links: [link(), link({ isRemote: true }), link({ isRemote: false, traceFlags: 0 }), link({ traceFlags: 511 })] }),
    spans.span({ links: [link({ traceState: traceState('a=1,b=2') }), link({ traceState: traceState('') }), link({ traceState: undefined })] }),
    spans.span({ links: [link({}, { attributes: { a: [1, 'x'] }, droppedAttributesCount: 200 }), link({}, { attributes: undefined }), link({}, { attributes: null, droppedAttributesCount: null })] }),
    spans.span({ links: Array.from({ length: 300 }, (_, nth) => link({}, { attributes: { nth } })) }),
  ];
}

function emptySpan(spans) {
  return spans.span({
    name: '',
    status: { code: 0, message: '' },
    attributes: { '': '' },
    context: { traceState: traceState('') },
    parentSpanContext: spans.context({ spanId: '' }),
    events: [{ name: '', time: [0, 0], attributes: { '': '' } }],
    links: [{ context: spans.context(), attributes: { '': '' } }],
    resource: resource({ '': '' }, ''),
    instrumentationScope: { name: '', version: '', schemaUrl: '' },
  });
}

function groupingBatches(seed) {
  const spans = new PlainSpans(seed);
  const resources = [resource({ r: 1 }), resource({ r: 2 }, 'https://schema.test/two'), resource({ r: 1 }), resource({})];
  const scopes = [
    { name: 'a', version: '1' },
    { name: 'a', version: '2' },
    { name: 'a', version: '1', schemaUrl: 'https://schema.test/s' },
    { name: 'a' },
    { name: 'a', version: '' },
    { name: '' },
    { name: 'имя', version: 'é' },
  ];
  const twins = [{ name: 'twin', version: '1' }, { name: 'twin', version: '1' }, { name: 'twin', version: '1', schemaUrl: '' }];
  const detailed = [
    { name: 'with attributes', attributes: { a: 1, b: ['x', null], c: { d: Uint8Array.of(1) } }, droppedAttributesCount: 3 },
    { name: 'without', attributes: {}, droppedAttributesCount: 3 },
    { name: 'counted', droppedAttributesCount: 4 },
    { name: 'first wins', attributes: { first: true } },
    { name: 'first wins', attributes: { second: true } },
  ];
  const pathological = [{ name: 'a', version: 'b:c' }, { name: 'a', version: 'b', schemaUrl: 'c:' }, { name: 'a@b', version: 'c' }, { name: 'a', version: 'b@c' }];
  const odd = { ...values.containers, ...values.exotic, ...values.unsupported, ...values.numbers, ...values.strings };
  const cross = (left, right, make) => left.flatMap((a) => right.map((b) => make(a, b)));
  const mixed = cross(scopes, resources, (instrumentationScope, res) => spans.span({ instrumentationScope, resource: res }));
  return [
    { name: 'resources and scopes in mixed order', spans: [...mixed, ...mixed.slice(3, 9), ...mixed.toReversed()] },
    { name: 'equal but distinct scopes', spans: [...twins, ...twins].map((instrumentationScope) => spans.span({ instrumentationScope })) },
    { name: 'equal but distinct resources', spans: [0, 1, 0, 1].map((nth) => spans.span({ resource: nth ? resource({ same: 1 }) : resources[0] })) },
    { name: 'scope attributes', spans: detailed.map((instrumentationScope) => spans.span({ instrumentationScope })) },
    { name: 'scopes whose texts collide in the JSON key', spans: pathological.map((instrumentationScope) => spans.span({ instrumentationScope })) },
    { name: 'resource attributes of every kind', spans: [spans.span({ resource: resource(odd) }), spans.span()] },
    { name: 'resources in the 1.x shape', spans: mixed.map(asLine1) },
  ];
}

function sizeBatches(seed) {
  const spans = new PlainSpans(seed);
  const list = (length, make) => Array.from({ length }, (_, nth) => make(nth));
  const many = (length, make) => Object.fromEntries(list(length, (nth) => [`attribute.${nth}`, make(nth)]));
  return [
    { name: 'attribute counts around varint and block limits', spans: [1, 8, 20, 127, 128, 129, 1000].map((count) => spans.span({ attributes: many(count, (nth) => nth) })) },
    { name: 'many keys', spans: list(200, (nth) => spans.span({ attributes: { [`unique.${nth}.a`]: nth, [`unique.${nth}.b`]: `${nth}`, common: nth } })) },
    { name: 'one span with 20,000 keys', spans: [spans.span({ attributes: many(20_000, (nth) => (nth % 2 ? nth : `value ${nth}`)) })] },
    { name: 'long arrays', spans: [spans.span({ attributes: { numbers: list(10_000, (nth) => nth * 1.5), strings: list(3000, (nth) => `item ${nth} é`), booleans: list(5000, (nth) => nth % 3 === 0) } })] },
    { name: 'nesting', spans: [100, 200].map((depth) => spans.span({ attributes: { array: list(depth, () => 0).reduce((inner) => [inner, 1], 'core'), map: list(depth, () => 0).reduce((inner) => ({ a: 1, inner }), 'core') } })) },
    { name: 'large byte arrays', spans: [70_000, 300_000].map((length) => spans.span({ attributes: { bytes: Buffer.alloc(length, 'abc'), tail: 'after' } })) },
    { name: 'one span', spans: [spans.span()] },
    { name: 'many small spans', spans: list(2000, (nth) => spans.span({ attributes: many(8, (key) => (key % 2 ? nth : `value ${nth}`)) })), scope },
  ];
}

function stringBatches(seed) {
  const spans = new PlainSpans(seed);
  return stringsBySize().map(({ name, strings }) => ({
    name: `strings of ${name}`,
    spans: Object.entries(strings).map(([kind, make]) => {
      return spans.span({ name: kind, attributes: { before: 'b', text: make(), after: 'a' }, events: [{ name: 'e', time: [1, 1], attributes: { text: make() } }] });
    }),
  }));
}

module.exports = { corpus };
