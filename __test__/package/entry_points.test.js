'use strict';
// The ways into the package: what each gives, under the package's own name, to CommonJS and to ES modules.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const path = require('node:path');
const { after, before, it } = require('node:test');
const { startRecorder } = require('../helpers/config/recorder.js');
const { span } = require('../helpers/config/runner.js');

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
