'use strict';
// Owns the errors a user of the stock exporter knows, built from the plain facts of a failed export.
// It refuses to decide: which export failed, and for which reason, is settled before it is called.

/** A collector's refusal. Own properties and their order are the stock class's, which log flatteners show. */
class OTLPExporterError extends Error {
  code;
  name = 'OTLPExporterError';
  data;

  constructor(message, code, data) {
    super(message);
    this.data = data;
    this.code = code;
  }
}

/** Properties of Node's network errors in Node's order. */
const NODE_PROPERTIES = ['errno', 'code', 'syscall', 'hostname', 'address', 'port', 'reason', 'host'];

const MESSAGES = {
  limit: () => 'Concurrent export limit reached',
  empty: () => 'Nothing to send',
  too_large_response: () => 'OTLP export response body exceeded size limit of 4194304 bytes',
  timeout: () => 'Request timed out',
  queue_full: () => 'Export failed: the queue is full',
  bytes_full: () => 'Export failed: the queue holds its maximum of bytes',
  too_large: () => 'Export failed: larger than the size limit',
  invalid: () => 'Export failed: no span could be read',
  shutdown_deadline: () => 'Export failed: the shutdown deadline passed',
  after_shutdown: () => 'Export failed: the exporter is shut down',
  environment_gone: () => 'Export failed: the JavaScript environment it needed is gone',
  internal_error: () => 'Export failed: internal error',
};

// These say by `code` which rule of ours ended the export; the stock exporter's own failures have none.
const REASON_CODES = new Set([
  'queue_full',
  'bytes_full',
  'too_large',
  'invalid',
  'shutdown_deadline',
  'after_shutdown',
  'environment_gone',
  'internal_error',
]);

function nodeError(facts, message = facts.message) {
  const error = new Error(message);
  for (const name of NODE_PROPERTIES) {
    if (facts[name] != null && facts[name] !== '') error[name] = facts[name];
  }
  return error;
}

/** Node answers with an AggregateError when every address of a host refused. */
function networkError(facts) {
  const addresses = facts.addresses ?? [];
  if (addresses.length < 2) return nodeError(withHostname(facts));
  const errors = addresses.map((address) =>
    nodeError({ ...address, syscall: address.syscall ?? 'connect' }, address.message ?? describe(address)),
  );
  const aggregate = new AggregateError(errors);
  aggregate.code = errors[0].code;
  return aggregate;
}

/** Node names the host of a failed look-up in a property too; its text has it behind the code. */
function withHostname(facts) {
  if (facts.syscall !== 'getaddrinfo' || facts.hostname != null) return facts;
  return { ...facts, hostname: facts.message.split(' ')[2] };
}

function describe({ syscall = 'connect', code, address, port }) {
  const target = port == null ? address : `${address}:${port}`;
  return `${syscall} ${code} ${target}`;
}

function statusError(facts) {
  return new OTLPExporterError(facts.message, facts.httpStatus, bodyText(facts.body));
}

function bodyText(body) {
  if (body == null) return undefined;
  return typeof body === 'string' ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString();
}

/**
 * The Error for `resultCallback({ code: 1, error })`.
 *
 * @param {object} native facts of the outcome
 * @param {string} native.kind `status` (a failing HTTP status), `grpc` (a failing gRPC status), `retries_exhausted`,
 *   `network`, `timeout`, `too_large_response`, `limit`, `empty`, or a drop reason
 * @param {string} [native.message] reason phrase or details of a status, or Node's text of a network error
 * @param {string} [native.code] Node's error code, or the number of a gRPC status
 * @param {[string, string][]} [native.metadata] trailers of a gRPC status
 * @param {number} [native.httpStatus]
 * @param {string | Uint8Array} [native.body] response body of a failing status
 * @param {number} [native.errno] negative, as libuv reports it
 * @param {string} [native.syscall]
 * @param {string} [native.hostname] name that could not be resolved
 * @param {string} [native.address] peer tried last
 * @param {number} [native.port]
 * @param {object[]} [native.addresses] one record like this per address tried, when there were several
 * @param {Error} [native.original] an error that JavaScript code threw; it is handed on as it is
 */
function buildExportError(native) {
  if (native.original !== undefined) return native.original;
  switch (native.kind) {
    case 'status':
      return statusError(native);
    case 'retries_exhausted':
      return new OTLPExporterError('Export failed with retryable status', native.httpStatus);
    case 'grpc':
      // Loaded by the constructor of the exporter that it is about.
      return require('../config/grpc/status.js').grpcError(Number(native.code), native.message, native.metadata);
    case 'network':
      return networkError(native);
    default: {
      const error = new Error(native.message || MESSAGES[native.kind]?.() || 'Export failed with unknown error');
      if (REASON_CODES.has(native.kind)) error.code = native.kind;
      return error;
    }
  }
}

module.exports = { buildExportError, OTLPExporterError };
