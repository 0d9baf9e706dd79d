'use strict';
// Owns the numbers and names of gRPC statuses, and the error that stands for one.
// It refuses to load @grpc/grpc-js: the error has the shape of that package's, and its metadata the methods.

const { GrpcMetadata } = require('./metadata_values.js');

const NAMES = Object.freeze([
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
]);
const UNKNOWN = NAMES.indexOf('UNKNOWN');

/**
 * @param {number} code
 * @param {string} details
 * @param {[string, string][]} [trailers] without those of the status, as they came
 */
function grpcError(code, details, trailers = []) {
  const error = new Error(`${code} ${NAMES[code]}: ${details}`);
  error.code = code;
  error.details = details;
  error.metadata = GrpcMetadata.fromWire(trailers);
  return error;
}

module.exports = { grpcError, NAMES, UNKNOWN };
