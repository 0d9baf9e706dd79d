'use strict';
// What `resolveConfig` makes of a configuration over gRPC, beside what the stock exporter makes of it: address, credentials,
// metadata, time, compression, and the lines of the logger.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, describe, it } = require('node:test');
const grpc = require('@grpc/grpc-js');
const { convertLegacyOtlpGrpcOptions } = require('@opentelemetry/otlp-grpc-exporter-base');
const { resolveConfig } = require('../../js/config/resolve_config.js');
const { rememberSsl } = require('../../js/config/grpc/known_credentials.js');
const { chooseGrpcProxy } = require('../../js/config/grpc/proxy.js');
const { issue } = require('../helpers/config/certificates.js');
const { recordDiag, withEnvironment } = require('../helpers/config/recorder.js');

// What the machine says about gRPC and proxies is not the test's.
for (const name of Object.keys(process.env)) if (/^GRPC_|proxy$/i.test(name)) delete process.env[name];

const GENERIC = 'OTEL_EXPORTER_OTLP_';
const TRACES = `${GENERIC}TRACES_`;

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-grpc-config-'));
after(() => fs.rmSync(dir, { recursive: true }));
const ca = issue({ commonName: 'a CA', authority: true });
const pair = issue({ commonName: 'a client', issuer: ca, client: true });
const write = (name, text) => {
  fs.writeFileSync(path.join(dir, name), text);
  return path.join(dir, name);
};
const files = { ca: write('ca.pem', ca.cert), cert: write('cert.pem', pair.cert), key: write('key.pem', pair.key) };
const missing = path.join(dir, 'none.pem');

const resolve = (config, isStock = true) =>
  resolveConfig({ protocol: 'grpc', ...config }, { protocol: 'grpc', signal: 'TRACES', fixedProtocol: isStock });

async function observe(view, config, env) {
  return withEnvironment(env, () =>
    recordDiag(async () => {
      try {
        return await view(config());
      } catch (error) {
        return { thrown: error.name, message: error.message };
      }
    }),
  );
}

function stockView(config) {
  const { url, timeoutMillis, compression, metadata, credentials } = convertLegacyOtlpGrpcOptions(config, 'TRACES');
  const entries = Object.entries(metadata().toHttp2Headers()).filter(([name]) => name !== 'user-agent');
  return {
    target: url,
    timeoutMillis,
    compression: compression === 'gzip' ? 'gzip' : 'none',
    metadata: entries.map(([name, value]) => [name, String(value)]),
    isPlain: !credentials()._isSecure(),
  };
}

async function ourView(config) {
  const resolved = resolve(config);
  const { target, timeoutMillis, compression, headers, tls, tlsOptions, object } = resolved;
  const entries = headers.kind === 'static' ? headers.entries : await headers.read();
  const isPlain = tls === null && tlsOptions === null && object?._isSecure() !== true;
  return { target, timeoutMillis, compression, metadata: entries.map((entry) => [...entry]), isPlain };
}

const metadataOf = (values) => {
  const metadata = new grpc.Metadata();
  for (const [key, value] of Object.entries(values)) for (const each of [value].flat()) metadata.add(key, each);
  return metadata;
};

const scenarios = [];
const add = (name, config = {}, env = {}, more = {}) =>
  scenarios.push({ name, config: typeof config === 'function' ? config : () => config, env, ...more });

// Addresses.
const SAME_URLS = [
  'http://h:4317',
  'http://u:p@h:4317/v1/traces',
  'h:4317',
  'h',
  '127.0.0.1:4317',
  '[::1]:4317',
  'localhost',
]
  .concat([
    'https://h',
    'https://h:443',
    'https://h:80',
    'http://h',
    'http://h:80',
    'https://h/',
    'http://H:1',
    ' h:1 ',
  ])
  .concat(['unix:///abs/path', 'unix://rel/path', 'unix:/abs/path', 'passthrough:///h:1', 'dns:///h:1', 'xds:///h'])
  .concat(['ipv4://1.2.3.4:5', 'grpc://h:1', 'grpcs://h:1', 'tcp://h:1', 'http://[::1]:1', 'http://h:0', 'ftp://h:1'])
  .concat([
    'dns:h:1',
    'ipv4:1.2.3.4:5',
    'ipv6:[::1]:5',
    '::1',
    '',
    'h:99999',
    'http://',
    'http://h:1?q=1#f',
    'httpx://h:1',
  ]);
