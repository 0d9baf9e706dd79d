'use strict';
// What `offloop/register` does for programs that use the stock exporter over gRPC: its class, what `createSsl()` was given,
// and the helpers by which the SDK's declarative configuration makes options.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const path = require('node:path');
const { describe, it } = require('node:test');
const { promisify } = require('node:util');
const { issue } = require('../helpers/config/certificates.js');
const { span } = require('../helpers/config/runner.js');
const { startGrpcReceiver } = require('../helpers/grpc/receiver.js');
const { line3Unavailable } = require('../helpers/sdk_spans.js');

const run = promisify(execFile);
const root = path.join(__dirname, '..', '..');
const register = path.join(root, 'js', 'entries', 'register.js');
const config = (name) => JSON.stringify(path.join(root, 'js', 'config', 'grpc', name));

/** What a program prints as JSON. */
async function told(source, { isModule = false, cwd = root, env = {} } = {}) {
  const args = ['--require', register, ...(isModule ? ['--input-type=module'] : []), '-e', source];
  const { stdout, stderr } = await run(process.execPath, args, {
    cwd,
    timeout: 20_000,
    env: { ...process.env, GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: undefined, NODE_TEST_CONTEXT: undefined, ...env },
  });
  assert.equal(stderr, '');
  return JSON.parse(stdout);
}

const isLoaded = `(() => Object.keys(require.cache).some((file) => /[\\\\/]grpc-js[\\\\/]/.test(file)))`;
const tell = `const { describeCredentials } = require(${config('credentials.js')});
  const kind = (credentials) => { const { kind, object } = describeCredentials(credentials); return [kind, object === null]; };`;

describe('the class', () => {
  for (const [name, isModule] of [
    ['CommonJS', false],
    ['an ES module', true],
  ])
    it(`${name}: ours, without @grpc/grpc-js`, async () => {
      const load = isModule
        ? `import { createRequire } from 'node:module'; import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
           const require = createRequire(process.cwd() + '/');`
        : `const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-grpc');`;
      const source = `${load}
        class Mine extends OTLPTraceExporter {}
        const [ours, mine] = [new OTLPTraceExporter(), new Mine()];
        const { OTLPTraceExporter: Entry } = require(${JSON.stringify(path.join(root, 'js', 'entries', 'otlp_grpc.js'))});
        console.log(JSON.stringify([ours instanceof Entry, ours instanceof OTLPTraceExporter, mine instanceof Entry, mine instanceof Mine, ${isLoaded}()]));`;
      assert.deepEqual(await told(source, { isModule }), [true, true, false, true, false]);
    });

  it('options that only the stock class takes get the stock class', async () => {
    const source = `
      const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-grpc');
      console.log(JSON.stringify([typeof new OTLPTraceExporter({ credentials: 5 }).stats]));`;
    assert.deepEqual(await told(source), ['undefined']);
  });
});

describe('credentials of @grpc/grpc-js', () => {
  const made = `
    const ca = Buffer.from(require('node:tls').rootCertificates[0]);
    const grpc = require('@grpc/grpc-js');
    const ssl = grpc.credentials.createSsl(ca, null, null, { rejectUnauthorized: false });
    const generator = grpc.credentials.createFromMetadataGenerator((_call, done) => done(null, new grpc.Metadata()));
    const composed = grpc.credentials.combineChannelCredentials(ssl, generator);
    const { recall } = require(${config('known_credentials.js')});
    const { rootCerts, verifyOptions } = recall(ssl);
    console.log(JSON.stringify([kind(ssl)[0], kind(composed)[0], kind(grpc.credentials.createInsecure())[0],
      kind(grpc.ChannelCredentials.createSsl())[0], rootCerts.equals(ca), verifyOptions.rejectUnauthorized]));`;
  const expected = ['tls', 'tls', 'insecure', 'tls', true, false];

  it('CommonJS', async () => assert.deepEqual(await told(tell + made), expected));

  it('an ES module', async () => {
    const head = `import { createRequire } from 'node:module'; import * as all from '@grpc/grpc-js'; const require = createRequire(process.cwd() + '/');`;
    assert.deepEqual(await told(`${head} ${tell} ${made}`, { isModule: true }), expected);
  });
});

