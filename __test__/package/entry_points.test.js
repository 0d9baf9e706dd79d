'use strict';
// The ways into the package: what each gives, under the package's own name, to CommonJS and to ES modules.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const path = require('node:path');
const { after, before, it } = require('node:test');
const { startRecorder } = require('../helpers/config/recorder.js');
const { span } = require('../helpers/config/runner.js');
const { startGrpcReceiver } = require('../helpers/grpc/receiver.js');

const root = path.join(__dirname, '..', '..');
const PROTO = 'application/x-protobuf';
const JSON_TYPE = 'application/json';

let recorder;
before(async () => {
  recorder = await startRecorder();
});
after(() => recorder.close());

async function contentTypeOf(Exporter, config) {
  recorder.reset();
  const exporter = new Exporter({ url: `${recorder.origin}/x`, ...config });
  const { code } = await new Promise((resolve) => exporter.export([span], resolve));
  await exporter.shutdown();
  assert.equal(code, 0);
  return recorder.requests[0].headers['content-type'];
}

it('the package itself speaks protobuf unless told otherwise', async () => {
  const { OTLPTraceExporter } = require('offloop');
  assert.equal(await contentTypeOf(OTLPTraceExporter), PROTO);
  assert.equal(await contentTypeOf(OTLPTraceExporter, { protocol: 'http/protobuf' }), PROTO);
  assert.equal(await contentTypeOf(OTLPTraceExporter, { protocol: 'http/json' }), JSON_TYPE);
});

for (const [entry, type, other] of [
  ['offloop/otlp-proto', PROTO, 'http/json'],
  ['offloop/otlp-http', JSON_TYPE, 'http/protobuf'],
]) {
  it(`${entry} is the stock package: one export, one wire format`, async () => {
    const entryPoint = require(entry);
    assert.deepEqual(Object.keys(entryPoint), ['OTLPTraceExporter']);
    const { OTLPTraceExporter } = entryPoint;
    assert.equal(OTLPTraceExporter.name, 'OTLPTraceExporter');
    assert.ok(new OTLPTraceExporter() instanceof require('offloop').OTLPTraceExporter);
    assert.equal(await contentTypeOf(OTLPTraceExporter), type);
    assert.equal(await contentTypeOf(OTLPTraceExporter, { protocol: other }), type);
    assert.equal(await contentTypeOf(class extends OTLPTraceExporter {}), type);
  });

  it(`${entry} has a named export for ES modules`, () => {
    const source = `import { OTLPTraceExporter } from '${entry}'; console.log(typeof OTLPTraceExporter);`;
    const stdout = execFileSync(process.execPath, ['--input-type=module', '-e', source], {
      cwd: root,
      encoding: 'utf8',
    });
    assert.equal(stdout, 'function\n');
  });
}

it('offloop/otlp-grpc is the stock package: one export, one protocol, no headers', async (t) => {
  const receiver = await startGrpcReceiver({}, t);
  const entryPoint = require('offloop/otlp-grpc');
  assert.deepEqual(Object.keys(entryPoint), ['OTLPTraceExporter']);
  const { OTLPTraceExporter } = entryPoint;
  assert.equal(OTLPTraceExporter.name, 'OTLPTraceExporter');
  assert.ok(new OTLPTraceExporter() instanceof require('offloop').OTLPTraceExporter);
  const config = { url: receiver.origin, protocol: 'http/json', headers: { a: '1' }, metadata: { b: '2' } };
  for (const Exporter of [OTLPTraceExporter, class extends OTLPTraceExporter {}]) {
    const exporter = new Exporter(config);
    const { code } = await new Promise((resolve) => exporter.export([span], resolve));
    await exporter.shutdown();
    assert.equal(code, 0);
  }
  const own = new (require('offloop').OTLPTraceExporter)({ ...config, protocol: 'grpc' });
  assert.equal((await own.exportSpans([span])).delivered, 1);
  await own.shutdown();
  assert.deepEqual(
    receiver.calls.map(({ headers: { a, b } }) => [a, b]),
    [
      [undefined, '2'],
      [undefined, '2'],
      ['1', '2'],
    ],
  );
});

it('offloop/otlp-grpc has a named export for ES modules, and loads no @grpc/grpc-js', () => {
  const source = `import { OTLPTraceExporter } from 'offloop/otlp-grpc'; import { createRequire } from 'node:module';
    new OTLPTraceExporter();
    const files = Object.keys(createRequire(import.meta.url).cache);
    console.log(typeof OTLPTraceExporter, files.length > 0, files.some((file) => file.includes('grpc-js')));`;
  const args = ['--input-type=module', '-e', source];
  assert.equal(execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' }), 'function true false\n');
});
