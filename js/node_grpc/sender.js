'use strict';
// Owns who sends over gRPC where our own stack cannot: the application's client of @grpc/grpc-js for an object of that
// package, Node's http2 for everything else.
// It refuses to load anything before the first attempt.

const { factsOfError } = require('../node_http/network_facts.js');
const { createClientSender } = require('./client_sender.js');
const { findGrpc } = require('./grpc_module.js');
const { createHttp2Sender } = require('./http2_sender.js');

/**
 * @param {object} config as `resolveGrpcConfig` gives it
 * @returns {{ send: Function, close: () => Promise<void> }} as `createNodeSender` (../node_http/sender.js)
 */
function createGrpcSender(config) {
  let sender = null;
  if (config.proxy != null) require('../node_http/tunnel.js'); // now: a call with spans loads nothing
  return {
    send: (...args) => {
      sender ??= chooseSender(config);
      return sender.send(...args);
    },
    close: async () => {
      await sender?.close();
      sender = null;
    },
  };
}

function chooseSender(config) {
  const { object } = config;
  // An exporter that has begun with our own stack has moved here because of the server's TLS.
  if (object === null || config.transport !== 'node') return createHttp2Sender(config);
  const grpc = findGrpc(object);
  if (grpc !== null) return createClientSender(config, grpc);
  // In a bundle nobody finds the package; simple credentials show what TLS takes.
  const { secureContext, verifyOptions } = object;
  if (config.tls === null && typeof secureContext === 'object' && secureContext !== null) {
    // As with that package: NODE_TLS_REJECT_UNAUTHORIZED, which Node itself would follow, has no say.
    const rejectUnauthorized = verifyOptions?.rejectUnauthorized ?? true;
    return createHttp2Sender({ ...config, tlsOptions: { ...verifyOptions, rejectUnauthorized, secureContext } });
  }
  if (config.tlsOptions !== null || config.reason === "transport 'node'") return createHttp2Sender(config);
  return refusing('Offloop: the copy of @grpc/grpc-js that made the credentials was not found');
}

function refusing(text) {
  const error = () => factsOfError(new Error(text), 'unsendable');
  return { send: async () => ({ outcome: 'failed', error: error() }), close: async () => {} };
}

module.exports = { createGrpcSender };
