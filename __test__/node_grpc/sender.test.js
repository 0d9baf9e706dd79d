'use strict';
// What Node's senders make of calls over gRPC: the http2 of Node for certificates that are code, the application's own
// @grpc/grpc-js for objects of that package. The native side judges their facts.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const net = require('node:net');
const { after, before, describe, it } = require('node:test');
const grpc = require('@grpc/grpc-js');
const { resolveConfig } = require('../../js/config/resolve_config.js');
const { createGrpcSender } = require('../../js/node_grpc/sender.js');
const { issue } = require('../helpers/config/certificates.js');
const { frame, partialSuccess } = require('../helpers/grpc/framing.js');
const { startProxy } = require('../helpers/grpc/proxy.js');
const { frames, startRawPeer } = require('../helpers/grpc/raw_peer.js');
const { startGrpcReceiver } = require('../helpers/grpc/receiver.js');

// What the machine says about gRPC and proxies is not the test's.
for (const name of Object.keys(process.env)) if (/^GRPC_|proxy$/i.test(name)) delete process.env[name];

const BODY = Buffer.from([10, 2, 8, 1]);
const ca = issue({ commonName: 'a CA', authority: true });
const server = issue({ commonName: 'localhost', issuer: ca, names: ['localhost', '127.0.0.1'] });
const client = issue({ commonName: 'a client', issuer: ca, client: true });
const tls = { key: server.key, cert: server.cert, ca: ca.cert, requestCert: true, rejectUnauthorized: false };

let receiver;
before(async () => {
  receiver = await startGrpcReceiver({ tls });
});
after(() => receiver.close());

const configOf = (options) => resolveConfig({ protocol: 'grpc', ...options }, { protocol: 'grpc' });

async function send(options, { script, body = BODY, encoding, millis = 5000 } = {}) {
  receiver.reset({ script });
  const sender = createGrpcSender(configOf({ transport: 'node', ...options }));
  const entries = options.entries ?? [];
  const facts = await sender.send(body, entries, millis, encoding);
  await sender.close();
  return facts;
}

// By name: @grpc/grpc-js gives TLS the host of an address as a name, which Node 26 refuses.
const secureUrl = () => `https://localhost:${receiver.port}`;
const plain = () => ({ url: receiver.origin });
const certificates = { rootCerts: Buffer.from(ca.cert) };
const secure = (credentials) => ({ url: secureUrl(), credentials });

const STEPS = {
  success: [
    { body: partialSuccess(1, 'no') },
    (facts) => assert.deepEqual([facts.grpcStatus, facts.body.length > 0], [0, true]),
  ],
  'a status with details and metadata': [
    { status: 14, message: 'a%20b', details: Buffer.from([1, 2]), trailers: { 'x-why': 'because' } },
    ({ grpcStatus, grpcMessage, metadata }) => {
      assert.deepEqual([grpcStatus, grpcMessage], [14, 'a b']);
      const found = Object.fromEntries(metadata);
      assert.deepEqual([found['x-why'], found['grpc-status-details-bin']], ['because', 'AQI=']);
    },
  ],
  'success without a message': [{ body: null }, ({ grpcStatus }) => assert.equal(grpcStatus, 12)],
  'a refused stream': [{ rst: 7 }, ({ grpcStatus }) => assert.equal(grpcStatus, 14)],
  'a cancelled stream': [{ rst: 8 }, ({ grpcStatus }) => assert.equal(grpcStatus, 1)],
  'too much calm': [{ rst: 11 }, ({ grpcStatus }) => assert.equal(grpcStatus, 8)],
  'a cut connection': [{ destroy: true }, ({ grpcStatus }) => assert.equal(grpcStatus, 14)],
};

