'use strict';
// Owns the table of configurations under which the stock exporter and ours have to look the same. A scenario is data:
// what the environment holds, what the user passes, what the server answers.
//
// `env` and `config` get a context: `origin` and `port` of a recording server, `dir` with files, `socket` of another
// server. Where nothing leads to that server, `elsewhere` is set: the configuration is compared, no export is made.

const assert = require('node:assert/strict');
const { CompressionAlgorithm } = require('@opentelemetry/otlp-exporter-base');

const scenarios = [];

function add(name, scenario) {
  scenarios.push({ name, env: () => ({}), config: (context) => ({ url: `${context.origin}/v1/traces` }), ...scenario });
}

/** In every credential of the table; it must never show in a log line or an error. */
const SECRET = 'plantedSecret';

const SPECIFIC = 'OTEL_EXPORTER_OTLP_TRACES_';
const GENERIC = 'OTEL_EXPORTER_OTLP_';
const toServer = (context) => ({ [`${GENERIC}ENDPOINT`]: context.origin });
const noConfig = () => undefined;

// --- constructor argument ---------------------------------------------------------------------------------------
add('no argument', { env: toServer, config: noConfig });
add('empty object', { env: toServer, config: () => ({}) });
add('null', { env: toServer, config: () => null });
add('unknown options are ignored', { config: ({ origin }) => ({ url: origin, hostname: 'x', serviceName: 'y' }) });
add('metadata is refused in words', { config: ({ origin }) => ({ url: origin, metadata: {} }) });
add('falsy metadata is silent', { config: ({ origin }) => ({ url: origin, metadata: 0 }) });
add('options on a prototype', { config: ({ origin }) => Object.create({ url: `${origin}/inherited` }) });
add('frozen configuration', { config: ({ origin }) => Object.freeze({ url: origin, keepAlive: false }) });
add('nothing anywhere', { config: noConfig, elsewhere: true });

// --- url option -------------------------------------------------------------------------------------------------
const urls = {
  'no path': '',
  'root path': '/',
  'own path is kept as is': '/custom/path',
  'trailing slash': '/v1/traces/',
  'double slashes': '//v1//traces',
  query: '/v1/traces?token=abc&x=1',
  'query without path': '?a=b',
  'fragment is not sent': '/v1/traces#part',
  'dot segments': '/a/../b/./c',
  'percent encoding is kept': '/a%20b/%e4?x=%2F',
  'spaces and unicode are encoded': '/a b/ü?q=ä ö',
  'reserved characters': "/a;b=c,d:e@f!$&'()*+",
};
for (const [name, suffix] of Object.entries(urls)) {
  add(`url: ${name}`, { config: ({ origin }) => ({ url: `${origin}${suffix}` }) });
}
add('url: upper-case scheme', { config: ({ port }) => ({ url: `HTTP://127.0.0.1:${port}/x` }) });
add('url: blanks around', { config: ({ origin }) => ({ url: `  ${origin}/x\n` }) });
add('url: localhost', { config: ({ port }) => ({ url: `http://localhost:${port}/x` }) });
add('url: short IPv4 form', { config: ({ port }) => ({ url: `http://127.1:${port}/x` }) });
add('url: a URL object', { config: ({ origin }) => ({ url: new URL('/object', origin) }) });
add('url: credentials', { config: ({ port }) => ({ url: `http://user:${SECRET}@127.0.0.1:${port}/x` }) });
add('url: encoded credentials', {
  config: ({ port }) => ({ url: `http://us%40er:p%3A${SECRET}@127.0.0.1:${port}/x` }),
});
add('url: user only', { config: ({ port }) => ({ url: `http://user@127.0.0.1:${port}/x` }) });
add('url: password only', { config: ({ port }) => ({ url: `http://:${SECRET}@127.0.0.1:${port}/x` }) });
add('url: unicode credentials', { config: ({ port }) => ({ url: `http://ü:ß@127.0.0.1:${port}/x` }) });
add('url: broken encoding in credentials', {
  config: ({ port }) => ({ url: `http://a%zz:${SECRET}@127.0.0.1:${port}/x` }),
});
add('url: credentials and an Authorization header', {
  config: ({ port }) => ({
    url: `http://a:${SECRET}@127.0.0.1:${port}/x`,
    headers: { authorization: `Bearer ${SECRET}` },
  }),
});
add('url: credentials and an empty Authorization header', {
  config: ({ port }) => ({ url: `http://a:${SECRET}@127.0.0.1:${port}/x`, headers: { Authorization: '' } }),
});
add('url: null means absent', { env: toServer, config: () => ({ url: null }) });
add('url: undefined means absent', { env: toServer, config: () => ({ url: undefined }) });
for (const [name, url] of Object.entries({
  'empty text': '',
  blank: '   ',
  relative: '/v1/traces',
  'no scheme': 'localhost',
  'bad port': 'http://127.0.0.1:99999/x',
  'bad host': 'http://[::1',
  number: 5,
  object: {},
  false: false,
})) {
  add(`url: unusable (${name})`, { config: () => ({ url }) });
}
add('url: unusable, with credentials', { config: () => ({ url: `http://user:${SECRET}@127.0.0.1:99999/x` }) });
add('signal endpoint: unusable, with credentials', {
  env: () => ({ [`${SPECIFIC}ENDPOINT`]: `http://user:p/${SECRET}@:99999/x` }),
});
add('url: another scheme', { config: () => ({ url: 'ftp://127.0.0.1/x' }) });
add('url: a scheme that looks like host:port', { config: () => ({ url: 'localhost:4318' }) });
add('url: port 0', { config: () => ({ url: 'http://127.0.0.1:0/x', timeoutMillis: 300 }), elsewhere: true });
add('url: IPv6', { config: () => ({ url: 'http://[::1]:4318/x' }), elsewhere: true });
add('url: https default port', { config: () => ({ url: 'https://collector.example/x' }), elsewhere: true });

