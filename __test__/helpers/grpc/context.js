'use strict';
// Owns the servers and files that the scenarios of the gRPC table use.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { issue } = require('../config/certificates.js');
const { startGrpcReceiver } = require('./receiver.js');
const { localSocket } = require('../local_socket.js');

const NAMES = [
  'h',
  'H',
  'localhost',
  '127.0.0.1',
  '::1',
  'in-code',
  'traces',
  'general',
  'inherited',
  'my_host',
  'xn--bcher-kva',
];

async function makeContext() {
  const ca = issue({ commonName: 'a CA', authority: true });
  const server = issue({ commonName: 'collector', names: NAMES, issuer: ca });
  const client = issue({ commonName: 'client', issuer: ca });
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-grpc-'));
  const pem = { ca: ca.cert, client: client.cert, clientKey: client.key };
  const files = {
    'ca.pem': ca.cert,
    'other.pem': issue({ commonName: 'another CA', authority: true }).cert,
    'client.pem': client.cert,
    'client.key': client.key,
    'broken.pem': 'not a certificate',
  };
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(dir, name), text);
  const tls = { key: server.key, cert: server.cert, ca: ca.cert, requestCert: true };
  const lenient = { tls: { ...tls, rejectUnauthorized: false } };
  const socket = localSocket(dir);
  const receiver = await startGrpcReceiver(lenient);
  const strict = await startGrpcReceiver({ tls: { ...tls, rejectUnauthorized: true } });
  const unix = await startGrpcReceiver({ ...lenient, listen: { path: socket } });
  const { host, origin, port } = receiver;
  return {
    ...{ dir, pem, socket, receiver, strict, host, origin, port },
    receivers: [receiver, strict, unix],
    file: (name) => path.join(dir, name),
    async close() {
      for (const each of [receiver, strict, unix]) await each.close();
      fs.rmSync(dir, { recursive: true });
    },
  };
}

module.exports = { makeContext };
