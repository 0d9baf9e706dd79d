'use strict';
// Owns the tests of proxies and whole processes, in both of their forms: Node's own switch, which is read when a process starts, how
// processes end whose spans go through a proxy, and proxies over TLS, which are trusted as the process trusts.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const path = require('node:path');
const { it } = require('node:test');
const { startScriptedProxy } = require('./scripted.js');
const { assertNoSecrets, PAIR, USERINFO } = require('./secrets.js');
const { makeMaterial, startCollector, TRANSPORTS } = require('./transports.js');

const PROGRAM = path.join(__dirname, 'process_program.js');
const LIMIT_MILLIS = 20_000;
const AT_ONCE = 3;
/** On any machine: what is tested is that spans get through, not how fast. */
const PATIENT = { blockMillis: 10_000, drainMillis: 15_000 };
const material = makeMaterial();
const { HTTP, HTTPS } = TRANSPORTS;
const plain = TRANSPORTS['gRPC plain'];

/** Runs the program; `{ code, signal, output, stderr }`. One that outlives the limit is killed. */
function run(told, { env = {}, flags = [] } = {}) {
  return new Promise((resolve, reject) => {
    const clean = Object.entries(process.env).filter(([name]) => !/^OTEL_|_proxy$|^NODE_TEST_CONTEXT$/i.test(name));
    const child = spawn(process.execPath, [...flags, PROGRAM], {
      env: { ...Object.fromEntries(clean), NODE_NO_WARNINGS: '1', ...env, PROXY_RUN: JSON.stringify(told) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [output, stderr] = ['', ''];
    child.stdout.on('data', (bytes) => (output += bytes));
    child.stderr.on('data', (bytes) => (stderr += bytes));
    const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT_MILLIS);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, output, stderr });
    });
  });
}

/** The short form has one transport of each kind. */
const some = (isLong) => (isLong ? Object.values(TRANSPORTS) : [HTTP, TRANSPORTS['gRPC TLS']]);

async function start(t, transport, options) {
  const proxy = await startScriptedProxy(options, t);
  const collector = await startCollector(transport, material);
  t.after(() => collector.close());
  return { proxy, collector };
}

const askedOf = ({ requests }, port) =>
  requests.map(({ method, target, credentials }) => `${method} ${target.replace(port, 'PORT')} ${credentials}`);

// What may be set when a process starts, or at once then.
const SWITCHES = {
  'NODE_USE_ENV_PROXY=1': { env: { NODE_USE_ENV_PROXY: '1' } },
  '--use-env-proxy': { flags: ['--use-env-proxy'] },
  'http.setGlobalProxyFromEnv()': { told: { switchOn: true } },
};
const hasGlobalSetter = typeof require('node:http').setGlobalProxyFromEnv === 'function';

/** Node's own switch: ours beside stock. */
function switches(isLong) {
  for (const [name, { env = {}, flags = [], told = {} }] of Object.entries(SWITCHES)) {
    if (told.switchOn && !hasGlobalSetter) continue;
    if (!isLong && env.NODE_USE_ENV_PROXY === undefined) continue;
    for (const transport of [HTTP, HTTPS]) {
      for (const agent of isLong ? [undefined, 'global', 'none'] : [undefined, 'global']) {
        it(`${name}, ${transport.name}, ${agent === undefined ? 'no agent' : `an agent factory: ${agent}`}`, async (t) => {
          const runs = [];
          for (const subject of ['0.223.1', 'ours']) {
            const { proxy, collector } = await start(t, transport);
            const variables = { ...env, http_proxy: proxy.urlWith(USERINFO), https_proxy: proxy.urlWith(USERINFO) };
            const extra = { NODE_EXTRA_CA_CERTS: material.caFile };
            const config = { url: collector.urlFor('localhost'), timeoutMillis: 5000 };
            const result = await run(
              { ...told, ...transport, subject, agent, config },
              { env: { ...variables, ...extra }, flags },
            );
            runs.push({ result, asked: askedOf(proxy, collector.port), arrived: collector.arrived().length });
          }
          const [stock, ours] = runs;
          assert.deepEqual(ours, stock);
          assert.deepEqual(JSON.parse(stock.result.output), { code: 0 });
          assert.deepEqual([stock.asked.length, stock.arrived], [agent === undefined ? 0 : 1, 1]);
        });
      }
    }
  }

  it('the option has its own proxy, under the switch too', async (t) => {
    for (const transport of [HTTP, HTTPS, plain]) {
      for (const sender of isLong ? ['native', 'node'] : ['native']) {
        const { proxy, collector } = await start(t, transport);
        const other = await startScriptedProxy({}, t);
        const env = { NODE_USE_ENV_PROXY: '1', http_proxy: other.url, https_proxy: other.url, ...collector.variables };
        const config = { url: collector.url, proxy: proxy.url, timeoutMillis: 5000, transport: sender };
        if (transport.isGrpc) config.protocol = 'grpc';
        const { output } = await run({ ...transport, subject: 'ours', config }, { env });
        const title = `${transport.name} ${sender}`;
        assert.deepEqual([title, JSON.parse(output)], [title, { code: 0 }]);
        assert.deepEqual([title, proxy.requests.length, other.requests.length], [title, 1, 0]);
      }
    }
  });
}

