'use strict';
// Owns the two ways in which the probe goes out: through the exporter, as spans do, or through Node's own http and http2, as
// exporters with `transport: 'node'` send, where the native addon does not load.
// It refuses to judge: both answer the facts of one attempt, `{ isDelivered, rejected, status, grpcStatus, code, text, body,
// isTimeout }`, as far as they apply.

const { STATUS_CODES } = require('node:http');
const { clearTimeout, setTimeout } = require('../guards/timers.js');
const { withoutTracing } = require('../otel/sdk_context.js');
const { bodyOf, emptyBody } = require('./probe_body.js');

const GRACE_MILLIS = 2000; // who has a deadline answers at it, and not much later
const SHUTDOWN_MILLIS = 1000;
/** What a status of HTTP means to a call of gRPC, as the gRPC specification has it. */
const GRPC_OF_HTTP = { 400: 13, 401: 16, 403: 7, 404: 12, 429: 14, 502: 14, 503: 14, 504: 14 };

/** @param {object} config as `resolveConfig` gives it  @param {object | null} span null for an empty request */
async function sendByExporter(config, span, timeoutMillis) {
  const { LaneExporter } = require('../exporter/lane_exporter.js');
  const { settingsFor } = require('../exporter/otlp_trace_exporter.js');
  const settings = settingsFor(config);
  if (span === null) {
    // An empty batch would be sent nowhere: this one counts as a span, and its bytes are there already.
    const { PreparedWriter } = require('../tusk/prepared_writer.js');
    settings.native.drift = { output: 'prepared_request' };
    settings.createWriter = (...args) => new PreparedWriter(...args);
  }
  const exporter = new LaneExporter(settings);
  const batch = [span ?? { printed: emptyBody(config.protocol) }];
  const result = await inTime(new Promise((resolve) => exporter.export(batch, resolve)), timeoutMillis);
  const { rejected } = exporter.stats();
  await exporter.shutdown({ timeoutMillis: SHUTDOWN_MILLIS });
  if (result === null) return late();
  return result.code === 0 ? { isDelivered: true, rejected } : factsOfError(result.error);
}

/** What an error of the exporter tells: a status, a gRPC status, or why there is none. */
function factsOfError(error) {
  if (typeof error.details === 'string') return { grpcStatus: error.code, text: error.details };
  if (Number.isInteger(error.code))
    return { status: error.code, text: STATUS_CODES[error.code] ?? '', body: error.data };
  const { code, message } = error.errors?.[0] ?? error;
  return { code, text: message, isTimeout: code === undefined && /timed out/i.test(message) };
}

async function sendByNode(config, span, timeoutMillis) {
  const isGrpc = config.protocol === 'grpc';
  const sender = isGrpc
    ? require('../node_grpc/http2_sender.js').createHttp2Sender(config)
    : require('../node_http/sender.js').createNodeSender(config);
  const { protocol, headers, refusal } = config;
  if (refusal) return { code: refusal.code, text: refusal.message };
  const body = span === null ? emptyBody(protocol) : bodyOf(span, protocol);
  // A preloaded SDK would make a span of it.
  const sent = withoutTracing(() => sender.send(body, headers.entries, timeoutMillis));
  const facts = await inTime(sent, timeoutMillis);
  await sender.close();
  if (facts === null) return late();
  if (facts.outcome === 'failed') {
    const { code, message, kind } = facts.error.addresses?.[0] ?? facts.error;
    return { code, text: message, isTimeout: kind === 'timed_out' };
  }
  const { grpcStatus, grpcMessage, status, reason } = facts;
  if (!isGrpc && status >= 200 && status < 300) return { isDelivered: true, rejected: 0 };
  if (!isGrpc) return { status, text: reason ?? '', body: facts.body.toString() };
  if (grpcStatus === 0) return { isDelivered: true, rejected: 0 };
  if (grpcStatus !== undefined) return { grpcStatus, text: grpcMessage };
  return { grpcStatus: GRPC_OF_HTTP[status] ?? 2, text: `Received HTTP status code ${status}` };
}

const late = () => ({ text: 'Request timed out', isTimeout: true });

/** What `answer` resolves with, or null; the timer holds the process, which connections of ours do not. */
function inTime(answer, timeoutMillis) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(null), timeoutMillis + GRACE_MILLIS);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

module.exports = { sendByExporter, sendByNode };
