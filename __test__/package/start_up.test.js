'use strict';
// Which modules a program loads, and when: what an exporter never needs is not loaded, and what it needs is loaded by its
// constructor, because a call with spans may be cut off anywhere. Owns no figures; those are `npm run bench -- startup`.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { test } = require('node:test');

const root = path.resolve(__dirname, '..', '..');

/** The modules of ours that `program` has loaded by the time it calls `loaded()`, a list per call. */
function run(program) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      '-e',
      `const lists = [];
       const loaded = () => lists.push(Object.keys(require.cache));
       (async () => { ${program} })().then(() => console.log(JSON.stringify(lists)));`,
    ],
    { cwd: root, encoding: 'utf8' },
  );
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout).map((files) => files.map((file) => path.relative(root, file).replaceAll('\\', '/')));
}

const UNUSED_OVER_HTTP = [
  /^js\/(tusk|register|stock|node_grpc)\//,
  /^js\/config\/grpc\//,
  /^js\/config\/(tls|pem|trusted_roots|proxy|proxy_exceptions)\.js$/,
  /^js\/node_http\/(tunnel|proxy_agent)\.js$/,
  /^js\/monitor\/(?!event_loop_monitor\.js|open_spans\.js)/,
];

test('an exporter over HTTP and its processor load nothing of what they never need', () => {
  const [files] = run(`
    const { BatchSpanProcessor, OTLPTraceExporter } = require('./index.js');
    new BatchSpanProcessor(new OTLPTraceExporter());
    loaded();`);
  assert.ok(files.includes('js/exporter/otlp_trace_exporter.js'), 'files are found by their paths');
  const unused = files.filter((file) => UNUSED_OVER_HTTP.some((pattern) => pattern.test(file)));
  assert.deepEqual(unused, []);
});

/** Nobody listens there: each export fails at once, which needs the modules that make errors, too. */
const REFUSED = 'retry: { maxAttempts: 1 }, selfObsMeterProvider: meters';

for (const [name, construct] of Object.entries({
  'over HTTP': `new OTLPTraceExporter({ url: 'http://127.0.0.1:9/v1/traces', ${REFUSED} })`,
  'over HTTP with live headers': `new OTLPTraceExporter({ url: 'http://127.0.0.1:9/v1/traces', headers: { a: 'b' }, ${REFUSED} })`,
  'over https': `new OTLPTraceExporter({ url: 'https://127.0.0.1:9/v1/traces', ${REFUSED} })`,
  "over Node's http": `new OTLPTraceExporter({ url: 'http://127.0.0.1:9/v1/traces', transport: 'node', ${REFUSED} })`,
  "over Node's http, through a proxy": `new OTLPTraceExporter({ url: 'http://127.0.0.1:9/v1/traces', proxy: 'http://127.0.0.1:9', transport: 'node', ${REFUSED} })`,
  'over https, through a proxy': `new OTLPTraceExporter({ url: 'https://127.0.0.1:9/v1/traces', proxy: 'http://127.0.0.1:9', ${REFUSED} })`,
  'over gRPC, through Node and a proxy': `new OTLPTraceExporter({ url: 'http://127.0.0.1:9', protocol: 'grpc', proxy: 'http://127.0.0.1:9', transport: 'node', ${REFUSED} })`,
  'over gRPC': `new OTLPTraceExporter({ url: 'http://127.0.0.1:9', protocol: 'grpc', ${REFUSED} })`,
  'over gRPC, through Node': `new OTLPTraceExporter({ url: 'http://127.0.0.1:9', protocol: 'grpc', transport: 'node', ${REFUSED} })`,
  'to files': "new FileSpanExporter({ directory: path.join(os.tmpdir(), 'offloop-start-up-' + process.pid) })",
})) {
  test(`no call with spans loads a module of ours: ${name}`, () => {
    const [constructed, exported] = run(`
      const { FileSpanExporter, OTLPTraceExporter } = require('./index.js');
      const { fs, os, path } = { fs: require('node:fs'), os: require('node:os'), path: require('node:path') };
      const { PlainSpans } = require('./__test__/helpers/plain_spans.js');
      const span = new PlainSpans(1).span();
      const instrument = new Proxy({}, { get: () => () => {} });
      const meters = { getMeter: () => new Proxy({}, { get: () => () => instrument }) };
      const exporter = ${construct};
      loaded();
      const result = await new Promise((resolve) => exporter.export([span], resolve));
      if ((result.code === 0) !== (exporter instanceof FileSpanExporter)) throw result.error ?? new Error('who listens there?');
      await exporter.shutdown();
      loaded();
      fs.rmSync(path.join(os.tmpdir(), 'offloop-start-up-' + process.pid), { recursive: true, force: true });`);
    assert.deepEqual(
      exported.filter((file) => file.startsWith('js/') && !constructed.includes(file)),
      [],
    );
  });
}
