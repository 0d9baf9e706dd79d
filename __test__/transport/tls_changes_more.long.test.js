'use strict';
// What tls_changes.long.test.js does not try with every protocol: what only one of them has, or native threads by themselves.

const assert = require('node:assert/strict');
const https = require('node:https');
const tls = require('node:tls');
const { setTimeout: sleep } = require('node:timers/promises');
const { describe, it } = require('node:test');
const { OTLPTraceExporter } = require('../../js/entries/otlp_http.js');
const { EventLoopMonitor } = require('../..');
const { ApiSpanAdapter } = require('../../js/entries/tusk.js');
const { build, LEAF, ROOT } = require('../helpers/tls/chains.js');
const { prepare, put, refusing, root, server, VARIABLE } = require('../helpers/tls/changes.js');
const { startGrpcReceiver } = require('../helpers/grpc/receiver.js');
const { PROTOCOLS } = require('../helpers/tls/protocols.js');
const { movesOf } = require('../helpers/tls/verdicts.js');
const { spanOf } = require('../helpers/ways_in.js');
const { span } = require('../helpers/config/runner.js');

prepare();

const { codeOf, compare, serve } = PROTOCOLS.HTTP;

describe('TLS of a process that changes: more of HTTP', () => {
  it('code that only sees requests moves nobody', () =>
    serve(server, async (port) => {
      const { request } = https;
      const undo = put(https, 'request', (...all) => request(...all));
      try {
        const { ours, wrong } = await compare(`https://localhost:${port}/`, { ca: root.cert });
        assert.deepEqual([wrong, ours.moves], [null, []]);
      } finally {
        undo();
      }
    }));

  it('what native threads export by themselves is noticed, too', () =>
    serve(server, async (port) => {
      const url = `https://localhost:${port}/monitor`;
      const agentOptions = { ca: root.cert, keepAlive: false };
      const exporter = new OTLPTraceExporter({ url, timeoutMillis: 2000, httpAgentOptions: agentOptions });
      const monitor = new EventLoopMonitor({ exporter, thresholdMillis: 20 });
      assert.ok(monitor.enable());
      const undo = put(tls, 'checkServerIdentity', refusing);
      try {
        await sleep(1200); // it looks once a second
        for (const end = performance.now() + 200; performance.now() < end; );
        await sleep(100);
        monitor.disable();
        await exporter.forceFlush();
      } finally {
        undo();
        monitor.disable();
      }
      assert.equal(exporter.stats().delivered, 0);
      assert.match(movesOf(url).join(), /tls\.checkServerIdentity that was replaced/);
      await exporter.shutdown();
    }));

  it('a retry opens no connection by what was true when its batch began', async (t) => {
    const opened = [];
    const peer = https.createServer(server, (request, response) => {
      request.resume().on('end', () => response.writeHead(503, { Connection: 'close' }).end());
    });
    peer.on('secureConnection', () => opened.push(performance.now()));
    await new Promise((resolve) => peer.listen(0, '127.0.0.1', resolve));
    t.after(() => peer.close());
    const restore = put(process.env, VARIABLE, '0');
    const url = `https://localhost:${peer.address().port}/changes/retry`;
    const exporter = new OTLPTraceExporter({ url, keepAlive: false, timeoutMillis: 5000 });
    const done = codeOf(exporter);
    while (opened.length === 0) await sleep(10);
    await sleep(50);
    restore();
    const changed = performance.now();
    assert.equal(await done, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE');
    assert.deepEqual(
      opened.filter((at) => at > changed + 400),
      [],
    );
    await exporter.shutdown();
  });

  it('`offloop/tusk` sends nothing either', () =>
    serve(server, async (port) => {
      const adapter = new ApiSpanAdapter({
        apiKey: 'k',
        tuskBackendBaseUrl: `https://localhost:${port}`,
        observableServiceId: 's',
        sdkVersion: '1',
        sdkInstanceId: 'i',
        exportTimeoutMillis: 5000,
      });
      const undo = put(tls, 'checkServerIdentity', refusing);
      try {
        const { error } = await adapter.exportSpans([spanOf.clean()]);
        assert.match(error.message, /tls\.checkServerIdentity that was replaced/);
      } finally {
        undo();
      }
      await adapter.shutdown();
    }));

  it('names that only Node can ask for', async () => {
    for (const name of [
      '-a.test',
      'a-.test',
      '.example.test',
      '127.0.0.1',
      '0x7f.1',
      'a b',
      'é.test',
      'a..test',
      'a.test.',
    ]) {
      const names = ['localhost', name === '127.0.0.1' ? '127.0.0.1.' : name];
      const [top, below] = build([ROOT, { ...LEAF, names: /^[ -~]+$/.test(name) ? names : ['localhost'] }]);
      await serve({ cert: below.cert, key: below.key }, async (port) => {
        const { wrong } = await compare(`https://localhost:${port}/`, { ca: top.cert, servername: name });
        assert.equal(wrong, null, name);
      });
    }
  });

  it('a certificate that begins after it has ended', async () => {
    const [top, below] = build([ROOT, { ...LEAF, days: [2, -1] }]);
    await serve({ cert: below.cert, key: below.key }, async (port) => {
      const { node, ours, wrong } = await compare(`https://localhost:${port}/`, { ca: top.cert });
      assert.deepEqual([wrong, node.code, ours.moves], [null, 'CERT_HAS_EXPIRED', []]);
    });
  });
});

describe('TLS of a process that changes: more of gRPC', () => {
  // Connections end where the script says so.
  const start = (t, script) => startGrpcReceiver({ tls: server, script }, t);

  it('a connection that stands is used further, as by the stock exporter; the next one is for Node', async (t) => {
    const receiver = await start(t, [undefined, { goaway: {} }]);
    const exporter = PROTOCOLS.gRPC.trusting(`https://localhost:${receiver.port}`, root.cert);
    const ask = () => new Promise((resolve) => exporter.export([span], resolve));
    assert.equal((await ask()).code, 0);
    const undo = put(tls, 'checkServerIdentity', refusing);
    try {
      assert.equal((await ask()).code, 0);
      assert.deepEqual([receiver.calls.length, receiver.connections.length], [2, 1]);
      assert.match((await ask()).error.message, /^14 UNAVAILABLE: .*not the one I know/);
      assert.equal(receiver.calls.length, 2);
    } finally {
      undo();
    }
    await exporter.shutdown();
  });

  it('a retry opens no connection by what was true when its batch began', async (t) => {
    const receiver = await start(t, Array(20).fill({ status: 14, goaway: {} }));
    const url = `https://localhost:${receiver.port}`;
    const exporter = PROTOCOLS.gRPC.trusting(url, root.cert, { retry: undefined, timeoutMillis: 5000 });
    const done = new Promise((resolve) => exporter.export([span], resolve));
    await receiver.waitForCalls(1);
    const undo = put(tls, 'checkServerIdentity', refusing);
    const changed = performance.now();
    try {
      assert.match((await done).error.message, /^14 UNAVAILABLE: .*not the one I know/);
    } finally {
      undo();
    }
    const late = receiver.calls.filter(({ arrivedMillis }) => arrivedMillis > changed + 400);
    assert.deepEqual([late, receiver.calls.length < 20], [[], true]);
    await exporter.shutdown();
  });
});