// --- endpoint variables -----------------------------------------------------------------------------------------
for (const [name, suffix] of Object.entries({
  bare: '',
  slash: '/',
  path: '/base',
  'path and slash': '/base/',
  query: '/base?x=1',
  'trailing blanks': '/base  ',
  fragment: '/base#f',
})) {
  add(`generic endpoint: ${name}`, {
    env: ({ origin }) => ({ [`${GENERIC}ENDPOINT`]: `${origin}${suffix}` }),
    config: noConfig,
  });
  add(`signal endpoint: ${name}`, {
    env: ({ origin }) => ({ [`${SPECIFIC}ENDPOINT`]: `${origin}${suffix}` }),
    config: noConfig,
  });
}
add('generic endpoint: leading blanks', {
  env: ({ origin }) => ({ [`${GENERIC}ENDPOINT`]: `  ${origin}` }),
  config: noConfig,
});
add('generic endpoint: credentials', {
  env: ({ port }) => ({ [`${GENERIC}ENDPOINT`]: `http://a:${SECRET}@127.0.0.1:${port}` }),
  config: noConfig,
});
add('signal endpoint wins over generic', {
  env: ({ origin }) => ({ [`${GENERIC}ENDPOINT`]: `${origin}/g`, [`${SPECIFIC}ENDPOINT`]: `${origin}/s` }),
  config: noConfig,
});
add('url wins over both endpoints', {
  env: ({ origin }) => ({ [`${GENERIC}ENDPOINT`]: `${origin}/g`, [`${SPECIFIC}ENDPOINT`]: `${origin}/s` }),
  config: ({ origin }) => ({ url: `${origin}/u` }),
});
add('blank signal endpoint counts as unset', {
  env: ({ origin }) => ({ [`${GENERIC}ENDPOINT`]: `${origin}/g`, [`${SPECIFIC}ENDPOINT`]: '  ' }),
  config: noConfig,
});
add('unparsable signal endpoint falls back to generic', {
  env: ({ origin }) => ({ [`${GENERIC}ENDPOINT`]: `${origin}/g`, [`${SPECIFIC}ENDPOINT`]: 'not a url' }),
  config: noConfig,
});
add('a usable signal endpoint keeps a bad generic one unread', {
  env: ({ origin }) => ({ [`${GENERIC}ENDPOINT`]: 'not a url', [`${SPECIFIC}ENDPOINT`]: `${origin}/s` }),
  config: noConfig,
});
add('both endpoints unparsable', {
  env: () => ({ [`${GENERIC}ENDPOINT`]: 'also bad', [`${SPECIFIC}ENDPOINT`]: 'not a url' }),
  config: noConfig,
  elsewhere: true,
});
add('unparsable generic endpoint is reported even if url is given', {
  env: () => ({ [`${GENERIC}ENDPOINT`]: 'http://' }),
});
add('empty endpoints', {
  env: () => ({ [`${GENERIC}ENDPOINT`]: '', [`${SPECIFIC}ENDPOINT`]: '' }),
  config: noConfig,
  elsewhere: true,
});