for (const url of SAME_URLS) {
  add(`url '${url}'`, { url });
  add(`url '${url}' with INSECURE`, { url }, { [`${GENERIC}INSECURE`]: 'true' });
  if (url !== '') add(`endpoint '${url}'`, {}, { [`${GENERIC}ENDPOINT`]: url });
}
add('nothing');
add('the endpoint of traces before the other', {}, { [`${GENERIC}ENDPOINT`]: 'a:1', [`${TRACES}ENDPOINT`]: 'b:1' });
add('a blank endpoint of traces', {}, { [`${GENERIC}ENDPOINT`]: 'a:1', [`${TRACES}ENDPOINT`]: ' ' });
add('code before the environment', { url: 'c:1' }, { [`${GENERIC}ENDPOINT`]: 'a:1', [`${TRACES}ENDPOINT`]: 'b:1' });
add('an endpoint between blanks', {}, { [`${GENERIC}ENDPOINT`]: '  http://a:1 ' });

// INSECURE.
for (const value of ['true', ' TrUE ', '1', 'true!', 'false', ' ']) {
  add(`INSECURE '${value}'`, { url: 'h:1' }, { [`${GENERIC}INSECURE`]: value });
  add(
    `INSECURE of traces '${value}'`,
    { url: 'h:1' },
    { [`${TRACES}INSECURE`]: value, [`${GENERIC}INSECURE`]: 'true' },
  );
}

// Times and compression.
for (const value of ['5', '0', '-1', 'soon', '', '1.5', 'Infinity'])
  add(`TIMEOUT '${value}'`, {}, { [`${GENERIC}TIMEOUT`]: value });
add('TIMEOUT of traces', {}, { [`${TRACES}TIMEOUT`]: '7', [`${GENERIC}TIMEOUT`]: 'x' });
for (const timeoutMillis of [7, 0, -1, '5', Number.NaN, Infinity, null])
  add(`timeoutMillis ${timeoutMillis}`, { timeoutMillis });
for (const value of ['gzip', 'none', 'zstd', ' gzip ', 'GZIP']) {
  add(`COMPRESSION '${value}'`, {}, { [`${GENERIC}COMPRESSION`]: value });
  add(`compression '${value}'`, { compression: value }, { [`${TRACES}COMPRESSION`]: 'gzip' });
}
add('compression deflate', { compression: 'deflate' });

// Metadata.
add('metadata', () => ({ metadata: metadataOf({ A: '1', 'b-bin': Buffer.from([1, 2, 255]) }) }));
add('several values of a key', () => ({ metadata: metadataOf({ a: ['1', '2'] }) }));
add('metadata before the environment', () => ({ metadata: metadataOf({ a: '1' }) }), {
  [`${GENERIC}HEADERS`]: 'a=general,b=general,c=general',
  [`${TRACES}HEADERS`]: 'b=traces,d=traces',
});
for (const text of [
  'a=1,b=2',
  'a=1,a=2',
  'A=1,a=2',
  'a=x=y',
  'a',
  '=1',
  'a=',
  'a=%20b%20',
  ' a = 1 ;p=q',
  'a=%zz',
  ',,a=1',
])
  add(`HEADERS '${text}'`, {}, { [`${GENERIC}HEADERS`]: text });
for (const text of ['grpc-x=1', 'a.b_c-d=1', 'a b=1', 'a-bin=AQ', 'ä=1', ':path=1'])
  add(`HEADERS '${text}'`, {}, { [`${TRACES}HEADERS`]: text });
add('headers are ignored', { headers: { a: '1' } });
add('user-agent is not metadata', () => ({ metadata: metadataOf({ 'user-agent': 'x', a: '1' }) }));

// Credentials in code.
for (const url of ['http://h:1', 'https://h:1', 'h:1', 'unix:///a']) {
  add(`insecure credentials, ${url}`, () => ({ url, credentials: grpc.credentials.createInsecure() }));
  add(`TLS credentials, ${url}`, () => ({ url, credentials: grpc.credentials.createSsl() }), {
    [`${GENERIC}INSECURE`]: 'true',
  });
}

