'use strict';

const vm = require('node:vm');

/** Attribute values of every kind that JavaScript has (O30), by name. Everything here is something a stock serializer accepts. */

class Point {
  constructor(x, y) {
    this.x = x;
    this.y = y;
    this.label = 'point';
  }

  get inherited() {
    return 'never sent';
  }
}

const numbers = {
  zero: 0,
  minusZero: -0,
  one: 1,
  minusOne: -1,
  int7: 127,
  int8: 128,
  int14: 16_383,
  int15: 16_384,
  int31: 2 ** 31 - 1,
  int32: 2 ** 31,
  minusInt32: -(2 ** 31),
  minusInt33: -(2 ** 31) - 1,
  uint32: 2 ** 32 - 1,
  over32: 2 ** 32,
  minusOver32: -(2 ** 32),
  int48: 2 ** 48 + 12_345,
  minusInt48: -(2 ** 48) - 12_345,
  maxSafe: Number.MAX_SAFE_INTEGER,
  minSafe: Number.MIN_SAFE_INTEGER,
  pow53: 2 ** 53,
  pow53Plus2: 2 ** 53 + 2,
  minusPow53: -(2 ** 53),
  pow62: 2 ** 62,
  belowPow63: 2 ** 63 - 1024,
  aboveMinusPow63: -(2 ** 63) + 1024,
  wholeAsFloat: 1.0e3,
  half: 0.5,
  tenth: 0.1,
  sum: 0.1 + 0.2,
  minusFraction: -1.5,
  third: 1 / 3,
  pi: Math.PI,
  tiny: 5e-324,
  smallNormal: 2.2250738585072014e-308,
  micro: 1e-6,
  tenMillionth: 1e-7,
  epsilon: Number.EPSILON,
  largeFraction: 4_503_599_627_370_495.5,
  millions: 1_234_567.891,
  milliseconds: 1_700_000_000_123.456,
  exponent: 1.5e-10,
  NaN: Number.NaN,
  infinity: Number.POSITIVE_INFINITY,
  minusInfinity: Number.NEGATIVE_INFINITY,
};

/** Integers outside int64: they are doubles in protobuf, and of ours in JSON, too (X3). */
const hugeIntegers = {
  pow63: 2 ** 63,
  belowMinusPow63: -(2 ** 63) - 2048,
  pow64: 2 ** 64,
  e20: 1e20,
  e21: 1e21,
  minusE21: -1e21,
  e22: 1e22,
  e300: 1e300,
  max: Number.MAX_VALUE,
  minusMax: -Number.MAX_VALUE,
};

const strings = {
  empty: '',
  blank: ' ',
  ascii: 'GET /api/users/42?limit=10',
  quote: 'say "hi" \\ back\\slash / slash',
  nul: 'a\0b',
  onlyNul: '\0',
  controls: Array.from({ length: 32 }, (_, code) => String.fromCharCode(code)).join(''),
  delete: 'a\u007fb',
  c1: '\u0080\u0085\u009f',
  lineSeparators: 'a\u2028b\u2029c',
  bom: '\ufeffbom',
  latin1: 'café crème, ñandú, ÿ',
  greek: 'Ελληνικά',
  cyrillic: 'Привет, мир',
  chinese: '漢字とかな',
  euro: '€ 1.000',
  emoji: 'rocket 🚀 family 👨‍👩‍👧‍👦',
  astral: '𝔘𝔫𝔦𝔠𝔬𝔡𝔢',
  lastCodePoints: '\u{10ffff}\u{10000}\uffff\ufffe',
  edges: '\u007f\u0080\u07ff\u0800\uffff\u{10000}',
  combining: 'e\u0301 is not é',
  rtl: 'שלום עליכם',
  replacement: 'already \ufffd',
  json: '{"nested":"{\\"text\\":1}"}',
  html: '<script>alert("x")</script>&amp;',
  newline: 'line one\nline two\r\n\ttabbed',
  number: '42',
  proto: '__proto__',
};

/** Each of these must become U+FFFD per unit in protobuf and an escape in JSON. */
const loneSurrogates = {
  highAlone: '\ud800',
  lowAlone: '\udfff',
  highAtEnd: 'abc\ud83d',
  lowAtStart: '\ude00abc',
  highInMiddle: 'a\ud800b',
  lowInMiddle: 'a\udc00b',
  twoHighs: '\ud83d\ud83d',
  twoLows: '\ude00\ude00',
  swapped: '\ude00\ud83d',
  highThenPair: '\ud83d\ud83d\ude00',
  pairThenLow: '\ud83d\ude00\ude00',
  amongWide: '漢\udbff字',
  amongLatin: 'é\udbffé',
  highBeforeAscii: `${'x'.repeat(300)}\ud800${'y'.repeat(300)}`,
};

function sharedBytes() {
  const bytes = new Uint8Array(new SharedArrayBuffer(4));
  bytes.set([9, 8, 7, 6]);
  return bytes;
}

