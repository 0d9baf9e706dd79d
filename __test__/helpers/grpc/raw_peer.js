'use strict';
// A peer of HTTP/2 on loopback whose frames are written by hand: what no HTTP/2 library would say.
// It refuses to understand requests: a script is called where one has come to its end, or begins.

const { once } = require('node:events');
const net = require('node:net');

const [DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE] = [0, 1, 3, 4, 6, 7, 8];
const [END_STREAM, ACK, END_HEADERS] = [1, 1, 4];
const PREFACE_BYTES = 24;
const HEAD_BYTES = 9;

function frame(type, flags, stream, payload = Buffer.alloc(0)) {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A text of less than 127 bytes, as HPACK has it without Huffman. */
const text = (value) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value, 'latin1')]);
const block = (pairs) =>
  Buffer.concat(pairs.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(String(value))]));

function numbers(...values) {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [nth, value] of values.entries()) bytes.writeUInt32BE(value, 4 * nth);
  return bytes;
}

function settings(pairs) {
  const bytes = Buffer.alloc(6 * pairs.length);
  for (const [nth, [name, value]] of pairs.entries()) {
    bytes.writeUInt16BE(name, 6 * nth);
    bytes.writeUInt32BE(value, 6 * nth + 2);
  }
  return frame(SETTINGS, 0, 0, bytes);
}

/** Frames of stream `stream`; `isLast` is its end. */
const frames = {
  headers: (stream, pairs, isLast = false) =>
    frame(HEADERS, END_HEADERS | (isLast ? END_STREAM : 0), stream, block(pairs)),
  data: (stream, bytes, isLast = false) => frame(DATA, isLast ? END_STREAM : 0, stream, bytes),
  reset: (stream, code) => frame(RST_STREAM, 0, stream, numbers(code)),
  goaway: (lastStream, code) => frame(GOAWAY, 0, 0, numbers(lastStream, code)),
};

/**
 * @param {(call: { stream: number, socket: net.Socket, write: (...frames: Buffer[]) => void }) => void} script
 * @param {object} [options] `initial`: pairs of the first SETTINGS; `isEarly`: the script is called where a request begins;
 *   `opensWindow`: whether what has come may be followed by as much
 */
async function startRawPeer(script, { initial = [], isEarly = false, opensWindow = true } = {}) {
  const sockets = new Set();
  const peer = { calls: 0, connections: 0 };
  const listener = net.createServer((socket) => {
    peer.connections += 1;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.write(settings(initial));
    let bytes = Buffer.alloc(0);
    let isGreeted = false;
    const take = ({ type, flags, stream, payload }) => {
      const call = { stream, socket, write: (...list) => socket.write(Buffer.concat(list)) };
      if (type === SETTINGS && !(flags & ACK)) socket.write(frame(SETTINGS, ACK, 0));
      if (type === PING && !(flags & ACK)) socket.write(frame(PING, ACK, 0, payload));
      if (type === DATA && payload.length > 0 && opensWindow)
        call.write(...[0, stream].map((each) => frame(WINDOW_UPDATE, 0, each, numbers(payload.length))));
      if (type === HEADERS) peer.calls += 1;
      const isOne = type === HEADERS || type === DATA;
      if (isEarly ? type === HEADERS : isOne && flags & END_STREAM) script(call);
    };
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (!isGreeted && bytes.length < PREFACE_BYTES) return;
      if (!isGreeted) bytes = bytes.subarray(PREFACE_BYTES);
      isGreeted = true;
      while (bytes.length >= HEAD_BYTES && bytes.length >= HEAD_BYTES + bytes.readUIntBE(0, 3)) {
        const end = HEAD_BYTES + bytes.readUIntBE(0, 3);
        const stream = bytes.readUInt32BE(5) & 0x7fffffff;
        const taken = { type: bytes[3], flags: bytes[4], stream, payload: bytes.subarray(HEAD_BYTES, end) };
        bytes = bytes.subarray(end);
        take(taken);
      }
    });
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const close = () => {
    for (const socket of sockets) socket.destroy();
    listener.close();
  };
  return Object.assign(peer, { url: `http://127.0.0.1:${listener.address().port}`, close });
}

module.exports = { frames, startRawPeer };