/** How a process ends whose spans go through a proxy. */
function ends(isLong) {
  const COUNT = 700; // more than a batch
  for (const transport of some(isLong)) {
    for (const sender of isLong ? ['native', 'node'] : ['native']) {
      for (const end of sender === 'native' ? ['exit', 'open', 'flush', 'SIGTERM'] : ['flush', 'SIGTERM']) {
        if (!isLong && end !== 'exit' && end !== 'open') continue;
        it(`${transport.name}, sender ${sender}, ${end}`, async (t) => {
          const { proxy, collector } = await start(t, transport, { credentials: PAIR });
          const config = { url: collector.url, proxy: proxy.urlWith(USERINFO), transport: sender, exit: PATIENT };
          config.protocol = transport.isGrpc ? 'grpc' : 'http/protobuf';
          const told = { ...transport, subject: 'ours', config, spans: COUNT, end };
          const result = await run(told, { env: collector.variables });
          assert.deepEqual([result.signal, result.code, result.stderr], [null, 0, '']);
          const spans = collector.arrived().flatMap((request) => request.spans.flatMap(({ scopes }) => scopes));
          assert.equal(
            spans.reduce((sum, scope) => sum + scope.spans.length, 0),
            COUNT,
          );
          assert.equal(
            proxy.requests.every(({ credentials }) => credentials === PAIR),
            true,
          );
        });
      }
    }
    for (const sender of ['native', 'node']) {
      for (const end of isLong || sender === 'node' ? ['exit', 'open'] : []) {
        if (!isLong && end !== (transport.isGrpc ? 'open' : 'exit')) continue;
        it(`${transport.name}, sender ${sender}, ${end}, a proxy that is silent`, async (t) => {
          const { proxy, collector } = await start(t, transport, { otherwise: { stall: true } });
          const config = { url: collector.url, proxy: proxy.urlWith(USERINFO), exit: { drainMillis: 300 } };
          Object.assign(config, { transport: sender, protocol: transport.isGrpc ? 'grpc' : 'http/protobuf' });
          const told = { ...transport, subject: 'ours', config, spans: 10, end };
          const result = await run(told, { env: collector.variables });
          assert.deepEqual([result.signal, result.code], [null, 0]);
          assertNoSecrets(result.output, result.stderr);
          assert.equal(collector.arrived().length, 0);
        });
      }
    }
  }
}

/** Proxies that are spoken to over TLS. */
function overTls(isLong) {
  for (const transport of some(isLong)) {
    for (const isTrusted of [true, false]) {
      it(`${transport.name}, ${isTrusted ? 'trusted' : 'not trusted'}`, async (t) => {
        const { proxy, collector } = await start(t, transport, { tls: material.server, credentials: PAIR });
        const config = { url: collector.url, proxy: proxy.urlWith(USERINFO), retry: { maxAttempts: 1 } };
        config.protocol = transport.isGrpc ? 'grpc' : 'http/protobuf';
        // What the endpoint is trusted by is not what the proxy is.
        const env = { ...collector.variables, ...(isTrusted && { NODE_EXTRA_CA_CERTS: material.caFile }) };
        const { output, stderr } = await run({ ...transport, subject: 'ours', config }, { env });
        const { code, error } = JSON.parse(output);
        assertNoSecrets(output, stderr);
        assert.equal(code, isTrusted ? 0 : 1, error);
        assert.equal(collector.arrived().length, isTrusted ? 1 : 0);
        if (!isTrusted) assert.ok(error.includes(`through the proxy ${proxy.url}`), error);
      });
    }
  }
}

module.exports = { AT_ONCE, ends, overTls, switches };
