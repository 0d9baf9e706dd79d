'use strict';
// Settings of a process that Node's dns, net and http honour (docs/configuration.md): one process per export, with the
// stock exporter and with ours, and which of two servers each of them asks.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const http = require('node:http');
const path = require('node:path');
const { describe, it } = require('node:test');
const { promisify } = require('node:util');
const { startRecorder } = require('../helpers/config/recorder.js');
const { fakeNames } = require('../helpers/fake_names.js');

const run = promisify(execFile);
const program = path.join(__dirname, '..', 'helpers', 'config', 'process_program.js');
const hasV6First = Number(process.versions.node.split('.')[0]) >= 22;

/** Two servers on one port, of both families; null where there is no IPv6. */
async function bothFamilies(t) {
  const v4 = await startRecorder();
  t.after(() => v4.close());
  try {
    const v6 = await startRecorder({ listen: { port: v4.port, host: '::1' } });
    t.after(() => v6.close());
    return { v4, v6 };
  } catch {
    return null;
  }
}

/** How the export ended and whom it asked. */
async function asked({ subject, servers, url, config, env, flags = [], code = '' }) {
  for (const server of Object.values(servers)) server.reset();
  const preload = code === '' ? [] : ['--import', `data:text/javascript,${encodeURIComponent(code)}`];
  const args = [...flags, ...preload, program, subject, 'http/protobuf', JSON.stringify({ url, ...config })];
  const { stdout } = await run(process.execPath, args, { timeout: 20_000, env: { PATH: process.env.PATH, ...env } });
  const result = JSON.parse(stdout);
  const requests = Object.entries(servers).map(([name, server]) => [name, server.requests.length]);
  return { code: result.code, error: result.error?.code, ...Object.fromEntries(requests) };
}

const settings = {
  'nothing is set: the order of the system': {},
  '--dns-result-order=ipv4first': { flags: ['--dns-result-order=ipv4first'] },
  '--dns-result-order=verbatim': { flags: ['--dns-result-order=verbatim'] },
  ...(hasV6First && { '--dns-result-order=ipv6first': { flags: ['--dns-result-order=ipv6first'] } }),
  "dns.setDefaultResultOrder('ipv4first')": {
    code: `import dns from 'node:dns'; dns.setDefaultResultOrder('ipv4first');`,
  },
  "dns.promises.setDefaultResultOrder('ipv4first')": {
    code: `import dns from 'node:dns/promises'; dns.setDefaultResultOrder('ipv4first');`,
  },
};

describe('a name with addresses of both families, stock beside ours', () => {
  for (const [name, setting] of Object.entries(settings)) {
    for (const order of [
      ['::1', '127.0.0.1'],
      ['127.0.0.1', '::1'],
    ]) {
      it(`${name}, the system says ${order.join(' before ')}`, async (t) => {
        const names = fakeNames(t);
        if (names.skip) return t.skip(names.skip);
        const servers = await bothFamilies(t);
        if (servers === null) return t.skip('this machine has no IPv6 loopback');
        const url = `http://collector.fake:${servers.v4.port}/v1/traces`;
        const how = { servers, url, env: names.env(...order), ...setting };
        const stock = await asked({ subject: 'stock', ...how });
        assert.equal(stock.code, 0);
        assert.deepEqual(await asked({ subject: 'ours', ...how }), stock);
      });
    }
  }

  const families = {
    'the next family is tried': { code: '' },
    '--no-network-family-autoselection': { flags: ['--no-network-family-autoselection'] },
    'net.setDefaultAutoSelectFamily(false)': {
      code: `import net from 'node:net'; net.setDefaultAutoSelectFamily(false);`,
    },
  };
  for (const [name, setting] of Object.entries(families)) {
    it(`${name} when the first address refuses`, async (t) => {
      const names = fakeNames(t);
      if (names.skip) return t.skip(names.skip);
      const v4 = await startRecorder();
      t.after(() => v4.close());
      const url = `http://collector.fake:${v4.port}/v1/traces`;
      const how = {
        servers: { v4 },
        url,
        env: names.env('::1', '127.0.0.1'),
        config: { timeoutMillis: 700 },
        ...setting,
      };
      const stock = await asked({ subject: 'stock', ...how });
      assert.equal(stock.code, name.startsWith('the next') ? 0 : 1, JSON.stringify(stock));
      assert.deepEqual(await asked({ subject: 'ours', ...how }), stock);
    });
  }
});