// --- timeout ----------------------------------------------------------------------------------------------------
for (const [name, value] of Object.entries({
  integer: 5000,
  fraction: 1500.5,
  zero: 0,
  negative: -1,
  NaN: Number.NaN,
  infinite: Infinity,
  text: '5000',
  bigint: 5n,
  boolean: true,
  null: null,
  undefined: undefined,
  large: 3_000_000_000,
})) {
  add(`timeoutMillis: ${name}`, { config: ({ origin }) => ({ url: origin, timeoutMillis: value }) });
}
for (const value of ['5000', ' 700 ', '1e3', '0x400', '0', '-1', 'abc', 'Infinity', '', '  ', '1_000', '250.5']) {
  add(`signal timeout variable '${value}'`, { env: () => ({ [`${SPECIFIC}TIMEOUT`]: value }) });
  add(`generic timeout variable '${value}'`, { env: () => ({ [`${GENERIC}TIMEOUT`]: value }) });
}
add('signal timeout wins', { env: () => ({ [`${SPECIFIC}TIMEOUT`]: '4000', [`${GENERIC}TIMEOUT`]: '6000' }) });
add('a bad generic timeout is reported beside a good one', {
  env: () => ({ [`${SPECIFIC}TIMEOUT`]: '4000', [`${GENERIC}TIMEOUT`]: 'x' }),
});
add('a bad signal timeout falls back', {
  env: () => ({ [`${SPECIFIC}TIMEOUT`]: '-4', [`${GENERIC}TIMEOUT`]: '6000' }),
});
add('timeoutMillis wins over variables', {
  env: () => ({ [`${SPECIFIC}TIMEOUT`]: '4000' }),
  config: ({ origin }) => ({ url: origin, timeoutMillis: 3000 }),
});
add('an unusable timeout is thrown before an unusable url', { config: () => ({ url: '', timeoutMillis: -1 }) });

// --- compression ------------------------------------------------------------------------------------------------
for (const [name, value] of Object.entries({
  gzip: 'gzip',
  none: 'none',
  'enum GZIP': CompressionAlgorithm.GZIP,
  'enum NONE': CompressionAlgorithm.NONE,
  unknown: 'brotli',
  'upper case': 'GZIP',
  empty: '',
  number: 1,
  null: null,
  undefined: undefined,
})) {
  add(`compression: ${name}`, { config: ({ origin }) => ({ url: origin, compression: value }) });
}
for (const value of ['gzip', 'none', ' gzip ', 'GZIP', 'deflate', '', '   ']) {
  add(`signal compression variable '${value}'`, { env: () => ({ [`${SPECIFIC}COMPRESSION`]: value }) });
  add(`generic compression variable '${value}'`, { env: () => ({ [`${GENERIC}COMPRESSION`]: value }) });
}
add('signal compression wins', {
  env: () => ({ [`${SPECIFIC}COMPRESSION`]: 'none', [`${GENERIC}COMPRESSION`]: 'gzip' }),
});
add('a bad signal compression falls back', {
  env: () => ({ [`${SPECIFIC}COMPRESSION`]: 'lz4', [`${GENERIC}COMPRESSION`]: 'gzip' }),
});
add('compression wins over variables', {
  env: () => ({ [`${SPECIFIC}COMPRESSION`]: 'gzip' }),
  config: ({ origin }) => ({ url: origin, compression: 'none' }),
});
add('an unknown compression wins over variables', {
  env: () => ({ [`${SPECIFIC}COMPRESSION`]: 'gzip' }),
  config: ({ origin }) => ({ url: origin, compression: 'brotli' }),
});

