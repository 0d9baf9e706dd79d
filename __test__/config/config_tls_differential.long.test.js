'use strict';
// The TLS matrix on loopback, with a CA made for this run: stock exporter beside ours, seen from outside.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const tls = require('node:tls');
const { after, before, describe, it } = require('node:test');
const { encryptKey, issue } = require('../helpers/config/certificates.js');
const { startRecorder } = require('../helpers/config/recorder.js');
const { observe, withoutOurNotices } = require('../helpers/config/runner.js');
const { OURS, STOCK } = require('../helpers/config/subjects.js');
const { repeated } = require('../helpers/repeated.js');

const NAMES = ['localhost', '127.0.0.1'];
const ca = issue({ commonName: 'offloop test CA', authority: true });
const otherCa = issue({ commonName: 'another CA', authority: true });
const intermediate = issue({ commonName: 'an intermediate', authority: true, issuer: ca });
const leaf = (options) => issue({ commonName: 'collector', names: NAMES, issuer: ca, ...options });
const good = leaf();
const client = issue({ commonName: 'client', issuer: ca });
const rsaClient = issue({ commonName: 'rsa client', issuer: ca, keyType: 'rsa' });
const strangeClient = issue({ commonName: 'stranger', issuer: otherCa });
const throughIntermediate = leaf({ issuer: intermediate });

const pair = ({ cert, key }) => ({ cert, key });
const mutual = { ...pair(good), ca: ca.cert, requestCert: true, rejectUnauthorized: true };

const servers = {
  good: pair(good),
  'self-signed': pair(leaf({ issuer: undefined })),
  'whole chain': { key: good.key, cert: good.cert + ca.cert },
  intermediate: { key: throughIntermediate.key, cert: throughIntermediate.cert + intermediate.cert },
  'intermediate missing': pair(throughIntermediate),
  'other host': pair(leaf({ names: ['collector.example'] })),
  'only the name localhost': pair(leaf({ names: ['localhost'] })),
  'no alternative names': pair(leaf({ commonName: 'localhost', names: undefined })),
  expired: pair(leaf({ notBeforeDays: -10, notAfterDays: -1 })),
  'not yet valid': pair(leaf({ notBeforeDays: 1 })),
  'RSA key': pair(leaf({ keyType: 'rsa' })),
  mutual,
  'mutual, TLS 1.2': { ...mutual, maxVersion: 'TLSv1.2' },
  'TLS 1.2 only': { ...pair(good), maxVersion: 'TLSv1.2' },
  'TLS 1.3 only': { ...pair(good), minVersion: 'TLSv1.3' },
};

const context = { servers: {} };

before(async () => {
  context.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-tls-'));
  for (const [name, text] of Object.entries({
    'ca.pem': ca.cert,
    'other.pem': otherCa.cert,
    'client.pem': client.cert,
    'client.key': client.key,
    'broken.pem': 'not a certificate',
  })) {
    fs.writeFileSync(path.join(context.dir, name), text);
  }
  for (const [name, options] of Object.entries(servers)) context.servers[name] = await startRecorder({ tls: options });
  context.plain = await startRecorder();
  context.recorders = [...Object.values(context.servers), context.plain];
  context.stalling = net.createServer((socket) => socket.on('error', () => {}));
  await new Promise((resolve) => context.stalling.listen(0, '127.0.0.1', resolve));
});

after(async () => {
  for (const recorder of context.recorders) await recorder.close();
  context.stalling.close();
  fs.rmSync(context.dir, { recursive: true });
});

const to =
  (name) =>
  ({ servers }) =>
    `${servers[name].origin}/x`;
const toPlain = ({ plain }) => plain.origin.replace('http:', 'https:');
const toStalling = ({ stalling }) => `https://127.0.0.1:${stalling.address().port}/x`;
const httpTo =
  (name) =>
  ({ servers }) =>
    servers[name].origin.replace('https:', 'http:');
const byName =
  (name) =>
  ({ servers }) =>
    `https://localhost:${servers[name].port}/x`;
const file = (name) => path.join(context.dir, name);
const env = (values) => () =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`OTEL_EXPORTER_OTLP_${name}`, file(value)]));

