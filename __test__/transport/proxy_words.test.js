'use strict';
// What users write about a proxy that few do: hosts and URLs of odd forms, values that are none, exceptions. What all the forms
// mean is tested without a network in ../config/proxy.test.js; here requests go where they should.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const net = require('node:net');
const { describe, it } = require('node:test');
const { construct, exportOnce, exportOurs, lines, makeSpans, startWorld, toldOf } = require('../helpers/proxy/rig.js');
const { assertNoSecrets, PAIR, USERINFO } = require('../helpers/proxy/secrets.js');
const { makeMaterial, TRANSPORTS } = require('../helpers/proxy/transports.js');
const { WAYS } = require('../helpers/proxy/ways.js');
const { OTLPTraceExporter } = require('../..');

const AT_ONCE = 12;
const material = makeMaterial(['collector.test', 'xn--bcher-kva.test', '::1', 'localhost']);
const byUrl = WAYS['proxy: a URL'];
const onlyOnce = { retry: { maxAttempts: 1 } };
const { HTTP, HTTPS } = TRANSPORTS;
const grpc = TRANSPORTS['gRPC plain'];

/** A test of each sender over each of `transports`. */
function each(title, transports, check) {
  for (const transport of transports)
    for (const sender of ['native', 'node'])
      it(`${title}: ${transport.name}, sender ${sender}`, (t) => check(t, transport, sender));
}

describe('F82, F83: odd words about a proxy', { concurrency: AT_ONCE }, () => {
  const hosts = {
    'a host with letters beyond ASCII': ['bücher.test', 'xn--bcher-kva.test'],
    'an address of version 6': ['[::1]', '[::1]'],
    capitals: ['COLLECTOR.test', 'collector.test'],
  };
  for (const [what, [host, asked]] of Object.entries(hosts)) {
    each(what, [HTTP, HTTPS, grpc], async (t, transport, sender) => {
      const world = await startWorld(t, { transport, material });
      const url = world.collector.urlFor(host);
      const { results, arrived } = await exportOurs(world, toldOf(world, byUrl, { url }), { sender, ...onlyOnce });
      assert.deepEqual([results, arrived.length], [[{ code: 0 }], 1]);
      const [{ target, headers }] = world.proxy.requests;
      const authority = `${asked}:${world.collector.port}`;
      assert.equal(target, transport.isTunnel ? authority : `http://${authority}/v1/traces`);
      assert.equal(headers.host, authority);
    });
  }

  const urls = {
    'a path, a query and a fragment': (proxy) => `${proxy.urlWith(USERINFO)}/path?query=1#fragment`,
    'an at sign and a colon that nobody encoded': (proxy) => proxy.urlWith('us3r%40n4me:p4ss:w0rd%2F%25ü'),
    'capitals in the scheme': (proxy) => proxy.urlWith(USERINFO).replace('http', 'HTTP'),
    'blanks and line ends around': (proxy) => ` ${proxy.urlWith(USERINFO)}\n`,
  };
  for (const [what, write] of Object.entries(urls)) {
    each(`a variable with ${what}`, [HTTP, grpc], async (t, transport, sender) => {
      const world = await startWorld(t, { transport, material, proxy: { credentials: PAIR } });
      const told = { config: { url: world.collector.url, proxy: 'env' }, env: { HTTP_PROXY: write(world.proxy) } };
      const { results } = await exportOurs(world, told, { sender, ...onlyOnce });
      assert.deepEqual(results, [{ code: 0 }]);
    });
  }

  each('a proxy with an address of version 6', [HTTP, HTTPS, grpc], async (t, transport, sender) => {
    const world = await startWorld(t, { transport, material });
    const relay = net.createServer((socket) => {
      const onward = net.connect(world.proxy.port, '127.0.0.1');
      for (const each of [socket, onward]) each.on('error', () => {});
      socket.pipe(onward).pipe(socket);
    });
    relay.listen(0, '::1');
    await once(relay, 'listening');
    t.after(() => relay.close());
    const proxy = `http://[::1]:${relay.address().port}`;
    const told = { config: { url: world.collector.url, proxy }, env: world.collector.variables };
    const { results } = await exportOurs(world, told, { sender, ...onlyOnce });
    assert.deepEqual(results, [{ code: 0 }]);
    assert.equal(world.proxy.requests.length, 1);
  });

  it('variables that change later change nothing', async (t) => {
    for (const transport of [HTTP, grpc]) {
      const world = await startWorld(t, { transport, material });
      const config = { url: world.collector.url, proxy: 'env', protocol: transport.isGrpc ? 'grpc' : 'http/protobuf' };
      const exporter = construct(OTLPTraceExporter, config, { http_proxy: world.proxy.url });
      process.env.http_proxy = 'http://127.0.0.1:1';
      try {
        assert.deepEqual(await exportOnce(exporter, makeSpans()), { code: 0 });
      } finally {
        delete process.env.http_proxy;
        await exporter.shutdown();
      }
      assert.equal(world.proxy.requests.length, 1);
    }
  });

  it('a value that is no proxy is an error without its credentials', () => {
    for (const proxy of [
      'http://us3r%40n4me:p4ss:w0rd@127.0.0.1:99999',
      'us3r:p4ss@127.0.0.1:3128',
      'socks5://us3r:p4ss@127.0.0.1:1080',
      'http://us3r:p4ss@',
      { url: 'http://us3r:p4ss@h' },
      5,
    ]) {
      for (const protocol of ['http/protobuf', 'grpc']) {
        assert.throws(
          () => new OTLPTraceExporter({ proxy, protocol }),
          (error) => {
            assert.match(error.message, /^Configuration: proxy is invalid, expected 'env' or a URL/);
            assertNoSecrets(error);
            return true;
          },
        );
      }
    }
  });

  it('a variable that is no proxy is told without its credentials, and nothing is lost', async (t) => {
    for (const http_proxy of ['http://us3r:p4ss@h:99999', 'socks5://us3r:p4ss@h:1080', 'http://us3r:p4/ss@h:1']) {
      for (const transport of [HTTP, grpc]) {
        const world = await startWorld(t, { transport, material });
        const from = lines.length;
        const told = { config: { url: world.collector.urlFor('127.0.0.1'), proxy: 'env' }, env: { http_proxy } };
        const { results } = await exportOurs(world, told, onlyOnce);
        assert.deepEqual(results, [{ code: 0 }]);
        const warnings = lines.slice(from).filter(([level, text]) => level === 'warn' && /http_proxy/.test(text));
        assert.equal(warnings.length, 1);
        assertNoSecrets(warnings);
      }
    }
  });
});

