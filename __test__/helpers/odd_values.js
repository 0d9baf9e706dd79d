'use strict';
// Values that options are given by mistake, by name; each is made anew, because some are spoiled by use.

function thrower() {
  throw new Error('code of the value ran and threw');
}

const ODD_VALUES = {
  'numeric text': () => '10',
  text: () => 'abc',
  'empty text': () => '',
  'blank text': () => ' ',
  NaN: () => Number.NaN,
  '-1': () => -1,
  0: () => 0,
  1.5: () => 1.5,
  '2^31': () => 2 ** 31,
  '2^32 + 1': () => 2 ** 32 + 1,
  '2^53': () => 2 ** 53,
  Infinity: () => Infinity,
  '-Infinity': () => -Infinity,
  BigInt: () => 5n,
  'large BigInt': () => 2n ** 70n,
  null: () => null,
  undefined: () => undefined,
  true: () => true,
  false: () => false,
  Symbol: () => Symbol('odd'),
  array: () => [7],
  'long array': () => new Array(2 ** 32 - 1),
  object: () => ({}),
  'object without a prototype': () => Object.create(null),
  function: () => () => {},
  'object whose valueOf throws': () => ({ valueOf: thrower }),
  'object that throws at every conversion': () => ({
    valueOf: thrower,
    toString: thrower,
    [Symbol.toPrimitive]: thrower,
  }),
  'proxy that throws at every read': () => new Proxy({}, { get: thrower, has: thrower }),
  'proxy that does not name its members': () => new Proxy({}, { ownKeys: thrower }),
};

/** `{ [name]: value }`, or for `a.b` a section with one option. */
function optionsWith(name, value) {
  const [first, second] = name.split('.');
  return second === undefined ? { [first]: value } : { [first]: { [second]: value } };
}

module.exports = { ODD_VALUES, optionsWith };
