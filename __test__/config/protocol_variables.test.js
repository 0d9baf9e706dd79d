'use strict';
// `protocol: 'env'`: the variables that the SDK reads where it makes the exporter. Without it no class reads them, as the
// stock exporters do not.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { recordDiag, withEnvironment } = require('../helpers/config/recorder.js');
const { defaultsFor, resolveConfig } = require('../../js/config/resolve_config.js');
const { OTLPTraceExporter } = require('../..');
const { OTLPTraceExporter: OTLPGrpcTraceExporter } = require('../../js/entries/otlp_grpc.js');
const { OTLPTraceExporter: OTLPHttpTraceExporter } = require('../../js/entries/otlp_http.js');

const GENERIC = 'OTEL_EXPORTER_OTLP_PROTOCOL';
const TRACES = 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL';
const DEFAULT = 'http/protobuf';
const unsupported = (text) => `warn: Unsupported OTLP traces protocol: "${text}". Using http/protobuf.`;

/** What a configuration means, and the lines that come with it. */
async function resolved(env, config, Class = OTLPTraceExporter) {
  const { value, lines } = await withEnvironment(env, () =>
    recordDiag(() => resolveConfig(config, defaultsFor(Class))),
  );
  return { protocol: value.protocol, endpoint: value.endpoint, lines };
}

describe("O74: protocol 'env'", () => {
  // As createSpanProcessorsFromEnv() of @opentelemetry/sdk-node has it.
  const table = [
    [{}, DEFAULT],
    [{ [GENERIC]: 'grpc' }, 'grpc'],
    [{ [GENERIC]: 'http/json' }, 'http/json'],
    [{ [GENERIC]: 'http/protobuf' }, DEFAULT],
    [{ [GENERIC]: ' grpc ' }, 'grpc'],
    [{ [GENERIC]: '' }, DEFAULT],
    [{ [GENERIC]: '  ' }, DEFAULT],
    [{ [TRACES]: 'http/json', [GENERIC]: 'grpc' }, 'http/json'],
    [{ [TRACES]: '', [GENERIC]: 'grpc' }, 'grpc'],
    [{ [TRACES]: 'grpc' }, 'grpc'],
    [{ [GENERIC]: 'GRPC' }, DEFAULT, [unsupported('GRPC')]],
    [{ [TRACES]: 'http', [GENERIC]: 'grpc' }, DEFAULT, [unsupported('http')]],
    [{ [GENERIC]: 'x'.repeat(5000) }, DEFAULT, [unsupported('x'.repeat(100))]],
    [{ [GENERIC]: 'constructor' }, DEFAULT, [unsupported('constructor')]],
  ];
  for (const [env, protocol, lines = []] of table) {
    it(`${JSON.stringify(env).slice(0, 100)} is ${protocol}`, async () => {
      const seen = await resolved(env, { protocol: 'env' });
      assert.deepEqual([seen.protocol, seen.lines], [protocol, lines]);
    });
  }

  it('brings the endpoint of its protocol', async () => {
    const endpointOf = async (env) => (await resolved(env, { protocol: 'env' })).endpoint;
    assert.equal(await endpointOf({ [GENERIC]: 'grpc' }), 'http://localhost:4317');
    assert.equal(await endpointOf({ [GENERIC]: 'http/json' }), 'http://localhost:4318/v1/traces');
    const given = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://h:1' };
    assert.equal(await endpointOf({ [GENERIC]: 'grpc', ...given }), 'http://h:1');
    assert.equal(await endpointOf(given), 'http://h:1/v1/traces');
  });

  it('options of the other protocol are no mistake there', async () => {
    const config = { protocol: 'env', metadata: undefined, credentials: { rootCerts: null }, grpc: {}, headers: {} };
    for (const protocol of ['grpc', 'http/json']) {
      const { lines } = await withEnvironment({ [GENERIC]: protocol }, () =>
        recordDiag(() => new OTLPTraceExporter(config)),
      );
      assert.deepEqual(lines, []);
    }
  });

  it('and nothing else reads the variables', async () => {
    const env = { [GENERIC]: 'grpc', [TRACES]: 'nonsense' };
    for (const [config, Class, protocol] of [
      [{}, OTLPTraceExporter, DEFAULT],
      [{ protocol: 'http/json' }, OTLPTraceExporter, 'http/json'],
      [{}, OTLPHttpTraceExporter, 'http/json'],
      [{ protocol: 'env' }, OTLPHttpTraceExporter, 'http/json'],
      [{ protocol: 'env' }, OTLPGrpcTraceExporter, 'grpc'],
    ]) {
      const seen = await resolved(env, config, Class);
      assert.deepEqual([seen.protocol, seen.lines], [protocol, []]);
    }
  });
});
