'use strict';
// Owns a second look at an endpoint that gave no answer: whether anybody is there, which protocol it speaks, what its
// certificate says. It goes through Node, step by step, because the error of an export tells only the end of it.
// It refuses to send anything of the application's: neither headers nor spans.

const net = require('node:net');
const tls = require('node:tls');
const { clearTimeout, setTimeout } = require('../guards/timers.js');

const PREFACE = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]), // SETTINGS without any
]);
const FRAME_BYTES = 9;
const [SETTINGS, GOAWAY] = [4, 7];
const TLS_ALERT = 0x15;
const MOST_HANDSHAKE_MILLIS = 2000;
const MOST_SILENCE_MILLIS = 1000;
const MOST_HEAD_BYTES = 16 * 1024;

/**
 * @param {object} place `{ hostname, port, socketPath, tlsOptions, proxy }`; `tlsOptions` is null without TLS
 * @returns {Promise<{ step: 'connection' | 'tunnel' | 'tls' | 'peer', code?: string, text?: string, speaks?: string,
 *   certificate?: object, verdict?: string | null, isClosedFirst?: boolean }>} the step that failed, or `peer`; `verdict` is
 *   Node's on the certificate; `isClosedFirst`: the peer left a finished handshake of TLS 1.3 before anything was said
 */
async function look(place, timeoutMillis) {
  const progress = { step: 'connection', sockets: [], isOver: false };
  let timer;
  const expired = new Promise((resolve) => {
    timer = setTimeout(resolve, timeoutMillis);
  }).then(() => ({ step: progress.step, code: 'TIMEOUT', text: `no answer within ${timeoutMillis} ms` }));
  try {
    return await Promise.race([expired, lookInSteps(place, progress, timeoutMillis / 2)]);
  } finally {
    clearTimeout(timer);
    progress.isOver = true;
    // What is around another socket goes first: Node.js may crash the other way round.
    for (const socket of progress.sockets.reverse()) socket.destroy();
  }
}

async function lookInSteps(place, progress, handshakeMillis) {
  const dialled = await attempt(() => dial(place, progress));
  if (dialled.error) return { step: progress.step, ...dialled.error };
  if (place.tlsOptions === null) {
    progress.step = 'peer';
    const { value, error } = await attempt(() => speakFirst(dialled.value));
    // A server that wants TLS may close without a word.
    const wantsTls = (error || value === 'nothing') && (await isTls(place, progress));
    return { step: 'peer', speaks: wantsTls ? 'tls' : (value ?? 'nothing') };
  }
  progress.step = 'tls';
  const secured = await attempt(() => secure({ ...place, handshakeMillis }, dialled.value, progress));
  if (secured.error) {
    const { value: speaks } = await attempt(async () => speakFirst(await dial(place, progress)));
    return { step: 'tls', ...secured.error, speaks };
  }
  progress.step = 'peer';
  const { authorizationError, alpnProtocol } = secured.value;
  const certificate = certificateOf(secured.value);
  const verdict = authorizationError ? String(authorizationError) : null;
  const heard = await attempt(() => hearFirst(secured.value, handshakeMillis));
  if (heard.error || heard.value === 'end') {
    const isClosedFirst = secured.value.getProtocol() === 'TLSv1.3';
    return { step: 'peer', code: 'ECONNRESET', ...heard.error, isClosedFirst, verdict, certificate };
  }
  const spoken = await attempt(async () => (alpnProtocol === 'h2' ? 'http2' : speakFirst(secured.value)));
  return { step: 'peer', speaks: spoken.value, ...spoken.error, verdict, certificate };
}

async function attempt(work) {
  try {
    return { value: await work() };
  } catch (error) {
    const { code, message } = error?.errors?.[0] ?? error;
    return { error: { code: code ?? 'ERROR', text: message } };
  }
}

/** Errors that come later are nobody's. */
function opened(socket, event, progress) {
  if (progress.isOver) socket.destroy();
  progress.sockets.push(socket);
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('close', () => reject(Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })));
    socket.once(event, () => resolve(socket));
  }).finally(() => socket.on('error', () => {}));
}

