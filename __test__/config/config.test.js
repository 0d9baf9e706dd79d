'use strict';
// What `resolveConfig` makes of a configuration, beside what the stock exporter makes of it: over the whole scenario
// table, for both wire formats.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { after, describe, it, test } = require('node:test');
const { inspect } = require('node:util');
const { urlToHttpOptions } = require('node:url');
const { convertLegacyHttpOptions } = require('@opentelemetry/otlp-exporter-base/node-http');
const { resolveConfig } = require('../../js/config/resolve_config.js');
const { TlsWatch } = require('../../js/config/tls_watch.js');
const { issue } = require('../helpers/config/certificates.js');
const { describeError, recordDiag, withEnvironment } = require('../helpers/config/recorder.js');
const { scenarios, SECRET } = require('../helpers/config/scenarios.js');

const stockManifest = path.join(
  path.dirname(require.resolve('@opentelemetry/otlp-exporter-base')),
  '../../package.json',
);
const STOCK_VERSION = JSON.parse(fs.readFileSync(stockManifest, 'utf8')).version;
const STOCK_CONCURRENCY = 30;
const CONTENT_TYPES = { 'http/protobuf': 'application/x-protobuf', 'http/json': 'application/json' };

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-config-'));
after(() => fs.rmSync(dir, { recursive: true }));
fs.writeFileSync(path.join(dir, 'ca.pem'), issue({ commonName: 'a CA', authority: true }).cert);
const context = { origin: 'http://127.0.0.1:4000', port: 4000, dir, socket: path.join(dir, 's') };

/** The headers as Node puts them on the wire, or the error it throws instead. */
async function onWire(readHeaders, url, agent) {
  try {
    const message = new http.OutgoingMessage();
    const headers = await readHeaders();
    const { auth } = urlToHttpOptions(new URL(url));
    for (const [name, value] of Object.entries(headers)) message.setHeader(name, value);
    if (auth && !message.getHeader('Authorization')) {
      message.setHeader('Authorization', `Basic ${Buffer.from(auth).toString('base64')}`);
    }
    if (agent?.keepAlive === false && Number.isFinite(agent.maxSockets) && !message.hasHeader('connection')) {
      message.setHeader('Connection', 'keep-alive'); // Node announces it although it closes
    }
    return message.getRawHeaderNames().map((name) => [name, message.getHeader(name)]);
  } catch (error) {
    return describeError(error);
  }
}

function agentView(agent) {
  const maxSockets = Math.min(agent.maxSockets, agent.maxTotalSockets); // one endpoint: both bound the same sockets
  return { keepAlive: agent.keepAlive, maxSockets: Number.isFinite(maxSockets) ? maxSockets : null };
}

async function stockView(config, protocol) {
  const stock = convertLegacyHttpOptions(config, 'TRACES', 'v1/traces', { 'Content-Type': CONTENT_TYPES[protocol] });
  const userAgent = `${stock.userAgent ? `${stock.userAgent} ` : ''}OTel-OTLP-Exporter-JavaScript/${STOCK_VERSION}`;
  const isFactory = typeof config.httpAgentOptions === 'function';
  const agent = isFactory ? undefined : await stock.agentFactory('http:').catch((error) => error);
  const agentFacts = agent instanceof Error ? describeError(agent) : agent && agentView(agent);
  return {
    url: stock.url,
    timeoutMillis: stock.timeoutMillis,
    concurrencyLimit: Number(stock.concurrencyLimit), // it compares with whatever it is given
    compression: stock.compression === 'gzip' ? 'gzip' : 'none',
    headers: await onWire(async () => ({ ...(await stock.headers()), 'User-Agent': userAgent }), stock.url, agent),
    agent: isFactory ? stock.agentFactory : agentFacts,
  };
}

/** Agents that the native transport reports as facts and Node's as an object have to agree. */
function ourAgentView(ours) {
  if (ours.agentFactory !== null) return ours.agentFactory;
  if (ours.transport === 'native') return { keepAlive: ours.keepAlive, maxSockets: ours.maxSockets };
  try {
    return agentView(new http.Agent(ours.agentOptions));
  } catch (error) {
    return describeError(error);
  }
}

