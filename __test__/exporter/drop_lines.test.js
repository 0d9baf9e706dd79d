'use strict';
// Every line about lost spans says how many, why, and where they were to go: without credentials and without a query, which
// may hold a key. Reasons that end the environment that could hear of them are tested in src/pipeline/tests/telling.rs.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { diag, DiagLogLevel } = require('@opentelemetry/api');
const { recordDiag } = require('../helpers/config/recorder.js');
const { span } = require('../helpers/config/runner.js');
const { FileSpanExporter, OTLPTraceExporter } = require('../..');
const { ApiSpanAdapter, FilesystemSpanAdapter } = require('../../js/entries/tusk.js');

const SECRETS = /secret|c2VjcmV0/;
const ENDLESS = 60_000;
let status = 200; // 0: no answer at all
const server = http.createServer((request, response) => {
  request.resume().on('end', () => status > 0 && response.writeHead(status).end());
});
before(() => new Promise((resolve) => server.listen(0, '127.0.0.1', resolve)));
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-drops-'));
after(() => {
  server.closeAllConnections();
  server.close();
  fs.rmSync(directory, { recursive: true });
});

const unreadable = {
  ...span,
  get attributes() {
    throw new Error('unreadable');
  },
};
const large = { ...span, attributes: { text: 'x'.repeat(1000) } };
const exported = (exporter, spans = [span]) => exporter.exportSpans(spans);

/** As `recordDiag`, into a list that can be looked at meanwhile: lines of native threads come in a turn of their own. */
async function recordInto(lines, work) {
  const logger = {};
  for (const level of ['verbose', 'debug', 'info', 'warn', 'error'])
    logger[level] = (...args) => lines.push(`${level}: ${args.map(String).join(' ')}`);
  diag.setLogger(logger, { logLevel: DiagLogLevel.ALL, suppressOverrideMessage: true });
  try {
    await work();
  } finally {
    diag.disable();
  }
}