describe("a proxy, by Node's own switch and by the options of an agent, stock beside ours", () => {
  const hasSwitch = process.allowedNodeEnvironmentFlags.has('--use-env-proxy');
  const code = `import http from 'node:http'; http.setGlobalProxyFromEnv?.();`;
  const ways = {
    'F7: the variables alone': {},
    'F7: NODE_USE_ENV_PROXY': { env: { NODE_USE_ENV_PROXY: '1' } },
    ...(hasSwitch && { 'F7: --use-env-proxy': { flags: ['--use-env-proxy'] } }),
    'F7: http.setGlobalProxyFromEnv()': { code },
    'F85: proxyEnv': { proxyEnv: {}, isProxied: hasSwitch },
    'F85: proxyEnv with an exception': { proxyEnv: { no_proxy: ' 127.0.0.1' } },
    'F85: proxyEnv with a network, which is none for Node': {
      proxyEnv: { no_proxy: '127.0.0.0/8' },
      isProxied: hasSwitch,
    },
  };
  for (const [name, { env, proxyEnv, isProxied = false, ...how }] of Object.entries(ways)) {
    for (const [spelling, spelled] of Object.entries({ http_proxy: 'http_proxy', HTTP_PROXY: 'HTTP_PROXY' })) {
      it(`${name}, ${spelling}`, async (t) => {
        const [proxy, endpoint] = [await startRecorder(), await startRecorder()];
        t.after(() => Promise.all([proxy.close(), endpoint.close()]));
        const variables = { [spelled]: proxy.origin };
        const httpAgentOptions = proxyEnv && { keepAlive: true, proxyEnv: { ...variables, ...proxyEnv } };
        const url = `${endpoint.origin}/v1/traces`;
        const servers = { proxy, endpoint };
        const given = { servers, url, config: { httpAgentOptions }, env: { ...variables, ...env }, ...how };
        const seen = {};
        for (const subject of ['stock', 'ours']) {
          const ended = await asked({ subject, ...given });
          const wanted = { code: 0, error: undefined, proxy: isProxied ? 1 : 0, endpoint: isProxied ? 0 : 1 };
          assert.deepEqual(ended, wanted, subject);
          const [{ path: asksFor, headers }] = [...proxy.requests, ...endpoint.requests];
          seen[subject] = [asksFor, headers.host, headers['proxy-connection'], headers.connection];
        }
        assert.deepEqual(seen.ours, seen.stock);
      });
    }
  }

  it('F85: a proxy that is no URL fails the export as with the stock exporter', { skip: !hasSwitch }, async (t) => {
    const endpoint = await startRecorder();
    t.after(() => endpoint.close());
    const httpAgentOptions = { proxyEnv: { http_proxy: 'http://p.test:99999' } };
    const given = { servers: { endpoint }, url: `${endpoint.origin}/v1/traces`, config: { httpAgentOptions } };
    const stock = await asked({ subject: 'stock', ...given });
    assert.deepEqual(stock, { code: 1, error: 'ERR_PROXY_INVALID_CONFIG', endpoint: 0 });
    assert.deepEqual(await asked({ subject: 'ours', ...given }), stock);
  });
});

it("Y15: over gRPC the proxy that is named for it is asked, with Node's switch too", {
  skip: !process.allowedNodeEnvironmentFlags.has('--use-env-proxy') && 'this Node.js has no such switch',
}, async (t) => {
  const asked = [];
  const [ofGrpc, ofHttp] = await Promise.all(['grpc_proxy', 'http_proxy'].map((name) => startRefusing(t, name, asked)));
  const env = { PATH: process.env.PATH, NODE_USE_ENV_PROXY: '1', grpc_proxy: ofGrpc, http_proxy: ofHttp };
  for (const [entry, expected] of [
    ['./js/entries/otlp_grpc.js', 'grpc_proxy'],
    ['@opentelemetry/exporter-trace-otlp-grpc', 'http_proxy'],
  ]) {
    asked.length = 0;
    const source = `
      const { OTLPTraceExporter } = require('${entry}');
      const { span } = require('./__test__/helpers/config/runner.js');
      new OTLPTraceExporter({ url: 'http://collector.invalid:4317', timeoutMillis: 500 }).export([span], () => process.exit());`;
    await run(process.execPath, ['-e', source], { timeout: 20_000, env, cwd: path.join(__dirname, '..', '..') });
    assert.deepEqual([...new Set(asked)], [expected], entry);
  }
});

/** A proxy that opens no tunnel, and says by `name` that it was asked for one. */
async function startRefusing(t, name, asked) {
  const server = http.createServer();
  server.on('connect', (_request, socket) => {
    asked.push(name);
    socket.on('error', () => {});
    socket.end('HTTP/1.1 503 Busy\r\n\r\n');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${server.address().port}`;
}

it('a socket in the abstract namespace of Linux is used', {
  skip: process.platform !== 'linux' && 'Linux only',
}, async (t) => {
  const socketPath = `\0offloop-test-${process.pid}`;
  const server = await startRecorder({ listen: { path: socketPath } });
  t.after(() => server.close());
  const how = { servers: { server }, url: 'http://localhost/v1/traces', config: { httpAgentOptions: { socketPath } } };
  const stock = await asked({ subject: 'stock', ...how });
  assert.deepEqual(stock, { code: 0, error: undefined, server: 1 });
  assert.deepEqual(await asked({ subject: 'ours', ...how }), stock);
});

describe("what replaces Node's http in the process is seen with transport 'node' only", () => {
  const spy = `
    import http from 'node:http';
    const request = http.request;
    http.request = (...args) => { process.stderr.write('seen'); return request(...args); };`;
  for (const [transport, isSeen] of [
    ['native', false],
    ['node', true],
  ]) {
    it(`transport '${transport}'`, async (t) => {
      const server = await startRecorder();
      t.after(() => server.close());
      const preload = `data:text/javascript,${encodeURIComponent(spy)}`;
      const config = JSON.stringify({ url: `${server.origin}/v1/traces`, transport });
      const args = ['--import', preload, program, 'ours', 'http/protobuf', config];
      const { stdout, stderr } = await run(process.execPath, args, {
        timeout: 20_000,
        env: { PATH: process.env.PATH },
      });
      assert.equal(JSON.parse(stdout).code, 0);
      assert.equal(server.requests.length, 1);
      assert.equal(stderr.includes('seen'), isSeen, stderr);
    });
  }
});
