// The collector of the benchmarks, in a process of its own: answers OTLP/HTTP, discards bodies, counts what came.
import { createServer } from 'node:http';

import { behaviour, countAccepted, countBody, serve, whenDue } from './collector.mjs';

const server = createServer({ keepAliveTimeout: 30_000 }, (request, response) => {
  const chunks = [];
  let bytes = 0;
  request.on('data', (chunk) => {
    bytes += chunk.length;
    if (behaviour.countSpans) chunks.push(chunk);
  });
  request.on('end', () => {
    countBody(bytes);
    whenDue(() => {
      if (behaviour.countSpans && behaviour.status < 300)
        countAccepted(Buffer.concat(chunks), request.headers['content-encoding'] === 'gzip');
      const reply = Buffer.from(behaviour.replyHex, 'hex');
      response.writeHead(behaviour.status, {
        'content-type': 'application/x-protobuf',
        'content-length': String(reply.length),
        ...(behaviour.closes && { connection: 'close' }),
      });
      response.end(reply);
    });
  });
});

serve(server);
