'use strict';
// Whoever sends over gRPC, an answer means the same for the spans: our own stack, Node's http2, and @grpc/grpc-js where what
// comes is HTTP/2 and gRPC.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const zlib = require('node:zlib');
const grpc = require('@grpc/grpc-js');
const { OTLPTraceExporter } = require('../..');
const { frame } = require('../helpers/grpc/framing.js');
const { frames, startRawPeer } = require('../helpers/grpc/raw_peer.js');
const { startGrpcReceiver } = require('../helpers/grpc/receiver.js');
const { PlainSpans } = require('../helpers/plain_spans.js');

for (const name of Object.keys(process.env)) if (/^GRPC_|proxy$/i.test(name)) delete process.env[name];

const plain = new PlainSpans(1);
const NATIVE = 'native';
const NODE = 'node';
const CLIENT = '@grpc/grpc-js';
const SENDERS = {
  [NATIVE]: () => ({ transport: 'native' }),
  [NODE]: () => ({ transport: 'node' }),
  [CLIENT]: () => ({ transport: 'node', credentials: grpc.credentials.createInsecure() }),
};

const HEAD = [
  [':status', '200'],
  ['content-type', 'application/grpc'],
];
const EMPTY = frame(Buffer.alloc(0));
const OK = [['grpc-status', '0']];
const { headers, data, reset, goaway } = frames;

/** An answer of parts: the pairs of its head, bytes, the pairs of its trailers. */
const answer =
  (head, body, trailers, more = () => []) =>
  ({ stream, write }) => {
    const parts = [headers(stream, head, body === null && trailers === null)];
    if (body !== null) parts.push(data(stream, body, trailers === null));
    if (trailers !== null) parts.push(headers(stream, trailers, true));
    write(...parts, ...more(stream));
  };
const statuses = (...values) =>
  answer(
    HEAD,
    EMPTY,
    values.map((value) => ['grpc-status', value]),
  );
const encoded = (coding, message) => answer([...HEAD, ['grpc-encoding', coding]], frame(message, { flag: 1 }), OK);
const page = (status, body = '<html>') =>
  answer(
    [
      [':status', status],
      ['content-type', 'text/html'],
    ],
    Buffer.from(body),
    null,
  );
const cut = (script) => (call) => {
  script(call);
  call.socket.end();
};

const DELIVERED = 'delivered';
const LOST = 'non_retryable';
const REPEATED = 'retries_exhausted';

/** Name -> answer, what becomes of the span, and who does not say so. */
const ANSWERS = {
  success: [answer(HEAD, EMPTY, OK), DELIVERED],
  'no status': [answer(HEAD, EMPTY, null), LOST],
  'a status that is empty': [statuses(''), LOST, CLIENT],
  'a status that is blank': [statuses(' '), LOST],
  'a status in hexadecimal': [statuses('0x0'), LOST, CLIENT],
  'a status with an exponent': [statuses('0e0'), LOST, CLIENT],
  'a status in words': [statuses('OK'), LOST],
  'a status without bounds': [statuses('4294967296'), LOST],
  'a status said twice': [statuses('0', '0'), DELIVERED, CLIENT],
  'a status and another': [statuses('0', '14'), DELIVERED, CLIENT],
  'another status and a status': [statuses('14', '0'), REPEATED, CLIENT],
  'no message': [answer(HEAD, null, OK), LOST],
  'two messages': [answer(HEAD, Buffer.concat([EMPTY, EMPTY]), OK), LOST, CLIENT],
  'half a message': [answer(HEAD, Buffer.from([0, 0, 0, 0, 9, 1]), OK), LOST],
  'compressed by its mark alone': [answer(HEAD, frame(Buffer.alloc(0), { flag: 1 }), OK), DELIVERED, CLIENT],
  compressed: [encoded('gzip', zlib.gzipSync('')), DELIVERED],
  'compressed wrongly': [encoded('gzip', Buffer.from('nope')), LOST],
  'compressed in another way': [encoded('snappy', Buffer.from('nope')), LOST],
  'a page': [page(200), LOST],
  'a page of a proxy that is full': [page(503), REPEATED],
  'trailers, and the stream is cancelled': [answer(HEAD, EMPTY, OK, (stream) => [reset(stream, 8)]), DELIVERED],
  'trailers, and the connection ends': [cut(answer(HEAD, EMPTY, OK)), DELIVERED],
  'trailers, and the connection is left in anger': [
    cut(answer(HEAD, EMPTY, OK, (stream) => [goaway(stream, 11)])),
    DELIVERED,
  ],
  'no trailers, and the connection ends': [
    cut(({ stream, write }) => write(headers(stream, HEAD), data(stream, EMPTY))),
    REPEATED,
  ],
};

