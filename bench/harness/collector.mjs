// Owns what the collector processes of the benchmarks have in common: how they behave, what they count, and how their
// parent asks. Refuses to know a protocol: http and gRPC have a file each.
import { gunzipSync } from 'node:zlib';

import { countSpans } from './count_spans.mjs';

const NOTHING = { requests: 0, bytes: 0, spans: 0, connections: 0, lastAt: 0 }; // lastAt: Date.now() of the last body

export const behaviour = { delayMillis: 0, status: 200, countSpans: false, replyHex: '', closes: false };
export const totals = { ...NOTHING };

/** Calls `answer` when this collector answers. */
export function whenDue(answer) {
  if (behaviour.delayMillis > 0) setTimeout(answer, behaviour.delayMillis);
  else answer();
}

export function countBody(bytes) {
  totals.requests += 1;
  totals.bytes += bytes;
  totals.lastAt = Date.now();
}

/** Counts the spans of a request that was accepted. */
export function countAccepted(body, isGzip) {
  totals.spans += countSpans(isGzip ? gunzipSync(body) : body);
}

/** Answers the parent, ends with it, and says on which port `server` listens. */
export function serve(server) {
  server.on('connection', () => {
    totals.connections += 1;
  });
  process.on('message', (message) => {
    if (message.behave) Object.assign(behaviour, message.behave);
    if (message.reset) Object.assign(totals, NOTHING);
    process.send({ id: message.id, totals });
  });
  process.on('disconnect', () => process.exit(0));
  server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
}
