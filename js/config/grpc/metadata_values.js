'use strict';
// Owns which keys and values gRPC metadata may have, and an object of them that is used like `Metadata` of @grpc/grpc-js.
// It refuses to load that package, and to show a value in an error: it may be a password.

const LEGAL_KEY = /^[:0-9a-z_.-]+$/;
const LEGAL_VALUE = /^[ -~]*$/;

// What a request over gRPC says by itself; the original overwrites these, too.
const OWN_KEYS = new Set([
  'content-type',
  'te',
  'user-agent',
  'grpc-timeout',
  'grpc-encoding',
  'grpc-accept-encoding',
  'accept-encoding',
]);
// HTTP/2 has no place for these.
const FORBIDDEN_KEYS = new Set([
  'connection',
  'content-length',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

const isBinary = (key) => key.endsWith('-bin');

/** @throws {Error} in the words of @grpc/grpc-js */
function validate(key, value) {
  if (!LEGAL_KEY.test(key)) throw new Error(`Metadata key "${key}" contains illegal characters`);
  if (value == null) return;
  if (isBinary(key)) {
    if (!(value instanceof Uint8Array)) throw new Error("keys that end with '-bin' must have Buffer values");
  } else if (typeof value !== 'string') {
    throw new Error("keys that don't end with '-bin' must have String values");
  } else if (!LEGAL_VALUE.test(value)) {
    throw new Error('Metadata string value "***" contains illegal characters');
  }
}

/** Whether a key of the user's is sent; those of pseudo headers are not. @throws {Error} where HTTP/2 forbids it */
function isSendable(key) {
  if (key.startsWith(':') || OWN_KEYS.has(key)) return false;
  if (!key.includes(':') && !FORBIDDEN_KEYS.has(key)) return true;
  throw new Error(`Metadata key "${key}" cannot be sent over HTTP/2`);
}

/** A value as it goes on the wire: bytes as padded base64. */
function toWire(value) {
  if (typeof value === 'string') return value;
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
}

class GrpcMetadata {
  // The names of the members are those of the original, because libraries look into it.
  internalRepr = new Map();
  options;

  constructor(options = {}) {
    this.options = options;
  }

  /** Of trailers as they came: `[name, value]`, bytes in base64. Several texts of a name are one, as HTTP/2 has it. */
  static fromWire(entries) {
    const metadata = new GrpcMetadata();
    for (const [name, value] of entries) {
      const values = metadata.get(name);
      const bytes = () => value.split(',').map((text) => Buffer.from(text.trim(), 'base64'));
      metadata.internalRepr.set(name, isBinary(name) ? [...values, ...bytes()] : [[...values, value].join(', ')]);
    }
    return metadata;
  }

  set(key, value) {
    const name = String(key).toLowerCase();
    validate(name, value);
    this.internalRepr.set(name, [value]);
  }

  add(key, value) {
    const name = String(key).toLowerCase();
    validate(name, value);
    this.internalRepr.set(name, [...(this.internalRepr.get(name) ?? []), value]);
  }

  remove(key) {
    this.internalRepr.delete(String(key).toLowerCase());
  }

  get(key) {
    return this.internalRepr.get(String(key).toLowerCase()) ?? [];
  }

  /** The first value of each key. */
  getMap() {
    const entries = [...this.internalRepr].filter(([, values]) => values.length > 0);
    return Object.fromEntries(entries.map(([key, [value]]) => [key, copyOf(value)]));
  }

  clone() {
    const copy = new GrpcMetadata(this.options);
    for (const [key, values] of this.internalRepr) copy.internalRepr.set(key, values.map(copyOf));
    return copy;
  }

  merge(other) {
    for (const [key, values] of other.internalRepr) this.internalRepr.set(key, [...this.get(key), ...values]);
  }

  setOptions(options) {
    this.options = options;
  }

  getOptions() {
    return this.options;
  }

  toHttp2Headers() {
    const headers = {};
    for (const [key, values] of this.internalRepr)
      headers[key] = values.length === 1 ? toWire(values[0]) : values.map(toWire);
    return headers;
  }

  toJSON() {
    return Object.fromEntries(this.internalRepr);
  }
}
Object.defineProperty(GrpcMetadata, 'name', { value: 'Metadata' });

function copyOf(value) {
  return Buffer.isBuffer(value) ? Buffer.from(value) : value;
}

module.exports = { GrpcMetadata, isSendable, toWire, validate };
