// The collector of the benchmarks, in a process of its own: answers OTLP/HTTP, discards bodies, counts what came.
import { createServer } from 'node:http';
import { gunzipSync } from 'node:zlib';

import { countSpans } from './count_spans.mjs';

const behaviour = { delayMillis: 0, status: 200, countSpans: false, replyHex: '', closes: false };
const totals = { requests: 0, bytes: 0, spans: 0, connections: 0, lastAt: 0 }; // lastAt: Date.now() of the last body

const server = createServer({ keepAliveTimeout: 30_000 }, (request, response) => {
  const chunks = [];
  let bytes = 0;
  request.on('data', (chunk) => {
    bytes += chunk.length;
    if (behaviour.countSpans) chunks.push(chunk);
  });
  request.on('end', () => {
    totals.requests += 1;
    totals.bytes += bytes;
    totals.lastAt = Date.now();
    const answer = () => {
      if (behaviour.countSpans && behaviour.status < 300) {
        const body = Buffer.concat(chunks);
        totals.spans += countSpans(request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body);
      }
      const reply = Buffer.from(behaviour.replyHex, 'hex');
      response.writeHead(behaviour.status, {
        'content-type': 'application/x-protobuf',
        'content-length': String(reply.length),
        ...(behaviour.closes && { connection: 'close' }),
      });
      response.end(reply);
    };
    if (behaviour.delayMillis > 0) setTimeout(answer, behaviour.delayMillis);
    else answer();
  });
});
server.on('connection', () => {
  totals.connections += 1;
});

process.on('message', (message) => {
  if (message.behave) Object.assign(behaviour, message.behave);
  if (message.reset) Object.assign(totals, { requests: 0, bytes: 0, spans: 0, connections: 0, lastAt: 0 });
  process.send({ id: message.id, totals });
});
process.on('disconnect', () => process.exit(0));

server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