// --- headers ----------------------------------------------------------------------------------------------------
const userHeaders = {
  plain: () => ({ 'x-a': '1', 'x-b': 'two' }),
  'number, boolean and null': () => ({ a: 5, b: true, c: null }),
  array: () => ({ a: ['x', 'y'] }),
  undefined: () => ({ a: undefined, b: '1' }),
  'empty value': () => ({ a: '' }),
  'latin-1 value': () => ({ a: 'ü' }),
  'tab in value': () => ({ a: 'x\ty' }),
  'invalid value': () => ({ a: 'x\ny' }),
  'value beyond latin-1': () => ({ a: '€' }),
  'invalid name': () => ({ 'a b': '1' }),
  'empty name': () => ({ '': '1' }),
  'same name in two spellings': () => ({ 'X-A': '1', 'x-a': '2' }),
  'integer-like names': () => ({ b: '1', 7: 'x' }),
  'Content-Type cannot be overridden': () => ({ 'content-type': 'text/plain' }),
  'User-Agent cannot be overridden': () => ({ 'USER-AGENT': 'me' }),
  'Host is honoured': () => ({ Host: 'collector.example' }),
  'Connection is honoured': () => ({ Connection: 'close' }),
  'Accept is added': () => ({ Accept: '*/*' }),
  'Content-Encoding is replaced': () => ({ 'Content-Encoding': 'identity' }),
  'empty object': () => ({}),
  null: () => null,
  text: () => 'ab',
  number: () => 5,
  'only own properties': () => Object.create({ inherited: '1' }),
  'a value that cannot be made text': () => ({
    a: {
      toString() {
        throw new Error('no text');
      },
    },
  }),
};
for (const [name, make] of Object.entries(userHeaders)) {
  add(`headers: ${name}`, { config: ({ origin }) => ({ url: origin, headers: make() }) });
  add(`headers function: ${name}`, { config: ({ origin }) => ({ url: origin, headers: async () => make() }) });
}
add('headers function: synchronous', { config: ({ origin }) => ({ url: origin, headers: () => ({ a: '1' }) }) });
add('headers function: rejects', {
  config: ({ origin }) => ({ url: origin, headers: () => Promise.reject(new Error('no token')) }),
});
add('headers function: throws', {
  config: ({ origin }) => ({
    url: origin,
    headers: () => {
      throw new TypeError('no token');
    },
  }),
});
add('headers function: rejects with a text', {
  config: ({ origin }) => ({ url: origin, headers: () => Promise.reject('plain text') }),
});
add('headers function: rejects with null', {
  config: ({ origin }) => ({ url: origin, headers: () => Promise.reject(null) }),
});
add('headers function: rejects with what cannot be read', {
  config: ({ origin }) => ({ url: origin, headers: () => Promise.reject(new Proxy({}, { get: () => undefined })) }),
});
add('connections: agent factory throws null', {
  config: ({ origin }) => ({
    url: origin,
    httpAgentOptions: () => {
      throw null;
    },
  }),
});
const headerVariables = {
  one: 'a=1',
  several: 'a=1,b=2',
  'blanks around': ' a = 1 , b = 2 ',
  'percent-decoded': 'a=x%20y,b%2Dc=%C3%BC',
  'equals in the value': 'a=b=c==',
  'properties dropped': 'a=1;p=q;r,b=2',
  'no equals': 'a,b=2',
  'no key': '=1,b=2',
  'no value': 'a=,b=2',
  'bad percent encoding': 'a=%zz,b=2',
  'same key twice': 'a=1,a=2',
  'empty members': ',,a=1,,',
  blank: '  ',
  'invalid header name': 'a b=1',
  'invalid header value': 'a=x%0Ay',
  'required headers': 'content-type=text/plain,User-Agent=me',
  proto: '__proto__=x,constructor=y',
};
for (const [name, value] of Object.entries(headerVariables)) {
  add(`generic header variable: ${name}`, { env: () => ({ [`${GENERIC}HEADERS`]: value }) });
  add(`signal header variable: ${name}`, { env: () => ({ [`${SPECIFIC}HEADERS`]: value }) });
}
add('header variables merge, signal wins', {
  env: () => ({ [`${GENERIC}HEADERS`]: 'a=g,b=g', [`${SPECIFIC}HEADERS`]: 'b=s,c=s' }),
});
add('header variables in two spellings', {
  env: () => ({ [`${GENERIC}HEADERS`]: 'x-key=g', [`${SPECIFIC}HEADERS`]: 'X-Key=s' }),
});
add('headers option wins over variables', {
  env: () => ({ [`${GENERIC}HEADERS`]: 'a=g,b=g' }),
  config: ({ origin }) => ({ url: origin, headers: { b: 'user', c: 'user' } }),
});
add('headers option in another spelling', {
  env: () => ({ [`${GENERIC}HEADERS`]: 'x-key=g,z=1' }),
  config: ({ origin }) => ({ url: origin, headers: { 'X-KEY': 'user' } }),
});
add('an undefined header leaves the variable', {
  env: () => ({ [`${GENERIC}HEADERS`]: 'a=g' }),
  config: ({ origin }) => ({ url: origin, headers: { a: undefined } }),
});
add('headers object changed between exports', {
  exports: 2,
  config: ({ origin }) => ({ url: origin, headers: { token: SECRET, old: '1' } }),
  between: (config) => {
    config.headers.token = 'second';
    delete config.headers.old;
  },
});
add('headers function answers anew for each export', {
  exports: 2,
  config: ({ origin }) => {
    let calls = 0;
    return { url: origin, headers: async () => ({ call: String(++calls) }) };
  },
});

