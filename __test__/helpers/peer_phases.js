'use strict';

// A scripted peer: what it answers, in which phase of connection and request, in which pieces, and how it ends. A plan is
// its seed. After the connections of the plan come healthy ones.

const net = require('node:net');
const { setTimeout: sleep } = require('node:timers/promises');
const { Random } = require('./random.js');

const PHASES = ['accept', 'first bytes', 'head', 'request'];
const STATUSES = [101, 200, 202, 204, 299, 301, 400, 401, 403, 404, 408, 413, 415, 429, 500, 502, 503, 504, 599];
const SILENT = 0;
const FRAMINGS = ['length', 'chunked', 'end'];
const CUTS = ['status line', 'headers', 'body', 'whole', 'whole', 'whole'];
const CLOSES = ['end', 'reset', 'keep'];
const VERSIONS = ['1.1', '1.1', '1.1', '1.0', '2.0'];
const HEALTHY = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';

/** The connections of the exchange with this seed. */
function planOf(seed) {
  const random = new Random(seed * 7919 + 1);
  for (let n = 0; n < 8; n += 1) random.next();
  return Array.from({ length: 1 + random.below(2) }, () => ({
    phase: random.pick(PHASES),
    status: random.chance(0.15) ? SILENT : random.pick(STATUSES),
    interim: random.chance(0.15),
    framing: random.pick(FRAMINGS),
    cut: random.pick(CUTS),
    version: random.pick(VERSIONS),
    close: random.pick(CLOSES),
    pieces: 1 + random.below(4),
    millis: random.chance(0.5) ? 0 : random.below(30),
  }));
}

function answerOf({ status, interim, framing, cut, version }) {
  if (status === SILENT) return '';
  const line = `HTTP/${version} ${status} Scripted\r\n`;
  const upgrade = status === 101 ? 'Connection: upgrade\r\nUpgrade: x\r\n' : '';
  const hasBody = status >= 200 && status !== 204;
  const length = { length: 'Content-Length: 4\r\n', chunked: 'Transfer-Encoding: chunked\r\n', end: '' }[framing];
  const headers = `X-Peer: scripted\r\n${upgrade}${hasBody ? length : ''}\r\n`;
  const body = hasBody ? (framing === 'chunked' ? '4\r\n\x32\x02\x08\x00\r\n0\r\n\r\n' : '\x32\x02\x08\x00') : '';
  const before = interim ? 'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n' : '';
  const whole = line + headers + body;
  const end = { 'status line': line.length - 4, headers: line.length + 6, body: line.length + headers.length + 2 }[cut];
  return before + whole.slice(0, end);
}

/** A peer for the exchange with this seed; `said` gets each status whose head has been written to its end. */
async function startPeer(seed) {
  const plan = planOf(seed);
  const said = [];
  const sockets = new Set();
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    const step = plan.shift();
    if (step === undefined) {
      serve(socket, said);
    } else {
      socket.on('end', () => step.close !== 'keep' && socket.end());
      act(socket, step, said).catch(() => {});
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/v1/traces`,
    said,
    stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** Resolves when the client has sent as much as the phase wants. */
function phaseOf(socket, phase) {
  if (phase === 'accept') return Promise.resolve(socket.resume());
  return new Promise((resolve) => {
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      if (phase === 'first bytes' || (phase === 'head' ? text.includes('\r\n\r\n') : isWhole(text))) resolve();
    });
  });
}

function isWhole(text) {
  const at = text.indexOf('\r\n\r\n');
  if (at === -1) return false;
  const length = /\r\ncontent-length: (\d+)/i.exec(text);
  return length === null ? text.endsWith('0\r\n\r\n') : text.length >= at + 4 + Number(length[1]);
}

async function act(socket, step, said) {
  await phaseOf(socket, step.phase);
  if (step.millis > 0) await sleep(step.millis);
  const bytes = Buffer.from(answerOf(step), 'latin1');
  const size = Math.max(1, Math.ceil(bytes.length / step.pieces));
  if (step.status !== SILENT && (step.cut === 'whole' || step.cut === 'body')) said.push(step.status);
  for (let at = 0; at < bytes.length; at += size) {
    socket.write(bytes.subarray(at, at + size));
    if (step.millis > 0) await sleep(1 + step.millis / 4);
  }
  if (step.close === 'end') socket.end();
  if (step.close === 'reset') socket.resetAndDestroy();
}

function serve(socket, said) {
  let text = '';
  socket.on('data', (bytes) => {
    text += bytes.toString('latin1');
    if (!isWhole(text)) return;
    text = '';
    said.push(200);
    socket.write(HEALTHY);
  });
  socket.on('end', () => socket.end());
}

module.exports = { planOf, startPeer };