// Certificates of the environment.
const certificates = { ca: 'CERTIFICATE', cert: 'CLIENT_CERTIFICATE', key: 'CLIENT_KEY' };
for (const names of [['ca'], ['cert', 'key'], ['ca', 'cert', 'key']]) {
  const env = Object.fromEntries(names.map((name) => [GENERIC + certificates[name], files[name]]));
  const warnsWrongly = names.length === 1; // the stock exporter of this line misses a pair that nobody has named
  add(`certificates: ${names}`, { url: 'https://h' }, env, { warnsWrongly });
  add(`certificates: ${names}, http:`, { url: 'http://h' }, env);
}
add(
  'files that are not there',
  { url: 'https://h' },
  { [`${GENERIC}CERTIFICATE`]: missing, [`${GENERIC}CLIENT_KEY`]: missing },
);

/** Secrets are not shown, and the message of Node's own error is the same. */
const masked = (text) => text.replace(/value "[^"]*"/, 'value "***"');

describe('beside the stock exporter', () => {
  for (const { name, config, env, warnsWrongly } of scenarios) {
    it(name, async () => {
      const stock = await observe(stockView, config, env);
      const ours = await observe(ourView, config, env);
      if (stock.value.message) stock.value.message = masked(stock.value.message);
      // Pseudo headers and what the request says by itself are not sent by anybody.
      if (stock.value.metadata) stock.value.metadata = stock.value.metadata.filter(([key]) => !key.startsWith(':'));
      assert.deepEqual(ours.value, stock.value);
      const lines = warnsWrongly ? stock.lines.filter((line) => !line.includes('must both')) : stock.lines;
      const ourLines = ours.lines.filter((line) => !line.startsWith('info: Offloop: the connection to unix:'));
      assert.deepEqual(ourLines, lines);
    });
  }
});

describe('where ours is different on purpose', () => {
  const dial = (config) => resolve(config).dial;

  it('port 80 of http: is kept, TLS and bare hosts have 443', () => {
    assert.equal(dial({ url: 'http://h' }), 'http://h:80');
    assert.equal(dial({ url: 'http://h:80' }), 'http://h:80');
    assert.equal(dial({ url: 'http://h', credentials: {} }), 'https://h:443');
    assert.equal(dial({ url: 'h' }), 'https://h:443');
    assert.equal(dial({ url: 'h', credentials: grpc.credentials.createInsecure() }), 'http://h:443');
    assert.equal(dial({ url: 'https://h:80' }), 'https://h:80');
    assert.equal(dial({ url: 'http://[::1]' }), 'http://[::1]:80');
  });

  it('schemes are compared without case, and without blanks in front', () => {
    for (const url of ['HTTP://h:1', '  http://h:1'])
      assert.deepEqual([resolve({ url }).tls, dial({ url })], [null, 'http://h:1']);
  });

  for (const [half, names] of [
    ['a key without a certificate', ['key']],
    ['a certificate without a key, with roots', ['cert', 'ca']],
  ]) {
    it(`${half}: a warning, and the pair is not used`, async () => {
      const env = Object.fromEntries(names.map((name) => [GENERIC + certificates[name], files[name]]));
      const { value, lines } = await observe(
        (config) => resolve(config),
        () => ({ url: 'https://h' }),
        env,
      );
      assert.deepEqual([value.tls.cert, value.tls.key, value.tls.ca !== null], [null, null, names.includes('ca')]);
      assert.match(lines.join(), /^warn: Client key and certificate must both be provided, [^,]*$/);
    });
  }

  it('a TLS socket is explained', async () => {
    const { lines } = await observe(
      (config) => resolve(config),
      () => ({ url: 'unix:///a' }),
      {},
    );
    assert.match(lines.join(), /^info: Offloop: the connection to unix:\/\/\/a uses TLS/);
    const insecure = { [`${GENERIC}INSECURE`]: 'true' };
    assert.deepEqual(
      (
        await observe(
          (config) => resolve(config),
          () => ({ url: 'unix:///a' }),
          insecure,
        )
      ).lines,
      [],
    );
  });

  it('nothing of a secret is in an error', async () => {
    const bad = await observe(ourView, () => ({}), { [`${GENERIC}HEADERS`]: 'authorization=h%C3%BCnter2' });
    assert.equal(bad.value.message, 'Metadata string value "***" contains illegal characters');
    assert.throws(
      () => resolve({ url: 'http://user:hunter2@h:99999' }),
      (error) => error instanceof TypeError && error.message === 'Invalid URL' && !error.input.includes('hunter2'),
    );
  });
});

