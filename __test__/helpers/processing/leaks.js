'use strict';
// Owns finding a planted secret in bytes, in whatever form it may have left. Shares no code and no idea with what redacts:
// it knows one word that every secret has in it, and some numbers of cards, and searches for their forms.

const WORD = 'Zq7Xk9Wv';
/** Valid by their check digit, and nobody's. */
const CARDS = ['4539578763621486', '5425233430109903', '374245455400126'];

const upper = WORD.toUpperCase();
const variants = [WORD, upper, WORD.toLowerCase()];

/** The part of the base64 of `text` at each alignment that does not depend on what is around it. */
function base64Forms(text) {
  return [0, 1, 2].map((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(text)]);
    const whole = bytes.subarray(0, bytes.length - (bytes.length % 3)).toString('base64');
    return whole.slice(before === 0 ? 0 : 4);
  });
}

function formsOf(text) {
  const units = [...text];
  const code = (unit) => unit.charCodeAt(0).toString(16);
  return [
    Buffer.from(text),
    Buffer.from(text, 'utf16le'),
    Buffer.from(Buffer.from(text).toString('hex')),
    Buffer.from(Buffer.from(text).toString('hex').toUpperCase()),
    // Once, and inside of another text of JSON.
    ...['\\u', '\\\\u'].map((mark) => Buffer.from(units.map((unit) => mark + code(unit).padStart(4, '0')).join(''))),
    Buffer.from(units.map((unit) => `%${code(unit)}`).join('')),
    ...base64Forms(text).flatMap((form) => [
      Buffer.from(form),
      Buffer.from(form.replaceAll('+', '-').replaceAll('/', '_')),
    ]),
  ];
}

/** A number as protobuf has it. */
function varint(digits) {
  const bytes = [];
  for (let rest = BigInt(digits); rest > 0n; rest >>= 7n) bytes.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
  return Buffer.from(bytes);
}

const spaced = (card) => [card.replace(/(.{4})(?=.)/g, '$1 '), card.replace(/(.{4})(?=.)/g, '$1-')];
const FORMS = [...variants, ...CARDS, ...CARDS.flatMap(spaced)].flatMap(formsOf).concat(CARDS.map(varint));

/** What was found, with some bytes around it, or null. @param {Buffer} bytes */
function leakIn(bytes) {
  for (const form of FORMS) {
    const at = bytes.indexOf(form);
    if (at !== -1) return bytes.subarray(Math.max(0, at - 60), at + 80).toString('latin1');
  }
  return null;
}

module.exports = { CARDS, leakIn, WORD };
