'use strict';
// A connection that is being opened does not hold the process longer than `exit.drainMillis`, whoever opens it.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const net = require('node:net');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');

// An attempt, and with it everything that waits for it, would take ten times as long as the test waits.
const WAIT_MILLIS = 30_000;
const PROGRAM = `
  const { BatchSpanProcessor, OTLPTraceExporter } = require(process.argv[1]);
  const { PlainSpans } = require(process.argv[2]);
  const { URL: url, TRANSPORT: transport } = process.env;
  const times = { timeoutMillis: ${10 * WAIT_MILLIS}, exit: { drainMillis: 200 } };
  const processor = new BatchSpanProcessor(new OTLPTraceExporter({ protocol: 'grpc', url, transport, ...times }));
  const spans = new PlainSpans(1);
  for (let nth = 0; nth < 600; nth += 1) processor.onEnd(spans.span());
`;
const ARGUMENTS = ['-e', PROGRAM, path.join(__dirname, '../..'), require.resolve('../helpers/plain_spans.js')];

let deaf;
before(async () => {
  deaf = net.createServer((socket) => socket.on('error', () => {}).resume());
  deaf.listen(0, '127.0.0.1');
  await once(deaf, 'listening');
});
after(() => deaf.close());

const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/proxy$/i.test(name)));
const address = () => `127.0.0.1:${deaf.address().port}`;

for (const TRANSPORT of ['native', 'node']) {
  describe(`the natural end, transport ${TRANSPORT}`, () => {
    for (const [what, variables] of [
      ['a peer that is silent', () => ({ URL: `http://${address()}` })],
      ['a peer that is silent in the handshake of TLS', () => ({ URL: `https://${address()}` })],
      ['a proxy that is silent', () => ({ URL: 'http://collector.example', grpc_proxy: `http://${address()}` })],
    ]) {
      it(what, async () => {
        const env = { ...environment, TRANSPORT, ...variables() };
        const child = spawn(process.execPath, ARGUMENTS, { env, stdio: 'inherit' });
        const timer = setTimeout(() => child.kill('SIGKILL'), WAIT_MILLIS);
        const [code, signal] = await once(child, 'close');
        clearTimeout(timer);
        assert.deepEqual([code, signal], [0, null]);
      });
    }
  });
}