for (const [name, options] of [
  ['through Node: plain', plain],
  [
    'through Node: TLS that is code',
    () => secure({ ...certificates, verifyOptions: { checkServerIdentity: () => undefined } }),
  ],
  ['through @grpc/grpc-js', () => secure(grpc.credentials.createSsl(certificates.rootCerts))],
]) {
  describe(name, () => {
    for (const [step, [script, check]] of Object.entries(STEPS)) {
      it(step, async () => {
        const facts = await send(options(), { script: [script, script] });
        assert.equal(facts.outcome, 'reply', facts.error?.message);
        check(facts);
      });
    }

    it('sends the message and what belongs to a call', async () => {
      await send(
        {
          ...options(),
          entries: [
            ['x-key', 'v'],
            ['x-bin', 'AQI='],
          ],
          userAgent: 'mine',
        },
        {},
      );
      const [call] = receiver.calls;
      assert.deepEqual(call.message, BODY);
      const { headers } = call;
      assert.deepEqual([headers['x-key'], headers['x-bin'], headers.te], ['v', 'AQI=', 'trailers']);
      assert.match(headers['user-agent'], /^mine OTel-OTLP-Exporter-JavaScript\/[\d.]+/);
      assert.match(headers['grpc-timeout'], /^\d{1,8}m$/);
      assert.equal(headers[':path'], '/opentelemetry.proto.collector.trace.v1.TraceService/Export');
      assert.equal(headers[':authority'], new URL(options().url).host);
      assert.equal(headers['content-type'], 'application/grpc');
    });

    it('gives a silent connection up at the deadline', async () => {
      receiver.reset({ script: [{ stall: 'answer' }] });
      const sender = createGrpcSender(configOf({ transport: 'node', ...options() }));
      const late = await sender.send(BODY, [], 1000);
      assert.ok(late.grpcStatus === 4 || late.error?.kind === 'timed_out', JSON.stringify(late));
      const next = await sender.send(BODY, [], 5000);
      await sender.close();
      assert.deepEqual([next.grpcStatus, receiver.connections.length], [0, 2]);
    });

    it('calls share a connection, and one after GOAWAY has another', async () => {
      receiver.reset();
      const sender = createGrpcSender(configOf({ transport: 'node', ...options() }));
      await Promise.all([1, 2, 3].map(() => sender.send(BODY, [], 5000)));
      assert.equal(receiver.connections.length, 1);
      receiver.goaway();
      // Calls on the old connection may still be taken until it hears of it.
      for (let nth = 0; nth < 50 && receiver.connections.length === 1; nth++) {
        const { grpcStatus } = await sender.send(BODY, [], 5000);
        assert.ok([0, 14].includes(grpcStatus), String(grpcStatus));
        await new Promise(setImmediate);
      }
      assert.equal((await sender.send(BODY, [], 5000)).grpcStatus, 0);
      assert.equal(receiver.connections.length, 2);
      await sender.close();
    });

    it('is over when it is given up', async () => {
      receiver.reset({ script: [{ stall: 'answer' }] });
      const sender = createGrpcSender(configOf({ transport: 'node', ...options() }));
      const signal = {};
      const sending = sender.send(BODY, [], 20_000, null, signal);
      await receiver.waitForCalls(1);
      signal.end();
      await sending;
      await receiver.waitFor(() => receiver.calls[0].rstCode !== null);
      await sender.close();
    });

    it('metadata that comes when the attempt is over sends nothing and connects to nobody', async () => {
      receiver.reset();
      const sender = createGrpcSender(configOf({ transport: 'node', ...options() }));
      const give = [];
      const headers = () => new Promise((resolve) => give.push(resolve));
      const signals = [{}, {}];
      const late = signals.map((signal) => sender.send(BODY, headers, 60_000, null, signal));
      for (const { end } of signals) end();
      assert.ok((await Promise.all(late)).every((facts) => facts?.grpcStatus !== 0));
      for (const resolve of give) resolve([]);
      await new Promise(setImmediate);
      // Whatever they have begun comes before this one.
      const facts = await sender.send(BODY, [], 5000);
      await sender.close();
      assert.deepEqual([facts.grpcStatus, receiver.calls.length, receiver.connections.length], [0, 1, 1]);
    });

    it('metadata that comes when the sender is closed leaves no connection', async () => {
      receiver.reset();
      const sender = createGrpcSender(configOf({ transport: 'node', ...options() }));
      let give;
      const signal = {};
      const sending = sender.send(BODY, () => new Promise((resolve) => (give = resolve)), 60_000, null, signal);
      signal.end();
      await Promise.all([sending, sender.close()]);
      give([]);
      // As long as a call of somebody else takes.
      await send({ transport: 'node', ...options() }, {});
      assert.deepEqual([receiver.calls.length, receiver.connections.length], [1, 1]);
    });

    it('a call that is given up leaves those beside it alone', async () => {
      let answer;
      const gate = new Promise((resolve) => (answer = resolve));
      receiver.reset({ script: [{ stall: 'answer' }, { gate }, { gate }] });
      const sender = createGrpcSender(configOf({ transport: 'node', ...options() }));
      const signal = {};
      const stalled = sender.send(BODY, [], 60_000, null, signal);
      await receiver.waitForCalls(1);
      const others = [1, 2].map(() => sender.send(BODY, [], 60_000));
      await receiver.waitForCalls(3);
      signal.end();
      await stalled;
      await receiver.waitFor(() => receiver.calls[0].rstCode !== null);
      // The connection may be silent: the next call has another.
      assert.equal((await sender.send(BODY, [], 5000)).grpcStatus, 0);
      assert.equal(receiver.connections.length, 2);
      answer();
      for (const { grpcStatus } of await Promise.all(others)) assert.equal(grpcStatus, 0);
      await receiver.waitFor(() => receiver.openConnections === 1);
      // That one is alone now, and lives.
      const last = {};
      const waiting = sender.send(BODY, () => new Promise(() => {}), 60_000, null, last);
      last.end();
      await waiting;
      assert.equal((await sender.send(BODY, [], 5000)).grpcStatus, 0);
      assert.equal(receiver.connections.length, 2);
      await sender.close();
    });

    it('an answer that is no gRPC', async () => {
      const facts = await send(options(), { script: [{ http: { status: 503, body: '<html>' } }] });
      assert.ok(
        facts.grpcStatus === 14 || (facts.grpcStatus === undefined && facts.status === 503),
        JSON.stringify(facts),
      );
    });

    it('an answer that is too large is no word of the peer about the request', async () => {
      const { error } = await send(
        { ...options(), grpc: { maxReceiveMessageBytes: 10 } },
        { script: [{ body: Buffer.alloc(100) }] },
      );
      assert.equal(error.kind, 'response_too_large');
    });
  });
}

