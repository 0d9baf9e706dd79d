// The collector of the gRPC rows, in a process of its own: a plain HTTP/2 server that answers every call with status 0. It
// decodes nothing; spans are counted when the answer is out, so that counting is no part of what an export takes.
import { createServer } from 'node:http2';

import { behaviour, countAccepted, countBody, serve, whenDue } from './collector.mjs';

const MESSAGE_HEAD_BYTES = 5; // a flag of compression, and the length
const EMPTY_MESSAGE = Buffer.alloc(MESSAGE_HEAD_BYTES);
/** The windows of a server made for bodies, so that HTTP/2 as Node sets it up is not what is measured. */
const WINDOW_BYTES = 16 * 2 ** 20;

function countMessage(chunks) {
  const bytes = Buffer.concat(chunks);
  const message = bytes.subarray(MESSAGE_HEAD_BYTES);
  if (message.length !== bytes.readUInt32BE(1)) throw new Error('a call of the benchmark has one message');
  countAccepted(message, bytes[0] === 1);
}

const server = createServer({ settings: { initialWindowSize: WINDOW_BYTES } });
server.on('session', (session) => session.setLocalWindowSize(WINDOW_BYTES));
server.on('stream', (stream) => {
  const chunks = [];
  let bytes = 0;
  stream.on('data', (chunk) => {
    bytes += chunk.length;
    if (behaviour.countSpans) chunks.push(chunk);
  });
  stream.on('end', () => {
    countBody(bytes);
    whenDue(() => {
      if (stream.destroyed) return; // its client has given up: nobody was told that these spans arrived
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(EMPTY_MESSAGE);
      if (behaviour.countSpans) countMessage(chunks);
    });
  });
  stream.on('error', () => {}); // a client that leaves
});

serve(server);
