'use strict';
// Sending through Node and through a proxy, without Node's own support for them: requests in absolute form, tunnels, a proxy
// that is spoken to over TLS, and the facts of what may go wrong.

const assert = require('node:assert/strict');
const http = require('node:http');
const https = require('node:https');
const net = require('node:net');
const tls = require('node:tls');
const { once } = require('node:events');
const { after, before, beforeEach, describe, it } = require('node:test');
const { resolveConfig } = require('../../js/config/resolve_config.js');
const { createNodeSender } = require('../../js/node_http/sender.js');
const { createGrpcSender } = require('../../js/node_grpc/sender.js');
const { issue } = require('../helpers/config/certificates.js');
const { startRecorder } = require('../helpers/config/recorder.js');
const { startGrpcReceiver } = require('../helpers/grpc/receiver.js');

for (const name of Object.keys(process.env)) if (/proxy$/i.test(name)) delete process.env[name];

const BODY = Buffer.from('0a00', 'hex');
const ENTRIES = [
  ['Authorization', 'Bearer t'],
  ['proxy-authorization', 'of the application'],
];
const BASIC = `Basic ${Buffer.from('us@er:secret').toString('base64')}`;
const ca = issue({ commonName: 'a CA', authority: true });
const own = issue({ commonName: 'collector.invalid', issuer: ca, names: ['collector.invalid'] });
const ofProxy = issue({ commonName: 'proxy', issuer: ca, names: ['127.0.0.1'] });

let plain;
let secured;
let grpc;
const sockets = new Set();
const servers = [];
/** What the proxies were asked for, and what they do: see `handle`. */
const seen = { asked: [], connections: 0, behaviour: 'ok' };

