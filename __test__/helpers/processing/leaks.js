'use strict';
// Owns finding a planted secret in bytes, in whatever form it may have left. Shares no code and no idea with what redacts: it
// knows the two words that every secret begins and ends with and some numbers of cards, and it decodes nothing. An automaton
// that is made of all their forms reads every byte once.

const { automatonOf } = require('./automaton.js');

/** How a secret begins, so that no part of it may stay in front … */
const WORD = 'Zq7Xk9Wv';
/** … and how it ends, so that none may stay behind. */
const TAIL = 'Jx5Yw3Qb';
/** Valid by their check digit, and nobody's. */
const CARDS = ['4539578763621486', '5425233430109903', '374245455400126'];

/** How one character may be written; a text that leaves may mix them. */
function formsOfCharacter(character) {
  const code = character.charCodeAt(0);
  const hex = [code.toString(16), code.toString(16).toUpperCase()];
  const texts = hex.flatMap((digits) => [digits, `%${digits}`, `%25${digits}`, `\\x${digits}`]);
  // In a text of JSON, and in one inside of another.
  const escapes = ['\\', '\\\\'].flatMap((mark) => hex.map((digits) => `${mark}u${digits.padStart(4, '0')}`));
  const wide = [Buffer.from([code, 0]), Buffer.from([0, code])];
  return [...[character, ...texts, ...escapes, `&#${code};`].map((text) => Buffer.from(text)), ...wide];
}

/** In capitals or not, as what carries it may have made it. */
function anyCase(word) {
  return [...word].map((character) => ({
    forms: [...new Set([character.toLowerCase(), character.toUpperCase()])].flatMap(formsOfCharacter),
  }));
}

/** With or without gaps. */
function withGaps(digits) {
  const gap = { forms: [' ', '-', '+', '%20'].map((text) => Buffer.from(text)), isOptional: true };
  return [...digits].flatMap((digit, nth) => [...(nth > 0 ? [gap] : []), { forms: formsOfCharacter(digit) }]);
}

/** The part of the base64 of `bytes` at each alignment that does not depend on what is around it. */
function base64Forms(bytes) {
  return [0, 1, 2].flatMap((before) => {
    const shifted = Buffer.concat([Buffer.alloc(before), bytes]);
    const whole = shifted.subarray(0, shifted.length - (shifted.length % 3));
    const form = whole.toString('base64').slice(before === 0 ? 0 : 4);
    return [form, form.replaceAll('+', '-').replaceAll('/', '_')].map((text) => Buffer.from(text));
  });
}

/** A number as protobuf has it. */
function varint(digits) {
  const bytes = [];
  for (let rest = BigInt(digits); rest > 0n; rest >>= 7n) bytes.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
  return Buffer.from(bytes);
}

function double(digits) {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(Number(digits));
  return bytes;
}

const words = [WORD, TAIL];
const texts = [...words.flatMap((word) => [word, word.toUpperCase(), word.toLowerCase()]), ...CARDS];
const inBase64 = texts.flatMap((text) => [
  ...base64Forms(Buffer.from(text)),
  ...base64Forms(Buffer.from(text, 'utf16le')),
]);
const whole = [...inBase64, ...CARDS.map(varint), ...CARDS.map(double)];

const { table, FOUND } = automatonOf([
  ...words.map(anyCase),
  ...CARDS.map(withGaps),
  ...whole.map((form) => [{ forms: [form] }]),
]);

/** Reads a stream of bytes, piece by piece: what is split between two pieces is found. */
class Judge {
  #state = 0;
  #before = Buffer.alloc(0);

  /** What was found, with some bytes around it, or null. @param {Uint8Array} bytes */
  leakIn(bytes) {
    const begun = this.#state;
    this.#state = run(begun, bytes, bytes.length);
    if (this.#state !== FOUND) {
      this.#before = Buffer.from(bytes.subarray(Math.max(0, bytes.length - 60)));
      return null;
    }
    let end = 1;
    for (let state = begun; end <= bytes.length; end++) {
      state = table[(state << 8) | bytes[end - 1]];
      if (state === FOUND) break;
    }
    const around = Buffer.concat([this.#before, bytes.subarray(Math.max(0, end - 80), end + 40)]);
    return around.subarray(end > 80 ? this.#before.length : 0).toString('latin1');
  }
}

/** The state behind `bytes`; what was found once stays found. */
function run(from, bytes, length) {
  let state = from;
  for (let at = 0; at < length; at++) state = table[(state << 8) | bytes[at]];
  return state;
}

/** What was found, with some bytes around it, or null. @param {Uint8Array} bytes */
function leakIn(bytes) {
  return new Judge().leakIn(bytes);
}

module.exports = { CARDS, Judge, leakIn, TAIL, WORD };
