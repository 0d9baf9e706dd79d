'use strict';
// Owns the endpoints that the verdicts of `offloop doctor` are tried on: one on loopback for each kind of failure.
// It refuses to know what the command makes of them.

const fs = require('node:fs');
const http = require('node:http');
const http2 = require('node:http2');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const tls = require('node:tls');
const { issue } = require('./config/certificates.js');
const { startProxy } = require('./grpc/proxy.js');
const { startGrpcReceiver } = require('./grpc/receiver.js');
const { refusedUrl, startReceiver } = require('./receiver.js');

const HOST = 'localhost';
const NAMES = [HOST, '127.0.0.1'];

/** Certificates: of an authority, and of servers that are in order, too old, too new, for another name, their own issuer. */
function makeMaterial() {
  const ca = issue({ commonName: 'the authority', authority: true });
  const server = (more) => issue({ commonName: 'collector', names: NAMES, issuer: ca, ...more });
  const material = {
    good: server(),
    expired: server({ notBeforeDays: -20, notAfterDays: -10 }),
    early: server({ notBeforeDays: 10, notAfterDays: 20 }),
    elsewhere: server({ names: ['collector.example'] }),
    own: issue({ commonName: 'collector', names: NAMES }),
    unknown: server({ issuer: issue({ commonName: 'another authority', authority: true }) }),
  };
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-doctor-'));
  const caFile = path.join(directory, 'ca.pem');
  fs.writeFileSync(caFile, ca.cert);
  const settings = Object.fromEntries(Object.entries(material).map(([name, { key, cert }]) => [name, { key, cert }]));
  settings.demanding = { ...settings.good, ca: ca.cert, requestCert: true, rejectUnauthorized: true };
  return { tls: settings, caFile, directory, remove: () => fs.rmSync(directory, { recursive: true, force: true }) };
}

/** A gRPC server that wants TLS; the other receiver of gRPC takes plain connections at the same port. */
async function startSecureGrpc(settings, t) {
  const server = http2.createSecureServer(settings);
  server.on('tlsClientError', () => {});
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return server.address().port;
}

/** One that speaks HTTP/2 and HTTP/1 over TLS, and answers no request. */
async function startSlowBoth(settings, t) {
  const server = http2.createSecureServer({ ...settings, allowHTTP1: true });
  const sockets = new Set();
  server.on('secureConnection', (socket) => sockets.add(socket));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return server.address().port;
}

/** One that ends each connection when its handshake is over, without a reason. */
async function startLeaving(settings, t) {
  const server = tls.createServer({ ...settings, ALPNProtocols: ['h2', 'http/1.1'] }, (socket) => socket.destroy());
  server.on('tlsClientError', () => {});
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return server.address().port;
}

/** A server of Node's, which answers what is no HTTP. */
async function startHttpServer(t) {
  const server = http.createServer((_request, response) => response.end());
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return `127.0.0.1:${server.address().port}`;
}

/** A server whose sockets get to `onSocket`. */
async function startRaw(onSocket, t) {
  const sockets = new Set();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    onSocket(socket);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `127.0.0.1:${server.address().port}`;
}

/** Whoever listens there speaks neither HTTP nor TLS. */
const startMailServer = (t) =>
  startRaw((socket) => socket.on('data', () => socket.write('500 command unknown here\r\n')), t);
const startSilent = (t) => startRaw(() => {}, t);
const startClosing = (t) => startRaw((socket) => socket.once('data', () => socket.end()), t);

module.exports = {
  HOST,
  makeMaterial,
  refusedUrl,
  startClosing,
  startGrpcReceiver,
  startHttpServer,
  startLeaving,
  startMailServer,
  startProxy,
  startReceiver,
  startSecureGrpc,
  startSilent,
  startSlowBoth,
};