/** Leads to the recorders, whatever host it was asked for. */
function handle(server) {
  server.on('connection', (socket) => {
    seen.connections++;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('end', () => socket.end());
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('request', (request, response) => {
    const { url, headers } = request;
    seen.asked.push({ url, authorization: headers['proxy-authorization'], connection: headers['proxy-connection'] });
    if (seen.behaviour === '407') return void response.writeHead(407).end('who?');
    if (seen.behaviour === 'closes') return void request.socket.destroy();
    const options = { port: plain.port, path: url, method: 'POST', headers: { ...headers, 'x-via': 'proxy' } };
    request.pipe(http.request(options, (answer) => answer.pipe(response.writeHead(answer.statusCode))));
  });
  server.on('connect', (request, socket) => {
    const { url, headers } = request;
    seen.asked.push({ url, authorization: headers['proxy-authorization'], connection: headers['proxy-connection'] });
    socket.on('error', () => {});
    const answer = ANSWERS[seen.behaviour];
    if (answer !== undefined) return void socket.end(answer);
    if (seen.behaviour === 'silent') return;
    if (url.endsWith(':4317')) {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      return void grpc.accept(socket, url);
    }
    const endpoint = net.connect(secured.port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.pipe(endpoint).pipe(socket);
    });
    endpoint.on('error', () => socket.destroy());
  });
  return server;
}

const ANSWERS = {
  407: 'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n',
  503: 'HTTP/1.1 503 Busy\r\n\r\n',
  closes: '',
  garbage: 'SSH-2.0-x\r\n\r\n',
  breaks: 'HTTP/1.1 200 OK\r\n\r\n',
};

async function listen(server) {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `127.0.0.1:${server.address().port}`;
}

let proxy;
let secureProxy;
before(async () => {
  plain = await startRecorder();
  secured = await startRecorder({ tls: own });
  grpc = await startGrpcReceiver({});
  proxy = await listen(handle(http.createServer()));
  secureProxy = await listen(handle(https.createServer({ key: ofProxy.key, cert: ofProxy.cert })));
});
beforeEach(() => {
  Object.assign(seen, { asked: [], connections: 0, behaviour: 'ok' });
  plain.reset();
  secured.reset();
});
after(async () => {
  for (const socket of sockets) socket.destroy();
  await Promise.all([plain.close(), secured.close(), grpc.close()]);
  for (const server of servers) server.close();
});

const HTTP = 'http://collector.invalid:4318/v1/traces?x=1';
const HTTPS = 'https://collector.invalid/v1/traces';
const TRUSTING = { ca: ca.cert, keepAlive: true };

/** The facts of `count` attempts, one after the other. */
async function send(options, { count = 1, millis = 2000 } = {}) {
  const through = { proxy: `http://us%40er:secret@${proxy}`, transport: 'node', ...options };
  const config = resolveConfig(through, { protocol: 'http/protobuf' });
  const sender = createNodeSender(config);
  const facts = [];
  for (let i = 0; i < count; i++) facts.push(await sender.send(BODY, ENTRIES, millis));
  await sender.close();
  return count === 1 ? facts[0] : facts;
}

describe('F82: through a proxy', () => {
  it('an endpoint without TLS in absolute form, on a connection that is kept', async () => {
    const facts = await send({ url: HTTP }, { count: 2 });
    assert.deepEqual(
      facts.map(({ status, through }) => [status, through]),
      Array(2).fill([200, `through the proxy http://${proxy}`]),
    );
    const asked = { url: HTTP, authorization: BASIC, connection: 'keep-alive' };
    assert.deepEqual([seen.asked, seen.connections], [[asked, asked], 1]);
    const [{ headers, body }] = plain.requests;
    assert.deepEqual([headers.host, headers.authorization, body], ['collector.invalid:4318', 'Bearer t', '0a00']);
  });

  it('the proxy is told that a connection is not kept', async () => {
    assert.equal((await send({ url: HTTP, keepAlive: false })).status, 200);
    assert.equal(seen.asked[0].connection, 'close');
  });

  it('an endpoint with TLS by a tunnel, which has the credentials of the proxy to itself', async () => {
    const facts = await send({ url: HTTPS, httpAgentOptions: TRUSTING }, { count: 2 });
    assert.deepEqual(
      facts.map(({ status, through }) => [status, through]),
      Array(2).fill([200, undefined]),
    );
    const asked = { url: 'collector.invalid:443', authorization: BASIC, connection: 'keep-alive' };
    assert.deepEqual([seen.asked, seen.connections, secured.requests.length], [[asked], 1, 2]);
    const [{ headers, path }] = secured.requests;
    assert.deepEqual([headers['proxy-authorization'], headers.authorization], ['of the application', 'Bearer t']);
    assert.equal(path, '/v1/traces');
  });

  it('certificates behind the tunnel are those of the endpoint', async () => {
    const { error } = await send({ url: HTTPS });
    assert.equal(error.kind, 'tls');
    assert.ok(error.message.endsWith(`(through the proxy http://${proxy})`), error.message);
    assert.equal(secured.requests.length, 0);
  });

  it('a look-up of the application is asked for the proxy alone', async () => {
    const names = [];
    const lookup = (name, options, callback) => {
      names.push(name);
      if (options.all) callback(null, [{ address: '127.0.0.1', family: 4 }]);
      else callback(null, '127.0.0.1', 4);
    };
    for (const url of [HTTP, HTTPS]) {
      const httpAgentOptions = { ...TRUSTING, lookup };
      const port = proxy.split(':')[1];
      assert.equal((await send({ url, proxy: `http://proxy.invalid:${port}`, httpAgentOptions })).status, 200);
    }
    assert.deepEqual(names, ['proxy.invalid', 'proxy.invalid']);
  });

  it('a proxy over TLS is trusted as Node trusts, and not as the endpoint', async (t) => {
    for (const url of [HTTP, HTTPS]) {
      const { error } = await send({ url, proxy: `https://u:secret@${secureProxy}`, httpAgentOptions: TRUSTING });
      assert.equal(error.kind, 'tls', error.message);
      assert.ok(error.message.endsWith(`(through the proxy https://${secureProxy})`), error.message);
    }
    // As with tls.setDefaultCACertificates(), which not every version has.
    const { connect } = tls;
    t.after(() => Object.assign(tls, { connect }));
    t.mock.method(tls, 'connect', (...args) => {
      const options = args.find((each) => typeof each === 'object');
      if (String(options.port) === secureProxy.split(':')[1]) options.ca = ca.cert;
      return connect(...args);
    });
    for (const url of [HTTP, HTTPS]) {
      const facts = await send({ url, proxy: `https://us%40er:secret@${secureProxy}`, httpAgentOptions: TRUSTING });
      assert.equal(facts.status, 200, facts.error?.message);
    }
    assert.deepEqual(
      seen.asked.map(({ url, authorization }) => [url, authorization]),
      [
        [HTTP, BASIC],
        ['collector.invalid:443', BASIC],
      ],
    );
  });

  it('gRPC by a tunnel, whatever the proxy is spoken to in', async () => {
    grpc.reset();
    const options = {
      transport: 'node',
      url: 'http://collector.invalid:4317',
      proxy: `http://us%40er:secret@${proxy}`,
    };
    const sender = createGrpcSender(resolveConfig({ protocol: 'grpc', ...options }, { protocol: 'grpc' }));
    const facts = await sender.send(Buffer.from([10, 2, 8, 1]), [], 5000);
    await sender.close();
    assert.equal(facts.grpcStatus, 0, facts.error?.message ?? facts.grpcMessage);
    assert.deepEqual(seen.asked, [{ url: 'collector.invalid:4317', authorization: BASIC, connection: undefined }]);
  });
});

describe('F84: a failure names the proxy, and not its credentials:', () => {
  const tunnel = (words) => `no tunnel to collector.invalid:443 through the proxy http://${proxy}: ${words}`;
  const table = [
    ['407', 'no_tunnel', () => tunnel('HTTP/1.1 407 Proxy Authentication Required')],
    ['503', 'other', () => tunnel('HTTP/1.1 503 Busy')],
    ['closes', 'other', () => tunnel('socket hang up')],
    ['garbage', 'other', () => tunnel('Parse Error: Expected HTTP/, RTSP/ or ICE/')],
    ['silent', 'timed_out', () => `Request timed out (through the proxy http://${proxy})`],
    [
      'breaks',
      'reset',
      () =>
        'Client network socket disconnected before secure TLS connection was established ' +
        `(through the proxy http://${proxy})`,
    ],
  ];
  for (const [behaviour, kind, message] of table)
    it(`a tunnel, ${behaviour}`, async () => {
      seen.behaviour = behaviour;
      const millis = behaviour === 'silent' ? 200 : 2000;
      const { error } = await send({ url: HTTPS, httpAgentOptions: TRUSTING }, { millis });
      assert.deepEqual([error.kind, error.message], [kind, message()]);
      assert.equal(error.original.message, message(), 'what the application gets says the same');
      assert.equal(seen.asked.length, 1);
    });

  it('absolute form, 407', async () => {
    seen.behaviour = '407';
    const { status, through, body } = await send({ url: HTTP });
    assert.deepEqual([status, through, body.toString()], [407, `through the proxy http://${proxy}`, 'who?']);
  });

  it('absolute form, closed', async () => {
    seen.behaviour = 'closes';
    const { error } = await send({ url: HTTP });
    assert.deepEqual([error.kind, error.message], ['reset', `socket hang up (through the proxy http://${proxy})`]);
  });

  it('refused, and a name without an address', async () => {
    const closed = await listen(net.createServer());
    await new Promise((resolve) => servers.pop().close(resolve));
    for (const url of [HTTP, HTTPS]) {
      const { error } = await send({ url, proxy: `http://us:secret@${closed}` });
      const message = `connect ECONNREFUSED ${closed} (through the proxy http://${closed})`;
      assert.deepEqual([error.kind, error.code, error.message], ['refused', 'ECONNREFUSED', message]);
      const unknown = await send({ url, proxy: 'http://us:secret@proxy.invalid:1' });
      assert.equal(unknown.error.kind, 'dns');
      assert.match(unknown.error.message, / proxy\.invalid \(through the proxy http:\/\/proxy\.invalid:1\)$/);
    }
  });

  it('gRPC', async () => {
    seen.behaviour = '407';
    const options = { transport: 'node', url: 'http://collector.invalid:4317', proxy: `http://us:secret@${proxy}` };
    const sender = createGrpcSender(resolveConfig({ protocol: 'grpc', ...options }, { protocol: 'grpc' }));
    const { error } = await sender.send(Buffer.from([10, 2, 8, 1]), [], 5000);
    await sender.close();
    const words = 'HTTP/1.1 407 Proxy Authentication Required';
    const tunnelled = `no tunnel to collector.invalid:4317 through the proxy http://${proxy}: ${words}`;
    const message = `No connection established. Last error: Error [ERR_PROXY_TUNNEL]: ${tunnelled}. Resolution note: `;
    assert.deepEqual([error.kind, error.message], ['no_tunnel', message]);
  });
});

it('F84: a tunnel that takes longer than an export may ends, also if nobody waits for it', async () => {
  seen.behaviour = 'silent';
  const options = { proxy: `http://${proxy}`, url: HTTPS, transport: 'node', timeoutMillis: 50 };
  const sender = createNodeSender(resolveConfig(options, { protocol: 'http/protobuf' }));
  const { error } = await sender.send(BODY, ENTRIES, 60_000);
  await sender.close();
  const message = `connect ETIMEDOUT ${proxy} (through the proxy http://${proxy})`;
  assert.deepEqual([error.kind, error.code, error.message], ['timed_out', 'ETIMEDOUT', message]);
});

it('F82: a tunnel that is being opened ends with the sender', async () => {
  seen.behaviour = 'silent';
  const options = { proxy: `http://${proxy}`, url: HTTPS, transport: 'node', timeoutMillis: 60_000 };
  const sender = createNodeSender(resolveConfig(options, { protocol: 'http/protobuf' }));
  const sending = sender.send(BODY, ENTRIES, 60_000);
  while (seen.asked.length === 0) await new Promise(setImmediate);
  const socket = [...sockets].at(-1);
  const closed = once(socket, 'close');
  await sender.close();
  await closed;
  const { error } = await sending;
  assert.match(error.message, /^no tunnel to collector\.invalid:443 through the proxy .*: socket hang up$/);
});
