'use strict';
// Owns one call on an HTTP/2 session of Node's: what goes out, and the facts of what comes back.
// It refuses to decide what a status means.

const zlib = require('node:zlib');
const { CODES, foreignFacts, statusFacts } = require('./reply.js');

const PATH = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const PREFIX_BYTES = 5;
const DEFAULT_MAX_BYTES = 4 * 1024 * 1024;
const MAX_TRAILERS = 1000;

// What the reset of a stream means, by its code, in the words of @grpc/grpc-js.
const RESETS = {
  7: [CODES.UNAVAILABLE, 'Stream refused by server'],
  8: [CODES.CANCELLED, 'Call cancelled'],
  11: [CODES.RESOURCE_EXHAUSTED, 'Bandwidth exhausted or memory limit exceeded'],
  12: [CODES.PERMISSION_DENIED, 'Protocol not secure enough'],
};

function requestHeaders(config, entries, timeoutMillis, contentEncoding) {
  const headers = {
    __proto__: null,
    ':method': 'POST',
    ':path': PATH,
    ':scheme': config.dial.startsWith('https') ? 'https' : 'http',
    ':authority': config.authority,
    te: 'trailers',
    'content-type': 'application/grpc',
    'user-agent': config.userAgent,
    'grpc-accept-encoding': 'identity,gzip',
    'grpc-timeout': timeoutText(timeoutMillis),
  };
  if (contentEncoding !== null) headers['grpc-encoding'] = contentEncoding;
  for (const [name, value] of entries) headers[name] = name in headers ? [headers[name], value].flat() : value;
  return headers;
}

/** At most eight digits. */
function timeoutText(millis) {
  let number = Math.max(1, Math.ceil(millis));
  for (const [unit, factor] of [
    ['m', 1],
    ['S', 1000],
    ['M', 60],
    ['H', 60],
  ]) {
    number = Math.ceil(number / factor);
    if (number < 1e8) return `${number}${unit}`;
  }
  return '99999999H';
}

function prefixOf(body, isCompressed) {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix[0] = isCompressed ? 1 : 0;
  prefix.writeUInt32BE(body.length, 1);
  return prefix;
}

/** Resolves with facts, once; `signal.end` gives the call up. */
function call(session, config, { body, headers, isCompressed }, signal) {
  return new Promise((resolve) => {
    const stream = session.request(headers);
    const limit = (config.maxReceiveMessageBytes ?? DEFAULT_MAX_BYTES) + PREFIX_BYTES;
    const answer = { status: 0, head: {}, trailers: null, chunks: [], bytes: 0, error: null };
    signal.end = () => stream.close(8);
    stream.on('response', (head) => Object.assign(answer, { status: head[':status'], head }));
    stream.on('trailers', (trailers) => Object.assign(answer, { trailers }));
    stream.on('data', (chunk) => {
      answer.bytes += chunk.length;
      if (answer.bytes <= limit) answer.chunks.push(chunk);
      else if (answer.error === null) {
        answer.error = [
          CODES.RESOURCE_EXHAUSTED,
          `Received message larger than max (${answer.bytes} vs ${limit - PREFIX_BYTES})`,
        ];
        stream.close(8);
      }
    });
    stream.on('error', (error) => {
      if (error.code !== 'ERR_HTTP2_STREAM_ERROR') answer.error ??= [CODES.UNAVAILABLE, error.message];
    });
    stream.on('close', () => resolve(factsOf(answer, stream.rstCode, session.destroyed, limit)));
    stream.write(prefixOf(body, isCompressed));
    stream.end(body);
  });
}

function factsOf(answer, rstCode, isDropped, limit) {
  const trailers = answer.trailers ?? answer.head;
  if (answer.error === null && trailers['grpc-status'] !== undefined) return statusOf(answer, trailers, limit);
  if (answer.error !== null) return statusFacts(...answer.error);
  if (rstCode === 8 && isDropped) return statusFacts(CODES.UNAVAILABLE, 'Connection dropped');
  if (RESETS[rstCode] !== undefined) return statusFacts(...RESETS[rstCode]);
  if (rstCode === 0 && answer.status > 0) return foreignFacts(answer.status, Buffer.concat(answer.chunks));
  if (isDropped) return statusFacts(CODES.UNAVAILABLE, 'Connection dropped');
  return statusFacts(CODES.INTERNAL, `Received RST_STREAM with code ${rstCode}`);
}

async function statusOf(answer, trailers, limit) {
  const number = Number(trailers['grpc-status']);
  const code = Number.isInteger(number) && number >= 0 && number <= 2 ** 31 ? number : CODES.UNKNOWN;
  const metadata = metadataOf(trailers);
  const details = decoded(trailers['grpc-message'] ?? '');
  if (code !== 0) return statusFacts(code, details, { metadata, status: answer.status });
  const body = await messageOf(Buffer.concat(answer.chunks), limit);
  if (body === null) return statusFacts(CODES.INTERNAL, 'The response message cannot be read', { metadata });
  if (body === undefined) return statusFacts(CODES.UNIMPLEMENTED, 'No message received', { metadata });
  return statusFacts(code, details, { metadata, body, status: answer.status });
}

/** The bytes of the one message; undefined if there is none, null if it cannot be read. */
async function messageOf(bytes, limit) {
  if (bytes.length === 0) return undefined;
  if (bytes.length < PREFIX_BYTES || bytes.readUInt32BE(1) > bytes.length - PREFIX_BYTES) return null;
  const message = bytes.subarray(PREFIX_BYTES, PREFIX_BYTES + bytes.readUInt32BE(1));
  if (bytes[0] === 0) return message;
  return new Promise((resolve) => {
    zlib.gunzip(message, { maxOutputLength: limit }, (error, plain) => resolve(error ? null : plain));
  });
}

function metadataOf(trailers) {
  const metadata = [];
  for (const [name, values] of Object.entries(trailers)) {
    if (name.startsWith(':') || name === 'grpc-status' || name === 'grpc-message') continue;
    for (const value of [values].flat()) if (metadata.length < MAX_TRAILERS) metadata.push([name, String(value)]);
  }
  return metadata;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

module.exports = { call, requestHeaders };