async function ourView(config, protocol) {
  const ours = resolveConfig(config, { protocol, signal: 'TRACES' });
  assert.ok(Object.isFrozen(ours));
  const { headers } = ours;
  const read = headers.kind === 'static' ? () => headers.entries : headers.read;
  return {
    url: ours.url,
    timeoutMillis: ours.timeoutMillis,
    concurrencyLimit: ours.concurrencyLimit ?? STOCK_CONCURRENCY, // we have no limit by default (X18)
    compression: ours.compression,
    headers: await onWire(async () => Object.fromEntries(await read()), ours.url),
    agent: ourAgentView(ours),
  };
}

function observe(view, scenario, protocol) {
  return withEnvironment(scenario.env(context), async () => {
    const config = scenario.config(context) === undefined ? {} : scenario.config(context);
    const before = inspect(config, { depth: 6, getters: false });
    const { value, lines } = await recordDiag(async () => {
      try {
        return await view(config, protocol);
      } catch (error) {
        return { thrown: describeError(error) };
      }
    });
    assert.equal(inspect(config, { depth: 6, getters: false }), before, 'the configuration was changed');
    return { config, value, lines };
  });
}

const mask = (text) => text.replace(/\/\/user:.*@/, '//***@');

for (const protocol of ['http/protobuf', 'http/json']) {
  describe(`resolveConfig beside the stock exporter, ${protocol}`, () => {
    for (const scenario of scenarios) {
      it(scenario.name, async () => {
        const stock = await observe(stockView, scenario, protocol);
        const ours = await observe(ourView, scenario, protocol);
        if (typeof ours.value.agent === 'function') {
          // Each side was given a factory of its own; what counts is that it is the user's.
          assert.equal(ours.value.agent, ours.config.httpAgentOptions);
          ours.value.agent = stock.value.agent = 'the factory';
        }
        // The stock exporter repeats credentials of an unusable URL in clear text; ours never does.
        stock.lines = stock.lines.map(mask);
        if (stock.value.thrown) stock.value.thrown.message = mask(stock.value.thrown.message);
        assert.deepEqual(ours.value, stock.value);
        assert.deepEqual(ours.lines, stock.lines);
        assert.ok(!ours.lines.join('\n').includes(SECRET));
      });
    }
  });
}

const resolve = (config, protocol = 'http/protobuf') => resolveConfig(config, { protocol, signal: 'TRACES' });

