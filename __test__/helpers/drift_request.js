'use strict';

const { ProtoWriter } = require('../../js/tusk/proto_writer.js');

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;

// Message fields of a message type; `map` ones are sorted by the UTF-8 bytes of their keys.
const MESSAGES = {
  Request: { 5: 'Span' },
  Span: { 9: 'Struct', 10: 'Struct', 11: 'Schema', 12: 'Schema', 18: 'Leaf', 20: 'Leaf', 21: 'Leaf', 23: 'Struct' },
  Struct: { 1: { map: 'Value' } },
  Value: { 5: 'Struct', 6: 'List' },
  List: { 1: 'Value' },
  Schema: { 2: { map: 'Schema' }, 3: 'Schema' },
  Leaf: {},
};

/** The same message with every map sorted and every map entry written with key and value. */
function canonical(bytes, type = 'Request') {
  const out = new ProtoWriter();
  const entries = [];
  const writeEntries = () => {
    entries.sort((a, b) => Buffer.compare(a.key, b.key));
    for (const { number, key, value } of entries.splice(0)) {
      out.message(number, new ProtoWriter().bytes(1, key).bytes(2, value));
    }
  };
  let last = 0;
  for (const [number, value] of readFields(bytes)) {
    if (number !== last) writeEntries();
    last = number;
    const inner = MESSAGES[type][number];
    if (inner?.map) {
      const parts = new Map(readFields(value));
      const none = Buffer.alloc(0);
      entries.push({ number, key: parts.get(1) ?? none, value: canonical(parts.get(2) ?? none, inner.map) });
    } else if (inner) {
      out.bytes(number, canonical(value, inner));
    } else if (typeof value === 'bigint') {
      out.int64(number, value);
    } else if (value.length === 8 && isDouble(type, number)) {
      out.double(number, value.readDoubleLE());
    } else {
      out.bytes(number, value);
    }
  }
  writeEntries();
  return out.finish();
}

function isDouble(type, number) {
  return (type === 'Value' && number === 2) || (type === 'Schema' && number === 6);
}

/** Spans of a request, each as a map from field number to raw value. */
function spansOf(bytes) {
  return [...readFields(bytes)].filter(([number]) => number === 5).map(([, span]) => new Map(readFields(span)));
}

const SUCCESS_RESPONSE = Buffer.from([0x08, 0x01]);

/**
 * The fields of a message: `[number, value]` with a BigInt for varints and a Buffer for the rest.
 * @throws {Error} for bytes that are no protobuf message
 */
function* readFields(bytes) {
  let at = 0;
  const take = (length) => {
    if (at + length > bytes.length) throw new Error('premature EOF');
    at += length;
    return bytes.subarray(at - length, at);
  };
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const [byte] = take(1);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new Error('invalid varint');
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const number = tag >>> 3;
    switch (tag & 7) {
      case VARINT:
        yield [number, varint()];
        break;
      case FIXED64:
        yield [number, take(8)];
        break;
      case LENGTH:
        yield [number, take(Number(varint()))];
        break;
      case 5:
        yield [number, take(4)];
        break;
      default:
        throw new Error(`invalid wire type: ${tag & 7}`);
    }
  }
}

module.exports = { canonical, readFields, spansOf, SUCCESS_RESPONSE };