describe('what a sender gets', () => {
  it('sockets', () => {
    const paths = { 'unix:///a/b': '/a/b', 'unix://rel/a': 'a' };
    for (const [url, socketPath] of Object.entries(paths)) {
      const resolved = resolve({ url });
      assert.deepEqual([resolved.socketPath, resolved.authority, resolved.endpoint], [socketPath, 'localhost', url]);
    }
  });

  it('a target that is none fails every export, as the stock exporter', () => {
    assert.equal(resolve({ url: 'dns:///h:1' }).refusal.message, 'Could not parse target name ""');
    assert.equal(resolve({ url: 'h:1' }).refusal, null);
  });

  it('the roots of a variable of @grpc/grpc-js, and its ciphers', async () => {
    const variable = 'GRPC_DEFAULT_SSL_ROOTS_FILE_PATH';
    const env = (value) => withEnvironment({ [variable]: value }, () => resolve({ url: 'h:1' }));
    assert.match(String((await env(files.ca)).tls.ca), /BEGIN CERTIFICATE/);
    assert.equal((await env(missing)).refusal.code, 'ENOENT');
    const ciphers = await withEnvironment({ GRPC_SSL_CIPHER_SUITES: 'AES128-SHA' }, () => resolve({ url: 'h:1' }));
    assert.deepEqual(
      [ciphers.transport, ciphers.reason, ciphers.tlsOptions.ciphers],
      ['node', 'GRPC_SSL_CIPHER_SUITES', 'AES128-SHA'],
    );
  });

  it('NODE_TLS_REJECT_UNAUTHORIZED has no say', async () => {
    const { tls } = await withEnvironment({ NODE_TLS_REJECT_UNAUTHORIZED: '0' }, () => resolve({ url: 'h:1' }));
    assert.equal(tls.rejectUnauthorized, true);
    const lenient = { credentials: { verifyOptions: { rejectUnauthorized: false } } };
    assert.equal(resolve({ url: 'h:1', ...lenient }).tls.rejectUnauthorized, false);
  });
});

describe('credentials', () => {
  const roots = Buffer.from(ca.cert);

  it('plain data is native', () => {
    const given = { rootCerts: roots, privateKey: pair.key, certChain: pair.cert };
    const { transport, tls, object } = resolve({ credentials: given });
    assert.deepEqual([transport, tls.cert !== null, object], ['native', true, null]);
  });

  it('what tells nothing is used by its own package', () => {
    const { transport, reason, object } = resolve({ credentials: grpc.credentials.createSsl(roots) });
    assert.deepEqual(
      [transport, reason, object !== null],
      ['node', 'credentials of @grpc/grpc-js that tell nothing', true],
    );
    assert.throws(
      () => resolve({ credentials: grpc.credentials.createSsl(), transport: 'native' }),
      /transport 'native' cannot honour credentials of @grpc/,
    );
  });

  it('what was seen when it was made is native, composed with generators too', async () => {
    const made = grpc.credentials.createSsl(roots);
    rememberSsl(made, [roots]);
    assert.equal(resolve({ credentials: made }).transport, 'native');
    let calls = [];
    const composed = made.compose(
      grpc.credentials.createFromMetadataGenerator((call, done) => {
        calls.push(call);
        if (calls.length === 3) done(Object.assign(new Error('no token'), { code: 16 }));
        else done(null, metadataOf({ authorization: `Bearer ${calls.length}` }));
      }),
    );
    const { transport, headers } = resolve({ url: 'https://h:1', credentials: composed });
    assert.deepEqual([transport, headers.kind], ['native', 'async']);
    assert.deepEqual(await headers.read(), [['authorization', 'Bearer 1']]);
    assert.deepEqual(await headers.read(), [['authorization', 'Bearer 2']]);
    assert.deepEqual(
      { ...calls[0] },
      {
        method_name: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
        service_url: 'https://h/opentelemetry.proto.collector.trace.v1.TraceService',
      },
    );
    await assert.rejects(headers.read(), {
      code: 16,
      message: '16 UNAUTHENTICATED: Getting metadata from plugin failed with error: no token',
    });
    calls = [];
  });

  it('functions need Node', () => {
    const given = { rootCerts: roots, verifyOptions: { checkServerIdentity: () => undefined } };
    assert.equal(resolve({ credentials: given }).reason, 'credentials with checkServerIdentity');
  });

  for (const [what, credentials, message] of [
    ['a text', 'insecure', /^Configuration: credentials is invalid, expected .+ \(actual: 'insecure'\)$/],
    ['a key alone', { privateKey: pair.key }, /^Private key must be given with accompanying certificate chain$/],
    [
      'a certificate alone',
      { certChain: pair.cert },
      /^Certificate chain must be given with accompanying private key$/,
    ],
    ['roots that are no text', { rootCerts: 5 }, /^Root certificate, if provided, must be a Buffer\.$/],
    ['options that are none', { verifyOptions: 5 }, /^Configuration: credentials.verifyOptions is invalid/],
  ])
    it(`refuses ${what}`, () => assert.throws(() => resolve({ credentials }), { message }));
});

