'use strict';
// Owns the protobuf wire format: tags, varints, length-delimited fields.
// Refuses to know messages.

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const MAX_INT32 = 2 ** 31 - 1;
const ONE_BYTE = Array.from({ length: 128 }, (_, value) => Buffer.from([value]));

function varintBytes(value) {
  if (value >= 0 && value < 128) return ONE_BYTE[Number(value)];
  const bytes = [];
  if (typeof value === 'number' && value >= 0 && value <= MAX_INT32) {
    let left = value;
    for (; left > 0x7f; left >>>= 7) bytes.push((left & 0x7f) | 0x80);
    bytes.push(left);
    return Buffer.from(bytes);
  }
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

/** Collects the fields of one message. */
class ProtoWriter {
  #parts = [];

  #field(number, wireType) {
    this.#parts.push(varintBytes((number << 3) | wireType));
  }

  bytes(number, bytes) {
    this.#field(number, LENGTH);
    this.#parts.push(varintBytes(bytes.length), bytes);
    return this;
  }

  /** Lone surrogates become U+FFFD. */
  string(number, text) {
    return this.bytes(number, Buffer.from(text === undefined ? '' : String(text)));
  }

  bool(number, value) {
    return this.int64(number, value ? 1 : 0);
  }

  /** @throws {Error} for what is no 32-bit integer */
  int32(number, value) {
    if (typeof value !== 'number') throw new Error(`invalid int 32: ${typeof value}`);
    if (!Number.isInteger(value) || value !== (value | 0)) throw new Error(`invalid int 32: ${value}`);
    return this.int64(number, value);
  }

  /** @throws {RangeError} for a fraction */
  int64(number, value) {
    this.#field(number, VARINT);
    this.#parts.push(varintBytes(value));
    return this;
  }

  double(number, value) {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(value);
    this.#field(number, FIXED64);
    this.#parts.push(bytes);
    return this;
  }

  fixed64(number, value) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(value);
    this.#field(number, FIXED64);
    this.#parts.push(bytes);
    return this;
  }

  message(number, writer) {
    return this.bytes(number, writer.finish());
  }

  finish() {
    return Buffer.concat(this.#parts);
  }
}

module.exports = { ProtoWriter };
