'use strict';
// What `offloop doctor` says of an endpoint, by the way of the exporter and by that of Node: one server on loopback for each
// kind of failure, and the verdict, what is said of it, and what helps.

const assert = require('node:assert/strict');
const { after, test } = require('node:test');
const endpoints = require('../helpers/doctor_endpoints.js');
const { record } = require('../../js/doctor/log_lines.js');
const { probe } = require('../../js/doctor/probe.js');
const { VERDICTS } = require('../../js/doctor/remedies.js');
const { Report } = require('../../js/doctor/report.js');

const HTTP = ['http/protobuf', 'http/json'];
const BOTH = ['http/protobuf', 'grpc'];
const TIMEOUT_MILLIS = 5000;
const isWindows = process.platform === 'win32';
const SHORT_MILLIS = 500; // for servers that never answer
const { tls, caFile, directory, remove } = endpoints.makeMaterial();
after(remove);
record();

const http = (step) => async (t) => (await endpoints.startReceiver({ otherwise: step }, t)).url;
const grpc = (step) => async (t) => (await endpoints.startGrpcReceiver({ otherwise: step }, t)).origin;
const address = (start) => async (t) => `http://${await start(t)}`;
/** A server with TLS, by the name that is in its certificate. */
const secure = (which) => async (t, protocol) => {
  const server = protocol === 'grpc' ? endpoints.startGrpcReceiver : endpoints.startReceiver;
  const { port } = await server({ tls: tls[which] }, t);
  return `https://${endpoints.HOST}:${port}`;
};
const trusting = { OTEL_EXPORTER_OTLP_CERTIFICATE: caFile };
const proxied = (answer) => async (t) => {
  const proxy = await endpoints.startProxy({}, { answer });
  t.after(() => proxy.close());
  process.env.grpc_proxy = proxy.url;
  return 'http://collector.example:4317';
};