// --- user agent -------------------------------------------------------------------------------------------------
for (const [name, value] of Object.entries({
  text: 'my-app/1.2',
  empty: '',
  null: null,
  number: 7,
  'with blanks': ' x ',
  invalid: 'a\nb',
})) {
  add(`userAgent: ${name}`, { config: ({ origin }) => ({ url: origin, userAgent: value }) });
}

// --- concurrency ------------------------------------------------------------------------------------------------
for (const [name, value] of Object.entries({ one: 1, zero: 0, NaN: Number.NaN, text: '1', negative: -1 })) {
  add(`concurrencyLimit: ${name}`, {
    exports: 3,
    concurrent: true,
    config: ({ origin }) => ({ url: origin, concurrencyLimit: value }),
  });
}

// --- connections ------------------------------------------------------------------------------------------------
const agents = {
  default: {},
  'keepAlive true': { keepAlive: true },
  'keepAlive false': { keepAlive: false },
  'keepAlive null': { keepAlive: null },
  'keepAlive 0': { keepAlive: 0 },
  'agent options, no keepAlive': { httpAgentOptions: {} },
  'agent options, keepAlive': { httpAgentOptions: { keepAlive: true } },
  'agent keepAlive wins over option': { keepAlive: false, httpAgentOptions: { keepAlive: true } },
  'keepAlive fills agent options': { keepAlive: true, httpAgentOptions: { maxSockets: 2 } },
  'maxSockets without keepAlive': { httpAgentOptions: { maxSockets: 1 } },
  'maxSockets with keepAlive': { httpAgentOptions: { maxSockets: 1, keepAlive: true } },
  'maxTotalSockets with keepAlive': { httpAgentOptions: { maxTotalSockets: 2, keepAlive: true } },
  'keepAliveMsecs and scheduling': { httpAgentOptions: { keepAlive: true, keepAliveMsecs: 500, scheduling: 'fifo' } },
  'maxFreeSockets and noDelay': { httpAgentOptions: { keepAlive: true, maxFreeSockets: 1, noDelay: false } },
  'unusable maxTotalSockets': { httpAgentOptions: { maxTotalSockets: 0 } },
  'unusable scheduling': { httpAgentOptions: { scheduling: 'random' } },
  'TLS options for http are ignored': { httpAgentOptions: { keepAlive: true, ca: 'x', cert: 'y', key: 'z' } },
  'local address': { httpAgentOptions: { keepAlive: true, localAddress: '127.0.0.1' } },
  'agent options null': { httpAgentOptions: null },
  'agent options a text': { httpAgentOptions: 'text' },
};
for (const [name, options] of Object.entries(agents)) {
  add(`connections: ${name}`, { exports: 3, config: ({ origin }) => ({ url: origin, ...options }) });
}
add('connections: unix socket', {
  exports: 2,
  config: ({ socket }) => ({
    url: 'http://collector.example/x',
    httpAgentOptions: { socketPath: socket, keepAlive: true },
  }),
});
add('connections: agent options host and port win over the url', {
  config: ({ port }) => ({ url: 'http://collector.example/x', httpAgentOptions: { host: '127.0.0.1', port } }),
});
add('connections: lookup', {
  exports: 2,
  config: ({ port }) => ({
    url: `http://collector.example:${port}/x`,
    httpAgentOptions: { keepAlive: true, lookup: (_host, options, done) => loopback(options, done) },
  }),
});
add('connections: lookup fails', {
  config: () => ({
    url: 'http://collector.example/x',
    timeoutMillis: 500,
    httpAgentOptions: {
      lookup: (_host, _options, done) => done(Object.assign(new Error('no such host'), { code: 'EBADNAME' })),
    },
  }),
});
add('connections: agent factory', {
  exports: 3,
  config: ({ origin }) => ({
    url: origin,
    httpAgentOptions: (protocol) => new (require('node:http').Agent)({ keepAlive: protocol === 'http:' }),
  }),
});
add('connections: asynchronous agent factory', {
  exports: 2,
  config: ({ origin }) => ({ url: origin, httpAgentOptions: async () => new (require('node:http').Agent)() }),
});
add('connections: agent factory throws', {
  exports: 2,
  config: ({ origin }) => ({
    url: origin,
    httpAgentOptions: () => {
      throw new RangeError('no agent');
    },
  }),
});
add('connections: agent factory rejects once', {
  exports: 2,
  config: ({ origin }) => {
    let calls = 0;
    const { Agent } = require('node:http');
    return {
      url: origin,
      httpAgentOptions: async () => {
        if (++calls === 1) throw new Error('not yet');
        return new Agent();
      },
    };
  },
});
add('connections: agent factory gives an agent of another protocol', {
  config: ({ origin }) => ({ url: origin, httpAgentOptions: () => new (require('node:https').Agent)() }),
});
add('connections: an Agent where options belong', {
  exports: 2,
  config: ({ origin }) => ({ url: origin, httpAgentOptions: new (require('node:http').Agent)({ keepAlive: true }) }),
});
add('connections: createConnection among the options is not used by an agent', {
  config: ({ origin }) => ({ url: origin, httpAgentOptions: { createConnection: () => assert.fail('called') } }),
});
add('connections: an agent with its own createConnection', {
  exports: 2,
  config: ({ port }) => ({
    url: 'http://collector.example/x',
    httpAgentOptions: () => {
      const agent = new (require('node:http').Agent)({ keepAlive: true });
      agent.createConnection = () => require('node:net').connect(port, '127.0.0.1');
      return agent;
    },
  }),
});
add('connections: name that cannot be resolved', {
  config: () => ({ url: 'http://collector.invalid/x', timeoutMillis: 300 }),
  retried: true,
});