describe('our own options', () => {
  it('protocol chooses the wire format unless the class has a fixed one', () => {
    assert.equal(resolve({ protocol: 'http/json' }).contentType, 'application/json');
    assert.equal(resolve({}).contentType, 'application/x-protobuf');
    const fixed = { protocol: 'http/json', signal: 'TRACES', fixedProtocol: true };
    assert.equal(resolveConfig({ protocol: 'http/protobuf' }, fixed).protocol, 'http/json');
    assert.equal(resolveConfig({ protocol: 'grpc' }, fixed).protocol, 'http/json');
  });

  const invalid = [
    [
      { protocol: 'thrift' },
      "protocol is invalid, expected 'http/protobuf' or 'http/json' or 'grpc' or 'env' (actual: 'thrift')",
    ],
    [{ transport: 'curl' }, "transport is invalid, expected 'native' or 'node' (actual: 'curl')"],
    [{ queue: 5 }, "queue is invalid, expected object (actual: '5')"],
    [{ queue: { maxSpans: 0 } }, "queue.maxSpans is invalid, expected integer of at least 1 (actual: '0')"],
    [{ queue: { maxSpans: 1.5 } }, "queue.maxSpans is invalid, expected integer of at least 1 (actual: '1.5')"],
    [{ queue: { maxBytes: '1' } }, "queue.maxBytes is invalid, expected integer of at least 1 (actual: '1')"],
    [
      { queue: { overflow: 'block' } },
      "queue.overflow is invalid, expected 'drop-newest' or 'drop-oldest' (actual: 'block')",
    ],
    [{ limits: { maxSpanBytes: -1 } }, "limits.maxSpanBytes is invalid, expected integer of at least 1 (actual: '-1')"],
    [{ retry: { maxAttempts: 0 } }, "retry.maxAttempts is invalid, expected integer of at least 1 (actual: '0')"],
    [
      { retry: { maxElapsedMillis: 2 ** 31 } },
      "retry.maxElapsedMillis is invalid, expected integer between 0 and 2147483647 (actual: '2147483648')",
    ],
    [
      { exit: { drainMillis: Number.NaN } },
      "exit.drainMillis is invalid, expected integer between 0 and 2147483647 (actual: 'NaN')",
    ],
    [
      { exit: { signals: ['SIGNO', 'SIGTERM'] } },
      "exit.signals is invalid, expected array of names of signals that a process can listen to (actual: ['SIGNO', 'SIGTERM'])",
    ],
    [{ maxConcurrency: 65 }, "maxConcurrency is invalid, expected integer between 1 and 64 (actual: '65')"],
    [{ onError: 'log' }, "onError is invalid, expected function (actual: 'log')"],
  ];
  for (const [config, message] of invalid) {
    it(`rejects ${inspect(config, { breakLength: Infinity })}`, () => {
      assert.throws(() => resolve(config), { name: 'Error', message: `Configuration: ${message}` });
    });
  }

  it('valid ones are kept, absent ones stay absent, null counts as absent', () => {
    const onError = () => {};
    const signals = ['SIGTERM'];
    const config = resolve({
      queue: { maxSpans: 10, overflow: 'drop-oldest', maxBytes: null },
      retry: { maxElapsedMillis: 0 },
      exit: { blockMillis: 0, signals },
      maxConcurrency: 64,
      onError,
    });
    assert.deepEqual(config.queue, { maxSpans: 10, maxBytes: undefined, overflow: 'drop-oldest' });
    assert.deepEqual(config.retry, { maxElapsedMillis: 0, maxAttempts: undefined });
    assert.deepEqual(config.exit, { drainMillis: 2000, blockMillis: 0, signals: ['SIGTERM'] });
    assert.notEqual(config.exit.signals, signals, 'later changes of the array must not reach us');
    assert.equal(config.maxConcurrency, 64);
    assert.equal(config.onError, onError);
    assert.equal(resolve({}).maxConcurrency, undefined);
  });

  it('R29: an agent with few sockets bounds the requests under way, one with many does not raise them', () => {
    const maxConcurrencyOf = (maxSockets, maxConcurrency) =>
      resolve({ httpAgentOptions: { maxSockets, maxTotalSockets: maxSockets }, maxConcurrency }).maxConcurrency;
    assert.equal(maxConcurrencyOf(1), 1);
    assert.equal(maxConcurrencyOf(2, 8), 2);
    assert.equal(maxConcurrencyOf(100), 4);
    assert.equal(maxConcurrencyOf(100, 8), 8);
    assert.equal(maxConcurrencyOf(Infinity, 8), 8);
    const maxUnderWayOf = (maxSockets, maxConcurrency) =>
      resolve({ httpAgentOptions: { maxSockets, maxTotalSockets: maxSockets }, maxConcurrency }).maxUnderWay;
    assert.equal(maxUnderWayOf(1), 1);
    assert.equal(maxUnderWayOf(25), 25);
    assert.equal(maxUnderWayOf(100), 30, 'slow requests included');
    assert.equal(maxUnderWayOf(100, 8), undefined, 'a limit that is set holds for all');
    assert.equal(maxUnderWayOf(Infinity), undefined, 'the default of the native side');
  });

  it('a misspelt one is named', async () => {
    const { lines } = await recordDiag(() => resolve({ queue: { maxSpan: 1 } }));
    assert.deepEqual(lines, [
      "warn: Configuration: queue.maxSpan is unknown and will be ignored, did you mean 'queue.maxSpans'?",
    ]);
  });

  it('compression of ours', () => {
    assert.equal(resolve({ compression: 'zstd' }).compression, 'zstd');
    assert.equal(resolve({ compression: 'auto' }).compression, 'auto');
  });
});