/** Verdict, protocols, server, what is said, what helps; variables and time where they matter. */
const TABLE = [
  ['delivered', HTTP, http(200), /took it$/, null],
  ['delivered', ['grpc'], grpc(undefined), /took it$/, null],
  ['delivered', BOTH, secure('good'), /took it$/, null, { env: trusting }],
  ['refused', HTTP, endpoints.refusedUrl, /^nobody listens at 127\.0\.0\.1:\d+$/, /start the collector/],
  [
    'refused',
    ['grpc'],
    async () => new URL(await endpoints.refusedUrl()).origin,
    /^nobody listens at /,
    /start the collector/,
  ],
  [
    'name_unknown',
    BOTH,
    () => 'http://collector.invalid:4318',
    /name collector\.invalid was not found/,
    /correct the name/,
  ],
  ['grpc_port', HTTP, grpc(undefined), /looks like the gRPC port/, /4318 .*or protocol 'grpc'/],
  [
    'http_port',
    ['grpc'],
    async (t) => new URL(await http(200)(t)).origin,
    /looks like the port of OTLP\/HTTP/,
    /4317 .*'http\/protobuf'/,
  ],
  ['not_http', BOTH, address(endpoints.startMailServer), /neither HTTP nor gRPC/, /port/],
  [
    'silent',
    BOTH,
    address(endpoints.startSilent),
    /takes connections and did not answer within 500 ms/,
    /--timeout/,
    { timeoutMillis: SHORT_MILLIS },
  ],
  [
    'silent',
    ['http/protobuf'],
    async (t) => `https://localhost:${await endpoints.startSlowBoth(tls.good, t)}/v1/traces`,
    /did not answer within 500 ms/,
    /load/,
    { env: trusting, timeoutMillis: SHORT_MILLIS },
  ],
  ['cut_off', BOTH, address(endpoints.startClosing), /closed the connection without an answer/, /log/],
  [
    'tls_wanted',
    ['http/protobuf'],
    async (t) => (await secure('good')(t)).replace('https', 'http'),
    /wants TLS/,
    /https:\/\//,
  ],
  [
    'tls_wanted',
    ['grpc'],
    async (t) => `http://localhost:${await endpoints.startSecureGrpc(tls.good, t)}`,
    /wants TLS/,
    /https:\/\//,
  ],
  [
    'tls_wanted',
    HTTP,
    http({ status: 400, body: 'Client sent an HTTP request to an HTTPS server.' }),
    /wants TLS/,
    /https:\/\//,
  ],
  [
    'tls_unknown',
    BOTH,
    async (t) => `https://${await endpoints.startHttpServer(t)}`,
    /does not speak TLS/,
    /http:\/\//,
  ],
  [
    'tls_unknown',
    ['http/json'],
    async (t) => (await http(200)(t)).replace('http', 'https'),
    /does not speak TLS/,
    null,
    { timeoutMillis: 2 * SHORT_MILLIS },
  ],
  [
    'tls_unknown',
    ['grpc'],
    async (t) => (await grpc(undefined)(t)).replace('http', 'https'),
    /does not speak TLS/,
    null,
  ],
  [
    'certificate_unknown',
    BOTH,
    secure('good'),
    /authority that is not trusted: .*issuer the authority/,
    /OTEL_EXPORTER_OTLP_CERTIFICATE/,
  ],
  ['certificate_unknown', BOTH, secure('own'), /not trusted: .*issuer collector/, /NODE_EXTRA_CA_CERTS/],
  ['certificate_unknown', BOTH, secure('unknown'), /issuer another authority/, /authority/, { env: trusting }],
  ['certificate_expired', BOTH, secure('expired'), /has expired: subject collector/, /renew/, { env: trusting }],
  ['certificate_not_yet_valid', BOTH, secure('early'), /not valid yet/, /clocks/, { env: trusting }],
  [
    'certificate_name',
    BOTH,
    secure('elsewhere'),
    /not for localhost: .*collector\.example/,
    /names/,
    { env: trusting },
  ],
  [
    'client_certificate',
    BOTH,
    secure('demanding'),
    /wants a certificate of the client/,
    /CLIENT_CERTIFICATE/,
    { env: trusting },
  ],
  [
    'client_certificate_perhaps',
    BOTH,
    async (t) => `https://${endpoints.HOST}:${await endpoints.startLeaving(tls.good, t)}`,
    /closed the TLS connection as soon as it stood/,
    /if it wants one, set OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE/,
    { env: trusting },
  ],
  ['unauthorized', HTTP, http(401), /does not know who sends/, /OTEL_EXPORTER_OTLP_HEADERS .*headers in code/],
  ['unauthorized', ['grpc'], grpc({ status: 16, message: 'no token' }), /does not know who sends/, /metadata in code/],
  ['forbidden', HTTP, http(403), /forbids it/, /token in headers/],
  ['forbidden', ['grpc'], grpc(7), /forbids it/, /token in metadata/],
  ['not_found', HTTP, http(404), /nothing at that path/, /v1\/traces/],
  ['not_found', ['grpc'], grpc(12), /does not know the OTLP trace service/, /receiver/],
  ['method_refused', HTTP, http(405), /takes no POST/, /port and path/],
  ['too_large', HTTP, http(413), /body is too large/, /limit/],
  [
    'too_large',
    ['grpc'],
    grpc({ status: 8, message: 'grpc: received message larger than max (5 vs. 4)' }),
    /body is too large/,
    /limit/,
  ],
  ['media_type', ['http/protobuf'], http(415), /does not take http\/protobuf/, /another protocol/],
  ['media_type', ['http/json'], http(415), /does not take http\/json/, /'http\/protobuf'/],
  ['body_refused', HTTP, http({ status: 400, body: 'cannot parse' }), /refuses the body/, /--send-span/],
  ['body_refused', ['grpc'], grpc(3), /refuses the body/, /--send-span/],
  ['body_refused', HTTP, http(400), /refuses the body/, /log/, { isSpanSent: true }],
  ['redirected', HTTP, http({ status: 302, headers: { location: '/elsewhere' } }), /sends elsewhere/, /address/],
  ['busy', HTTP, http(429), /nothing at the moment/, /try again/],
  ['busy', HTTP, http(503), /nothing at the moment/, /try again/],
  ['busy', ['grpc'], grpc(14), /nothing at the moment/, /try again/],
  ['busy', ['grpc'], grpc(8), /nothing at the moment/, /try again/],
  ['server_error', HTTP, http(500), /failed$/, /log/],
  ['server_error', ['grpc'], grpc(13), /failed$/, /log/],
  ['status', HTTP, http(418), /refused the request/, /log/],
  ['url_unusable', HTTP, () => 'localhost:4318/v1/traces', /scheme/, /http:\/\//],
  [
    'socket_missing',
    ['grpc'],
    () => `unix://${directory}/none.sock`,
    /none\.sock cannot be opened/,
    /path/,
    { env: { OTEL_EXPORTER_OTLP_INSECURE: 'true' } },
  ],
  [
    'proxy_refused',
    ['grpc'],
    proxied('HTTP/1.1 502 Bad Gateway\r\n\r\n'),
    /^the proxy http:\/\/127\.0\.0\.1:\d+ leads nowhere/,
    /no_grpc_proxy/,
  ],
  ['proxy_credentials', ['grpc'], proxied('HTTP/1.1 407 Who\r\n\r\n'), /wants other credentials/, /user and password/],
];
/** No server on loopback does these: packets that vanish, networks without a route, ciphers that do not fit, partial success. */
const ELSEWHERE = ['unreachable', 'no_connection', 'tls', 'failed', 'rejected'];

for (const hasBinding of [true, false]) {
  for (const [
    verdict,
    protocols,
    start,
    text,
    remedy,
    { env = {}, isSpanSent = false, timeoutMillis = TIMEOUT_MILLIS } = {},
  ] of TABLE) {
    for (const protocol of protocols) {
      const way = hasBinding ? 'the exporter' : 'Node';
      test(`${verdict}: ${protocol} through ${way} (C3): ${text.source}`, {
        skip: isWindows && verdict === 'socket_missing',
      }, async (t) => {
        t.after(withEnvironment(env));
        const endpoint = await start(t, protocol);
        const started = performance.now();
        const wanted = { endpoint, protocol, timeoutMillis, isSpanSent, hasBinding };
        const section = await judge(wanted);
        const tookMillis = performance.now() - started;
        const said = JSON.stringify(section, null, 1);
        const [finding] = section.findings;
        assert.equal(finding.code, verdict, said);
        assert.equal(finding.level, verdict === 'delivered' ? 'ok' : 'problem', said);
        assert.match(finding.text, text);
        if (remedy !== null) assert.match(finding.remedy, remedy);
        // The request, and a second look; a busy machine comes on top.
        assert.ok(tookMillis < 2 * timeoutMillis + 2500, `it took ${tookMillis} ms`);
      });
    }
  }
}

test('every verdict is tried, or is one that loopback has not', () => {
  const tried = new Set(TABLE.map(([verdict]) => verdict));
  assert.deepEqual([...new Set([...VERDICTS, 'delivered'])].sort(), [...tried, ...ELSEWHERE].sort());
});

async function judge(wanted) {
  const report = new Report();
  await probe(report.section('probe', 'Endpoint'), { source: 'default', timeoutSource: 'default', ...wanted });
  return report.finish({ version: 'x' }).sections[0];
}

/** What the machine says about exporters and proxies is not the test's. Answers what puts everything back. */
function withEnvironment(env) {
  const before = { ...process.env };
  for (const name of Object.keys(process.env)) if (/^(OTEL_|GRPC_)|proxy$/i.test(name)) delete process.env[name];
  Object.assign(process.env, env);
  return () => {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    Object.assign(process.env, before);
  };
}
