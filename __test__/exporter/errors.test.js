'use strict';
// Errors built from plain facts, beside the errors that Node and the stock exporter themselves produce.

const assert = require('node:assert/strict');
const http = require('node:http');
const net = require('node:net');
const { describe, it, test } = require('node:test');
const stock = require('@opentelemetry/otlp-exporter-base');
const { loggingErrorHandler } = require('@opentelemetry/core');
const { buildExportError, OTLPExporterError } = require('../../js/exporter/errors.js');
const { factsOfError } = require('../../js/node_http/network_facts.js');
const { describeError, recordDiag } = require('../helpers/config/recorder.js');

function requestError(options) {
  return new Promise((resolve) => http.get(options).on('error', resolve));
}

async function withServer(onConnection, work) {
  const server = net.createServer(onConnection);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await work(server.address().port);
  } finally {
    server.close();
  }
}

/** What a native sink can know of a failure: everything but the error object itself. */
function plainFacts(error) {
  const { original, ...facts } = factsOfError(error);
  return JSON.parse(JSON.stringify(facts));
}

describe('a network error built from facts is the one Node gives', () => {
  const twoAddresses = (_host, _options, done) =>
    done(null, [
      { address: '127.0.0.1', family: 4 },
      { address: '127.0.0.2', family: 4 },
    ]);
  const cases = {
    refused: [() => requestError('http://127.0.0.1:1/'), 'refused'],
    'refused by several addresses': [
      () => requestError({ host: 'collector.invalid', port: 1, lookup: twoAddresses, autoSelectFamily: true }),
      'refused',
    ],
    'unknown name': [() => requestError('http://collector.invalid/'), 'dns'],
    'socket hang up': [
      () =>
        withServer(
          (socket) => socket.destroy(),
          (port) => requestError(`http://127.0.0.1:${port}`),
        ),
      'reset',
    ],
    'connection reset': [
      () =>
        withServer(
          (socket) => socket.once('data', () => socket.resetAndDestroy()),
          (port) => requestError(`http://127.0.0.1:${port}`),
        ),
      'reset',
    ],
    'not http': [
      () =>
        withServer(
          (socket) => socket.end('220 mail\r\n'),
          (port) => requestError(`http://127.0.0.1:${port}`),
        ),
      'malformed',
    ],
    'no such unix socket': [() => requestError({ socketPath: '/nowhere.sock' }), 'other'],
  };
  for (const [name, [cause, kind]] of Object.entries(cases)) {
    it(name, async () => {
      const original = await cause();
      const facts = plainFacts(original);
      assert.equal(facts.kind, kind);
      const expected = describeError(original);
      // The parser's details have no place among the facts.
      if (kind === 'malformed')
        expected.own = expected.own.filter((own) => !['bytesParsed', 'rawPacket'].includes(own));
      if (kind === 'malformed') delete expected.reason;
      const built = describeError(buildExportError({ ...facts, kind: 'network' }));
      built.own.sort();
      expected.own = expected.own.filter((own) => own !== 'reason').sort();
      assert.deepEqual(built, expected);
    });
  }

  it('in the order of properties, which log flatteners show', async () => {
    const original = await requestError('http://127.0.0.1:1/');
    const built = buildExportError({ ...plainFacts(original), kind: 'network' });
    assert.deepEqual(Object.getOwnPropertyNames(built), Object.getOwnPropertyNames(original));
    assert.deepEqual({ ...built }, { ...original });
  });

  it('the host of a failed look-up is read from the text when the facts lack it', async () => {
    const original = await requestError('http://collector.invalid/');
    const { hostname, ...facts } = plainFacts(original);
    assert.equal(hostname, 'collector.invalid');
    assert.equal(buildExportError({ ...facts, kind: 'network' }).hostname, 'collector.invalid');
  });
});

