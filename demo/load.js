'use strict';

// The demo's second process: the load. Each connection sends a request, waits for the whole answer, and sends the next
// one when its turn comes: an even pace, the same in every phase. A connection that falls behind goes on at once and
// makes nothing up, so a service that stalls sees fewer requests, never a flood.

const http = require('node:http');
const { performance } = require('node:perf_hooks');

const { port, connections, requestsPerSecond, warmupSeconds, seconds } = JSON.parse(process.argv[2]);
const REQUEST_TIMEOUT_MILLIS = 10_000;
const SMALLEST_ANSWER_BYTES = 20_000;

const counts = { warmupRequests: 0, requests: 0, errors: 0, firstError: undefined };
const latenciesMillis = [];
const startedAt = performance.now();
const measureFrom = startedAt + warmupSeconds * 1000;
const stopAt = measureFrom + seconds * 1000;

function get(agent) {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: '/orders', agent, timeout: REQUEST_TIMEOUT_MILLIS };
    const request = http.get(options, (response) => {
      let bytes = 0;
      response.on('data', (chunk) => {
        bytes += chunk.length;
      });
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200 && bytes >= SMALLEST_ANSWER_BYTES) resolve();
        else reject(new Error(`status ${response.statusCode} with ${bytes} bytes`));
      });
    });
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', reject);
  });
}

async function connection(index) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const pauseMillis = (connections / requestsPerSecond) * 1000;
  let next = startedAt + (index / connections) * pauseMillis;
  for (;;) {
    const wait = next - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    const sentAt = performance.now();
    if (sentAt >= stopAt) break;
    try {
      await get(agent);
    } catch (error) {
      counts.errors++;
      counts.firstError ??= error.message;
    }
    if (sentAt >= measureFrom) {
      counts.requests++;
      latenciesMillis.push(performance.now() - sentAt);
    } else {
      counts.warmupRequests++;
    }
    next = Math.max(next + pauseMillis, performance.now());
  }
  agent.destroy();
}

function percentile(sorted, p) {
  return sorted.length === 0 ? 0 : sorted[Math.min(sorted.length - 1, Math.floor((p / 100) * sorted.length))];
}

async function main() {
  setTimeout(() => process.send({ type: 'measuring' }), measureFrom - performance.now());
  const progress = setInterval(() => process.send({ type: 'progress', requests: counts.requests }), 500);
  await Promise.all(Array.from({ length: connections }, (_, index) => connection(index)));
  clearInterval(progress);
  const measuredSeconds = (performance.now() - measureFrom) / 1000;
  const sorted = latenciesMillis.sort((a, b) => a - b);
  process.send(
    {
      type: 'result',
      ...counts,
      requestsPerSecond: counts.requests / measuredSeconds,
      latencyMillis: { p50: percentile(sorted, 50), p99: percentile(sorted, 99), max: sorted.at(-1) ?? 0 },
    },
    () => process.disconnect(),
  );
}

process.on('disconnect', () => process.exit(0));
main();
