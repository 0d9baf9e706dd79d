// The same as an ES module.

import { once } from 'node:events';
import http from 'node:http';
import { traced } from './traced.cjs';

traced();
const server = http.createServer((_request, response) => response.end('hello'));
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address();
const request = http.get({ host: '127.0.0.1', port, path: '/hello', agent: false }, (answer) => answer.resume());
await once(request, 'close');
server.close(() => setImmediate(() => console.log(`ready ${port}`)));