it('what createSsl() was given is sent with natively, with the metadata of composed credentials', async (t) => {
  const { key, cert } = issue({ commonName: 'localhost', names: ['127.0.0.1'] });
  const receiver = await startGrpcReceiver({ tls: { key, cert } }, t);
  const source = `
    const grpc = require('@grpc/grpc-js');
    const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-grpc');
    let calls = 0;
    const generator = grpc.credentials.createFromMetadataGenerator((_call, done) => {
      const metadata = new grpc.Metadata();
      metadata.set('authorization', 'Bearer ' + ++calls);
      done(null, metadata);
    });
    const ssl = grpc.credentials.createSsl(Buffer.from(process.env.TEST_CERT));
    const credentials = grpc.credentials.combineChannelCredentials(ssl, generator);
    const exporter = new OTLPTraceExporter({ url: '${receiver.secureOrigin}', credentials });
    const span = ${JSON.stringify({ ...span, spanContext: undefined })};
    span.spanContext = () => (${JSON.stringify(span.spanContext())});
    (async () => {
      const delivered = [];
      for (let nth = 0; nth < 2; nth++) delivered.push((await exporter.exportSpans([span])).delivered);
      await exporter.shutdown();
      console.log(JSON.stringify(delivered));
    })();`;
  assert.deepEqual(await told(source, { env: { TEST_CERT: cert } }), [1, 1]);
  const sent = receiver.calls.map(({ headers }) => [
    headers.authorization,
    headers['user-agent'].includes('grpc-node'),
  ]);
  assert.deepEqual(sent, [
    ['Bearer 1', false],
    ['Bearer 2', false],
  ]);
});

describe('the helpers of @opentelemetry/otlp-grpc-exporter-base', () => {
  const use = `
    const insecure = base.createInsecureCredentials();
    const ca = Buffer.from(require('node:tls').rootCertificates[0]);
    const ssl = base.createSslCredentials(ca);
    const metadata = base.createEmptyMetadata();
    metadata.set('a', '1');
    const exporter = new OTLPTraceExporter({ url: 'http://127.0.0.1:1', credentials: insecure, metadata });
    const before = [kind(insecure), kind(ssl), metadata.getMap(), typeof exporter.stats, ${isLoaded}()];
    const grpc = require('@grpc/grpc-js');
    const clients = [insecure, ssl].map((credentials) => new grpc.Client('127.0.0.1:1', credentials));
    for (const client of clients) client.close();
    console.log(JSON.stringify([before, [insecure, ssl].map((each) => each instanceof grpc.ChannelCredentials),
      ssl._isSecure(), insecure._isSecure(), metadata instanceof grpc.Metadata, kind(ssl)]));`;
  const expected = [
    [['insecure', true], ['tls', true], { a: '1' }, 'function', false],
    [true, true],
    true,
    false,
    true,
    ['tls', true],
  ];

  it('CommonJS', async () => {
    const source = `${tell} const base = require('@opentelemetry/otlp-grpc-exporter-base');
      const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-grpc'); ${use}`;
    assert.deepEqual(await told(source), expected);
  });

  it('the 3.x line, ES modules', { skip: line3Unavailable() ?? false }, async () => {
    const source = `import { createRequire } from 'node:module'; import * as base from '@opentelemetry/otlp-grpc-exporter-base';
      import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
      const require = createRequire(process.cwd() + '/'); ${tell} ${use}`;
    const cwd = path.join(root, '__test__', 'sdk-3.x');
    const [[...before], ...rest] = expected;
    before[4] = true; // the modules of that line import it themselves
    assert.deepEqual(await told(source, { isModule: true, cwd }), [before, ...rest]);
  });

  it('refuse what the originals refuse, in their words', async () => {
    const source = `
      const calls = [['text'], [undefined, Buffer.from('key')], [undefined, undefined, Buffer.from('certificate')], [Buffer.from('x'), Buffer.from('k'), Buffer.from('c')]];
      const base = require('@opentelemetry/otlp-grpc-exporter-base');
      const { credentials } = require('@grpc/grpc-js');
      const text = (call) => { try { call(); return 'made'; } catch ({ name, message }) { return name + ': ' + message; } };
      console.log(JSON.stringify(calls.map((args) => [text(() => base.createSslCredentials(...args)), text(() => credentials.createSsl(...args))])));`;
    for (const [ours, stock] of await told(source)) assert.equal(ours, stock);
  });

  it('other exports stay what they are', async () => {
    const source = `
      const base = require('@opentelemetry/otlp-grpc-exporter-base');
      console.log(JSON.stringify(Object.keys(base).sort()));`;
    const { stdout } = await run(process.execPath, ['-e', source], { cwd: root });
    assert.deepEqual(await told(source), JSON.parse(stdout));
  });
});