it('pings while a call is under way, and gives a peer up that does not answer', async () => {
  receiver.reset({ script: [{ delayMillis: 150 }] });
  const sender = createGrpcSender(configOf({ transport: 'node', ...plain(), grpc: { keepAlivePingMillis: 20 } }));
  assert.equal((await sender.send(BODY, [], 5000)).grpcStatus, 0);
  assert.ok(receiver.connections[0].pings >= 2, `${receiver.connections[0].pings} pings`);
  await sender.close();

  const deaf = net.createServer((socket) => socket.on('error', () => {}).resume());
  await new Promise((resolve) => deaf.listen(0, '127.0.0.1', resolve));
  const grpcOptions = { keepAlivePingMillis: 20, keepAlivePingTimeoutMillis: 50 };
  const url = `http://127.0.0.1:${deaf.address().port}`;
  const other = createGrpcSender(configOf({ transport: 'node', url, grpc: grpcOptions }));
  const { grpcStatus } = await other.send(BODY, [], 10_000);
  await other.close();
  deaf.close();
  assert.equal(grpcStatus, 14);
});

it('compressed bytes are marked as such', async () => {
  const { gzipSync } = require('node:zlib');
  const facts = await send(plain(), { body: gzipSync(BODY), encoding: 'gzip' });
  assert.equal(facts.grpcStatus, 0);
  assert.deepEqual(receiver.calls[0].message, BODY);
  assert.equal(receiver.calls[0].headers['grpc-encoding'], 'gzip');
});

