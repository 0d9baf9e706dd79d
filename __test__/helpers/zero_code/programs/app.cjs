'use strict';
// A program that leaves tracing to what is preloaded: it makes spans of its own, and has Node's `http` traced by whoever does.

const http = require('node:http');
const { traced } = require('./traced.cjs');

traced();
const server = http.createServer((_request, response) => response.end('hello'));
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  const request = http.get({ host: '127.0.0.1', port, path: '/hello', agent: false }, (answer) => answer.resume());
  // Behind the listeners of an instrumentation, which ends its spans there.
  request.once('close', () => server.close(() => setImmediate(() => console.log(`ready ${port}`))));
});
