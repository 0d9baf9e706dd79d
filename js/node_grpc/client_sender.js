'use strict';
// Owns sending through the application's own client of @grpc/grpc-js, for credentials that only it can use.
// It refuses to decide: no retry, no verdict, only the facts of one attempt. Compression, metadata of calls and proxies
// are that package's.

const { factsOfError } = require('../node_http/network_facts.js');
const wrongPort = require('../node_http/wrong_port.js');
const { contained, ignore } = require('../guards/user_code.js');
const { toWire } = require('../config/grpc/metadata_values.js');
const { CODES, statusFacts, tooLargeFacts } = require('./reply.js');

const PATH = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const GZIP = 2; // of its compressionAlgorithms
const OWN_LIMIT = /^Received message (larger than max|that decompresses to a size larger than) /;
const same = (bytes) => bytes;

/**
 * @param {object} config as `resolveGrpcConfig` gives it
 * @param {object} grpc the exports of @grpc/grpc-js
 */
function createClientSender(config, grpc) {
  let client = null;

  function send(body, headers, timeoutMillis, _contentEncoding, signal = {}) {
    return new Promise((resolve) => {
      const attempt = { isOver: false, client: null, call: null };
      const deadline = Date.now() + timeoutMillis;
      const finish = (facts) => {
        attempt.isOver = true;
        resolve(facts);
      };
      // What the attempt waits for may never come, and null is nobody's answer.
      signal.end = () => {
        if (attempt.isOver) return;
        finish(null);
        contained(ignore, () => attempt.call?.cancel());
        leave(attempt);
      };
      exchange(body, headers, deadline, attempt)
        .catch((error) => ({ outcome: 'failed', error: factsOfError(error, 'unsendable') }))
        .then(finish);
    });
  }

  async function exchange(body, headers, deadline, attempt) {
    const entries = typeof headers === 'function' ? await headers() : headers;
    if (attempt.isOver) return null;
    const metadata = metadataOf(entries, grpc);
    client ??= new grpc.Client(config.target, config.object, channelOptions(config));
    attempt.client = client;
    return new Promise((resolve, reject) => {
      let hasBegun = false; // the answer
      const done = (error, answer) => {
        if (error?.code === CODES.DEADLINE_EXCEEDED) leave(attempt);
        if (!error) resolve(statusFacts(0, '', { body: answer instanceof Uint8Array ? answer : undefined }));
        else resolve(factsOf(error, hasBegun, config));
      };
      // What is thrown here would end the process.
      const callback = (...args) => contained(reject, done, ...args);
      attempt.call = attempt.client.makeUnaryRequest(PATH, same, same, body, metadata, { deadline }, callback);
      const noteBegin = () => {
        hasBegun = true;
      };
      // Whoever has patched the client may answer anything here.
      contained(ignore, () => attempt.call.on('metadata', noteBegin));
    });
  }

  /** A connection that is silent is given up at once: the next call opens another. Calls under way go on. */
  function leave(attempt) {
    if (client === attempt.client) closeClient();
  }

  function closeClient() {
    client?.close();
    client = null;
  }

  return { send, close: async () => closeClient() };
}

function channelOptions(config) {
  const options = {
    'grpc.default_compression_algorithm': config.compression === 'gzip' ? GZIP : 0,
    'grpc.primary_user_agent': config.userAgent,
  };
  if (config.isProxyOff) options['grpc.enable_http_proxy'] = 0;
  if (config.maxReceiveMessageBytes !== undefined)
    options['grpc.max_receive_message_length'] = config.maxReceiveMessageBytes;
  if (config.keepAlivePingMillis !== undefined) {
    options['grpc.keepalive_time_ms'] = config.keepAlivePingMillis;
    options['grpc.keepalive_timeout_ms'] = config.keepAlivePingTimeoutMillis ?? 20_000;
  }
  return options;
}

function metadataOf(entries, grpc) {
  const metadata = new grpc.Metadata();
  for (const [name, value] of entries) metadata.add(name, name.endsWith('-bin') ? Buffer.from(value, 'base64') : value);
  return metadata;
}

/** `hasBegun`: the answer had by then. The package words what is too large for it as a peer does for whom a request is. */
function factsOf(error, hasBegun, { hostname, port }) {
  if (typeof error.code !== 'number') return { outcome: 'failed', error: factsOfError(error, 'unsendable') };
  const said = String(error.details ?? '');
  const hint = wrongPort.hintOfGrpcClient(said, port);
  const details = hint === null ? said : wrongPort.withHint(said, `${hostname}:${port}`, hint);
  const trailers = Object.entries(error.metadata?.toJSON?.() ?? {});
  // A peer may say anything, and 32 bits of what is no status may say success.
  const isStatus = Number.isInteger(error.code) && error.code > 0 && error.code < 2 ** 31;
  const isOwn = hasBegun && trailers.length === 0 && OWN_LIMIT.test(details);
  if (error.code === CODES.RESOURCE_EXHAUSTED && isOwn) return tooLargeFacts(details);
  const metadata = trailers.flatMap(([name, values]) => values.map((value) => [name, toWire(value)]));
  return statusFacts(isStatus ? error.code : CODES.UNKNOWN, details, { metadata });
}

module.exports = { createClientSender };
