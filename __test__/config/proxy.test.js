'use strict';
// Which proxy an exporter goes through: the option `proxy`, the variables that it means, the exceptions from them, and what
// Node's agents read in `proxyEnv`, beside Node's own decision where it has one.

const assert = require('node:assert/strict');
const http = require('node:http');
const https = require('node:https');
const { inspect } = require('node:util');
const { describe, it } = require('node:test');
const { recordDiag, withEnvironment } = require('../helpers/config/recorder.js');
const { Random } = require('../helpers/random.js');
const { isException, isExceptionOfNode } = require('../../js/config/proxy_exceptions.js');
const { resolveConfig } = require('../../js/config/resolve_config.js');

const resolve = (options, protocol = 'http/protobuf') => resolveConfig(options, { protocol });
const basic = (text) => `Basic ${Buffer.from(text).toString('base64')}`;
const hasProxyEnv = process.allowedNodeEnvironmentFlags.has('--use-env-proxy');

/** `url` and `authorization` of the proxy, or null. */
function proxyOf(options, variables = {}, protocol = 'http/protobuf') {
  return withEnvironment(variables, () => {
    const { proxy } = resolve(options, protocol);
    return proxy && [proxy.url, proxy.authorization];
  });
}

describe('the option', () => {
  const table = [
    ['a URL', 'http://p.test:3128', ['http://p.test:3128', null]],
    ['the port of the scheme', 'http://p.test/some/path?x#y', ['http://p.test:80', null]],
    ['a proxy with TLS', 'https://p.test', ['https://p.test:443', null]],
    ['an address of version 6', 'http://[::1]:1', ['http://[::1]:1', null]],
    ['credentials', 'http://us%40er:p%3A%C3%A4@p.test:1', ['http://p.test:1', basic('us@er:p:ä')]],
    ['a user alone', 'http://user@p.test:1', ['http://p.test:1', basic('user:')]],
    ['a per cent sign that is one', 'http://u:50%@p.test:1', ['http://p.test:1', basic('u:50%')]],
    ['nothing', '', null],
    ['null', null, null],
    ['absent', undefined, null],
  ];
  for (const [name, proxy, expected] of table)
    it(`F82: ${name}`, async () => {
      for (const url of ['http://h.test/', 'https://h.test/'])
        assert.deepEqual(await proxyOf({ url, proxy }, { no_proxy: '*' }), expected);
    });

  it('F82: without it variables have no say, and with it they have none but for `env`', async () => {
    const variables = { http_proxy: 'http://p.test:1', https_proxy: 'http://p.test:1', all_proxy: 'http://p.test:1' };
    assert.equal(await proxyOf({}, variables), null);
    assert.deepEqual(await proxyOf({ proxy: 'http://q.test:2' }, variables), ['http://q.test:2', null]);
  });

  it('F82: never for a socket of this machine', async () => {
    const options = { proxy: 'http://p.test:1', httpAgentOptions: { socketPath: '/tmp/x' } };
    assert.equal(await proxyOf(options), null);
    assert.equal(await proxyOf({ proxy: 'http://p.test:1', url: 'unix:///tmp/x' }, {}, 'grpc'), null);
  });

  it('F82: what is invalid is an error that names the option and shows no password', () => {
    const expected = "expected 'env' or a URL that begins with http:// or https://";
    for (const [proxy, shown] of [
      ['socks5://u:secret@p.test:1', "'socks5://***@p.test:1'"],
      ['http://u:secret@p.test:99999', "'http://***@p.test:99999'"],
      ['p.test:3128', "'p.test:3128'"],
      ['u:secret@p.test', "'***@p.test'"],
      ['http://', "'http://'"],
      [5, "'5'"],
      [new URL('http://u:secret@p.test'), 'object'],
    ]) {
      const message = `Configuration: proxy is invalid, ${expected} (actual: ${shown})`;
      for (const protocol of ['http/protobuf', 'grpc']) assert.throws(() => resolve({ proxy }, protocol), { message });
    }
  });

  it('F82: an agent of the application decides by itself how it connects', () => {
    const httpAgentOptions = () => new http.Agent();
    const message =
      'Configuration: proxy and httpAgentOptions that are a function exclude each other, the agent decides how it connects';
    for (const proxy of ['env', 'http://p.test:1'])
      assert.throws(() => resolve({ proxy, httpAgentOptions }), { message });
    assert.equal(resolve({ proxy: '', httpAgentOptions }).transport, 'node');
  });

  it('F82: a proxy that is spoken to over TLS is for Node', () => {
    const proxy = 'https://u:secret@p.test';
    for (const protocol of ['http/protobuf', 'grpc']) {
      const { transport, reason } = resolve({ proxy }, protocol);
      assert.deepEqual([transport, reason], ['node', 'a proxy that is spoken to over TLS']);
      const message =
        "Configuration: transport 'native' cannot honour a proxy that is spoken to over TLS, use transport 'node'";
      assert.throws(() => resolve({ proxy, transport: 'native' }, protocol), { message });
    }
    assert.equal(resolve({ proxy: 'http://p.test' }).transport, 'native');
  });
});

