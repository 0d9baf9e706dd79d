'use strict';
// Rows of the scenario table about what the other side answers, and what the callback is told.

const { constants } = require('node:http2');
const { add } = require('./table.js');
const { partialSuccess, frame } = require('./framing.js');
const { deflateSync, gzipSync } = require('node:zlib');

/** What ours tries again gets this long. */
const SHORT_MILLIS = 250;
const short = ({ origin }) => ({ url: origin, timeoutMillis: SHORT_MILLIS });

/** Statuses that OTLP wants to be tried again, which no stock exporter does. */
const RETRIED = new Set([1, 4, 10, 11, 14, 15]);

const answer = (name, respond, more) => add(`answer: ${name}`, { respond, ...more });

for (let status = 1; status <= 16; status++) {
  const isRetried = RETRIED.has(status);
  answer(`status ${status}`, { status, message: 'in words' }, { isRetried, config: short });
  answer(`status ${status} without words`, { status }, { isRetried, config: short });
}
for (const status of [17, 99, '07']) answer(`status '${status}'`, { status, message: 'odd' });
for (const [status, told] of Object.entries({
  abc: /^NaN undefined: odd$/,
  '': /^12 UNIMPLEMENTED: No message received$/,
  '-1': /^-1 undefined: odd$/,
  '0x5': /^5 NOT_FOUND: odd$/,
  '14.0': /^14 UNAVAILABLE: odd$/,
})) {
  const differs = { row: 'Y10', told: [told, /^2 UNKNOWN: odd$/] };
  answer(`status '${status}'`, { status, message: 'odd' }, { differs });
}
answer('status 3 behind a message', { status: 3, message: 'late', body: Buffer.alloc(0) });
answer('status 3 behind headers', { status: 3, message: 'late', body: [], wire: Buffer.alloc(0) });

for (const [name, message] of Object.entries({
  'percent-encoded': 'a%20b%25%C3%BC',
  'a percent that is none': '100% sure %zz',
  'a percent at the end': 'end%',
  'bytes that are no text': 'a%FFb',
  empty: '',
  'a line break': 'a%0Ab',
  long: 'x'.repeat(3000),
})) {
  answer(`words: ${name}`, { status: 3, message });
}
answer('trailers are told', { status: 5, message: 'x', trailers: { 'x-a': '1', 'x-b': 'two', 'key-bin': 'AAEC' } });
answer('trailers twice', { status: 5, message: 'x', trailers: { 'x-a': ['1', '2'] } });
answer('trailers with details', {
  status: 3,
  message: 'x',
  details: Buffer.from('0803120178', 'hex'),
});
answer('headers are no trailers', { status: 5, message: 'x', headers: { 'x-head': '1' }, wire: Buffer.alloc(0) });

// --- success, and what comes with it ---
answer('success', undefined);
answer('partial success', { body: partialSuccess(1, 'too old') });
answer('partial success with words alone', { body: partialSuccess(0, 'slow down') });
answer('partial success without words', { body: partialSuccess(5) });
answer('empty partial success', { body: Buffer.from('0a00', 'hex') });
answer('a body that cannot be decoded', { body: Buffer.from('\xff\xff not a response', 'latin1') });
answer('a compressed body', {
  headers: { 'grpc-encoding': 'gzip' },
  wire: frame(gzipSync(partialSuccess(1, 'zip')), { flag: 1 }),
});
answer('a deflated body', {
  headers: { 'grpc-encoding': 'deflate' },
  wire: frame(deflateSync(partialSuccess(1, 'zip')), { flag: 1 }),
});
answer('success with trailers', { trailers: { 'x-a': '1' } });
answer('success with words', { message: 'all is well' });
answer('success without a message', { body: null });
answer(
  'two messages',
  { body: [partialSuccess(1, 'one'), partialSuccess(2, 'two')] },
  {
    config: short,
    differs: { row: 'Y10', told: [/^4 DEADLINE_EXCEEDED: /, /^12 UNIMPLEMENTED: Too many responses received$/] },
  },
);
answer(
  'a compressed body without its encoding',
  { wire: frame(gzipSync(Buffer.alloc(0)), { flag: 1 }) },
  { config: short, differs: { row: 'Y10', told: [/^undefined undefined: undefined$/, undefined] } },
);
answer(
  'a message of 5 MiB',
  { body: Buffer.alloc(5 << 20) },
  { config: ({ origin }) => ({ url: origin, timeoutMillis: 3000 }) },
);

