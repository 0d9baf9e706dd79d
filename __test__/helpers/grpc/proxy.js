'use strict';
// A proxy on loopback that knows CONNECT only and leads every tunnel to one gRPC receiver, whatever host it was asked for: so
// a test sees which target a client means, and whether it speaks TLS to it, for names that do not exist.

const http = require('node:http');

/** @returns {Promise<{ url: string, host: string, asked: object[], close: () => Promise<void> }>} */
async function startProxy(receiver, { answer = 'HTTP/1.1 200 OK\r\n\r\n' } = {}) {
  const proxy = { asked: [] };
  const sockets = new Set();
  const server = http.createServer((_request, response) => response.writeHead(405).end());
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('connect', (request, socket, head) => {
    const { host, ...headers } = request.headers;
    proxy.asked.push({ target: request.url, host, authorization: headers['proxy-authorization'] });
    socket.write(answer);
    if (!answer.startsWith('HTTP/1.1 200')) return void socket.end();
    if (head.length > 0) socket.unshift(head);
    receiver.accept(socket, request.url);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  proxy.host = `127.0.0.1:${port}`;
  proxy.url = `http://${proxy.host}`;
  proxy.close = () => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  };
  return proxy;
}

module.exports = { startProxy };