describe("proxy: 'env'", () => {
  const one = 'http://one.test:1';
  const two = 'http://two.test:2';
  const table = [
    ['nothing set', {}, null, null],
    ['by the scheme of the endpoint', { http_proxy: one, https_proxy: two }, one, two],
    ['in capitals', { HTTP_PROXY: one, HTTPS_PROXY: two }, one, two],
    ['small letters first', { HTTP_PROXY: two, http_proxy: one, HTTPS_PROXY: one, https_proxy: two }, one, two],
    ['what is empty is not set', { http_proxy: ' ', HTTP_PROXY: one }, one, null],
    ['all_proxy for what has none', { all_proxy: one, https_proxy: two }, one, two],
    ['ALL_PROXY', { ALL_PROXY: one }, one, one],
    ['trimmed', { http_proxy: ` ${one}\t` }, one, null],
    ['without a scheme', { http_proxy: 'one.test:1', https_proxy: 'u:p@two.test:2' }, one, two],
    ['an exception', { all_proxy: one, NO_PROXY: 'h.test' }, null, null],
    ['no_proxy first', { all_proxy: one, NO_PROXY: 'h.test', no_proxy: 'other.test' }, one, one],
  ];
  for (const [name, variables, plain, secured] of table)
    it(`F83: ${name}`, async () => {
      for (const [url, expected] of [
        ['http://h.test:4318/', plain],
        ['https://h.test:4318/', secured],
      ])
        assert.equal((await proxyOf({ url, proxy: 'env' }, variables))?.[0] ?? null, expected);
    });

  it('F83: what cannot be used is told without its password', async () => {
    for (const [text, line] of [
      ['http://u:secret@p.test:99999', 'warn: Cannot parse the value of http_proxy, no proxy is used'],
      ['socks5://u:secret@p.test:1', 'warn: The scheme socks5: of http_proxy is not supported, no proxy is used'],
    ]) {
      const { value, lines } = await recordDiag(() => proxyOf({ proxy: 'env' }, { http_proxy: text }));
      assert.deepEqual([value, lines], [null, [line]]);
    }
  });

  it('F86: over gRPC the names of gRPC come first, and exceptions are those of this page', async () => {
    const grpc = (variables, proxy = 'env', url = 'http://h.test:4317') =>
      withEnvironment(variables, () => resolve({ proxy, url }, 'grpc').proxy?.url ?? null);
    assert.equal(await grpc({ grpc_proxy: one, https_proxy: two }), one);
    assert.equal(await grpc({ https_proxy: two, http_proxy: one }), two);
    assert.equal(await grpc({ all_proxy: one }), one);
    assert.equal(await grpc({ all_proxy: one }, null), null);
    assert.equal(await grpc({ grpc_proxy: 'https://one.test' }), 'https://one.test:443');
    assert.equal(await grpc({ grpc_proxy: one, no_proxy: 'h.test:4317' }), null);
    assert.equal(await grpc({ grpc_proxy: one, no_proxy: 'h.test:4318' }), one);
    assert.equal(await grpc({ grpc_proxy: one, no_grpc_proxy: 'x', no_proxy: 'h.test' }), one);
    assert.equal(await grpc({ grpc_proxy: one, no_proxy: 'test' }, 'env', 'http://contest:1'), one);
    assert.equal(await grpc({ grpc_proxy: one, no_proxy: 'test' }, null, 'http://contest:1'), null);
    assert.equal(await grpc({ grpc_proxy: one, no_proxy: '*' }, two), two);
    assert.equal(await grpc({ grpc_proxy: one }, ''), null);
  });
});

