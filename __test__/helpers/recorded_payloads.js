'use strict';

const { Random } = require('./random.js');

// JSON texts as recorders and everybody else write them, and as nobody should: the parser's whole language.

const KEYS = [
  '',
  'a',
  'b',
  'id',
  'rows',
  'body',
  'text',
  '0',
  '1',
  '9',
  '10',
  '007',
  '-1',
  '1.5',
  '4294967294',
  '4294967295',
];
const STRANGE_KEYS = ['__proto__', 'constructor', 'toString', 'toJSON', 'length', 'type', 'properties', 'decodedType'];
const NUMBERS = [
  '0', '-0', '-0.0', '1', '-1', '1.0', '1.50', '100', '1e2', '1E2', '1e+2', '1e-2', '0.1', '0.000001', '1e-6', '1e-7',
  '1e21', '1e20', '123456789012345680000', '1e400', '-1e400', '1e-400', '4.9e-324', '2.5e-324', '1.7976931348623157e308',
  '1.7976931348623159e308', '9007199254740991', '9007199254740993', '18446744073709551616', '-9223372036854775809',
  '0.1000000000000000055511151231257827', '2.2250738585072011e-308', '1e00', '0e5', '0.30000000000000004',
]; // biome-ignore format: a table
const TEXTS = [
  '', 'abc', 'caf\\u00e9', 'é', '中文', '😀', '\\ud83d\\ude00', '\\uD83D\\uDE00', '\\ud83d', '\\ude00', '\\ude00\\ud83d',
  '\\ud83dx', '\ud83d', '\ude00', '\\ud83d\ude00', '\ud83d\\ude00', '\\\\ud83d', '\\\\\ud83d', '\\"', '\\\\', '\\/', '\\b\\f\\n\\r\\t',
  '\\u0000', '\\u001f', '\\u007f', '\u007f', '\u2028\u2029', '\\u2028', '\ufeff', '\uffff', '\\uFFFF', '\\u00Ff', 'ﬀ𝒳', '\u0080\u00ff',
]; // biome-ignore format: a table
const BODIES = [
  '{"x":1}', '[1,2,{"y":null}]', '"text"', '12', '1e400', 'null', 'true', '{"x":', '<p>hi</p>', '', '\ufeff{"x":1}', '{"b":1,"a":{"10":1,"9":2}}',
  '{"deep":[[[[{}]]]]}', '"\\ud800"', '{"a":1,"a":2}', '{"__proto__":{"q":1}}', '  {"x" : 1.0}  ', 'é😀',
]; // biome-ignore format: a table
const SPACE = ['', '', '', '', ' ', '\n', '\t', '\r\n ', '  '];

/**
 * How deep `#nested` goes, in brackets of its kind. The published SDK gives up where `JSON.stringify` runs out of stack, with
 * four levels of schema for one of `[{"a":1,"k":`: after 4,184 levels on Linux, and after 1,162 in Node.js 20 for Windows.
 */
const DEEPEST = process.platform === 'win32' ? 250 : 450;

class Payloads {
  #random;

  constructor(seed) {
    this.#random = new Random(seed);
  }

  number() {
    const random = this.#random;
    if (random.chance(0.4)) return random.pick(NUMBERS);
    const bits = new DataView(new ArrayBuffer(8));
    bits.setUint32(0, random.next());
    bits.setUint32(4, random.next());
    const any = bits.getFloat64(0);
    const value = Number.isFinite(any) && random.chance(0.5) ? any : (random.fraction() - 0.5) * 10 ** random.below(24);
    switch (random.below(5)) {
      case 0:
        return String(value);
      case 1:
        return value.toExponential(random.below(20));
      case 2:
        return value.toPrecision(1 + random.below(21));
      case 3:
        return String(Math.trunc(value));
      default:
        return `${random.below(10)}.${random.next()}${random.next()}${random.chance(0.3) ? `e-${random.below(40)}` : ''}`;
    }
  }

