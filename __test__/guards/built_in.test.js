'use strict';
// Instrumentations patch a module of Node's when somebody asks for it first, and make spans from then on. What Offloop asks for
// must not be seen by them: the program may never ask for it.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { runProgram } = require('../helpers/child.js');
const { startGrpcReceiver } = require('../helpers/grpc/receiver.js');
const { startReceiver } = require('../helpers/receiver.js');

const PROGRAM = `
  const Module = require('node:module');
  const asked = new Set();
  const { require: ask } = Module.prototype;
  const spans = makeSpans(1);
  Module.prototype.require = function (id) {
    asked.add(id.replace('node:', ''));
    return ask.call(this, id);
  };
  const { [process.env.NAME]: load } = {
    proto: () => require('./js/entries/otlp_proto.js'),
    http: () => require('./js/entries/otlp_http.js'),
    grpc: () => require('./js/entries/otlp_grpc.js'),
  };
  const { OTLPTraceExporter: Exporter } = load();
  const exporter = new Exporter({ url });
  exporter.export(spans, async ({ code }) => {
    await exporter.shutdown();
    const instrumented = ['net', 'dns', 'http', 'https', 'http2', 'undici'];
    console.log(code, instrumented.filter((name) => asked.has(name)).join(), asked.size > 0);
  });`;

async function seen(name, { origin: url }) {
  const { stdout, stderr } = await runProgram(PROGRAM, { url, env: { NAME: name } });
  assert.equal(stdout, '0  true\n', stderr);
}

test('Z3: an exporter over HTTP asks for no module that instrumentations patch', async (t) => {
  const receiver = await startReceiver({}, t);
  await seen('proto', receiver);
  await seen('http', receiver);
});

test('Z3: an exporter over gRPC asks for no module that instrumentations patch', async (t) => {
  await seen('grpc', await startGrpcReceiver({}, t));
});