describe('exceptions', () => {
  const table = [
    ['a.test, h.test ,b.test', 'h.test', true],
    ['a.test h.test', 'h.test', true],
    ['H.Test', 'h.TEST', true],
    ['h.test.', 'h.test', true],
    ['h.test', 'h.test.', true],
    ['', 'h.test', false],
    [' , ,', 'h.test', false],
    ['.', 'h.test', false],
    ['*', 'h.test', true],
    ['*', '10.0.0.1', true],
    ['*:4318', 'h.test', true],
    ['*:4317', 'h.test', false],
    ['example.com', 'example.com', true],
    ['example.com', 'a.b.example.com', true],
    ['example.com', 'notexample.com', false],
    ['example.com', 'example.com.evil.test', false],
    ['.example.com', 'a.example.com', true],
    ['.example.com', 'example.com', true],
    ['*.example.com', 'a.b.example.com', true],
    ['*.example.com', 'example.com', false],
    ['*.example.com', 'notexample.com', false],
    ['h.test:4318', 'h.test', true],
    ['h.test:4317', 'h.test', false],
    ['.example.com:4318', 'a.example.com', true],
    ['h.test:', 'h.test', false],
    ['10.0.0.1', '10.0.0.1', true],
    ['10.0.0.1:4318', '10.0.0.1', true],
    ['10.0.0.1:80', '10.0.0.1', false],
    ['0.0.1', '10.0.0.1', false],
    ['10.0.0.1', 'ten.test', false],
    ['10.0.0.0/8', '10.200.3.4', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.0.0.0/8:4318', '10.200.3.4', false],
    ['10.1.2.3/8', '10.200.3.4', true],
    ['0.0.0.0/0', '1.2.3.4', true],
    ['10.0.0.0/33', '10.0.0.0', false],
    ['10.0.0.0/', '10.0.0.0', false],
    ['10.0.0.0/8', '[fd00::1]', false],
    ['10.0.0.1-10.0.0.9', '10.0.0.9', true],
    ['10.0.0.1 - 10.0.0.9', '10.0.0.5', true],
    ['10.0.0.1-10.0.0.9', '10.0.0.10', false],
    ['10.0.0.9-10.0.0.1', '10.0.0.5', false],
    ['my-host.test', 'my-host.test', true],
    ['::1', '[::1]', true],
    ['[::1]', '[::1]', true],
    ['[::1]:4318', '[::1]', true],
    ['[::1]:4317', '[::1]', false],
    ['0:0:0:0:0:0:0:1', '[::1]', true],
    ['fd00::/8', '[fdab::1]', true],
    ['[fd00::]/8', '[fdab::1]', true],
    ['fd00::/8', '[fe80::1]', false],
    ['fd00::1-fd00::9', '[fd00::5]', true],
    ['localhost', '127.0.0.1', false],
  ];
  for (const [list, hostname, expected] of table)
    it(`F83: '${list}' and ${hostname}`, () => {
      assert.equal(isException(list, { hostname, port: 4318 }), expected);
    });
});

describe('proxyEnv of an agent', { skip: !hasProxyEnv && 'this Node.js has none' }, () => {
  const env = { http_proxy: 'http://u:p@p.test:1', https_proxy: 'http://q.test:2' };
  const configOf = (proxyEnv, url = 'http://h.test/') => resolve({ url, httpAgentOptions: { proxyEnv } });

  it('F85: is followed natively', () => {
    const { proxy, transport } = configOf(env);
    assert.deepEqual([proxy.url, proxy.authorization, transport], ['http://p.test:1', basic('u:p'), 'native']);
    assert.equal(configOf(env, 'https://h.test/').proxy.url, 'http://q.test:2');
    for (const none of [
      null,
      undefined,
      'http://p.test',
      {},
      { http_proxy: 'socks5://p' },
      { all_proxy: 'http://p' },
    ]) {
      const { proxy, transport, refusal } = configOf(none);
      assert.deepEqual([proxy, transport, refusal], [null, 'native', null], inspect(none));
    }
  });

  it('F85: the option of our own wins over it', () => {
    const { proxy } = resolve({ proxy: 'http://own.test:3', httpAgentOptions: { proxyEnv: env } });
    assert.equal(proxy.url, 'http://own.test:3');
    assert.equal(resolve({ proxy: '', httpAgentOptions: { proxyEnv: env } }).proxy, null);
  });

  it('F85: what fails each export of the stock exporter fails each of ours, without its password', () => {
    for (const text of ['http://u:secret@p.test:99999', 'http://u:secret@p.test\r\n']) {
      const { refusal } = configOf({ http_proxy: text });
      assert.equal(refusal.code, 'ERR_PROXY_INVALID_CONFIG');
      assert.match(refusal.message, /^Invalid proxy URL: http:\/\/\[redacted\]@p\.test(:99999)?$/);
      assert.throws(() => new http.Agent({ proxyEnv: { http_proxy: text } }), { code: refusal.code });
    }
  });

  it('F85: what is odd is left to Node', () => {
    const odd = [
      { http_proxy: 5 },
      { http_proxy: 'http://u:%@p.test' },
      { ...env, no_proxy: 5 },
      new Proxy({}, { get: () => assert.fail() }),
    ];
    for (const each of odd) {
      const { proxy, reason } = configOf(each);
      assert.deepEqual([proxy, reason], [null, 'httpAgentOptions.proxyEnv'], inspect(each));
    }
    const host = resolve({ headers: { Host: 'x' }, httpAgentOptions: { proxyEnv: env } });
    assert.equal(host.reason, 'a Host header with httpAgentOptions.proxyEnv');
    assert.equal(resolve({ headers: { Host: 'x' }, proxy: 'http://p.test' }).reason, null);
  });

  it("F85: exceptions are Node's own", () => {
    const random = new Random(84);
    const hosts = ['h.test', 'a.h.test', 'xh.test', 'H.TEST', '10.0.0.5', '10.0.1.1', '[::1]', 'localhost'];
    // Before version 24 a name in front of the suffix needs no dot.
    const isOld = Number(process.versions.node.split('.')[0]) < 24;
    const entries = [
      'h.test',
      ' h.test',
      'H.Test',
      '.h.test',
      '*.h.test',
      '*',
      'h.test:80',
      '10.0.0.5:443',
      '::1',
      '[::1]',
    ]
      .concat(
        '10.0.0.1-10.0.0.9',
        '10.0.0.9 - 10.0.2.0',
        '10.0.0.0/8',
        '1-2',
        '',
        '.',
        '*.',
        'test',
        '10.0.0.5',
        '::1:80',
      )
      .filter((entry) => !isOld || !entry.startsWith('.'));
    const kinds = [
      [new http.Agent({ proxyEnv: env }), 'http:', 80],
      [new https.Agent({ proxyEnv: env }), 'https:', 443],
    ];
    let compared = 0;
    for (let round = 0; round < 2000; round++) {
      const list = Array.from({ length: 1 + random.below(3) }, () => random.pick(entries)).join(',');
      const host = random.pick(hosts);
      const [agent, scheme, port] = random.pick(kinds);
      const ofNode = new agent.constructor({ proxyEnv: { ...env, no_proxy: list } });
      const key = Object.getOwnPropertySymbols(ofNode).find(({ description }) => description === 'kProxyConfig');
      const expected = !ofNode[key].shouldUseProxy(host.replace(/^\[|\]$/g, '').toLowerCase(), port);
      const { proxy } = resolve({
        url: `${scheme}//${host}/`,
        httpAgentOptions: { proxyEnv: { ...env, no_proxy: list } },
      });
      assert.equal(proxy === null, expected, `${list} and ${host}`);
      assert.equal(isExceptionOfNode(list, host, port), expected);
      compared += expected ? 1 : 0;
    }
    assert.ok(compared > 500 && compared < 1500, `${compared} of 2000`);
  });
});

it('F85: a Node.js whose agents have no proxies sends past them', { skip: hasProxyEnv }, () => {
  const { proxy, transport } = resolve({ httpAgentOptions: { proxyEnv: { http_proxy: 'http://p.test' } } });
  assert.deepEqual([proxy, transport], [null, 'native']);
});