// [what, url, agent options or whole configuration, the code that the stock exporter reports (null: success), environment]
const rows = [
  ['CA by option', to('good'), { ca: ca.cert }, null],
  ['CA as bytes', to('good'), { ca: Buffer.from(ca.cert) }, null],
  ['several CAs', to('good'), { ca: [otherCa.cert, ca.cert] }, null],
  ['several CAs in one text', to('good'), { ca: otherCa.cert + ca.cert }, null],
  ['CA by generic variable', to('good'), undefined, null, env({ CERTIFICATE: 'ca.pem' })],
  [
    'CA by signal variable',
    to('good'),
    undefined,
    null,
    env({ TRACES_CERTIFICATE: 'ca.pem', CERTIFICATE: 'other.pem' }),
  ],
  [
    'CA by variable, other CA by option',
    to('good'),
    { ca: otherCa.cert },
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    env({ CERTIFICATE: 'ca.pem' }),
  ],
  [
    'CA by variable is lost with agent options',
    to('good'),
    { keepAlive: true },
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    env({ CERTIFICATE: 'ca.pem' }),
  ],
  ['broken CA file', to('good'), undefined, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', env({ CERTIFICATE: 'broken.pem' })],
  ['missing CA file', to('good'), undefined, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', env({ CERTIFICATE: 'missing.pem' })],
  ['unknown CA', to('good'), undefined, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ['another CA', to('good'), { ca: otherCa.cert }, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ['unknown CA in the chain', to('whole chain'), undefined, 'SELF_SIGNED_CERT_IN_CHAIN'],
  ['chain with its own root', to('whole chain'), { ca: ca.cert }, null],
  ['self-signed', to('self-signed'), undefined, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ['self-signed and trusted', to('self-signed'), { ca: servers['self-signed'].cert }, null],
  ['intermediate', to('intermediate'), { ca: ca.cert }, null],
  ['intermediate as CA', to('intermediate'), { ca: intermediate.cert }, undefined],
  ['intermediate and root as CA', to('intermediate missing'), { ca: [intermediate.cert, ca.cert] }, null],
  ['intermediate missing', to('intermediate missing'), { ca: ca.cert }, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ['wrong host', to('other host'), { ca: ca.cert }, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ['wrong host by name', byName('other host'), { ca: ca.cert }, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ['address not among the names', to('only the name localhost'), { ca: ca.cert }, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ['name', byName('only the name localhost'), { ca: ca.cert }, null],
  ['servername', to('other host'), { ca: ca.cert, servername: 'collector.example' }, null],
  ['wrong servername', to('good'), { ca: ca.cert, servername: 'collector.example' }, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  [
    'no alternative names, by Node',
    byName('no alternative names'),
    { ca: ca.cert },
    null,
    undefined,
    { transport: 'node' },
  ],
  ['no alternative names, wrong host', to('no alternative names'), { ca: ca.cert }, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ['self-signed among other roots', to('self-signed'), { ca: [ca.cert, servers['self-signed'].cert] }, null],
  ['lone client key', to('good'), { ca: ca.cert, key: client.key }, null],
  ['lone client certificate', to('good'), { ca: ca.cert, cert: client.cert }, null],
  [
    'lone client key by variable',
    to('good'),
    undefined,
    null,
    env({ CERTIFICATE: 'ca.pem', CLIENT_KEY: 'client.key' }),
  ],
  ['http to a TLS server', httpTo('good'), undefined, undefined, undefined, { timeoutMillis: 300 }],
  ['expired', to('expired'), { ca: ca.cert }, 'CERT_HAS_EXPIRED'],
  ['not yet valid', to('not yet valid'), { ca: ca.cert }, 'CERT_NOT_YET_VALID'],
  ['RSA key', to('RSA key'), { ca: ca.cert }, null],
  ['TLS 1.2 only', to('TLS 1.2 only'), { ca: ca.cert }, null],
  ['TLS 1.3 only', to('TLS 1.3 only'), { ca: ca.cert }, null],
  ["minVersion above the server's", to('TLS 1.2 only'), { ca: ca.cert, minVersion: 'TLSv1.3' }, 'EPROTO'],
  ['maxVersion', to('good'), { ca: ca.cert, maxVersion: 'TLSv1.2' }, null],
  ['ciphers', to('TLS 1.2 only'), { ca: ca.cert, ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }, null],
  ['unusable ciphers', to('good'), { ca: ca.cert, ciphers: 'NONE-SUCH' }, 'ERR_SSL_NO_CIPHER_MATCH'],
  ['rejectUnauthorized false, unknown CA', to('good'), { rejectUnauthorized: false }, null],
  ['rejectUnauthorized false, wrong host', to('other host'), { rejectUnauthorized: false }, null],
  ['rejectUnauthorized false, expired', to('expired'), { rejectUnauthorized: false }, null],
  ['rejectUnauthorized false, self-signed', to('self-signed'), { rejectUnauthorized: false }, null],
  ['rejectUnauthorized 0 still verifies', to('good'), { rejectUnauthorized: 0 }, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ['NODE_TLS_REJECT_UNAUTHORIZED=0', to('good'), undefined, null, () => ({ NODE_TLS_REJECT_UNAUTHORIZED: '0' })],
  [
    'NODE_TLS_REJECT_UNAUTHORIZED=1',
    to('good'),
    undefined,
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    () => ({ NODE_TLS_REJECT_UNAUTHORIZED: '1' }),
  ],
  ['mTLS by option', to('mutual'), { ca: ca.cert, ...pair(client) }, null],
  ['mTLS with an RSA key', to('mutual'), { ca: ca.cert, ...pair(rsaClient) }, null],
  [
    'mTLS by variables',
    to('mutual'),
    undefined,
    null,
    env({ CERTIFICATE: 'ca.pem', CLIENT_CERTIFICATE: 'client.pem', CLIENT_KEY: 'client.key' }),
  ],
  [
    'mTLS by signal variables',
    to('mutual'),
    undefined,
    null,
    env({ TRACES_CERTIFICATE: 'ca.pem', TRACES_CLIENT_CERTIFICATE: 'client.pem', TRACES_CLIENT_KEY: 'client.key' }),
  ],
  ['mTLS over TLS 1.2', to('mutual, TLS 1.2'), { ca: ca.cert, ...pair(client) }, null],
  [
    'mTLS, encrypted key',
    to('mutual'),
    { ca: ca.cert, cert: client.cert, key: encryptKey(client.privateKey, 'word'), passphrase: 'word' },
    null,
  ],
  [
    'mTLS, encrypted key, wrong passphrase',
    to('mutual'),
    { ca: ca.cert, cert: client.cert, key: encryptKey(client.privateKey, 'word'), passphrase: 'no' },
    'ERR_OSSL_BAD_DECRYPT',
  ],
  [
    'mTLS missing',
    to('mutual'),
    { ca: ca.cert },
    'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
    undefined,
    { timeoutMillis: 300 },
  ],
  ['mTLS missing over TLS 1.2', to('mutual, TLS 1.2'), { ca: ca.cert }, 'EPROTO'],
  [
    'mTLS by a stranger',
    to('mutual'),
    { ca: ca.cert, ...pair(strangeClient) },
    'ECONNRESET',
    undefined,
    { timeoutMillis: 300 },
  ],
  [
    'client key of another certificate',
    to('mutual'),
    { ca: ca.cert, cert: client.cert, key: strangeClient.key },
    'ERR_OSSL_X509_KEY_VALUES_MISMATCH',
  ],
  ['client key that is none', to('mutual'), { ca: ca.cert, cert: client.cert, key: 'no key' }, 'ERR_OSSL_UNSUPPORTED'],
  ['pfx that is none', to('good'), { ca: ca.cert, pfx: Buffer.from('no pfx') }, undefined],
  ['checkServerIdentity', to('other host'), { ca: ca.cert, checkServerIdentity: () => undefined }, null],
  [
    'checkServerIdentity refuses',
    to('good'),
    { ca: ca.cert, checkServerIdentity: () => Object.assign(new Error('not my server'), { code: 'MINE' }) },
    'MINE',
  ],
  ['secureContext', to('good'), () => ({ secureContext: tls.createSecureContext({ ca: ca.cert }) }), null],
  ['plaintext on https', toPlain, { ca: ca.cert }, 'EPROTO'],
  ['handshake stall', toStalling, { ca: ca.cert }, undefined, undefined, { timeoutMillis: 300 }],
  ['keep-alive over TLS', to('good'), { ca: ca.cert, keepAlive: true }, null, undefined, undefined, 3],
  ['no keep-alive over TLS', to('good'), { ca: ca.cert, keepAlive: false }, null, undefined, undefined, 3],
  ['no CA store for plain http', ({ plain }) => plain.origin, { ca: 'x', cert: 'y', key: 'z' }, null],
  ['agent factory', to('good'), () => () => new (require('node:https').Agent)({ ca: ca.cert }), null],
];

const X509_CODES = /^(UNABLE_|CERT_|SELF_SIGNED|DEPTH_ZERO)/;

/** OpenSSL's handshake texts name lines of its source; what a user can rely on there is the code. */
function comparable(observation) {
  const results = observation.results?.map(({ error, ...rest }) => {
    if (error === undefined) return rest;
    const { name, kind, code, message } = error;
    return {
      ...rest,
      error: { name, kind, code, message: code === undefined || X509_CODES.test(code) ? message : '' },
    };
  });
  const lines = withoutOurNotices(observation.lines).map((line) => line.replace(/(non-retryable error: ).*/s, '$1…'));
  for (const { headers } of observation.requests) if (headers.accept === '*/*') delete headers.accept;
  return { ...observation, results, lines };
}

/** An exporter that moved to Node's sender says so, and has asked the server once before. */
function withoutMove(observed, stock) {
  const isMove = (line) => /^info: Offloop: from now on \S+ is sent to through Node's https: /.test(line);
  if (!observed.lines.some(isMove)) return;
  observed.lines = observed.lines.filter((line) => !isMove(line));
  observed.connections = stock.connections;
}

for (const protocol of Object.keys(STOCK)) {
  describe(`TLS, ${protocol}: stock beside ours`, () => {
    for (const [name, url, agentOptions, code, environment = () => ({}), more, exports = 1] of rows) {
      it(name, async () => {
        const scenario = {
          exports,
          env: environment,
          config: (c) => ({
            url: url(c),
            ...(agentOptions && {
              httpAgentOptions: typeof agentOptions === 'function' ? agentOptions() : agentOptions,
            }),
            ...more,
          }),
        };
        const stock = await observe(STOCK[protocol], scenario, context);
        if (code === null) assert.equal(stock.results[0].code, 0, JSON.stringify(stock.results[0].error));
        else if (code !== undefined) assert.equal(stock.results[0].error?.code, code, stock.results[0].error?.message);
        else assert.equal(stock.results[0].code, 1);
        await repeated(more?.timeoutMillis, async () => {
          const observed = await observe(OURS[protocol], scenario, context);
          withoutMove(observed, stock);
          if (more?.timeoutMillis) {
            // Where the stock exporter's next wait does not fit, we make one last attempt sooner, and what is not HTTP is
            // tried again (X15): how often, and which line says that it is over, is not compared.
            observed.connections = stock.connections;
            observed.lines = stock.lines;
          }
          assert.deepEqual(comparable(observed), comparable(stock));
        });
      });
    }
  });
}

it('a certificate without alternative names: the exporter moves to the sender that takes it, once, and says so', async () => {
  const scenario = {
    exports: 3,
    env: () => ({}),
    config: (c) => ({ url: byName('no alternative names')(c), httpAgentOptions: { ca: ca.cert, keepAlive: true } }),
  };
  const { results, lines, connections } = await observe(OURS['http/json'], scenario, context);
  assert.deepEqual(
    results.map(({ code }) => code),
    [0, 0, 0],
  );
  assert.equal(lines.filter((line) => line.includes("through Node's https")).length, 1, lines.join('\n'));
  assert.equal(connections, 2, 'one handshake that was given up, one connection of Node');
});

it('headers of an exporter that moves are read once for each attempt', async () => {
  let calls = 0;
  const scenario = {
    exports: 2,
    env: () => ({}),
    config: (c) => ({
      url: byName('no alternative names')(c),
      httpAgentOptions: { ca: ca.cert },
      headers: async () => ({ 'x-call': String(++calls) }),
    }),
  };
  const { requests } = await observe(OURS['http/json'], scenario, context);
  assert.deepEqual(
    requests.map(({ headers }) => headers['x-call']),
    ['1', '2'],
  );
});

it("transport: 'native' does not move: the refusal names the transport that takes it", async () => {
  const scenario = {
    env: () => ({}),
    config: (c) => ({
      url: byName('no alternative names')(c),
      httpAgentOptions: { ca: ca.cert },
      transport: 'native',
    }),
  };
  const { results } = await observe(OURS['http/json'], scenario, context);
  assert.match(results[0].error.message, /transport: 'node'/);
});