describe('the transport chooses itself', () => {
  const rsa = issue({ commonName: 'client', keyType: 'rsa' });
  const ca = issue({ commonName: 'a CA', authority: true });
  const selfSigned = issue({ commonName: 'localhost', names: ['localhost'] });
  const other = issue({ commonName: 'other' });
  const intermediate = issue({ commonName: 'an intermediate', authority: true, issuer: ca });
  const { encryptKey } = require('../helpers/config/certificates.js');
  const https = (httpAgentOptions, more) => ({ url: 'https://127.0.0.1/x', httpAgentOptions, ...more });
  // Windows has named pipes there, which Node alone opens.
  const pipe = process.platform === 'win32' ? 'httpAgentOptions.socketPath' : null;
  const cases = [
    [{}, null],
    [{ url: 'https://127.0.0.1/x' }, null],
    [{ httpAgentOptions: { maxSockets: 2, keepAlive: true, keepAliveMsecs: 1, timeout: 10 } }, null],
    [{ httpAgentOptions: { socketPath: '/tmp/s' } }, pipe],
    [{ httpAgentOptions: { lookup: undefined } }, null],
    [https({ ca: ca.cert }), null],
    [https({ ca: [ca.cert, Buffer.from(rsa.cert)] }), null],
    [https({ cert: rsa.cert, key: rsa.key }), null],
    [https({ cert: rsa.cert, key: rsa.key, passphrase: 'unneeded' }), null],
    [https({ rejectUnauthorized: false, servername: 'other', minVersion: 'TLSv1.2' }), null],
    [{ transport: 'node' }, "transport 'node'"],
    [{ httpAgentOptions: () => {} }, 'httpAgentOptions is a function'],
    [{ httpAgentOptions: { lookup() {} } }, 'httpAgentOptions.lookup'],
    [{ httpAgentOptions: { createConnection() {} } }, 'httpAgentOptions.createConnection'],
    [{ httpAgentOptions: { family: 6 } }, 'httpAgentOptions.family'],
    [{ httpAgentOptions: { maxSockets: Number.NaN } }, 'httpAgentOptions.maxSockets'],
    [{ headers: { 'Transfer-Encoding': 'chunked' } }, 'the header transfer-encoding'],
    [{ headers: { Host: 'a' } }, null],
    [https(undefined, { headers: { Host: 'a' } }), 'a Host header that names the TLS server'],
    [https({ checkServerIdentity() {} }), 'httpAgentOptions.checkServerIdentity'],
    [https({ secureContext: {} }), 'httpAgentOptions.secureContext'],
    [https({ pfx: 'x' }), 'httpAgentOptions.pfx'],
    [https({ ciphers: 'AES128-SHA' }), 'httpAgentOptions.ciphers'],
    [https({ minVersion: 'TLSv1.1' }), 'httpAgentOptions.minVersion'],
    [https({ maxVersion: 'TLSv1.2' }), 'httpAgentOptions.maxVersion'],
    [https({ socketPath: '/tmp/s' }), pipe ?? 'TLS over a unix socket'],
    [https({ ca: 'no certificate' }), 'ca without a certificate'],
    [https({ ca: selfSigned.cert }), null],
    [https({ ca: {} }), 'httpAgentOptions.ca'],
    [https({ ca: intermediate.cert }), 'ca without its root'],
    [https({ ca: intermediate.cert + ca.cert }), null],
    [https({ cert: rsa.cert }), 'client certificate and key are not a PEM pair'],
    [
      https({ cert: rsa.cert, key: encryptKey(rsa.privateKey, 'p'), passphrase: 'p' }),
      'client certificate or key that cannot be read without Node',
    ],
    [https({ cert: other.cert, key: rsa.key }), 'client certificate or key that cannot be read without Node'],
  ];
  for (const [config, reason] of cases) {
    it(`${inspect(config, { breakLength: Infinity, maxStringLength: 30 })}: ${reason ?? 'native'}`, () => {
      const resolved = resolve(config);
      assert.equal(resolved.reason, reason);
      assert.equal(resolved.transport, reason === null ? 'native' : 'node');
    });
  }

  it('a named pipe of Windows is opened by Node, over gRPC too', (t) => {
    const platform = Object.getOwnPropertyDescriptor(process, 'platform');
    Object.defineProperty(process, 'platform', { ...platform, value: 'win32' });
    t.after(() => Object.defineProperty(process, 'platform', platform));
    const { transport, reason } = resolve({ httpAgentOptions: { socketPath: String.raw`\\.\pipe\collector` } });
    assert.deepEqual([transport, reason], ['node', 'httpAgentOptions.socketPath']);
    const grpc = resolve({ protocol: 'grpc', url: 'unix:///a', signal: 'TRACES' });
    assert.deepEqual([grpc.transport, grpc.reason], ['node', 'a socket without a port']);
  });

  it("transport: 'native' says what it cannot honour", () => {
    assert.throws(() => resolve({ transport: 'native', httpAgentOptions: { lookup() {} } }), {
      message: "Configuration: transport 'native' cannot honour httpAgentOptions.lookup, use transport 'node'",
    });
    assert.equal(resolve({ transport: 'native' }).transport, 'native');
  });
});

