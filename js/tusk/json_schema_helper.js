'use strict';
// Owns schemas and hashes of live JavaScript values: what replay computes, and the reference for the native transform.
// Refuses to touch spans and to leave the calling thread: its callers need the answer at once.

const { createHash } = require('node:crypto');
const { DecodedType, EncodingType, JsonSchemaType } = require('./vocabulary.js');

const { NUMBER, STRING, BOOLEAN, NULL, UNDEFINED, OBJECT, ORDERED_LIST, UNORDERED_LIST, FUNCTION } = JsonSchemaType;

/** Type of a value by `typeof` or by its class name. */
const TYPE_MAPPING = Object.freeze({
  long: NUMBER,
  undefined: UNDEFINED,
  string: STRING,
  number: NUMBER,
  Number: NUMBER,
  boolean: BOOLEAN,
  null: NULL,
  bigint: NUMBER,
  Error: OBJECT,
  function: FUNCTION,
  RegExp: OBJECT,
  Set: UNORDERED_LIST,
  symbol: STRING,
  Date: STRING,
  Int8Array: STRING,
  Uint8Array: STRING,
  Uint8ClampedArray: STRING,
  Int16Array: STRING,
  Uint16Array: STRING,
  Int32Array: STRING,
  Uint32Array: STRING,
  Float32Array: STRING,
  Float64Array: STRING,
  DataView: STRING,
  ArrayBuffer: STRING,
  object: OBJECT,
  Object: OBJECT,
  Map: OBJECT,
  Array: ORDERED_LIST,
  Arguments: ORDERED_LIST,
});

/** Names of the mapping that count for objects; a boxed number, for one, is an object. */
const CLASS_NAMES = new Set(
  Object.keys(TYPE_MAPPING).filter((name) => /^[A-Z]/.test(name) && name !== 'Number' && name !== 'Object'),
);

function detailedType(value) {
  if (value === null) return NULL;
  const type = typeof value;
  if (type !== 'object') return TYPE_MAPPING[type] ?? STRING;
  const name = Object.prototype.toString.call(value).slice(8, -1);
  return CLASS_NAMES.has(name) ? TYPE_MAPPING[name] : OBJECT;
}

function leaf(type) {
  return { type, properties: {} };
}

function list(type, hasItems, first) {
  return hasItems ? { type, items: schemaOf(first), properties: {} } : leaf(type);
}

/** Merges reach the properties of the root only. */
function schemaOf(value, merges) {
  const type = detailedType(value);
  if (type === ORDERED_LIST) return list(type, Array.isArray(value) && value.length > 0, value[0]);
  if (type === UNORDERED_LIST) {
    const first = value instanceof Set && value.size > 0 ? value.values().next().value : null;
    return list(type, first !== null, first);
  }
  const schema = leaf(type);
  if (type !== OBJECT) return schema;
  const add = (key, member) => {
    const merge = merges?.[key];
    // An assignment, not a definition: a key `__proto__` is lost, as the hashes that replay compares with demand.
    schema.properties[key] = merge ? { ...schemaOf(member), ...ownMembers(merge) } : schemaOf(member);
  };
  if (value instanceof Map) for (const [key, member] of value) add(String(key), member);
  else for (const key of Object.keys(value)) add(key, value[key]);
  return schema;
}

/** What `Object.keys` sees, whatever the merge is. */
function ownMembers(merge) {
  const members = {};
  for (const key of Object.keys(merge)) members[key] = merge[key];
  return members;
}

function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const result = {};
  for (const key of Object.keys(value).sort()) result[key] = sorted(value[key]);
  return result;
}

function hashOf(value) {
  return createHash('sha256')
    .update(JSON.stringify(sorted(value)))
    .digest('hex');
}

function parseOr(text, otherwise) {
  try {
    return JSON.parse(text);
  } catch {
    return otherwise;
  }
}

/** `original` without its encoding; a failure leaves it as it was. */
function decodedMember(original, { encoding, decodedType }) {
  if (typeof original !== 'string') return original;
  const text = encoding === EncodingType.BASE64 ? Buffer.from(original, 'base64').toString('utf8') : original;
  if (decodedType === DecodedType.JSON) return parseOr(text, original);
  return decodedType ? text : parseOr(text, text);
}

function decoded(value, merges) {
  if (!merges) return value;
  const result = { ...value };
  for (const [key, merge] of Object.entries(merges)) {
    if (merge.encoding && value[key] !== undefined) result[key] = decodedMember(value[key], merge);
  }
  return result;
}

/** Schemas and hashes as record and replay compare them. */
// biome-ignore lint/complexity/noStaticOnlyClass: the SDK's public class
class JsonSchemaHelper {
  static getDetailedType(value) {
    return detailedType(value);
  }

  static generateSchema(data, schemaMerges) {
    return schemaOf(data, schemaMerges);
  }

  /** SHA-256 of the canonical JSON text, in hex. */
  static generateDeterministicHash(data) {
    return hashOf(data);
  }

  static sortObjectKeysRecursively(value) {
    return sorted(value);
  }

  /** Schema and hashes of `data` as it would have been recorded, decoded as `schemaMerges` say. */
  static generateSchemaAndHash(data, schemaMerges) {
    const value = decoded(JSON.parse(JSON.stringify(data)), schemaMerges);
    const schema = schemaOf(value, schemaMerges);
    return { schema, decodedValueHash: hashOf(value), decodedSchemaHash: hashOf(schema) };
  }

  static getTypeMapping() {
    return TYPE_MAPPING;
  }
}

module.exports = { JsonSchemaHelper };
