'use strict';
// Owns a collector on loopback that is a server of @grpc/grpc-js, so that what is under test meets a peer that nobody here
// wrote. Messages are kept as they came out of that package, for the independent decoder.

const grpc = require('@grpc/grpc-js');
const { decodeRequest } = require('../otlp_decoder.js');

const PATH = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const STOP_MILLIS = 3000;
const same = (bytes) => bytes;
const service = {
  export: {
    path: PATH,
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  },
};

function credentialsOf(security, { ca, cert, key }) {
  if (security === 'plain') return grpc.ServerCredentials.createInsecure();
  const pair = { private_key: Buffer.from(key), cert_chain: Buffer.from(cert) };
  return grpc.ServerCredentials.createSsl(Buffer.from(ca), [pair], security === 'mTLS');
}

/**
 * @param {'plain' | 'TLS' | 'mTLS'} security
 * @param {ReturnType<import('./peer_cells.js').makeMaterial>} material
 * @param {number} [wantedPort] any that is free by default
 */
async function startGrpcJsServer(security, material, wantedPort = 0) {
  const calls = [];
  const server = new grpc.Server();
  server.addService(service, {
    export(call, done) {
      const { sslPeerCertificate } = call.getAuthContext();
      calls.push({ request: call.request, metadata: call.metadata.getMap(), client: sslPeerCertificate?.subject?.CN });
      done(null, Buffer.alloc(0));
    },
  });
  const port = await new Promise((resolve, reject) => {
    const bound = (error, number) => (error ? reject(error) : resolve(number));
    server.bindAsync(`127.0.0.1:${wantedPort}`, credentialsOf(security, material), bound);
  });
  return {
    port,
    calls,
    /** What has come since the last time, in the form of `decodeRequest`. */
    takeRequests: () => calls.splice(0).map(({ request }) => decodeRequest(request, 'protobuf')),
    /**
     * Takes no more calls, and resolves when those under way are answered: with `true`, or with `false` where that took too
     * long. A connection that is being accepted at that moment is not told, and so never ends by itself.
     */
    stop: () =>
      new Promise((resolve) => {
        const late = setTimeout(() => {
          server.forceShutdown();
          resolve(false);
        }, STOP_MILLIS);
        server.tryShutdown(() => {
          clearTimeout(late);
          resolve(true);
        });
      }),
    close: () => server.forceShutdown(),
  };
}

module.exports = { startGrpcJsServer };