async function eventually(isTrue) {
  const until = Date.now() + 10_000;
  while (!isTrue() && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Reason -> what provokes it: what the endpoint answers, options, and what is done. */
const REASONS = {
  queue_full: {
    answer: 0,
    options: { queue: { maxSpans: 1 } },
    async act(exporter) {
      exported(exporter);
      await exported(exporter);
    },
  },
  'queue_full by concurrencyLimit': {
    answer: 0,
    options: { concurrencyLimit: 1 },
    async act(exporter) {
      exported(exporter);
      await exported(exporter);
    },
  },
  bytes_full: {
    options: { queue: { maxBytes: 4000 } },
    act: (exporter) => exported(exporter, new Array(10).fill(large)),
  },
  too_large: { options: { limits: { maxSpanBytes: 10 } }, act: (exporter) => exported(exporter) },
  invalid: { act: (exporter) => exported(exporter, [unreadable]) },
  'invalid beside others': { act: (exporter) => exported(exporter, [span, unreadable]) },
  retries_exhausted: { answer: 503, options: { retry: { maxAttempts: 1 } }, act: (exporter) => exported(exporter) },
  non_retryable: { answer: 404, act: (exporter) => exported(exporter) },
  shutdown_deadline: {
    answer: 0,
    async act(exporter) {
      exported(exporter);
      await exporter.shutdown({ timeoutMillis: 0 });
    },
  },
  after_shutdown: {
    async act(exporter) {
      await exporter.shutdown();
      await exported(exporter);
    },
  },
};

const WAYS = {
  'HTTP, native': (port, options) => ({
    exporter: new OTLPTraceExporter({ url: `http://user:secret@127.0.0.1:${port}/x?key=secret`, ...options }),
    endpoint: `http://127.0.0.1:${port}/x`,
  }),
  "HTTP, Node's": (port, options) => ({
    exporter: new OTLPTraceExporter({
      url: `http://user:secret@127.0.0.1:${port}/x?key=secret`,
      transport: 'node',
      ...options,
    }),
    endpoint: `http://127.0.0.1:${port}/x`,
  }),
  // A receiver of HTTP/1: every call fails, whatever it would answer.
  gRPC: (port, options) => ({
    exporter: new OTLPTraceExporter({ url: `http://127.0.0.1:${port}`, protocol: 'grpc', ...options }),
    endpoint: `http://127.0.0.1:${port}`,
    only: ['too_large', 'invalid', 'retries_exhausted', 'after_shutdown'],
  }),
  files: (_port, { concurrencyLimit, retry, timeoutMillis, ...options }) => ({
    exporter: new FileSpanExporter({ directory: path.join(directory, 'a@b?c'), ...options }),
    endpoint: `file:${path.join(directory, 'a@b?c')}`,
    only: ['too_large', 'invalid', 'after_shutdown'],
  }),
};

describe('R68: a line about lost spans names reason and endpoint', () => {
  for (const [way, make] of Object.entries(WAYS)) {
    for (const [name, { answer = 200, options = {}, act }] of Object.entries(REASONS)) {
      const [reason] = name.split(' ');
      if (make(1, {}).only?.includes(name) === false) continue;
      it(`${way}: ${name}`, async () => {
        status = answer;
        const { exporter, endpoint } = make(server.address().port, { timeoutMillis: ENDLESS, ...options });
        const lines = [];
        await recordInto(lines, async () => {
          await act(exporter);
          await exporter.shutdown({ timeoutMillis: 0 });
          await eventually(() => lines.some((line) => line.includes(`(${reason}) for `)));
        });
        const dropped = lines.filter((line) => /^warn: Dropp(ed|ing) .*spans/.test(line));
        const told = dropped.filter((line) => line.includes(`(${reason}) for ${endpoint}`));
        assert.equal(told.length, 1, lines.join('\n'));
        for (const line of dropped) assert.ok(line.includes(endpoint), line);
        const words = /: (.+)$/.exec(told[0].slice(told[0].indexOf(endpoint) + endpoint.length));
        assert.ok(words?.[1].length > 5, `a reason in words: ${told[0]}`);
        const others = lines.filter((line) => !line.startsWith('debug: '));
        assert.doesNotMatch(others.join('\n'), SECRETS);
        if (reason === 'invalid')
          assert.ok(lines.some((line) => line.includes(`for ${endpoint.replace('file:', '')} could not be read`)));
      });
    }
  }

  it('the recorder: what is no JSON, and what protobuf cannot hold', async () => {
    const tuskBackendBaseUrl = 'http://user:secret@127.0.0.1:1';
    const bad = [{ traceId: 5 }];
    for (const [adapter, endpoint] of [
      [new FilesystemSpanAdapter({ baseDirectory: directory }), directory],
      [new ApiSpanAdapter({ tuskBackendBaseUrl, exportTimeoutMillis: 1 }), 'http://127.0.0.1:1/api/drift/'],
    ]) {
      const { lines } = await recordDiag(() => adapter.exportSpans(bad));
      const [line] = lines.filter((each) => /warn: Offloop: 1 spans/.test(each));
      assert.ok(line?.includes(endpoint) && line.includes('(invalid)'), lines.join('\n'));
      assert.doesNotMatch(lines.join('\n'), SECRETS);
      await adapter.shutdown();
    }
  });

  it('an endpoint that is held is named without its query', async () => {
    status = 401;
    const url = `http://user:secret@127.0.0.1:${server.address().port}/x?key=secret`;
    const { lines } = await recordDiag(async () => {
      const exporter = new OTLPTraceExporter({ url });
      await exported(exporter);
      await exporter.shutdown({ timeoutMillis: 0 });
    });
    const line = lines.find((each) => each.includes('does not take spans'));
    assert.match(line, new RegExp(`^warn: http://127.0.0.1:${server.address().port}/x does not take spans`));
  });
});