  #text() {
    const random = this.#random;
    const parts = random.times(random.below(4), () => random.pick(TEXTS));
    if (random.chance(0.05)) parts.push('long '.repeat(random.below(2000)));
    return parts.join('');
  }

  string() {
    return `"${this.#text()}"`;
  }

  #key() {
    const random = this.#random;
    if (random.chance(0.05)) return random.pick(STRANGE_KEYS);
    return random.chance(0.7) ? random.pick(KEYS) : this.#text();
  }

  #space() {
    return this.#random.pick(SPACE);
  }

  value(depth) {
    const random = this.#random;
    const kind = random.below(depth > 0 ? 10 : 6);
    if (kind < 2) return this.string();
    if (kind < 4) return this.number();
    if (kind < 6) return random.pick(['null', 'true', 'false', '{}', '[]']);
    const count = random.below(6);
    if (kind < 8) {
      const items = random.times(count, () => this.#space() + this.value(depth - 1) + this.#space());
      return `[${items.join(',') || this.#space()}]`;
    }
    return this.#object(random.times(count, () => [this.#key(), this.value(depth - 1)]));
  }

  #object(members) {
    const texts = members.map(([key, value]) => `${this.#space()}"${key}"${this.#space()}:${this.#space()}${value}`);
    return `{${texts.join(',') || this.#space()}}`;
  }

  #encoded() {
    const random = this.#random;
    const bytes = random.chance(0.15)
      ? Buffer.from(random.times(random.below(12), () => random.below(256)))
      : Buffer.from(random.chance(0.7) ? random.pick(BODIES) : this.value(2));
    let text = bytes.toString('base64');
    switch (random.below(9)) {
      case 0:
        text = bytes.toString('base64url');
        break;
      case 1:
        text = text.replace(/=+$/, '');
        break;
      case 2:
        text = text.replace(/(.{4})/g, '$1\\n');
        break;
      case 3:
        text = random.pick(BODIES).replace(/["\\]/g, '');
        break;
      case 4:
        text = `${text.slice(0, -1)}${random.pick(['A', '!', '=', '==', '\u0141', '😀', '-', '_', ' '])}`;
        break;
    }
    return `"${text}"`;
  }

  #merge() {
    const random = this.#random;
    if (random.chance(0.04)) return random.pick(['0', '5', '"abc"', '[]', '[1]', 'true', 'false', '""']);
    if (random.chance(0.01)) return 'null';
    const member = (name, values, probability) => (random.chance(probability) ? [[name, random.pick(values)]] : []);
    const members = [
      ...member('encoding', ['1', '1', '1', '1', '0', '2', '1.0', '"1"', 'true', 'null', '-1', '1e0'], 0.8),
      ...member('decodedType', ['1', '1', '1', '0', '2', '11', '"1"', 'null', '1.0', 'false'], 0.6),
      ...member('matchImportance', ['0', '1', '0.5', '1e-7', 'null', '"x"'], 0.4),
      ...member(random.pick(['type', 'items', 'other', 'properties', '7', '__proto__']), ['3', '{}', '"z"'], 0.1),
    ];
    return this.#object(members);
  }

  /** `{ value, merges }` as texts; `merges` may be undefined. */
  payload() {
    const random = this.#random;
    if (random.chance(0.01)) return { value: this.#nested(50 + random.below(DEEPEST - 50)), merges: undefined };
    if (random.chance(0.6)) return { value: this.value(1 + random.below(6)), merges: this.#rootMerges([]) };
    const members = random.times(1 + random.below(5), () => [
      this.#key(),
      random.chance(0.6) ? this.#encoded() : this.value(2),
    ]);
    return { value: this.#object(members), merges: this.#rootMerges(members.map(([key]) => key)) };
  }

  #rootMerges(keys) {
    const random = this.#random;
    if (keys.length === 0 && random.chance(0.7)) return undefined;
    if (random.chance(0.03)) return random.pick(['', 'null', '{}', '5', '"abc"', '[]', '[{"encoding":1}]', 'false']);
    const chosen = keys.filter(() => random.chance(0.8));
    if (random.chance(0.2)) chosen.push(this.#key());
    return this.#object(chosen.map((key) => [key, this.#merge()]));
  }

  #nested(depth) {
    const [open, close] = this.#random.pick([
      ['[', ']'],
      ['{"k":', '}'],
      ['[{"a":1,"k":', '}]'],
    ]);
    return open.repeat(depth) + this.value(1) + close.repeat(depth);
  }

  /** The same text with something wrong in it. */
  broken(text) {
    const random = this.#random;
    const at = random.below(text.length + 1);
    switch (random.below(3)) {
      case 0:
        return text.slice(0, at);
      case 1:
        return (
          text.slice(0, at) +
          random.pick(['\\', '"', ',', '\u0001', '\ufeff', '{', ']', '0', '\ud800']) +
          text.slice(at)
        );
      default:
        return text.slice(0, at) + text.slice(at + 1 + random.below(3));
    }
  }

  /** Attributes of a recorded span. */
  attributes() {
    const random = this.#random;
    const input = this.payload();
    const output = this.payload();
    const damaged = (text) => (random.chance(0.02) ? this.broken(text) : text);
    const attributes = {
      'td.name': random.pick(['pg.query', '', 'é\ud800', 'a "b"']),
      'td.packageName': random.pick(['pg', '', 'http']),
      'td.packageType': random.pick([1, 4]), // 0 is left out by 0.1.27 and kept by 0.1.45
      'td.isPreAppStart': random.chance(0.5),
      'td.inputValue': damaged(input.value),
      'td.outputValue': random.chance(0.05) ? '' : damaged(output.value),
    };
    if (input.merges !== undefined) attributes['td.inputSchemaMerges'] = damaged(input.merges);
    if (output.merges !== undefined) attributes['td.outputSchemaMerges'] = damaged(output.merges);
    if (random.chance(0.2)) attributes['td.metadata'] = damaged(this.value(3));
    if (random.chance(0.1)) attributes['td.transformMetadata'] = damaged(this.value(2));
    return attributes;
  }
}

module.exports = { Payloads };
