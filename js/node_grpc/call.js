'use strict';
// Owns one call on an HTTP/2 session of Node's: what goes out, and the facts of what comes back.
// It refuses to decide what a status means.

const zlib = require('node:zlib');
const { setImmediate } = require('../guards/timers.js');
const { CODES, foreignFacts, lostFacts, statusFacts, tooLargeFacts } = require('./reply.js');

const PATH = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const PREFIX_BYTES = 5;
const DEFAULT_MAX_BYTES = 4 * 1024 * 1024;
const MAX_OTHER_BYTES = 64 * 1024; // of an answer that is no gRPC: its body is not looked at
const MAX_TRAILERS = 1000;
const CANCEL = 8;

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

/** Resolves with facts, once; `signal.end` gives the call up. Throws, as a promise, what Node says to the headers. */
function call(session, config, { body, headers, isCompressed }, signal) {
  return new Promise((resolve) => {
    const stream = session.request(headers);
    const limit = config.maxReceiveMessageBytes ?? DEFAULT_MAX_BYTES;
    const answer = {
      status: 0,
      head: {},
      isGrpc: true,
      trailers: null,
      chunks: [],
      bytes: 0,
      tooLarge: null,
      error: null,
    };
    const settle = () => resolve(factsOf(answer, stream.rstCode, session.destroyed, limit));
    // The facts as they are: a stream that waits for its turn is not closed before it has had one.
    const giveUp = () => {
      settle();
      stream.close(CANCEL);
    };
    signal.end = giveUp;
    stream.on('response', (head) => {
      const isOther = !(head['content-type'] ?? 'application/grpc').startsWith('application/grpc');
      Object.assign(answer, { status: head[':status'], head, isGrpc: head[':status'] === 200 && !isOther });
    });
    stream.on('trailers', (trailers) => Object.assign(answer, { trailers }));
    stream.on('data', (chunk) => {
      answer.bytes += chunk.length;
      const isOver = answer.bytes > (answer.isGrpc ? limit + PREFIX_BYTES : MAX_OTHER_BYTES);
      if (!isOver && answer.isGrpc) answer.chunks.push(chunk);
      if (!isOver) return;
      if (answer.isGrpc)
        answer.tooLarge = `Received message larger than max (${answer.bytes - PREFIX_BYTES} vs ${limit})`;
      giveUp();
    });
    stream.on('error', (error) => {
      if (error.code !== 'ERR_HTTP2_STREAM_ERROR') answer.error ??= error.message;
    });
    // The answer is there, whether the request has gone out to its end or not: a peer may have read enough of it. Trailers
    // are told behind the end.
    stream.on('end', () => setImmediate(giveUp));
    stream.on('close', settle);
    stream.write(prefixOf(body, isCompressed));
    stream.end(body);
  });
}

/** A status that has come counts, whatever becomes of its stream and its connection. */
function factsOf(answer, rstCode, isDropped, limit) {
  const trailers = answer.trailers?.['grpc-status'] === undefined ? answer.head : answer.trailers;
  if (answer.tooLarge !== null) return tooLargeFacts(answer.tooLarge);
  if (trailers['grpc-status'] !== undefined) return statusOf(answer, trailers, limit);
  if (answer.status > 0 && !answer.isGrpc) return foreignFacts(answer.status);
  if (answer.error !== null) return lostFacts(answer.error);
  if (rstCode === CANCEL && isDropped) return lostFacts('Connection dropped');
  if (RESETS[rstCode] !== undefined) return statusFacts(...RESETS[rstCode]);
  if (rstCode === 0 && answer.status > 0) return foreignFacts(answer.status);
  if (isDropped) return lostFacts('Connection dropped');
  return statusFacts(CODES.INTERNAL, `Received RST_STREAM with code ${rstCode}`);
}

async function statusOf(answer, trailers, limit) {
  // Node joins what was said twice.
  const [number] = String(trailers['grpc-status']).split(',');
  const code = /^\s*\d{1,9}\s*$/.test(number) ? Number(number) : CODES.UNKNOWN;
  const metadata = metadataOf(trailers);
  const details = decoded(trailers['grpc-message'] ?? '');
  if (code !== 0) return statusFacts(code, details, { metadata });
  const { body, error, tooLarge } = await messageOf(Buffer.concat(answer.chunks), answer.head['grpc-encoding'], limit);
  if (tooLarge !== undefined) return tooLargeFacts(tooLarge);
  return error === undefined ? statusFacts(code, details, { metadata, body }) : statusFacts(...error, { metadata });
}

/** `{ body }`, the one message, or `{ error }` or `{ tooLarge }`. As with @grpc/grpc-js, the mark of compression alone says nothing. */
async function messageOf(bytes, encoding = 'identity', limit) {
  const length = bytes.length < PREFIX_BYTES ? Number.NaN : bytes.readUInt32BE(1);
  if (!(bytes.length >= PREFIX_BYTES + length)) return { error: [CODES.UNIMPLEMENTED, 'No message received'] };
  if (bytes.length > PREFIX_BYTES + length) return { error: [CODES.UNIMPLEMENTED, 'Too many responses received'] };
  const message = bytes.subarray(PREFIX_BYTES);
  if (bytes[0] !== 1 || encoding === 'identity') return { body: message };
  if (encoding !== 'gzip') {
    const text = `Received message compressed with unsupported encoding "${encoding}"`;
    return { error: [CODES.UNIMPLEMENTED, text] };
  }
  return new Promise((resolve) => {
    zlib.gunzip(message, { maxOutputLength: limit }, (error, body) => {
      if (!error) resolve({ body });
      else if (error.code === 'ERR_BUFFER_TOO_LARGE') {
        resolve({ tooLarge: `Received message that decompresses to a size larger than ${limit}` });
      } else resolve({ error: [CODES.INTERNAL, 'Failed to decompress gzip-encoded message'] });
    });
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