it('@grpc/grpc-js compresses by itself', async () => {
  const credentials = grpc.credentials.createSsl(certificates.rootCerts);
  const facts = await send({ ...secure(credentials), compression: 'gzip' }, {});
  assert.equal(facts.grpcStatus, 0);
  assert.deepEqual(receiver.calls[0].message, BODY);
  assert.equal(receiver.calls[0].headers['grpc-encoding'], 'gzip');
});

describe('TLS through Node', () => {
  it('a client certificate', async () => {
    const pair = { privateKey: Buffer.from(client.key), certChain: Buffer.from(client.cert) };
    assert.equal((await send(secure({ ...certificates, ...pair }), {})).grpcStatus, 0);
    assert.equal(receiver.connections[0].client, 'a client');
  });

  it('a server that is not trusted', async () => {
    const { outcome, error } = await send(secure({}), {});
    assert.deepEqual([outcome, error.kind], ['failed', 'tls']);
    assert.match(error.message, /^No connection established\. Last error: Error: .+\. Resolution note: $/);
    assert.equal(receiver.calls.length, 0);
  });

  it('a function that refuses', async () => {
    const checkServerIdentity = () => new Error('not this one');
    const { error } = await send(secure({ ...certificates, verifyOptions: { checkServerIdentity } }), {});
    assert.match(error.message, /not this one/);
  });

  it('rejectUnauthorized: false', async () => {
    const facts = await send(secure({ verifyOptions: { rejectUnauthorized: false } }), {});
    assert.equal(facts.grpcStatus, 0, facts.error?.message);
  });
});

it('composed credentials are asked for each call, by @grpc/grpc-js', async () => {
  let asked = 0;
  const generator = (_call, done) => {
    const metadata = new grpc.Metadata();
    metadata.set('authorization', `Bearer ${++asked}`);
    done(null, metadata);
  };
  const credentials = grpc.credentials.combineChannelCredentials(
    grpc.credentials.createSsl(certificates.rootCerts),
    grpc.credentials.createFromMetadataGenerator(generator),
  );
  receiver.reset();
  const sender = createGrpcSender(configOf(secure(credentials)));
  for (let nth = 0; nth < 2; nth++) await sender.send(BODY, [], 5000);
  await sender.close();
  assert.deepEqual(
    receiver.calls.map(({ headers }) => headers.authorization),
    ['Bearer 1', 'Bearer 2'],
  );
});

describe('a client of @grpc/grpc-js that somebody has patched', () => {
  const soon = (error, answer) => (done) => {
    setImmediate(done, error, answer);
    return { cancel() {} };
  };
  const failing = (members) => soon(Object.assign(new Error('words'), members));
  const DELIVERED = 'delivered';
  for (const [name, makeRequest, wanted] of [
    ['answers with something else than bytes', soon(null, { a: 1 }), DELIVERED],
    ['answers twice', (done) => [done(null, BODY), done(new Error('words'))], DELIVERED],
    ['throws', () => assert.fail('words'), 'unsendable'],
    ['fails with no status', failing({}), 'unsendable'],
    ...[0, 0.5, Number.NaN, -1, 2 ** 32].map((code) => [`fails with the status ${code}`, failing({ code }), 2]),
    ['fails with a status', failing({ code: 14 }), 14],
    ['has metadata that throws', failing({ code: 14, metadata: { toJSON: () => assert.fail('words') } }), 'unsendable'],
    ['throws where it is cancelled, and never answers', () => ({ cancel: () => assert.fail('words') }), null],
    ['never answers', () => undefined, null],
  ]) {
    it(name, async (t) => {
      t.mock.method(grpc.Client.prototype, 'makeUnaryRequest', (...args) => makeRequest(args.at(-1)));
      const credentials = grpc.credentials.createSsl(certificates.rootCerts);
      const sender = createGrpcSender(configOf(secure(credentials)));
      const signal = {};
      const sending = sender.send(BODY, [], 60_000, null, signal);
      if (wanted === null) {
        await new Promise(setImmediate);
        signal.end();
      }
      const facts = await sending;
      await sender.close();
      const said = facts === null ? null : (facts.grpcStatus ?? facts.error.kind);
      assert.equal(said === 0 ? DELIVERED : said, wanted);
    });
  }
});

