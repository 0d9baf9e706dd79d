'use strict';
// Owns the facts of an attempt over gRPC as the native side reads them.
// It refuses to judge them; that is the dispatcher's.

const { NAMES } = require('../config/grpc/status.js');

const CODES = Object.fromEntries(NAMES.map((name, code) => [name, code]));
const NO_BODY = Buffer.alloc(0);

/** An answer with a status, or what stands for one. */
function statusFacts(grpcStatus, grpcMessage, { metadata = [], body = NO_BODY, status = 200 } = {}) {
  return { outcome: 'reply', status, grpcStatus, grpcMessage, metadata, body };
}

/** An answer of something that does not speak gRPC. */
function foreignFacts(status, body) {
  return { outcome: 'reply', status, body };
}

module.exports = { CODES, foreignFacts, statusFacts };