// --- answers that are no gRPC ---
for (const status of [204, 301, 400, 401, 403, 404, 405, 413, 418, 429, 500, 502, 503, 504]) {
  const isRetried = [429, 502, 503, 504].includes(status);
  const body = status === 204 ? '' : '<html>oh no</html>';
  answer(`HTTP ${status}`, { http: { status, body } }, { config: short, isRetried });
}
answer(
  'a page that says 200',
  { http: { status: 200, body: '<html>oh no</html>' } },
  {
    config: short,
    differs: { row: 'Y10', told: [/^8 RESOURCE_EXHAUSTED: .*1752460652/, /^2 UNKNOWN: .*HTML.*wrong port/] },
  },
);
answer(
  'HTTP 503 with a status',
  { http: { status: 503, headers: { 'grpc-status': '7', 'grpc-message': 'no' } } },
  { differs: { row: 'Y10', told: [/^14 UNAVAILABLE: Received HTTP status code 503$/, /^7 PERMISSION_DENIED: no$/] } },
);
answer('no status at all', { noStatus: true, wire: Buffer.alloc(0) }, { config: short, isRetried: true });

// --- streams and connections that end ---
for (const [name, code] of Object.entries(constants).filter(([each]) =>
  /^NGHTTP2_(NO_ERROR|[A-Z_]+_ERROR|SETTINGS_TIMEOUT|STREAM_CLOSED|REFUSED_STREAM|CANCEL|ENHANCE_YOUR_CALM|INADEQUATE_SECURITY|HTTP_1_1_REQUIRED)$/.test(
    each,
  ),
)) {
  if (code > 13 || name.startsWith('NGHTTP2_ERR_') || code < 0) continue;
  answer(`RST_STREAM ${name.slice(8)}`, { rst: code }, { config: short, isRetried: true });
}
answer(
  'a stream that ends in the middle',
  { rst: 2, after: 'headers', body: Buffer.alloc(10) },
  { config: short, isRetried: true },
);
answer('the connection is cut', { destroy: true }, { config: short, isRetried: true });
const deadline = {
  row: 'Y11',
  told: Array(2).fill(
    /^4 DEADLINE_EXCEEDED: Deadline exceeded after 0\.2\d\ds,.*remote_addr=127\.0\.0\.1:\d+( \(through .*\))?$/,
  ),
};
answer('no answer', { stall: 'answer' }, { config: short, differs: deadline });
answer('an answer that does not end', { stall: 'trailers' }, { config: short, differs: deadline });
add('nobody listens', {
  isDirect: true,
  isRetried: true,
  config: () => ({ url: 'http://127.0.0.1:1', timeoutMillis: SHORT_MILLIS }),
});
add('a name that does not exist', {
  isDirect: true,
  config: () => ({ url: 'http://collector.invalid:4317', timeoutMillis: SHORT_MILLIS }),
  differs: {
    row: 'Y11',
    told: Array(2).fill(/^14 UNAVAILABLE: Name resolution failed for target dns:collector\.invalid:4317/),
  },
});
add('GOAWAY between exports', {
  isDirect: true,
  exports: 3,
  between: async ({ receiver }) => {
    receiver.goaway();
    await new Promise((resolve) => setTimeout(resolve, 20));
  },
});
add('a connection that is closed between exports', {
  isDirect: true,
  exports: 3,
  between: async ({ receiver }) => {
    receiver.cut();
    await new Promise((resolve) => setTimeout(resolve, 20));
  },
});
add('several exports over one connection', { isDirect: true, exports: 5 });
add('exports at once over one connection', {
  isDirect: true,
  exports: 5,
  concurrent: true,
  config: ({ origin }) => ({ url: origin, concurrencyLimit: 5 }),
});
add('gzip over one connection', {
  isDirect: true,
  exports: 2,
  config: ({ origin }) => ({ url: origin, compression: 'gzip' }),
});
