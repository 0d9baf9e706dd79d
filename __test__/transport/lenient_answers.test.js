'use strict';
// What of HTTP/1.1 the native sender takes otherwise than Node's parser, which the stock exporter and `transport: 'node'` use.

const assert = require('node:assert/strict');
const net = require('node:net');
const { test } = require('node:test');
const { OTLPTraceExporter: Stock } = require('@opentelemetry/exporter-trace-otlp-http');
const { OTLPTraceExporter } = require('../..');
const { PlainSpans } = require('../helpers/plain_spans.js');
const { startReceiver } = require('../helpers/receiver.js');

const [span] = [new PlainSpans(7).span()];

/** Answers every request with `text`, as it stands. */
async function answering(t, text) {
  const sockets = new Set();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', () => socket.write(text));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${server.address().port}/v1/traces`;
}

const codeOf = (exporter) =>
  new Promise((resolve) => {
    exporter.export([span], ({ code, error }) => resolve(code === 0 ? 'delivered' : (error.code ?? error.message)));
  });

async function outcomes(url, options = {}) {
  const retry = { maxAttempts: 1 };
  const exporters = [
    new Stock({ url, ...options }),
    new OTLPTraceExporter({ url, retry, transport: 'node', ...options }),
    new OTLPTraceExporter({ url, retry, ...options }),
  ];
  const [stock, node, native] = await Promise.all(exporters.map(codeOf));
  await Promise.all(exporters.map((exporter) => exporter.shutdown()));
  return { stock, node, native };
}

const both = (code) => ({ stock: code, node: code });
const ROW_22 = {
  'bare LF line ends': ['HTTP/1.1 200 OK\nContent-Length: 2\n\n{}', 'HPE_CR_EXPECTED'],
  'the same length twice': [
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}',
    'HPE_UNEXPECTED_CONTENT_LENGTH',
  ],
  'the same length in a list': ['HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n{}', 'HPE_INVALID_CONTENT_LENGTH'],
};
for (const [name, [text, code]] of Object.entries(ROW_22)) {
  test(`X22: ${name}`, async (t) => {
    assert.deepEqual(await outcomes(await answering(t, text)), { ...both(code), native: 'delivered' });
  });
}

test('X22: two lengths that differ are malformed', async (t) => {
  const url = await answering(t, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}');
  const { stock, native } = await outcomes(url);
  assert.match(stock, /^HPE_/);
  assert.match(native, /^HPE_/);
});

test('X23: over 2,000 lines of headers', async (t) => {
  const head = (lines) => `HTTP/1.1 200 OK\r\n${'x: a\r\n'.repeat(lines - 1)}Content-Length: 2\r\n\r\n{}`;
  assert.deepEqual(await outcomes(await answering(t, head(2000))), { ...both('delivered'), native: 'delivered' });
  assert.deepEqual(await outcomes(await answering(t, head(2001))), {
    ...both('delivered'),
    native: 'HPE_HEADER_OVERFLOW',
  });
});

test('X21: a success whose body is over 4 MiB fails, as with the stock exporter', async (t) => {
  const length = (4 << 20) + 1;
  const message = 'OTLP export response body exceeded size limit of 4194304 bytes';
  const real = await answering(t, `HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n${' '.repeat(length)}`);
  assert.deepEqual(await outcomes(real), { ...both(message), native: message });
});

test('X24: a headers function that names a length', async (t) => {
  const receiver = await startReceiver();
  t.after(() => receiver.close());
  const headers = async () => ({ 'content-length': '3' });
  await outcomes(receiver.url, { headers, timeoutMillis: 3000 });
  const lengths = receiver.completed.map(({ headers, body }) => [Number(headers['content-length']), body.length]);
  const ofNative = lengths.filter(([, length]) => length > 3);
  assert.equal(lengths.filter(([, length]) => length === 3).length, 2, "Node's body ends where its header says");
  assert.equal(ofNative.length, 1);
  assert.equal(ofNative[0][0], ofNative[0][1]);
});