describe('metadata of our own class', () => {
  const read = async (config) => (await resolve(config, false).headers.read()).map((entry) => [...entry]);

  it('headers are metadata, behind metadata', async () => {
    assert.deepEqual(await read({ metadata: { a: '1' }, headers: { A: '2', b: 3 } }), [
      ['a', '1'],
      ['b', '3'],
    ]);
  });

  it('functions are asked each time', async () => {
    let asked = 0;
    const { headers } = resolve({ metadata: async () => metadataOf({ n: String(++asked) }) }, false);
    assert.equal(headers.kind, 'async');
    assert.deepEqual([(await headers.read())[0][1], (await headers.read())[0][1]], ['1', '2']);
  });

  it('objects are read each time, and are the same list while nothing has changed', () => {
    const metadata = metadataOf({ a: '1' });
    const config = { metadata };
    const { headers } = resolveConfig(config, { protocol: 'grpc', fixedProtocol: true });
    assert.equal(headers.kind, 'live');
    assert.equal(headers.read(), headers.read());
    metadata.set('a', '2');
    assert.deepEqual(headers.read()[0], ['a', '2']);
    config.metadata = metadataOf({ a: '3' });
    assert.deepEqual(headers.read()[0], ['a', '3']);
  });

  it('bytes go out as base64, keys that cannot be sent are errors of the export', async () => {
    assert.deepEqual(await read({ metadata: { 'x-bin': new Uint8Array([1]) } }), [['x-bin', 'AQ==']]);
    const bad = { 'a b': '1', a: 'ä', 'x-bin': 'text', connection: 'close', 'a:b': '1' };
    for (const [key, value] of Object.entries(bad))
      await assert.rejects(read({ metadata: { [key]: value } }), /^Error: /);
  });
});

describe('proxies', () => {
  const proxyOf = (hostname) => chooseGrpcProxy(undefined, { hostname, port: 4317 });
  const proxyFor = (env, host = 'h') => withEnvironment(env, () => proxyOf(host)?.url ?? null);
  const PROXY = { grpc_proxy: 'http://p:1' };
  for (const [name, env, host, expected] of [
    ['none', {}, 'h', null],
    ['grpc_proxy first', { http_proxy: 'http://c:1', https_proxy: 'http://b:1', ...PROXY }, 'h', 'http://p:1'],
    ['then https_proxy', { http_proxy: 'http://c:1', https_proxy: 'http://b' }, 'h', 'http://b:80'],
    ['then http_proxy', { HTTP_PROXY: 'http://c:1' }, 'h', 'http://c:1'],
    ['only plain ones', { grpc_proxy: 'https://p:1' }, 'h', null],
    ['no URL', { grpc_proxy: 'p' }, 'h', null],
    ['a suffix', { ...PROXY, no_proxy: 'a.example, .b.example' }, 'x.b.example', null],
    ['no_grpc_proxy alone', { ...PROXY, no_grpc_proxy: 'x', no_proxy: 'h' }, 'h', 'http://p:1'],
    ['a range', { ...PROXY, no_proxy: '10.0.0.0/8' }, '10.1.2.3', null],
    ['outside of a range', { ...PROXY, no_proxy: '10.0.0.0/8' }, '11.1.2.3', 'http://p:1'],
    ['everything', { ...PROXY, no_proxy: '*' }, 'h', null],
    ['nothing between commas', { ...PROXY, no_proxy: ' , ' }, 'h', 'http://p:1'],
  ])
    it(name, async () => assert.equal(await proxyFor(env, host), expected));

  it('never for a socket', async () => {
    const { proxy } = await withEnvironment(PROXY, () => resolve({ url: 'unix:///a' }));
    assert.equal(proxy, null);
  });

  it('with credentials', async () => {
    const env = { grpc_proxy: 'http://us%40er:p%3Aw@p:1' };
    const { authorization } = await withEnvironment(env, () => proxyOf('h'));
    assert.equal(Buffer.from(authorization.slice(6), 'base64').toString(), 'us@er:p:w');
  });
});