describe('F83: exceptions', () => {
  // [list, host of the endpoint, whether the proxy is asked]
  const PORT = 'PORT';
  const rows = [
    ['', '127.0.0.1', true],
    [' * ', '127.0.0.1', false],
    [' other.test , 127.0.0.1 ', '127.0.0.1', false],
    [`127.0.0.1:${PORT}`, '127.0.0.1', false],
    ['127.0.0.1:9', '127.0.0.1', true],
    ['127.0.0.0/8', '127.0.0.1', false],
    ['10.0.0.0/8', '127.0.0.1', true],
    ['127.0.0.0-127.0.0.9', '127.0.0.1', false],
    ['localhost', '127.0.0.1', true],
    ['LOCALHOST', 'localhost', false],
    ['*.localhost', 'localhost', true],
    ['host', 'localhost', true],
    [`localhost:${PORT}`, 'localhost', false],
    ['other.test localhost', 'localhost', false],
  ];
  for (const transport of [HTTP, grpc]) {
    it(`of 'env', ${transport.name}`, async (t) => {
      for (const [list, host, isAsked] of rows) {
        const world = await startWorld(t, { transport, material });
        const no_proxy = list.replaceAll(PORT, world.collector.port);
        const env = { http_proxy: world.proxy.url, NO_PROXY: no_proxy };
        const told = { config: { url: world.collector.urlFor(host), proxy: 'env' }, env };
        const { results } = await exportOurs(world, told, onlyOnce);
        const title = `no_proxy '${list}', ${host}`;
        assert.deepEqual([title, world.proxy.requests.length], [title, isAsked ? 1 : 0]);
        assert.deepEqual([title, results], [title, [{ code: 0 }]]);
      }
    });
  }

  it('lists of any length are read at once', () => {
    const lists = {
      names: Array.from({ length: 20_000 }, (_, n) => `host${n}.test`).join(),
      addresses: Array.from({ length: 20_000 }, (_, n) => `10.${n >> 8}.${n & 255}.1`).join(),
      networks: Array.from({ length: 20_000 }, (_, n) => `10.${n >> 8}.${n & 255}.0/24`).join(),
      blanks: ' '.repeat(200_000),
      'blanks and dashes': `${' '.repeat(100_000)}-${' '.repeat(100_000)}x`,
    };
    for (const url of ['http://127.0.0.1:4318/v1/traces', 'http://collector.test:4318/v1/traces']) {
      for (const [what, no_proxy] of Object.entries(lists)) {
        const started = process.cpuUsage();
        const exporter = construct(
          OTLPTraceExporter,
          { url, proxy: 'env' },
          { http_proxy: 'http://127.0.0.1:1', no_proxy },
        );
        const { user, system } = process.cpuUsage(started);
        // Milliseconds on any machine; a search that is not linear takes minutes.
        assert.ok(user + system < 2_000_000, `${what}: ${(user + system) / 1000} ms`);
        exporter.shutdown();
      }
    }
  });
});
