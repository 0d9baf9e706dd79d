'use strict';

/**
 * Long strings around every size at which a writer may change its way: by length in UTF-16 units, by the widest unit,
 * and by how V8 holds them (flat, concatenated, sliced). Each comes as a function so that a fresh one is made per use.
 */

const sizes = [255, 256, 257, 1023, 1024, 1025, 4095, 4096, 4097, 65_535, 65_536, 65_537];
const largeSizes = [299_999, 300_000, 300_001, 1_100_000];

function repeated(unit, length) {
  return unit.repeat(Math.ceil(length / unit.length)).slice(0, length);
}

const flatKinds = {
  ascii: (length) => repeated('The quick brown fox, 0123456789. ', length),
  latin1: (length) => repeated('Façade déjà vu ÿ ', length),
  asciiThenLatin1: (length) => `${repeated('x', length - 1)}é`,
  latin1ThenAscii: (length) => `é${repeated('x', length - 1)}`,
  twoByte: (length) => repeated('Привет мир ', length),
  threeByte: (length) => repeated('漢字とかな', length),
  asciiThenWide: (length) => `${repeated('x', length - 1)}漢`,
  // An even count of units keeps the pairs whole, an odd one ends in half a pair.
  pairs: (length) => repeated('🚀', length),
  shiftedPairs: (length) => `a${repeated('🚀', length - 1)}`,
  mixed: (length) => repeated('aé漢🚀 ', length),
  escapes: (length) => repeated('"\\\n\t\u0001\u2028/', length),
};

const largeKinds = ['ascii', 'latin1', 'threeByte', 'pairs', 'escapes'];

const heldKinds = {
  rope: (length) => {
    let text = '';
    while (text.length < length) text += `piece ${text.length} `;
    return text;
  },
  wideRope: (length) => `${repeated('漢', length >> 1)}${repeated('é', length - (length >> 1))}`,
  ropeAcrossPair: (length) =>
    `${repeated('x', (length >> 1) - 1)}\ud83d`.concat(`\ude00${repeated('y', length - (length >> 1) - 1)}`),
  sliced: (length) => repeated('sliced text é ', length + 40).slice(17, 17 + length),
  slicedInsidePair: (length) => repeated('🚀', length + 40).slice(1, 1 + length),
  joined: (length) => Array.from({ length: 64 }, () => repeated('j', length >> 6)).join('|'),
  fromBuffer: (length) => Buffer.alloc(length, 'external é').toString('latin1'),
};

function stringsBySize() {
  return [
    ...sizes.map((size) => ({ name: `${size} units`, strings: atSize({ ...flatKinds, ...heldKinds }, size) })),
    ...largeSizes.map((size) => {
      const kinds = Object.fromEntries(largeKinds.map((kind) => [kind, flatKinds[kind]]));
      return { name: `${size} units`, strings: atSize({ ...kinds, rope: heldKinds.rope }, size) };
    }),
  ];
}

function atSize(kinds, size) {
  return Object.fromEntries(Object.entries(kinds).map(([kind, make]) => [`${kind} ${size}`, () => make(size)]));
}

module.exports = { stringsBySize };
