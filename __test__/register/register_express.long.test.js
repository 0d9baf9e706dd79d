'use strict';

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const {
  comparableSpans,
  expressUnavailable,
  makeProject,
  REQUESTS,
  runService,
  serve,
} = require('../helpers/express/project.js');
const { startGrpcReceiver } = require('../helpers/grpc/receiver.js');

// A real Express service under sdk-node and auto-instrumentations-node, which know nothing of us: it runs as it is, and
// with `offloop/register` before it; what the collector got is decoded and compared.

const AUTO = '@opentelemetry/auto-instrumentations-node/register';
const LOADER = ['--no-warnings', '--experimental-loader=@opentelemetry/instrumentation/hook.mjs'];
const JSON_PROTOCOL = { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' };

/** name -> how the authors start it, and what they set */
const starts = {
  'CommonJS, --require': { args: ['--require', AUTO, 'service.cjs'], how: '--require' },
  'CommonJS, --import': { args: ['--import', AUTO, 'service.cjs'], how: '--import' },
  'CommonJS, http/json by the environment': {
    args: ['--import', AUTO, 'service.cjs'],
    how: '--import',
    env: JSON_PROTOCOL,
  },
  'CommonJS, sdk-node in code': { args: ['--require', './tracing.cjs', 'service.cjs'], how: '--require' },
  'an ES module, --import': { args: [...LOADER, '--import', AUTO, 'service.mjs'], how: '--import' },
  'an ES module, --require': { args: [...LOADER, '--require', AUTO, 'service.mjs'], how: '--require' },
};

/** Whether a request is of ours: the stock exporters send their bodies in chunks. */
const isOurs = ({ headers }) => headers['content-length'] !== undefined;

for (const line of ['2.x', '3.x']) {
  describe(`an Express service with the ${line} line`, { skip: expressUnavailable(line) ?? false }, () => {
    for (const [name, { args, how, env }] of Object.entries(starts)) {
      test(`${name}: the same spans, sent by us`, async (t) => {
        const directory = makeProject(line, t);
        const stock = await serve(t, { directory, args, env });
        const ours = await serve(t, { directory, args: [how, 'offloop/register', ...args], env });
        assert.deepEqual([stock.code, stock.statuses.length], [0, REQUESTS.length], stock.output);
        assert.deepEqual([ours.code, ours.statuses], [0, stock.statuses], ours.output);
        assert.ok(stock.requests.length > 0 && !stock.requests.some(isOurs));
        assert.ok(ours.requests.length > 0 && ours.requests.every(isOurs));
        assert.ok(stock.spans.length > 20, `${stock.spans.length} spans`);
        assert.deepEqual(ours.spans, stock.spans);
        const types = ({ requests }) => [...new Set(requests.map(({ headers }) => headers['content-type']))];
        assert.deepEqual(types(ours), types(stock));
        assert.deepEqual(
          ours.requests.map(({ headers }) => headers['x-from']),
          stock.requests.map(({ headers }) => headers['x-from']),
        );
      });
    }

    test('exporter and processor are both ours, and say so at debug level', async (t) => {
      const directory = makeProject(line, t);
      const args = ['--import', 'offloop/register', '--import', AUTO, 'service.cjs'];
      const { output } = await serve(t, { directory, args, env: { OTEL_LOG_LEVEL: 'debug' } });
      const told = output.split('\n').filter((text) => /^Offloop: register: .* is replaced$/.test(text));
      assert.equal(told.length, 2, told.join('\n'));
      assert.match(told[0], /OTLPTraceExporter of @opentelemetry\/exporter-trace-otlp-proto/, output);
      assert.match(told[1], /BatchSpanProcessor of @opentelemetry\/sdk-trace/);
    });

    test('OFFLOOP_REGISTER=off leaves it as it is', async (t) => {
      const directory = makeProject(line, t);
      const args = ['--import', 'offloop/register', '--require', AUTO, 'service.cjs'];
      const { code, requests } = await serve(t, { directory, args, env: { OFFLOOP_REGISTER: 'off' } });
      assert.equal(code, 0);
      assert.ok(requests.length > 0 && !requests.some(isOurs));
    });

    test('what was loaded before us is told: Node runs --require before --import', async (t) => {
      const directory = makeProject(line, t);
      const args = ['--import', 'offloop/register', '--require', AUTO, 'service.cjs'];
      const { output, requests } = await serve(t, { directory, args, env: { OTEL_LOG_LEVEL: 'warn' } });
      assert.ok(!requests.some(isOurs));
      assert.match(output, /offloop\/register was loaded after @opentelemetry\/[^;]+; objects that exist already keep/);
    });

    test('over gRPC by the environment: the same spans, sent by us', async (t) => {
      const directory = makeProject(line, t);
      const run = async (flags) => {
        const receiver = await startGrpcReceiver({}, t);
        const env = { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_ENDPOINT: receiver.origin };
        const service = { directory, args: [...flags, '--require', AUTO, 'service.cjs'], env };
        const { code, output, port } = await runService(t, service, async (ask) => {
          for (const request of REQUESTS) await ask(...request);
        });
        assert.equal(code, 0, output);
        const headers = { 'content-type': 'application/x-protobuf' };
        const requests = receiver.calls.map(({ message }) => ({ body: message, headers }));
        const agents = receiver.calls.map((call) => call.headers['user-agent']);
        return { agents, spans: comparableSpans(requests, port) };
      };
      const stock = await run([]);
      const ours = await run(['--require', 'offloop/register']);
      const isStock = (agent) => agent.includes('grpc-node-js');
      assert.ok(stock.agents.length > 0 && stock.agents.every(isStock), stock.agents.join());
      assert.ok(ours.agents.length > 0 && !ours.agents.some(isStock), ours.agents.join());
      assert.ok(stock.spans.length > 20, `${stock.spans.length} spans`);
      assert.deepEqual(ours.spans, stock.spans);
    });
  });
}
