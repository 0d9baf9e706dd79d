'use strict';
// Owns the four ways in which spans go to a collector, and a collector on loopback for each: what an exporter is told to reach
// it by a name that only a proxy knows, and what has arrived there.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { issue } = require('../config/certificates.js');
const { startGrpcReceiver } = require('../grpc/receiver.js');
const { decodeRequest } = require('../otlp_decoder.js');
const { startReceiver } = require('../receiver.js');

/** No name server knows it: whoever reaches it has gone through the proxy. */
const HOST = 'collector.test';

/** `isTunnel`: the proxy is asked by CONNECT; over plain HTTP by a request in absolute form. */
const TRANSPORTS = {
  HTTP: { isGrpc: false, isSecure: false, isTunnel: false },
  HTTPS: { isGrpc: false, isSecure: true, isTunnel: true },
  'gRPC plain': { isGrpc: true, isSecure: false, isTunnel: true },
  'gRPC TLS': { isGrpc: true, isSecure: true, isTunnel: true },
};
for (const [name, transport] of Object.entries(TRANSPORTS)) Object.assign(transport, { name });

/** Certificates as texts and as a file, for the variables; removed when the test process ends. */
function makeMaterial(names = [HOST, 'localhost', '127.0.0.1', '::1']) {
  const ca = issue({ commonName: 'a CA', authority: true });
  const server = issue({ commonName: HOST, names, issuer: ca });
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-proxies-'));
  const caFile = path.join(directory, 'ca.pem');
  fs.writeFileSync(caFile, ca.cert);
  process.once('exit', () => fs.rmSync(directory, { recursive: true, force: true }));
  return { directory, caFile, ca: ca.cert, issuer: ca, server: { cert: server.cert, key: server.key } };
}

/** A collector for `transport`; `steps` are `script` and `otherwise` of its receiver. */
async function startCollector({ isGrpc, isSecure }, material, steps) {
  const tls = isSecure ? material.server : undefined;
  const receiver = isGrpc
    ? await startGrpcReceiver({ tls, ...steps })
    : await startReceiver({ tls, otherwise: asAsked, ...steps });
  const scheme = isSecure ? 'https' : 'http';
  const { port } = receiver;
  return {
    port,
    receiver,
    urlFor: (host) => `${scheme}://${host}:${port}${isGrpc ? '' : '/v1/traces'}`,
    url: `${scheme}://${HOST}:${port}${isGrpc ? '' : '/v1/traces'}`,
    variables: isSecure ? { OTEL_EXPORTER_OTLP_CERTIFICATE: material.caFile } : {},
    /** Requests that have come whole, in a form that can be compared. */
    arrived: () => receiver.completed.map(isGrpc ? describeCall : describeRequest),
    waitFor: (count) => (isGrpc ? receiver.waitForCalls(count) : receiver.waitForRequests(count)),
    close: () => receiver.close(),
  };
}

/** A proxy that sends on one request of a connection says so to the collector, which has to end the connection then. */
function asAsked({ headers }) {
  return { close: /close/i.test(headers.connection ?? '') };
}

function describeRequest({ method, target, headers, body }) {
  const { host } = headers;
  return { method, target, host, spans: spansOf(body) };
}

function describeCall({ headers, message }) {
  const { ':method': method, ':path': target, ':authority': host } = headers;
  return { method, target, host, spans: spansOf(message) };
}

/** Spans as they were sent, without flags, which the 1.x line does not send. */
function spansOf(body) {
  const withoutFlags = (key, value) => (key === 'flags' ? 0 : value);
  return JSON.parse(JSON.stringify(decodeRequest(body, 'protobuf'), withoutFlags));
}

module.exports = { HOST, makeMaterial, startCollector, TRANSPORTS };