describe('a refusal by status', () => {
  const built = buildExportError({ kind: 'status', message: 'Not Found', httpStatus: 404, body: Buffer.from('ä\xff') });
  const expected = new stock.OTLPExporterError('Not Found', 404, Buffer.from('ä\xff').toString());

  it('has the own properties of the stock class, in its order', () => {
    assert.ok(built instanceof OTLPExporterError);
    assert.deepEqual(Object.getOwnPropertyNames(built), Object.getOwnPropertyNames(expected));
    assert.deepEqual({ ...built }, { ...expected });
    assert.equal(built.message, expected.message);
  });

  it('looks the same in the line that processors log', async () => {
    const line = async (error) => (await recordDiag(() => loggingErrorHandler()(error))).lines[0];
    const withoutStack = (text) => text.replace(/"stack":"[^"]*"/, '');
    assert.equal(withoutStack(await line(built)), withoutStack(await line(expected)));
  });

  it('decodes the body also when it is a view into a larger buffer', () => {
    const bytes = new Uint8Array(Buffer.from('..no such path..')).subarray(2, 14);
    assert.equal(buildExportError({ kind: 'status', message: 'x', httpStatus: 404, body: bytes }).data, 'no such path');
  });
});

test('X6: exhausted retries keep the status', () => {
  const error = buildExportError({ kind: 'retries_exhausted', httpStatus: 503 });
  assert.deepEqual({ ...error }, { code: 503, name: 'OTLPExporterError', data: undefined });
  assert.equal(error.message, 'Export failed with retryable status');
});

test("the stock exporter's own failures have its words and no code", () => {
  for (const [kind, message] of Object.entries({
    limit: 'Concurrent export limit reached',
    empty: 'Nothing to send',
    timeout: 'Request timed out',
    too_large_response: 'OTLP export response body exceeded size limit of 4194304 bytes',
    unheard_of: 'Export failed with unknown error',
  })) {
    assert.deepEqual(describeError(buildExportError({ kind })), {
      name: 'Error',
      kind: 'Error',
      message,
      own: ['message'],
    });
  }
});

test('our own failures say their reason as code', () => {
  for (const kind of ['queue_full', 'bytes_full', 'too_large', 'invalid', 'shutdown_deadline', 'after_shutdown']) {
    const error = buildExportError({ kind });
    assert.equal(error.code, kind);
    assert.match(error.message, /^Export failed: /);
  }
});

test('what user code threw is handed on, not rebuilt', () => {
  const original = new TypeError('mine');
  assert.equal(buildExportError({ kind: 'network', ...factsOfError(original, 'unsendable') }), original);
  assert.equal(buildExportError({ kind: 'network', ...factsOfError('a text', 'unsendable') }), 'a text');
});

test('TLS trouble is told from weather', () => {
  for (const code of [
    'SELF_SIGNED_CERT_IN_CHAIN',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'CERT_HAS_EXPIRED',
    'CERT_NOT_YET_VALID',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
    'EPROTO',
  ]) {
    assert.equal(factsOfError(Object.assign(new Error('x'), { code })).kind, 'tls', code);
  }
  assert.equal(factsOfError(Object.assign(new Error('x'), { code: 'ERR_INVALID_ARG_TYPE' })).kind, 'other');
  assert.equal(factsOfError(undefined).message, 'undefined');
});

test('an error that resists being read still gives facts', () => {
  const hostile = [
    null,
    Symbol('x'),
    Object.create(null),
    { message: { toString: () => assert.fail('called') } },
    new Proxy({}, { get: () => assert.fail('read') }),
    Object.assign(new Error('x'), { port: 70_000, errno: 1e20, code: 5, address: {}, syscall: Symbol('s') }),
    Object.assign(new Error('x'), { port: Number.NaN, errno: 1.5, errors: [null, undefined] }),
  ];
  for (const error of hostile) {
    const facts = factsOfError(error, 'unsendable');
    assert.equal(typeof facts.message, 'string');
    assert.equal(facts.kind, 'unsendable');
    for (const [name, value] of Object.entries(facts)) {
      if (['port', 'errno', 'code', 'address', 'syscall'].includes(name) && error instanceof Error)
        assert.equal(value, undefined);
    }
  }
});
