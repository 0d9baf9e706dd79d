'use strict';

/** Values that no ReadableSpan should hold, each made anew: readers are expected to trip over them. */

function thrower() {
  throw new Error('a getter of the user threw');
}

/** Thrown things that hurt again when they are looked at. */
const hostileThrowables = {
  null: null,
  undefined: undefined,
  text: 'thrown text',
  symbol: Symbol('thrown'),
  revoked: revokedProxy(),
  toStringThrows: {
    toString: thrower,
    get message() {
      return thrower();
    },
    get stack() {
      return thrower();
    },
  },
};

function revokedProxy(target = {}) {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

const traps = ['get', 'has', 'ownKeys', 'getOwnPropertyDescriptor', 'getPrototypeOf'];

function trapProxy(trap, target = { a: 1, b: 'two' }) {
  return new Proxy(target, { [trap]: thrower });
}

function cyclicObject() {
  const object = { before: 1 };
  object.self = object;
  object.deeper = { back: object, list: [object] };
  return object;
}

function cyclicArray() {
  const array = [1];
  array.push(array, { array });
  return array;
}

function nested(depth, wrap) {
  let value = 'core';
  for (let nth = 0; nth < depth; nth++) value = wrap(value);
  return value;
}

function lyingArray(length) {
  return new Proxy([1, 2], { get: (target, key) => (key === 'length' ? length : target[key]) });
}

function endlessIterable() {
  const array = [{ name: 'e', time: [1, 1] }];
  Object.defineProperty(array, Symbol.iterator, { value: thrower });
  return array;
}

/** A number conversion, a string conversion and a property read that all throw. */
function hostileObject() {
  return { valueOf: thrower, toString: thrower, toJSON: thrower, [Symbol.toPrimitive]: thrower };
}

/** Makers by name; a maker because many are spoiled or costly once used. */
const badValues = {
  null: () => null,
  undefined: () => undefined,
  nan: () => Number.NaN,
  infinity: () => Number.POSITIVE_INFINITY,
  minusOne: () => -1,
  fraction: () => 0.5,
  huge: () => 1e300,
  true: () => true,
  emptyText: () => '',
  text: () => 'text',
  loneSurrogate: () => '\ud800',
  longText: () => 'm'.repeat(70_000),
  bigint: () => 10n,
  symbol: () => Symbol('bad'),
  function: () => () => 'x',
  throwingFunction: () => thrower,
  class: () => class Bad {},
  emptyObject: () => ({}),
  emptyArray: () => [],
  arrayOfNothing: () => [null, undefined, 1, 'x', Symbol('in an array'), 2n],
  sparse: () => new Array(5),
  holesWithin: () => [[], , [[], ,]],
  date: () => new Date(Number.NaN),
  regexp: () => /x/,
  map: () => new Map([[{}, {}]]),
  set: () => new Set([1]),
  weakRef: () => new WeakRef({}),
  promise: () => Promise.resolve(),
  generator: () =>
    (function* generate() {
      yield 1;
    })(),
  error: () => new Error('as a value'),
  boxed: () => new String('boxed'),
  buffer: () => Buffer.from('bytes'),
  detached: () => {
    const bytes = new Uint8Array(8);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    return bytes;
  },
  shared: () => new Uint8Array(new SharedArrayBuffer(8)),
  dataView: () => new DataView(new ArrayBuffer(3)),
  floats: () => Float32Array.of(1.5),
  nullPrototype: () => Object.create(null),
  frozen: () => Object.freeze({ a: Object.freeze([]) }),
  cyclicObject,
  cyclicArray,
  deepArray: () => nested(20_000, (value) => [value]),
  deepObject: () => nested(20_000, (value) => ({ value })),
  revoked: () => revokedProxy(),
  revokedArray: () => revokedProxy([]),
  revokedFunction: () => revokedProxy(() => {}),
  lyingLength: () => lyingArray(2 ** 40),
  negativeLength: () => lyingArray(-1),
  textLength: () => lyingArray('many'),
  throwingIterator: endlessIterable,
  hostileObject,
  throwingGetter: () => ({
    get a() {
      return thrower();
    },
    b: 1,
  }),
  throwingGetterInArray: () => [Object.defineProperty({}, 'x', { enumerable: true, get: thrower })],
  getterOfArray: () => Object.defineProperty([1, 2, 3], 1, { get: thrower }),
  ...Object.fromEntries(traps.map((trap) => [`proxy.${trap}`, () => trapProxy(trap)])),
  ...Object.fromEntries(traps.map((trap) => [`arrayProxy.${trap}`, () => trapProxy(trap, [1, 2])])),
};

module.exports = { badValues, hostileThrowables, thrower, revokedProxy, nested };
