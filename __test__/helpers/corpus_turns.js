'use strict';

const { PlainSpans, traceState } = require('./plain_spans.js');

/**
 * Batches that are long in one respect or the other: more text than a writer copies in one turn, more keys than it
 * keeps in its tables, more attributes than an object of V8 holds in fast mode, texts whose width keeps changing.
 */
function turnBatches(seed) {
  const spans = new PlainSpans(seed);
  return [
    { name: 'short texts after a megabyte of ASCII', spans: afterText(spans, 'plain ASCII text. ') },
    { name: 'short texts after a megabyte of wide text', spans: afterText(spans, '漢字とかな交じり ') },
    { name: 'more keys than a table holds', spans: manyKeys(spans) },
    { name: 'attribute counts around the fast mode of objects', spans: attributeCounts(spans) },
    { name: 'texts of changing width', spans: changingWidths(spans) },
  ];
}

function list(length, make) {
  return Array.from({ length }, (_, nth) => make(nth));
}

/** Every text field with lengths around each limit, behind more text than a turn copies. */
function afterText(spans, unit) {
  const large = list(40, (nth) => spans.span({ attributes: { text: unit.repeat(5000).slice(0, 60_000 + nth), nth } }));
  const lengths = [0, 1, 31, 32, 33, 64, 255, 256, 257, 4095, 4096, 4097];
  const texts = lengths.flatMap((length) => ['a', 'é', '漢'].map((character) => character.repeat(length)));
  const small = texts.map((text, nth) => {
    return spans.span({
      name: text,
      context: { traceId: 'ab'.repeat(nth), spanId: 'cd'.repeat(8), traceState: traceState(text) },
      parentSpanContext: spans.context({ spanId: 'ef'.repeat(nth) }),
      status: { code: 2, message: text },
      attributes: { [text]: text, [`${text}.list`]: [text, text], map: { [text]: { [text]: text } }, tail: nth },
      events: [{ name: text, time: [1, nth], attributes: { text } }],
      links: [
        { context: spans.context({ traceId: '12'.repeat(nth), traceState: traceState(text) }), attributes: { text } },
      ],
      resource: { attributes: { text, nth }, schemaUrl: text },
      instrumentationScope: { name: text, version: text, schemaUrl: text, attributes: { text } },
    });
  });
  return [...large, ...small];
}

function manyKeys(spans) {
  const fresh = list(300, (nth) =>
    Object.fromEntries(list(20, (key) => [`k.${nth}.${key}`, key % 3 ? `v${key}` : key])),
  );
  const again = [...fresh.slice(0, 3), ...fresh.slice(-3), ...fresh.slice(0, 3)];
  const nested = [{ 'k.0.0': { 'k.299.19': 1, 'k.0.1': [{ 'k.new': 2 }] }, 'k.new': 3, 'k.299.0': 4 }];
  return [...fresh, ...again, ...nested, ...nested].map((attributes) => {
    return spans.span({ attributes, events: [{ name: 'e', time: [1, 1], attributes: { 'k.0.0': 1, 'k.299.0': 2 } }] });
  });
}

function attributeCounts(spans) {
  const attributes = (count) => {
    const object = {};
    for (let nth = 0; nth < count; nth++) object[`attribute ${nth}`] = nth % 4 ? `value ${nth}` : { nth };
    return object;
  };
  const odd = (count) => [
    Object.assign(Object.create(null), attributes(count)),
    Object.assign(Object.create({ inherited: 1 }), attributes(count)),
    Object.assign(attributes(count), { 7: 'index', 3: 'index', [Symbol('s')]: 1 }),
    Object.defineProperty(attributes(count), 'hidden', { value: 1 }),
    Object.defineProperty(attributes(count), 'computed', { enumerable: true, get: () => 'computed' }),
    new Proxy(attributes(count), {}),
    new (class Attributes {
      constructor() {
        Object.assign(this, attributes(count));
      }
    })(),
  ];
  const counts = [0, 1, 18, 19, 20, 21, 22, 40, 5, 30, 2, 64, 1];
  const deleted = attributes(25);
  delete deleted['attribute 3'];
  return [...counts.map(attributes), ...odd(25), ...odd(3), deleted, ...counts.map(attributes)].map((object) => {
    return spans.span({ attributes: object });
  });
}

function changingWidths(spans) {
  const ascii = (length) => 'ascii only '.repeat(length).slice(0, length);
  const latin = (length) => `${ascii(length - 1)}é`;
  const wide = (length) => '漢'.repeat(length);
  const late = (length) => `${ascii(length - 1)}漢`;
  const runs = [
    [ascii, 3],
    [wide, 40],
    [ascii, 40],
    [latin, 5],
    [ascii, 1],
    [late, 3],
    [ascii, 2],
    [wide, 1],
    [ascii, 70],
    [late, 40],
  ];
  const texts = runs.flatMap(([make, times]) => list(times, (nth) => make(257 + ((nth * 613) % 5000))));
  const pairs = texts.map((text, nth) => spans.span({ attributes: { text, short: text.slice(0, nth) } }));
  const inOne = spans.span({ attributes: Object.fromEntries(texts.map((text, nth) => [`text ${nth}`, text])) });
  return [...pairs, inOne, ...pairs.slice(0, 20).reverse()];
}

module.exports = { turnBatches };
