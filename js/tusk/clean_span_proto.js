'use strict';
// Owns clean spans as protobuf, for adapters that run on the JavaScript thread: request, span, schema, value.
// Refuses to be fast: the native path encodes batches.

const { ProtoWriter } = require('./proto_writer.js');
const { schemaKind } = require('./vocabulary.js');

function valueMessage(value) {
  const writer = new ProtoWriter();
  if (value === null || value === undefined) return writer.int32(1, 0);
  switch (typeof value) {
    case 'number':
      return writer.double(2, value);
    case 'string':
      return writer.string(3, value);
    case 'boolean':
      return writer.bool(4, value);
    case 'object':
      return Array.isArray(value) ? writer.message(6, listMessage(value)) : writer.message(5, structMessage(value));
    default:
      return writer.string(3, String(value));
  }
}

function listMessage(values) {
  const writer = new ProtoWriter();
  for (const value of values) writer.message(1, valueMessage(value));
  return writer;
}

/** Own enumerable members of whatever it is: elements of an array by index, none of a number. */
function structMessage(value) {
  const writer = new ProtoWriter();
  for (const [key, member] of Object.entries(value)) {
    if (key !== '__proto__') writer.message(1, entry(key, valueMessage(member)));
  }
  return writer;
}

function entry(key, value) {
  return new ProtoWriter().string(1, key).message(2, value);
}

function schemaMessage(schema) {
  const { type, properties, items, encoding, decodedType, matchImportance } = schema;
  const writer = new ProtoWriter();
  if (type !== 0) writer.int32(1, type);
  for (const [key, property] of Object.entries(properties ?? {})) {
    writer.message(2, entry(key, schemaMessage(property)));
  }
  if (items) writer.message(3, schemaMessage(items));
  if (encoding !== undefined) writer.int32(4, encoding);
  if (decodedType !== undefined) writer.int32(5, decodedType);
  if (matchImportance !== undefined) writer.double(6, Number(matchImportance));
  return writer;
}

function timeMessage({ seconds, nanos }) {
  const writer = new ProtoWriter();
  const whole = BigInt(seconds); // throws for fractions, as the schemas' own encoder does
  if (whole !== 0n) writer.int64(1, whole);
  if (nanos !== 0) writer.int32(2, nanos);
  return writer;
}

/**
 * One clean span.
 * @throws {Error} if a number that has to be an integer is none
 */
function encodeSpan(span, environment) {
  const writer = new ProtoWriter();
  const text = (number, value) => value === '' || writer.string(number, value);
  const struct = (number, value) => value && writer.message(number, structMessage(value));
  text(1, span.traceId);
  text(2, span.spanId);
  text(3, span.parentSpanId);
  text(4, span.name); // absent: present and empty
  text(5, span.packageName);
  text(6, span.instrumentationName);
  text(7, span.submoduleName);
  if (span.packageType) writer.int32(8, span.packageType);
  struct(9, span.inputValue);
  struct(10, span.outputValue);
  if (span.inputSchema) writer.message(11, schemaMessage(span.inputSchema));
  if (span.outputSchema) writer.message(12, schemaMessage(span.outputSchema));
  text(13, span.inputSchemaHash || '');
  text(14, span.outputSchemaHash || '');
  text(15, span.inputValueHash || '');
  text(16, span.outputValueHash || '');
  const kind = schemaKind(span.kind);
  if (kind !== 0) writer.int32(17, kind);
  writer.message(18, statusMessage(span.status));
  if (span.isPreAppStart) writer.bool(19, true);
  writer.message(20, timeMessage(span.timestamp));
  writer.message(21, timeMessage(span.duration));
  if (span.isRootSpan) writer.bool(22, true);
  struct(23, span.metadata);
  if (environment !== undefined) writer.string(24, environment);
  return writer.finish();
}

function statusMessage({ code, message }) {
  const writer = new ProtoWriter();
  if (code !== 0) writer.int32(1, code);
  if (message !== '') writer.string(2, message);
  return writer;
}

/**
 * An `ExportSpansRequest`.
 * @param {{ observableServiceId, environment, sdkVersion, sdkInstanceId }} origin
 * @param {Uint8Array[]} spans encoded
 */
function encodeRequest({ observableServiceId, environment, sdkVersion, sdkInstanceId }, spans) {
  const writer = new ProtoWriter();
  const head = [observableServiceId, environment || '', sdkVersion, sdkInstanceId];
  for (const [index, value] of head.entries()) if (value !== '') writer.string(index + 1, value);
  for (const span of spans) writer.bytes(5, span);
  return writer.finish();
}

module.exports = { encodeRequest, encodeSpan };
