'use strict';
// Owns what a scripted proxy does with one exchange: the answers that it gives by itself, how it grants a tunnel, and where it
// ends what goes through.

const { once } = require('node:events');
const { STATUS_CODES } = require('node:http');
const { setTimeout: sleep } = require('node:timers/promises');

const PIECE_MILLIS = 2;
const HOP_HEADERS = new Set(['connection', 'keep-alive', 'proxy-authorization', 'proxy-connection']);

function normalize(step) {
  if (typeof step === 'number') return { answer: step };
  return step ?? {};
}

function credentialsOf(header) {
  const [, text] = /^Basic (\S+)$/.exec(header ?? '') ?? [];
  return text === undefined ? (header ?? null) : Buffer.from(text, 'base64').toString();
}

function limitsOf({ clientBytes = Infinity, serverBytes = Infinity, reset = false } = {}) {
  return { clientBytes, serverBytes, reset };
}

function end(socket, isReset) {
  if (isReset && socket.resetAndDestroy && !socket.encrypted) socket.resetAndDestroy();
  else socket.destroy();
}

/** Whether the step has ended the exchange, or left it without an answer. */
async function didAct(socket, step) {
  if (step.gate) await step.gate;
  if (step.stall) {
    // The end of a connection is seen by who reads it.
    socket.resume().once('end', () => socket.destroy());
    return true;
  }
  if (step.end || step.reset) {
    end(socket, step.reset);
    return true;
  }
  if (step.raw === undefined) return false;
  socket.write(step.raw);
  if (!step.open) socket.end();
  return true;
}

function answer(socket, { answer: status, headers, body = '', close = status !== 407 }) {
  const lines = Object.entries({
    ...(status === 407 && { 'Proxy-Authenticate': 'Basic realm="scripted"' }),
    ...(close && { Connection: 'close' }),
    'Content-Length': String(Buffer.byteLength(body)),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Scripted'}\r\n${lines.join('')}\r\n${body}`);
  if (close) socket.end();
}

async function grant(socket, other, { line, headers = {}, interim = [], pieces = 1, isGlued } = {}) {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const before = interim.map((status) => `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Interim'}\r\n\r\n`).join('');
  let bytes = Buffer.from(
    `${before}${line ?? 'HTTP/1.1 200 Connection established'}\r\n${lines.join('')}\r\n`,
    'latin1',
  );
  if (isGlued) {
    const [first] = await once(other, 'data');
    other.pause();
    bytes = Buffer.concat([bytes, first]);
  }
  const size = Math.ceil(bytes.length / pieces);
  for (let at = 0; at < bytes.length && !socket.destroyed; at += size) {
    if (at > 0) await sleep(PIECE_MILLIS);
    socket.write(bytes.subarray(at, at + size));
  }
}

/** Both directions of a tunnel, until one of them has carried as much as it may. */
function pump(socket, other, cut) {
  const { clientBytes, serverBytes, reset } = limitsOf(cut);
  const stop = () => {
    end(socket, reset);
    end(other, reset);
  };
  for (const each of [socket, other]) {
    each.on('error', () => {});
    each.on('close', stop);
  }
  if (clientBytes === 0 || serverBytes === 0) return void setImmediate(stop);
  countBytes(socket, clientBytes, stop);
  countBytes(other, serverBytes, () => setImmediate(stop));
  socket.pipe(other);
  other.pipe(socket);
}

function countBytes(stream, limit, onFull) {
  if (limit === Infinity) return;
  let count = 0;
  stream.on('data', (bytes) => {
    count += bytes.length;
    if (count >= limit) onFull();
  });
}

async function drained(request) {
  request.resume();
  if (!request.readableEnded) await once(request, 'end');
}

/** Headers without those that concern one connection only. */
function rewritten(rawHeaders) {
  const pairs = [];
  for (let at = 0; at < rawHeaders.length; at += 2)
    if (!HOP_HEADERS.has(rawHeaders[at].toLowerCase())) pairs.push(rawHeaders[at], rawHeaders[at + 1]);
  return pairs;
}

module.exports = {
  answer,
  countBytes,
  credentialsOf,
  didAct,
  drained,
  end,
  grant,
  limitsOf,
  normalize,
  pump,
  rewritten,
};