it('credentials whose package is in a bundle: Node takes their certificates', async () => {
  const { secureContext, verifyOptions } = grpc.credentials.createSsl(certificates.rootCerts);
  const bundled = { secureContext, verifyOptions, _isSecure: () => true };
  assert.equal((await send(secure(bundled), {})).grpcStatus, 0);
});

describe('NODE_TLS_REJECT_UNAUTHORIZED=0 trusts nobody over gRPC', () => {
  const NAME = 'NODE_TLS_REJECT_UNAUTHORIZED';
  const other = issue({ commonName: 'another CA', authority: true });
  const made = () => grpc.credentials.createSsl(Buffer.from(other.cert));
  const bundled = () => ({ secureContext: made().secureContext, verifyOptions: {}, _isSecure: () => true });
  for (const [name, credentials] of [
    ['certificates as plain data', { rootCerts: other.cert }],
    ['credentials of @grpc/grpc-js', made()],
    ['credentials whose package is in a bundle', bundled()],
    ['credentials whose package is in a bundle, without options', { ...bundled(), verifyOptions: undefined }],
    ['no credentials', undefined],
  ]) {
    it(name, async (t) => {
      const before = process.env[NAME];
      process.env[NAME] = '0';
      t.after(() => {
        if (before === undefined) delete process.env[NAME];
        else process.env[NAME] = before;
      });
      const facts = await send({ url: secureUrl(), credentials }, { millis: 2000 });
      assert.notEqual(facts.grpcStatus, 0);
      assert.equal(receiver.calls.length, 0);
    });
  }
});

it('opaque credentials of nobody known', async () => {
  const { error } = await send(secure({ _isSecure: () => true }), {});
  assert.deepEqual([error.kind, /was not found/.test(error.message)], ['unsendable', true]);
});

describe('a key of another certificate: the error of Node, and', () => {
  const pair = { privateKey: Buffer.from(client.key), certChain: Buffer.from(server.cert) };
  const refused = async (port) => {
    const url = `https://127.0.0.1:${port}`;
    const { error } = await send({ url, credentials: { ...certificates, ...pair } }, {});
    assert.match(error.message, /key values mismatch/);
  };

  it('no connection is left', { timeout: 20_000 }, async (t) => {
    const sockets = [];
    const listener = net.createServer((socket) => sockets.push(once(socket.resume(), 'close')));
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    t.after(() => listener.close());
    await refused(listener.address().port);
    const last = net.connect(listener.address().port, '127.0.0.1'); // it comes behind ours, if that has come
    await once(last, 'connect');
    last.end();
    await Promise.all(sockets);
  });

  it('none fails unheard', async (t) => {
    const unheard = t.mock.fn();
    process.on('uncaughtException', unheard);
    await refused(1);
    const last = net.connect(1, '127.0.0.1');
    await once(last, 'error').catch(() => {});
    await new Promise(setImmediate);
    process.off('uncaughtException', unheard);
    assert.equal(unheard.mock.callCount(), 0);
  });
});

it('nobody listens, and a name that does not exist', async () => {
  const refused = await send({ url: 'http://127.0.0.1:1' }, {});
  assert.equal(refused.error.kind, 'refused');
  assert.equal(
    refused.error.message,
    'No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:1. Resolution note: ',
  );
  const unknown = await send({ url: 'http://nowhere.invalid:1' }, {});
  assert.equal(unknown.error.message, 'Name resolution failed for target dns:nowhere.invalid:1');
});

