'use strict';

const { fork } = require('node:child_process');
const { monitorEventLoopDelay } = require('node:perf_hooks');
const { startReceiver } = require('./receiver.js');
const { countSpans, decodeRequest } = require('./otlp_decoder.js');

/**
 * The receiver in a process of its own, so that the program under measurement is not disturbed.
 * Steps must be plain data (no functions, no gates). `keep: true` lets `requests()` return the bodies;
 * without it only counts are kept.
 */
async function startReceiverProcess(options = {}, t) {
  const child = fork(__filename, ['--receiver'], {
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const calls = new Map();
  let nextId = 0;
  child.on('message', ({ id, value, error }) => {
    const { resolve, reject } = calls.get(id);
    calls.delete(id);
    if (error) reject(new Error(error));
    else resolve(value);
  });
  child.on('exit', () => {
    for (const { reject } of calls.values()) reject(new Error('the receiver process has ended'));
    calls.clear();
  });
  const call = (method, ...args) => {
    return new Promise((resolve, reject) => {
      const id = nextId++;
      calls.set(id, { resolve, reject });
      child.send({ id, method, args });
    });
  };
  const address = await call('start', options);
  const handle = {
    ...address,
    pid: child.pid,
    /** `{ requests, connections, openConnections, wireBytes, bodyBytes, spans }` since the last `reset()`. */
    counts: () => call('counts'),
    /** Resolves with the counts once `spans` spans have arrived. */
    waitForSpans: (spans, timeoutMillis = 15_000) => call('waitForSpans', spans, timeoutMillis),
    /** The requests with their decoded bodies, as plain data (`keep: true`). */
    requests: () => call('requests'),
    /** Names of all spans received (`keep: true`). */
    spanNames: () => call('spanNames'),
    reset: () => call('reset'),
    /** By how much the process was late at most: a collector that is starved takes nothing from anybody. */
    maxDelayMillis: () => call('maxDelayMillis'),
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.disconnect();
      await gone;
    },
  };
  t?.after(() => handle.close());
  return handle;
}

function serveParent() {
  let receiver;
  let keep = false;
  const delay = monitorEventLoopDelay({ resolution: 10 });
  let counts;
  let kept;
  const clear = () => {
    counts = { requests: 0, wireBytes: 0, bodyBytes: 0, spans: 0 };
    kept = [];
  };
  clear();
  const onRequest = (request) => {
    const { body } = request;
    counts.requests += 1;
    counts.wireBytes += request.wireBytes;
    counts.bodyBytes += body.length;
    counts.spans += countSpans(body, request.headers['content-type']);
    if (keep) {
      const { index, connection, arrivedMillis, completedMillis, method, target, headers, wireBytes } = request;
      kept.push({ index, connection, arrivedMillis, completedMillis, method, target, headers, wireBytes, body });
    }
    // What has been counted is not held twice.
    request.wireBody = null;
  };
  const snapshot = () => {
    return { ...counts, connections: receiver.connections.length, openConnections: receiver.openConnections };
  };
  const methods = {
    async start(options) {
      keep = options.keep === true;
      delay.enable();
      receiver = await startReceiver({ ...options, onRequest });
      return { port: receiver.port, origin: receiver.origin, url: receiver.url };
    },
    counts: snapshot,
    async waitForSpans(spans, timeoutMillis) {
      await receiver.waitFor(
        () => counts.spans >= spans,
        timeoutMillis,
        () => `${counts.spans} of ${spans} spans arrived`,
      );
      return snapshot();
    },
    requests: () => kept,
    spanNames: () => kept.flatMap(({ body, headers }) => spanNames(body, headers['content-type'])),
    reset: clear,
    maxDelayMillis: () => delay.max / 1e6,
  };
  process.on('message', async ({ id, method, args }) => {
    try {
      process.send({ id, value: await methods[method](...args) });
    } catch (error) {
      process.send({ id, error: error.message });
    }
  });
  process.on('disconnect', () => process.exit(0));
}

function spanNames(body, contentType) {
  return decodeRequest(body, contentType).flatMap(({ scopes }) => {
    return scopes.flatMap(({ spans }) => spans.map(({ name }) => name));
  });
}

if (require.main === module && process.argv.includes('--receiver')) serveParent();

module.exports = { startReceiverProcess };
