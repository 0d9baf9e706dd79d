'use strict';
// Owns the words for a peer that speaks another protocol than the one that it was sent: nearly always it is the other port of a
// collector, or TLS on one side only. Where our own stack sends, src/sink/wrong_port.rs has the same.
// It refuses to show what the peer has said.

const { contained, ignore } = require('../guards/user_code.js');

const GRPC_PORT = 4317;
const HTTP_PORT = 4318;
const LOOKS_LIKE_GRPC = "looks like the gRPC port; use 4318 or protocol 'grpc'";
const LOOKS_LIKE_HTTP = "looks like the HTTP port; use 4317 or protocol 'http/protobuf'";
const SPEAKS_TLS = 'speaks TLS; use https://';
const SPEAKS_PLAIN = 'does not speak TLS; use http://';

const MAX_LOOK_BYTES = 1024; // of an answer's body
// What servers that speak HTTP/2 only say in HTTP/1, and servers that speak TLS to a request without it.
const WORDS_OF_GRPC = /HTTP\/2 only endpoint|expected `h2` to be available|HTTP\/2 client preface/;
const WORDS_OF_TLS =
  /HTTP request to an HTTPS server|plain HTTP request was sent to HTTPS port|speaking plain HTTP to an SSL-enabled|combination of host and port requires TLS/;
const NO_PROTOCOL = /no.application.protocol/i;
const NO_TLS = /wrong.version.number/i;
const ALERT_BYTES = 7;
const FRAME_HEAD_BYTES = 9;

/** `text` and what it says of the port of `peer`. Texts of OpenSSL end with a line, those of @grpc/grpc-js with a colon. */
function withHint(text, peer, hint) {
  return `${text.trimEnd().replace(/:$/, '')}: ${peer} ${hint}`;
}

/** Whether `bytes` begin with a frame that every peer of HTTP/2 sends first: SETTINGS or GOAWAY, of stream 0. */
function isHttp2(bytes) {
  const isFirst = bytes.length >= FRAME_HEAD_BYTES && bytes[0] === 0 && (bytes[3] === 4 || bytes[3] === 7);
  return isFirst && !bytes.readUInt32BE(5);
}

function isTlsAlert(bytes) {
  return bytes.length >= ALERT_BYTES && bytes[0] === 21 && bytes[1] === 3 && bytes[3] === 0 && bytes[4] === 2;
}

/** What the first bytes of an answer, which are no HTTP/1, say of the port, or null. */
function hintInBytes(bytes) {
  if (isHttp2(bytes)) return `speaks HTTP/2; it ${LOOKS_LIKE_GRPC}`;
  return isTlsAlert(bytes) ? SPEAKS_TLS : null;
}

/** Says in an error of Node's http what it tells of the port. `isSilent`: no byte of an answer has come. */
function nameWrongPort(error, url, isSilent) {
  contained(ignore, () => {
    const hint = hintOfHttpError(error, portOf(url), isSilent);
    if (hint !== null) error.message = withHint(error.message, peerOf(url), hint);
  });
}

function hintOfHttpError({ code, message, rawPacket }, port, isSilent) {
  if (code === 'HPE_INVALID_CONSTANT') return Buffer.isBuffer(rawPacket) ? hintInBytes(rawPacket) : null;
  if (NO_TLS.test(message)) return SPEAKS_PLAIN;
  if (NO_PROTOCOL.test(message)) return `speaks no HTTP/1.1; it ${LOOKS_LIKE_GRPC}`;
  if (code !== 'ECONNRESET' || !isSilent || port !== GRPC_PORT) return null;
  return `has ended the connection without an answer; it ${LOOKS_LIKE_GRPC}`;
}

/** The reason phrase of an answer, and what its body tells of the port. */
function reasonOf({ statusCode, statusMessage }, body, url) {
  const hint = hintOfRefusal(statusCode, body);
  return hint === null ? statusMessage : withHint(statusMessage, peerOf(url), hint);
}

function hintOfRefusal(status, body) {
  if (status < 400 || body.length === 0) return null;
  const text = body.toString('latin1', 0, MAX_LOOK_BYTES);
  if (WORDS_OF_GRPC.test(text)) return LOOKS_LIKE_GRPC;
  return WORDS_OF_TLS.test(text) ? SPEAKS_TLS : null;
}

function peerOf(url) {
  return `${url.hostname}:${portOf(url)}`;
}

function portOf({ port, protocol }) {
  return Number(port) || (protocol === 'http:' ? 80 : 443);
}

/**
 * What a peer that has never spoken HTTP/2 has done in place of it.
 * @param {{ isPlain: boolean, bytes: number, text: string, port: number }} facts `bytes`: of its answer; `text`: Node's words
 */
function hintOfHttp2Silence({ isPlain, bytes, text, port }) {
  // Fewer bytes than the head of a frame.
  if (isPlain && bytes === ALERT_BYTES) return SPEAKS_TLS;
  if (/Protocol error/.test(text)) return `does not speak HTTP/2; it ${LOOKS_LIKE_HTTP}`;
  return port === HTTP_PORT ? `closed the connection before it spoke HTTP/2; it ${LOOKS_LIKE_HTTP}` : null;
}

/** What @grpc/grpc-js says of a connection that was never established tells of the port. */
function hintOfGrpcClient(details, port) {
  if (!details.startsWith('No connection established')) return null;
  const isSilent = /Last error: (Protocol error|Failed to connect)/.test(details);
  const ofSilence = isSilent ? hintOfHttp2Silence({ isPlain: false, bytes: 0, text: details, port }) : null;
  return ofSilence ?? hintOfGrpcHandshake(details);
}

/** What a handshake that failed says of a port that is to speak gRPC. */
function hintOfGrpcHandshake(text) {
  if (NO_TLS.test(text)) return SPEAKS_PLAIN;
  return NO_PROTOCOL.test(text) ? `speaks no HTTP/2; it ${LOOKS_LIKE_HTTP}` : null;
}

module.exports = { hintOfGrpcClient, hintOfGrpcHandshake, hintOfHttp2Silence, nameWrongPort, reasonOf, withHint };