describe('certificates', () => {
  const certificate = fs.readFileSync(path.join(dir, 'ca.pem'));
  const variables = { OTEL_EXPORTER_OTLP_CERTIFICATE: path.join(dir, 'ca.pem') };
  const caOf = (config) => withEnvironment(variables, () => resolve({ url: 'https://127.0.0.1/x', ...config }).tls.ca);

  it('X8: of the environment are kept without agent options', async () => {
    assert.equal((await caOf({})).toString().trim(), certificate.toString().trim());
    assert.equal((await caOf({ keepAlive: false })).toString().trim(), certificate.toString().trim());
  });

  it('of the environment are replaced wholesale by agent options, as in the stock exporter', async () => {
    assert.equal(await caOf({ httpAgentOptions: { maxSockets: 1 } }), null);
  });

  it('are nothing to an http endpoint', () => {
    assert.equal(resolve({ httpAgentOptions: { ca: 'x' } }).tls, null);
  });

  it('NODE_TLS_REJECT_UNAUTHORIZED counts only where the option is not given, as it is when a lane is made', async () => {
    const rejects = (httpAgentOptions) => {
      const watch = new TlsWatch(resolve({ url: 'https://127.0.0.1/x', httpAgentOptions }).tls);
      return withEnvironment({ NODE_TLS_REJECT_UNAUTHORIZED: '0' }, () => watch.begin());
    };
    assert.equal(await rejects(undefined), false);
    assert.equal(await rejects({ rejectUnauthorized: true }), true);
    assert.equal(await rejects({ rejectUnauthorized: undefined }), true);
    assert.equal(new TlsWatch(resolve({ url: 'https://127.0.0.1/x' }).tls).begin(), true);
  });
});

test('live headers give the same entries until something changes', () => {
  const headers = { a: '1' };
  const source = resolve({ headers }).headers;
  const first = source.read();
  assert.equal(source.read(), first);
  headers.a = '2';
  assert.notEqual(source.read(), first);
  assert.deepEqual(source.read()[0], ['a', '2']);
});

test('the environment is read at construction only', async () => {
  const config = await withEnvironment({ OTEL_EXPORTER_OTLP_HEADERS: 'a=1' }, () => resolve({ headers: {} }));
  await withEnvironment({ OTEL_EXPORTER_OTLP_HEADERS: 'a=2' }, () => {
    assert.deepEqual(config.headers.read()[0], ['a', '1']);
  });
});
