'use strict';
// The judge of planted secrets sees what it is there for: each form in which a secret may leave, at each alignment, mixed,
// between two pieces of a stream; and nothing where nothing is.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { CARDS, Judge, leakIn, TAIL, WORD } = require('../helpers/processing/leaks.js');
const { Random } = require('../helpers/random.js');

const escaped = (text, mark = '\\u') => [...text].map((unit) => mark + hexOf(unit).padStart(4, '0')).join('');
const hexOf = (unit) => unit.charCodeAt(0).toString(16);
const percent = (text) => [...text].map((unit) => `%${hexOf(unit)}`).join('');
const utf16 = (text) => Buffer.from(text, 'utf16le');

/** How a secret may leave. */
const ENCODINGS = {
  'as it is': (text) => text,
  'in capitals': (text) => text.toUpperCase(),
  'in small letters': (text) => text.toLowerCase(),
  'percent-encoded': percent,
  'percent-encoded in capitals': (text) => percent(text).toUpperCase(),
  'percent-encoded twice': (text) => percent(text).replaceAll('%', '%25'),
  'escaped in JSON': (text) => escaped(text),
  'escaped in JSON, in capitals': (text) => escaped(text).toUpperCase().replaceAll('\\U', '\\u'),
  'escaped in JSON in JSON': (text) => JSON.stringify(escaped(text)),
  'escaped in HTML': (text) => [...text].map((unit) => `&#${unit.charCodeAt(0)};`).join(''),
  'escaped in C': (text) => [...text].map((unit) => `\\x${hexOf(unit)}`).join(''),
  hexadecimal: (text) => Buffer.from(text).toString('hex'),
  'hexadecimal in capitals': (text) => Buffer.from(text).toString('hex').toUpperCase(),
  'UTF-16': utf16,
  'UTF-16, big-endian': (text) => utf16(text).swap16(),
  'UTF-16 in hexadecimal': (text) => utf16(text).toString('hex').replaceAll('00', ''),
  base64: (text) => Buffer.from(text).toString('base64'),
  'base64 for URLs': (text) => Buffer.from(text).toString('base64url'),
  'base64 of UTF-16': (text) => utf16(text).toString('base64'),
};
const IN_BASE64 = Object.keys(ENCODINGS).filter((name) => name.startsWith('base64'));

describe('the judge of planted secrets', () => {
  for (const [name, encode] of Object.entries(ENCODINGS)) {
    it(`P98: finds a secret ${name}`, () => {
      const random = new Random(name.length);
      const secrets = [`${WORD}${random.hex(8)}`, `${random.hex(8)}${TAIL}`];
      const cases = name.includes('HTML') || name.includes('letters') ? secrets : [...secrets, ...CARDS];
      for (const secret of cases) {
        for (let around = 0; around < 6; around++) {
          // In base64 what stands in front decides the letters.
          const [before, inside] = IN_BASE64.includes(name) ? ['', 'a'.repeat(around)] : ['a'.repeat(around), ''];
          const form = Buffer.from(encode(inside + secret + 'b'.repeat(around)));
          const bytes = Buffer.concat([Buffer.from(before), form, Buffer.from('ü')]);
          assert.notEqual(leakIn(bytes), null, bytes.toString('latin1'));
          for (let cut = 0; cut <= bytes.length; cut++) {
            const judge = new Judge();
            const pieces = [bytes.subarray(0, cut), bytes.subarray(cut)].map((piece) => judge.leakIn(piece));
            assert.ok(
              pieces.some((leak) => leak !== null),
              `cut at ${cut} of ${bytes.toString('latin1')}`,
            );
          }
        }
      }
    });
  }

  it('P98: finds a secret of which each letter is written in another way', () => {
    const random = new Random(3);
    const ways = ['as it is', 'percent-encoded', 'escaped in JSON', 'hexadecimal', 'escaped in HTML', 'UTF-16'];
    for (let round = 0; round < 500; round++) {
      const letters = [...random.pick([WORD, TAIL])].map((letter) => Buffer.from(ENCODINGS[random.pick(ways)](letter)));
      assert.notEqual(leakIn(Buffer.concat(letters)), null);
    }
  });

  it('P98: finds cards with gaps and as numbers of protobuf', () => {
    for (const card of CARDS) {
      for (const gap of [' ', '-', '%20', '+']) {
        assert.notEqual(leakIn(Buffer.from(card.replace(/(.{4})(?=.)/g, `$1${gap}`))), null);
      }
      const double = Buffer.alloc(8);
      double.writeDoubleLE(Number(card));
      assert.notEqual(leakIn(double), null);
      const varint = [];
      let rest = BigInt(card);
      for (; rest > 127n; rest /= 128n) varint.push(Number(rest % 128n) + 128);
      assert.notEqual(leakIn(Buffer.from([8, ...varint, Number(rest), 16])), null);
    }
  });

  it('P98: finds nothing where there is nothing', () => {
    const random = new Random(5);
    const noise = Buffer.from(random.times(1 << 20, () => random.below(256)));
    assert.equal(leakIn(noise), null);
    for (const secret of [WORD, TAIL, ...CARDS]) {
      const [first, ...others] = secret;
      for (const broken of [others.join(''), secret.slice(0, -1), [first, '_', ...others].join('')])
        for (const [name, encode] of Object.entries(ENCODINGS)) {
          // Of base64 only the letters in the middle are sure, and digits stand for digits in some of the others.
          if (!IN_BASE64.includes(name) && (name === 'as it is' || !CARDS.includes(secret)))
            assert.equal(leakIn(Buffer.from(encode(broken))), null, broken);
        }
    }
  });
});
