'use strict';
// Owns a relay on loopback in front of a peer: it counts the bytes that a client sends, and ends TLS where the peer has none.

const net = require('node:net');
const tls = require('node:tls');

/**
 * @param {number} target port of the peer
 * @param {import('node:tls').TlsOptions} [secure] the relay speaks TLS to clients, and plain text to the peer
 */
async function startRelay(target, secure) {
  const sockets = new Set();
  const relay = { bytes: 0 };
  const join = (client) => {
    const peer = net.connect(target, '127.0.0.1');
    for (const [socket, other] of [
      [client, peer],
      [peer, client],
    ]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
    client.on('data', (chunk) => {
      relay.bytes += chunk.length;
    });
  };
  const server = secure ? tls.createServer({ ALPNProtocols: ['h2'], ...secure }, join) : net.createServer(join);
  server.on('tlsClientError', () => {});
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  relay.port = server.address().port;
  relay.close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return relay;
}

module.exports = { startRelay };