/** What becomes of `count` spans in one export. */
async function exported(url, options, count = 1) {
  const once = { timeoutMillis: 3000, retry: { maxAttempts: 1 } };
  const exporter = new OTLPTraceExporter({ protocol: 'grpc', url, ...once, ...options });
  const spans = Array.from({ length: count }, () => plain.span());
  const outcome = await exporter.exportSpans(spans);
  const { delivered, rejected, dropped, pending } = exporter.stats();
  await exporter.shutdown({ timeoutMillis: 100 });
  assert.deepEqual(
    [outcome.delivered, outcome.rejected, { ...outcome.dropped }],
    [delivered, rejected, { ...dropped }],
  );
  assert.equal(pending, 0);
  return outcome;
}

for (const [name, options] of Object.entries(SENDERS)) {
  describe(`answers, sent through ${name}`, () => {
    for (const [what, [script, wanted, exception]] of Object.entries(ANSWERS)) {
      if (exception === name) continue;
      it(`${what}: ${wanted}`, async (t) => {
        const peer = await startRawPeer(script);
        t.after(peer.close);
        const { delivered, dropped, error } = await exported(peer.url, options());
        const became = delivered === 1 ? DELIVERED : Object.keys(dropped).join();
        assert.equal(became, wanted, error?.message);
      });
    }

    it('an answer before the end of the request is the answer', async (t) => {
      const trailers = [...HEAD, ['grpc-status', '3'], ['grpc-message', 'enough']];
      const peer = await startRawPeer(answer(trailers, null, null), { isEarly: true, opensWindow: false });
      t.after(peer.close);
      const span = { ...plain.span(), attributes: { text: 'x'.repeat(1 << 20) } };
      const exporter = new OTLPTraceExporter({ protocol: 'grpc', url: peer.url, timeoutMillis: 60_000, ...options() });
      const { error } = await exporter.exportSpans([span]);
      await exporter.shutdown({ timeoutMillis: 100 });
      assert.deepEqual([error.code, peer.calls], ['3', 1], error.message);
    });

    for (const [what, step] of Object.entries({
      'is too large': { body: Buffer.alloc(5000) },
      'is too large once decompressed': {
        wire: frame(zlib.gzipSync(Buffer.alloc(5000)), { flag: 1 }),
        headers: { 'grpc-encoding': 'gzip' },
      },
    })) {
      it(`an answer that ${what} says nothing of the request: it is sent once`, async (t) => {
        const receiver = await startGrpcReceiver({ otherwise: step }, t);
        const limit = { grpc: { maxReceiveMessageBytes: 1000 } };
        const { dropped, error } = await exported(receiver.origin, { ...options(), ...limit }, 64);
        assert.deepEqual({ ...dropped }, { [LOST]: 64 }, error.message);
        assert.equal(error.code, '8');
        assert.deepEqual([receiver.calls.length, receiver.spans], [1, 64]);
      });
    }

    it('a request that the peer finds too large is split', async (t) => {
      const message = 'SERVER: Received message larger than max (5 vs. 4)';
      const receiver = await startGrpcReceiver(
        { otherwise: ({ spans }) => (spans > 16 ? { status: 8, message } : 0) },
        t,
      );
      const { delivered } = await exported(receiver.origin, options(), 64);
      assert.equal(delivered, 64);
      assert.equal(receiver.calls.length, 7);
    });
  });
}