function loopback(options, done) {
  if (options.all) done(null, [{ address: '127.0.0.1', family: 4 }]);
  else done(null, '127.0.0.1', 4);
}

// --- certificate variables (read even for http) -----------------------------------------------------------------
for (const prefix of [GENERIC, SPECIFIC]) {
  for (const name of ['CERTIFICATE', 'CLIENT_CERTIFICATE', 'CLIENT_KEY']) {
    add(`${prefix}${name}: missing file`, { env: () => ({ [`${prefix}${name}`]: '/nowhere/file.pem' }) });
    add(`${prefix}${name}: readable file`, { env: ({ dir }) => ({ [`${prefix}${name}`]: `${dir}/ca.pem` }) });
  }
}
add('a directory as certificate file', { env: ({ dir }) => ({ [`${GENERIC}CERTIFICATE`]: dir }) });
add('signal certificate wins, unreadable or not', {
  env: ({ dir }) => ({ [`${GENERIC}CERTIFICATE`]: `${dir}/ca.pem`, [`${SPECIFIC}CERTIFICATE`]: '/nowhere/x.pem' }),
});
add('blank certificate variable', { env: () => ({ [`${GENERIC}CERTIFICATE`]: '  ' }) });
add('certificate path relative to the working directory', {
  env: ({ dir }) => ({ [`${GENERIC}CERTIFICATE`]: require('node:path').relative(process.cwd(), `${dir}/ca.pem`) }),
});