const bytes = {
  emptyBytes: new Uint8Array(0),
  oneByte: Uint8Array.of(0),
  twoBytes: Uint8Array.of(255, 254),
  threeBytes: Uint8Array.of(1, 2, 3),
  allBytes: Uint8Array.from({ length: 256 }, (_, index) => index),
  buffer: Buffer.from('a Buffer of bytes ÿ'),
  pooledSlice: Buffer.from('0123456789').subarray(3, 7),
  offsetView: new Uint8Array(Uint8Array.of(0, 1, 2, 3, 4, 5).buffer, 2, 3),
  shared: sharedBytes(),
  large: Uint8Array.from({ length: 5000 }, (_, index) => (index * 31) & 0xff),
};

function holes() {
  const array = ['a', 'b', 'c', 'd'];
  delete array[1];
  array.length = 6;
  return array;
}

function cyclelessShared() {
  const shared = { twice: true };
  return { first: shared, second: shared, list: [shared, shared] };
}

const containers = {
  emptyArray: [],
  emptyObject: {},
  strings: ['a', 'b', ''],
  integers: [1, 2, 3, -1, 2 ** 40],
  fractions: [0.5, 1.5, Number.NaN],
  booleans: [true, false],
  mixed: [1, 'two', false, null, undefined, 2.5, Uint8Array.of(1), [], {}],
  withNulls: ['a', null, 'b', undefined],
  nestedArrays: [[1, [2, [3, []]]], [[[]]]],
  nestedObjects: { a: { b: { c: { d: 'deep', e: [] } } }, f: {} },
  arrayOfObjects: [{ id: 1 }, { id: 2, tags: ['x'] }, {}],
  objectOfArrays: { one: [1], none: [], many: ['a', 2, [3]] },
  integerKeys: { b: 1, 10: 'ten', a: 2, 2: 'two', 0: 'zero', '-1': 'minus', '01': 'text', 4294967295: 'text too' },
  emptyKey: { '': 'value of the empty key', x: { '': {} } },
  protoKey: JSON.parse('{"__proto__": 1, "constructor": 2, "toString": 3, "hasOwnProperty": 4}'),
  nullPrototype: Object.assign(Object.create(null), { bare: true }),
  inherited: Object.assign(Object.create({ above: 'not sent' }), { own: 'sent' }),
  symbolKeys: { [Symbol('hidden')]: 1, shown: 2 },
  hiddenKey: Object.defineProperty({ shown: 1 }, 'hidden', { value: 2, enumerable: false }),
  getter: Object.defineProperty({}, 'computed', { enumerable: true, get: () => 'from a getter' }),
  frozen: Object.freeze({ frozen: true }),
  shared: cyclelessShared(),
  deepArray: Array.from({ length: 60 }).reduce((inner) => [inner], 'core'),
  deepObject: Array.from({ length: 60 }).reduce((inner) => ({ inner }), 'core'),
  wideObject: Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`key.${index}`, index])),
};

/** Objects that are not plain ones. */
const exotic = {
  date: new Date(1_700_000_000_000),
  regexp: /a+/g,
  map: new Map([['a', 1]]),
  set: new Set([1, 2]),
  weakMap: new WeakMap(),
  error: new Error('a message that is not enumerable'),
  errorWithFields: Object.assign(new Error('m'), { code: 'E_FIELD', errno: -2 }),
  arrayBuffer: new ArrayBuffer(8),
  dataView: new DataView(new ArrayBuffer(4)),
  float64Array: Float64Array.of(0.5, -1, Number.NaN),
  int16Array: Int16Array.of(-1, 0, 1),
  uint8Clamped: Uint8ClampedArray.of(1, 2),
  bigInt64Array: BigInt64Array.of(1n, -1n),
  boxedString: new String('boxed é'),
  boxedNumber: new Number(42),
  boxedBoolean: new Boolean(false),
  instance: new Point(1, 2.5),
  url: new URL('http://example.test/'),
  promise: Promise.resolve(1),
  generator: (function* generate() {})(),
  proxy: new Proxy({ real: 1, text: 'through a proxy' }, {}),
  proxyOfArray: new Proxy([1, 'two'], {}),
  argumentsObject: (function collect() {
    return arguments;
  })('first', 2),
  subclassedArray: new (class List extends Array {})(3).fill('x'),
  arrayWithFields: Object.assign([1, 2], { extra: 'not sent' }),
  toJSON: { toJSON: () => 'not called', kept: 1 },
  callableInside: { call: () => 1, symbol: Symbol('s'), big: 10n, nothing: undefined, none: null },
};

/** What an AnyValue cannot hold. */
const unsupported = {
  null: null,
  undefined: undefined,
  bigint: 12n,
  hugeBigint: 2n ** 80n,
  symbol: Symbol('value'),
  function: () => 'a function',
  class: Point,
};

/** Arrays and byte arrays of another realm: `Array.isArray` knows them, `instanceof` does not. */
function foreignRealm() {
  return vm.runInNewContext(`({
    foreignArray: [1, 'two', [3]],
    foreignObject: { a: 1, b: { c: 'd' } },
    foreignBytes: new Uint8Array([1, 2, 3]),
    foreignDate: new Date(0),
    foreignError: new Error('foreign'),
  })`);
}

module.exports = {
  numbers,
  hugeIntegers,
  strings,
  loneSurrogates,
  bytes,
  containers,
  sparse: { holes: holes(), allHoles: new Array(3), nestedHoles: [holes(), { inside: new Array(2) }] },
  exotic,
  unsupported,
  foreignRealm,
};
