'use strict';
// Owns the bytes of gRPC: the five bytes in front of a message, and google.rpc.Status with its RetryInfo, written by hand
// so that no code is shared with what is under test.

const zlib = require('node:zlib');

const EXPORT_PATH = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const PREFIX_BYTES = 5;

/** A message as it goes over the wire. */
function frame(message, { flag = 0 } = {}) {
  const head = Buffer.alloc(PREFIX_BYTES);
  head[0] = flag;
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/**
 * Every message in the body of a request: `{ flag, length, wire, message }`, without its compression. A body that ends in
 * the middle of a message has a last one with `isTorn`.
 */
function messagesOf(body, encoding = 'gzip') {
  const messages = [];
  for (let at = 0; at < body.length; ) {
    if (body.length - at < PREFIX_BYTES) {
      messages.push({ isTorn: true });
      break;
    }
    const flag = body[at];
    const length = body.readUInt32BE(at + 1);
    const wire = body.subarray(at + PREFIX_BYTES, at + PREFIX_BYTES + length);
    at += PREFIX_BYTES + length;
    const isTorn = wire.length < length;
    messages.push({ flag, length, wire, isTorn, message: isTorn || flag === 0 ? wire : inflate(wire, encoding) });
  }
  return messages;
}

function inflate(bytes, encoding) {
  if (encoding === 'gzip') return zlib.gunzipSync(bytes);
  if (encoding === 'deflate') return zlib.inflateSync(bytes);
  throw new Error(`a compressed message with grpc-encoding ${encoding}`);
}

function varint(value) {
  const bytes = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  return Buffer.from([...bytes, Number(rest)]);
}

const numberField = (field, value) => Buffer.concat([varint(field << 3), varint(value)]);
const bytesField = (field, bytes) => Buffer.concat([varint((field << 3) | 2), varint(bytes.length), bytes]);

/** `grpc-status-details-bin` with a `google.rpc.RetryInfo`; without `seconds` and `nanos` it names no delay. */
function retryDetails({
  code = 14,
  message = '',
  seconds,
  nanos,
  typeUrl = 'type.googleapis.com/google.rpc.RetryInfo',
}) {
  const duration = Buffer.concat([
    ...(seconds === undefined ? [] : [numberField(1, seconds)]),
    ...(nanos === undefined ? [] : [numberField(2, nanos)]),
  ]);
  const info = seconds === undefined && nanos === undefined ? Buffer.alloc(0) : bytesField(1, duration);
  const any = Buffer.concat([bytesField(1, Buffer.from(typeUrl)), bytesField(2, info)]);
  return Buffer.concat([numberField(1, code), bytesField(2, Buffer.from(message)), bytesField(3, any)]);
}

/** An ExportTraceServiceResponse with a partial success. */
function partialSuccess(rejected, text = '') {
  return bytesField(1, Buffer.concat([numberField(1, rejected), bytesField(2, Buffer.from(text))]));
}

module.exports = { EXPORT_PATH, frame, messagesOf, partialSuccess, retryDetails };