// --- variables nobody reads -------------------------------------------------------------------------------------
add("OTEL_SDK_DISABLED is not the exporter's", { env: () => ({ OTEL_SDK_DISABLED: 'true' }) });
add('OTEL_EXPORTER_OTLP_INSECURE is for gRPC', { env: () => ({ [`${GENERIC}INSECURE`]: 'true' }) });
add('OTEL_EXPORTER_OTLP_PROTOCOL is for the SDK', { env: () => ({ [`${GENERIC}PROTOCOL`]: 'grpc' }) });
add('proxy variables are not read', {
  env: () => ({ HTTP_PROXY: 'http://127.0.0.1:9', http_proxy: 'http://127.0.0.1:9', ALL_PROXY: 'http://127.0.0.1:9' }),
});

// --- answers ----------------------------------------------------------------------------------------------------
const answer =
  (status, body = '', headers = {}) =>
  (_request, response) => {
    response.writeHead(status, headers);
    response.end(body);
  };
for (const [name, respond] of Object.entries({
  202: answer(202),
  204: answer(204),
  299: answer(299),
  'redirect is not followed': answer(302, 'moved', { location: '/elsewhere' }),
  '404 with a body': answer(404, 'no such thing'),
  '500 without a body': answer(500),
  '501 with a body beyond ASCII': answer(501, 'ä€'),
  '403 once': answer(403, 'no'),
})) {
  add(`answer: ${name}`, { respond });
}
/** An ExportTraceServiceResponse in the format of the request. */
const partial = (partialSuccess, bytes) => (request, response) => {
  const json = request.headers['content-type'] === 'application/json';
  response.end(json ? JSON.stringify({ partialSuccess }) : Buffer.from(bytes, 'hex'));
};
add('answer: partial success', {
  respond: partial({ rejectedSpans: 1, errorMessage: 'too old' }, '0a0b08011207746f6f206f6c64'),
});
add('answer: partial success with a message alone', {
  respond: partial({ errorMessage: 'slow down' }, '0a0b1209736c6f7720646f776e'),
});
add('answer: empty partial success', { respond: partial({}, '0a00') });
add('answer: partial success null', { respond: partial(null, '') });
add('answer: success with a body of another kind', {
  respond: (_request, response) => response.end(Buffer.from('{"partialSuccess":5}')),
});
add('answer: undecodable success', { respond: answer(200, '\xff\xff not a response') });
add('answer: socket closed without a word', {
  respond: (request) => request.socket.destroy(),
  config: ({ origin }) => ({ url: origin, timeoutMillis: 300 }),
  retried: true,
});
add('answer: stalls', {
  respond: () => {},
  config: ({ origin }) => ({ url: origin, timeoutMillis: 300 }),
  retried: true,
});
add('answer: 503 until the time is over', {
  respond: answer(503, 'busy'),
  config: ({ origin }) => ({ url: origin, timeoutMillis: 400 }),
  retried: true,
});
add('nobody listens', {
  config: () => ({ url: 'http://127.0.0.1:1/x', timeoutMillis: 300 }),
  retried: true,
});

module.exports = { scenarios, SECRET };
