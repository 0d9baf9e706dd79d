'use strict';
// Owns the facts of an attempt over gRPC as the native side reads them.
// It refuses to judge them; that is the dispatcher's.

const { factsOfError } = require('../node_http/network_facts.js');
const { NAMES } = require('../config/grpc/status.js');

const CODES = Object.fromEntries(NAMES.map((name, code) => [name, code]));
const NO_BODY = Buffer.alloc(0);

/** An answer with a status, or what stands for one. */
function statusFacts(grpcStatus, grpcMessage, { metadata = [], body = NO_BODY } = {}) {
  return { outcome: 'reply', grpcStatus, grpcMessage, metadata, body };
}

/** What stands for a status where the connection is lost: nobody has answered. */
function lostFacts(text) {
  return { ...statusFacts(CODES.UNAVAILABLE, text), isLost: true };
}

/** An answer of something that does not speak gRPC. */
function foreignFacts(status) {
  return { outcome: 'reply', status };
}

/** An answer that is too large for us: its status would say that the request was too large for the peer. */
function tooLargeFacts(text) {
  return { outcome: 'failed', error: factsOfError(new Error(text), 'response_too_large') };
}

module.exports = { CODES, foreignFacts, lostFacts, statusFacts, tooLargeFacts };
