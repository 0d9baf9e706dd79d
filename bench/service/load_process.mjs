// The load: `connections` sockets, each sends a request, waits for the whole answer and sends the next when its turn
// comes. It speaks just enough HTTP/1.1 to be much cheaper than the service that it loads.
import { connect } from 'node:net';

const { port, connections, pauseMillis = 0, warmUpMillis, millis } = JSON.parse(process.argv[2]);
const ANSWER_LIMIT_MILLIS = 10_000;
const REQUEST = Buffer.from('GET /page HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');

const latencies = [];
const counts = { requests: 0, failedRequests: 0 };

/** A socket on which `get()` resolves to the status of one request after the other. */
function open() {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let waiting;
  let received = Buffer.alloc(0);
  const settle = (status) => {
    received = Buffer.alloc(0);
    waiting?.(status);
    waiting = undefined;
  };
  socket.on('data', (chunk) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const end = received.indexOf('\r\n\r\n');
    if (end === -1) return;
    const head = received.latin1Slice(0, end);
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
    if (received.length >= end + 4 + length) settle(Number(head.slice(9, 12)));
  });
  socket.on('error', () => settle(0));
  socket.on('close', () => settle(0));
  socket.setTimeout(ANSWER_LIMIT_MILLIS, () => socket.destroy());
  return {
    get: () =>
      new Promise((resolve) => {
        waiting = resolve;
        socket.write(REQUEST);
      }),
    close: () => socket.destroy(),
  };
}

const startedAt = performance.now();
const measureFrom = startedAt + warmUpMillis;
const stopAt = measureFrom + millis;

async function run() {
  const socket = open();
  let next = startedAt;
  for (;;) {
    const wait = next - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    const sentAt = performance.now();
    if (sentAt >= stopAt) break;
    const status = await socket.get();
    if (sentAt >= measureFrom) {
      latencies.push(performance.now() - sentAt);
      if (status === 200) counts.requests += 1;
      else counts.failedRequests += 1;
    }
    if (status === 0) break; // the connection is gone
    // The pace is even and the same for every contender; who falls behind makes nothing up.
    next = pauseMillis > 0 ? next + pauseMillis * Math.max(1, Math.ceil((performance.now() - next) / pauseMillis)) : 0;
  }
  socket.close();
}

const percentile = (sorted, p) => sorted[Math.min(sorted.length - 1, Math.floor((p / 100) * sorted.length))] ?? 0;

process.on('disconnect', () => process.exit(0));
setTimeout(() => process.send({ type: 'measuring' }), warmUpMillis);
await Promise.all(Array.from({ length: connections }, run));
const seconds = (performance.now() - measureFrom) / 1000;
latencies.sort((a, b) => a - b);
process.send({
  type: 'result',
  sample: {
    requestsPerSecond: counts.requests / seconds,
    failedRequests: counts.failedRequests,
    latencyP50Millis: percentile(latencies, 50),
    latencyP99Millis: percentile(latencies, 99),
    latencyMaxMillis: latencies.at(-1) ?? 0,
  },
});