async function dial({ hostname, port, socketPath, proxy }, progress) {
  if (socketPath !== null) return opened(net.connect({ path: socketPath }), 'connect', progress);
  if (proxy === null) return opened(net.connect({ host: hostname, port }), 'connect', progress);
  progress.step = 'tunnel';
  const url = new URL(proxy.url);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const options = { host, port: url.port || (url.protocol === 'https:' ? 443 : 80) };
  const isSecure = url.protocol === 'https:';
  const raw = isSecure ? tls.connect(options) : net.connect(options); // it gets credentials: its certificate counts
  const socket = await opened(raw, isSecure ? 'secureConnect' : 'connect', progress);
  const target = `${net.isIPv6(hostname) ? `[${hostname}]` : hostname}:${port}`;
  const authorization = proxy.authorization ? `Proxy-Authorization: ${proxy.authorization}\r\n` : '';
  socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${authorization}\r\n`);
  const status = /^HTTP\/1\.\d (\d{3})/.exec((await headOf(socket)).toString('latin1'))?.[1];
  if (status !== '200') {
    throw Object.assign(new Error(`the proxy answered ${status ?? 'no HTTP'}`), {
      code: `PROXY_${status ?? 'ANSWER'}`,
    });
  }
  progress.step = 'connection';
  return socket;
}

/** Bytes up to an empty line; what follows it stays in the socket. */
async function headOf(socket) {
  let head = Buffer.alloc(0);
  while (head.indexOf('\r\n\r\n') === -1 && head.length < MOST_HEAD_BYTES) {
    const chunk = await nextChunk(socket);
    if (chunk === null) break;
    head = Buffer.concat([head, chunk]);
  }
  const end = head.indexOf('\r\n\r\n') + 4;
  if (end > 3 && end < head.length) socket.unshift(head.subarray(end));
  return head;
}

/** Null at the end of the connection. */
function nextChunk(socket) {
  return new Promise((resolve) => {
    const read = () => {
      const chunk = socket.read();
      if (chunk !== null) finish(chunk);
    };
    const end = () => finish(null);
    const finish = (chunk) => {
      socket.off('readable', read).off('end', end).off('close', end);
      resolve(chunk);
    };
    socket.on('readable', read).on('end', end).on('close', end);
    if (socket.destroyed) end();
  });
}

/** No verdict stops it: what the server shows is to be told. */
function secure({ hostname, tlsOptions, handshakeMillis }, socket, progress) {
  const options = { ...tlsOptions, socket, rejectUnauthorized: false, ALPNProtocols: ['h2', 'http/1.1'] };
  if (options.servername == null && net.isIP(hostname) === 0) options.servername = hostname;
  options.host = hostname;
  for (const name of Object.keys(options)) if (options[name] === undefined) delete options[name];
  const secured = tls.connect(options);
  const giveUp = () => secured.destroy(Object.assign(new Error('the handshake does not end'), { code: 'TIMEOUT' }));
  const timer = setTimeout(giveUp, handshakeMillis ?? MOST_HANDSHAKE_MILLIS);
  return opened(secured, 'secureConnect', progress).finally(() => clearTimeout(timer));
}

async function isTls(place, progress) {
  const trial = await attempt(async () => secure({ ...place, tlsOptions: {} }, await dial(place, progress), progress));
  return trial.error === undefined;
}

/**
 * In TLS 1.3 a client has finished its handshake before the server has looked at its certificate. A server that refuses says
 * why and closes; what we would write by then might have the connection reset, and its word lost.
 * @returns {Promise<'bytes' | 'end' | 'nothing'>}
 */
async function hearFirst(socket, mostMillis) {
  let timer;
  try {
    return await new Promise((resolve, reject) => {
      const look = () => {
        if (socket.readableLength > 0) resolve('bytes');
      };
      socket
        .once('error', reject)
        .once('end', () => resolve('end'))
        .once('close', () => resolve('end'));
      socket.on('readable', look);
      timer = setTimeout(() => resolve('nothing'), Math.min(mostMillis, MOST_SILENCE_MILLIS));
      look();
    });
  } finally {
    clearTimeout(timer);
    socket.removeAllListeners('readable');
  }
}

/** Says what every client of HTTP/2 says first, and hears what the peer makes of it. */
async function speakFirst(socket) {
  socket.write(PREFACE);
  let bytes = Buffer.alloc(0);
  while (bytes.length < FRAME_BYTES) {
    const chunk = await nextChunk(socket);
    if (chunk === null) break;
    bytes = Buffer.concat([bytes, chunk]);
  }
  if (bytes.length === 0 && socket.errored) throw socket.errored;
  if (bytes.length === 0) return 'nothing';
  if (bytes.toString('latin1', 0, 5) === 'HTTP/') return 'http1';
  if (bytes[0] === TLS_ALERT && bytes[1] === 3) return 'tls';
  const isFrame =
    bytes.length >= FRAME_BYTES && (bytes[3] === SETTINGS || bytes[3] === GOAWAY) && bytes.readUInt32BE(5) === 0;
  return isFrame ? 'http2' : 'something else';
}

function certificateOf(socket) {
  const { subject, issuer, valid_from: from, valid_to: to, subjectaltname: names } = socket.getPeerCertificate();
  return { subject: subject?.CN, issuer: issuer?.CN, from, to, names };
}

module.exports = { look };