it('what has no time left is not sent: a busy loop keeps the timer waiting', async () => {
  receiver.reset();
  const sender = createGrpcSender(configOf({ transport: 'node', ...plain() }));
  assert.equal((await sender.send(BODY, [], 5000)).grpcStatus, 0);
  const busy = () => {
    const end = performance.now() + 50;
    while (performance.now() < end);
    return [];
  };
  const { error } = await sender.send(BODY, busy, 20);
  assert.equal(error.kind, 'timed_out');
  assert.equal((await sender.send(BODY, [], 5000)).grpcStatus, 0);
  await sender.close();
  assert.equal(receiver.calls.length, 2);
});

it('metadata that Node does not send costs its own call alone', async () => {
  let answer;
  const gate = new Promise((resolve) => (answer = resolve));
  receiver.reset({ script: [{ gate }] });
  const sender = createGrpcSender(configOf({ transport: 'node', ...plain() }));
  const other = sender.send(BODY, [], 20_000);
  await receiver.waitForCalls(1);
  const twice = [1, 2].map((nth) => ['authorization', `Bearer ${nth}`]);
  const { error } = await sender.send(BODY, twice, 5000);
  assert.deepEqual([error.kind, error.code], ['unsendable', 'ERR_HTTP2_HEADER_SINGLE_VALUE']);
  answer();
  assert.equal((await other).grpcStatus, 0);
  assert.equal(receiver.connections.length, 1);
  await sender.close();
});

it('metadata that cannot be read', async () => {
  receiver.reset();
  const sender = createGrpcSender(configOf({ transport: 'node', ...plain() }));
  const thrown = new Error('no token');
  const { error } = await sender.send(BODY, () => Promise.reject(thrown), 5000);
  assert.deepEqual([error.kind, error.original, receiver.calls.length], ['unsendable', thrown, 0]);
});

it('through a proxy whose words come together with those of an endpoint that speaks first', async (t) => {
  const ok = [['grpc-status', '0']];
  const head = [
    [':status', '200'],
    ['content-type', 'application/grpc'],
  ];
  const { headers, data } = frames;
  const peer = await startRawPeer(({ stream, write }) =>
    write(headers(stream, head), data(stream, frame(BODY)), headers(stream, ok, true)),
  );
  const proxy = net.createServer((socket) => {
    const endpoint = net.connect(new URL(peer.url).port, '127.0.0.1');
    for (const each of [socket, endpoint]) each.on('error', () => {});
    socket.once('data', () => {
      socket.pause();
      endpoint.once('data', (first) => {
        socket.write(Buffer.concat([Buffer.from('HTTP/1.1 200 Connection established\r\n\r\n'), first]));
        socket.pipe(endpoint).pipe(socket);
      });
    });
  });
  await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  t.after(() => [peer.close(), proxy.close()]);
  process.env.grpc_proxy = `http://127.0.0.1:${proxy.address().port}`;
  t.after(() => delete process.env.grpc_proxy);
  const facts = await send({ url: 'http://collector.example:4317' }, {});
  assert.equal(facts.grpcStatus, 0, facts.error?.message ?? facts.grpcMessage);
});

it('through a proxy, plain and TLS', async (t) => {
  const proxy = await startProxy(receiver);
  t.after(() => proxy.close());
  process.env.grpc_proxy = `http://user:secret@${proxy.host}`;
  t.after(() => delete process.env.grpc_proxy);
  assert.equal((await send({ url: 'http://collector.example:4317' }, {})).grpcStatus, 0);
  const identity = { ...certificates, verifyOptions: { checkServerIdentity: () => undefined } };
  assert.equal((await send({ url: 'https://collector.example', credentials: identity }, {})).grpcStatus, 0);
  assert.equal(receiver.connections[0].servername, 'collector.example');
  const authorization = `Basic ${Buffer.from('user:secret').toString('base64')}`;
  assert.deepEqual(proxy.asked, [
    { target: 'collector.example:4317', host: 'collector.example:4317', authorization },
    { target: 'collector.example:443', host: 'collector.example:443', authorization },
  ]);
});
