'use strict';
// Owns sending through the application's own client of @grpc/grpc-js, for credentials that only it can use.
// It refuses to decide: no retry, no verdict, only the facts of one attempt. Compression, metadata of calls and proxies
// are that package's.

const { factsOfError } = require('../node_http/network_facts.js');
const { toWire } = require('../config/grpc/metadata_values.js');
const { CODES, statusFacts } = require('./reply.js');

const PATH = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const GZIP = 2; // of its compressionAlgorithms
const same = (bytes) => bytes;

/**
 * @param {object} config as `resolveGrpcConfig` gives it
 * @param {object} grpc the exports of @grpc/grpc-js
 */
function createClientSender(config, grpc) {
  let client = null;

  function send(body, headers, timeoutMillis, _contentEncoding, signal = {}) {
    const deadline = Date.now() + timeoutMillis;
    return exchange(body, headers, deadline, signal).catch((error) => ({
      outcome: 'failed',
      error: factsOfError(error, 'unsendable'),
    }));
  }

  async function exchange(body, headers, deadline, signal) {
    const attempt = { isOver: false, call: null };
    signal.end = () => {
      attempt.isOver = true;
      attempt.call?.cancel();
    };
    const entries = typeof headers === 'function' ? await headers() : headers;
    if (attempt.isOver) return null;
    const metadata = metadataOf(entries, grpc);
    client ??= new grpc.Client(config.target, config.object, channelOptions(config));
    const used = client;
    return new Promise((resolve) => {
      attempt.call = used.makeUnaryRequest(PATH, same, same, body, metadata, { deadline }, (error, answer) => {
        // A connection that is silent is given up at once: the next call opens another.
        if (error?.code === CODES.DEADLINE_EXCEEDED && client === used) closeClient();
        resolve(error ? factsOf(error) : statusFacts(0, '', { body: answer ?? undefined }));
      });
    });
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

function factsOf(error) {
  if (typeof error.code !== 'number') return { outcome: 'failed', error: factsOfError(error, 'unsendable') };
  const metadata = Object.entries(error.metadata?.toJSON?.() ?? {}).flatMap(([name, values]) =>
    values.map((value) => [name, toWire(value)]),
  );
  return statusFacts(error.code, String(error.details ?? ''), { metadata });
}

module.exports = { createClientSender };
