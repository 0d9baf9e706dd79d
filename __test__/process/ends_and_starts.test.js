'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const http = require('node:http');
const path = require('node:path');
const { test } = require('node:test');
const { OTLPTraceExporter } = require('../..');
const { runProgram } = require('../helpers/child.js');
const { diagLines } = require('../helpers/diag_lines.js');
const { decodeRequest } = require('../helpers/otlp_decoder.js');
const { PlainSpans } = require('../helpers/plain_spans.js');
const { startReceiver } = require('../helpers/receiver.js');

// What overlaps an end or a start: copying, the exit event, want of descriptors, peers that never stop talking.

const plain = new PlainSpans(23);
const makeSpans = (count, attributes = { a: 1 }) => Array.from({ length: count }, () => plain.span({ attributes }));
const spansIn = ({ body, headers }) =>
  decodeRequest(body, headers['content-type']).flatMap(({ scopes }) => scopes.flatMap(({ spans }) => spans));
const SHOWN = 1024;

function exporterFor(t, config) {
  const exporter = new OTLPTraceExporter(config);
  t.after(() => exporter.shutdown({ timeoutMillis: 0 }));
  return exporter;
}

test('a shutdown while long texts are copied ends the copy, and nobody else feels it', async (t) => {
  const receiver = await startReceiver({}, t);
  const innocent = exporterFor(t, { url: receiver.url });
  let sent = 0;
  for (let round = 0; round < 12; round += 1) {
    const exporter = new OTLPTraceExporter({ url: 'http://127.0.0.1:1/v1/traces' });
    // Ropes: copying them takes several turns.
    const outcome = exporter.exportSpans(makeSpans(6, { long: `x${'A'.repeat(2e6)}` }));
    for (let turn = 0; turn < round % 4; turn += 1) await new Promise(setImmediate);
    const unit = String.fromCharCode(97 + round);
    const kept = innocent.exportSpans(makeSpans(2, { long: `${unit}${unit.repeat(3e5)}` }));
    await exporter.shutdown({ timeoutMillis: 0 });
    const { dropped, delivered } = await outcome;
    const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
    assert.equal(delivered + lost, 6, JSON.stringify(dropped));
    assert.equal((await kept).delivered, 2);
    sent += 2;
  }
  const texts = receiver.requests.flatMap(spansIn).map(({ attributes }) => attributes[0][1][1]);
  assert.equal(texts.length, sent);
  for (const text of texts) assert.equal(text, text[0].repeat(text.length));
});

test('an exporter that nobody holds copies its long texts to the end', async (t) => {
  const receiver = await startReceiver({}, t);
  const source = `
    let exporter = new OTLPTraceExporter({ url });
    const [span] = makeSpans(1);
    exporter.export([{ ...span, attributes: { long: 'x' + 'A'.repeat(1.2e7) } }], () => {});
    exporter = null;
    gc();
    setImmediate(gc);`;
  const { code, stderr } = await runProgram(source, { url: receiver.url, nodeArguments: ['--expose-gc'] });
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  const [request] = await receiver.waitForRequests(1);
  assert.equal(spansIn(request)[0].attributes[0][1][1].length, 1.2e7 + 1);
});

for (const [way, source] of Object.entries({
  'the exporter, process.exit()': 'process.on("exit", () => e.export(makeSpans(1), () => {})); process.exit(3);',
  'the exporter, the natural end': 'process.exitCode = 3; process.on("exit", () => e.export(makeSpans(1), () => {}));',
  'the processor, process.exit()':
    'process.on("exit", () => { p.onEnd(makeSpans(1)[0]); p.onEnd(makeSpans(1)[0]); }); process.exit(3);',
  'the processor, a later listener':
    'process.on("exit", () => p.onEnd(makeSpans(1)[0])); process.on("exit", () => p.onEnd(makeSpans(1)[0])); process.exit(3);',
})) {
  test(`the first span of the process in an exit listener is delivered: ${way}`, async (t) => {
    const receiver = await startReceiver({}, t);
    const start = `
      const { BatchSpanProcessor } = require('.');
      const e = new OTLPTraceExporter({ url }), p = new BatchSpanProcessor(e);`;
    const { code, stderr } = await runProgram(start + source, { url: receiver.url });
    assert.deepEqual({ code, stderr }, { code: 3, stderr: '' });
    const expected = source.split('makeSpans(1)').length - 1;
    assert.equal(receiver.completed.flatMap(spansIn).length, expected);
  });
}

test('the first span of a worker in its exit listener is delivered', async (t) => {
  const receiver = await startReceiver({}, t);
  const inWorker = `
    const { BatchSpanProcessor, OTLPTraceExporter } = require(process.cwd());
    const { PlainSpans } = require(process.cwd() + '/__test__/helpers/plain_spans.js');
    const { workerData: url } = require('node:worker_threads');
    const p = new BatchSpanProcessor(new OTLPTraceExporter({ url }));
    process.on('exit', () => p.onEnd(new PlainSpans(3).span()));`;
  const source = `new (require('node:worker_threads').Worker)(${JSON.stringify(inWorker)}, { eval: true, workerData: url });`;
  const { code, stderr } = await runProgram(source, { url: receiver.url });
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  assert.equal(receiver.completed.flatMap(spansIn).length, 1);
});

test('shutdown() closes the connections of transport node', async (t) => {
  const server = http.createServer((request, response) => request.resume().on('end', () => response.end()));
  server.keepAliveTimeout = 0;
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${server.address().port}/v1/traces`;
  const open = () => new Promise((resolve) => server.getConnections((_error, count) => resolve(count)));
  for (let round = 0; round < 3; round += 1) {
    const exporter = new OTLPTraceExporter({ url, transport: 'node' });
    assert.equal((await exporter.exportSpans(makeSpans(1))).delivered, 1);
    await exporter.shutdown();
  }
  for (let wait = 0; wait < 50 && (await open()) > 0; wait += 1)
    await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(await open(), 0);
});

const noLimits = process.platform === 'win32' && 'there is no limit of descriptors';

test('exporters work again when descriptors are free again', { skip: noLimits }, async (t) => {
  const receiver = await startReceiver({}, t);
  const program = `
    const fs = require('node:fs');
    const { OTLPTraceExporter } = require('.');
    const { PlainSpans } = require('./__test__/helpers/plain_spans.js');
    const plain = new PlainSpans(1), make = () => new OTLPTraceExporter({ url: process.argv[1], timeoutMillis: 3000 });
    const delivered = async (exporter) => (await exporter.exportSpans([plain.span()])).delivered;
    const exhausted = () => { const taken = []; try { for (;;) taken.push(fs.openSync('/dev/null')); } catch { return taken; } };
    (async () => {
      const exporter = make(), other = make(), seen = [];
      exporter.stats();
      for (let round = 0; round < 3; round += 1) {
        const taken = exhausted();
        const during = [exporter, other, make()].map(delivered);
        await new Promise((resolve) => setTimeout(resolve, 30));
        for (const descriptor of taken) fs.closeSync(descriptor);
        await Promise.all(during);
        await new Promise((resolve) => setTimeout(resolve, 100));
        for (const each of [exporter, other, make()]) seen.push(await delivered(each));
        await other.forceFlush();
      }
      console.log(seen.join(''));
    })();`;
  const child = spawn('sh', ['-c', 'ulimit -n 60; exec "$0" "$@"', process.execPath, '-e', program, receiver.url], {
    cwd: path.join(__dirname, '..', '..'),
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
  });
  let output = '';
  for await (const chunk of child.stdout) output += chunk;
  assert.equal(output, '111111111\n');
});

test('informational responses without an end end the attempt, and others are served meanwhile', async (t) => {
  const flood = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n'.repeat(40_000));
  const evil = await startReceiver({ otherwise: { raw: flood } }, t);
  const receiver = await startReceiver({}, t);
  const healthy = exporterFor(t, { url: receiver.url });
  const told = exporterFor(t, { url: evil.url, timeoutMillis: 2_000, retry: { maxAttempts: 1 } }).exportSpans(
    makeSpans(1),
  );
  for (let n = 0; n < 5; n += 1) assert.equal((await healthy.exportSpans(makeSpans(3))).delivered, 3);
  const { dropped, error } = await told;
  assert.deepEqual(dropped, { retries_exhausted: 1 });
  assert.equal(error.code, 'HPE_HEADER_OVERFLOW');
});

/** A protobuf field of bytes. */
function field(number, bytes) {
  const head = [(number << 3) | 2];
  for (let rest = bytes.length; ; rest >>>= 7) {
    head.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) break;
  }
  return Buffer.concat([Buffer.from(head), bytes]);
}

const endless = (unit) => unit.repeat(3e6 / unit.length);
const json = (value) => ({ headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) });
const FLOODS = {
  'a partial success of control characters': [
    'http/protobuf',
    { body: field(1, Buffer.concat([Buffer.from([8, 1]), field(2, Buffer.alloc(3e6, 0x1b))])) },
  ],
  'a partial success in JSON': [
    'http/json',
    json({ partialSuccess: { rejectedSpans: 1, errorMessage: '\u001b'.repeat(4e5), more: ['x'.repeat(4e5)] } }),
  ],
  'a status with a message': ['http/json', { status: 400, ...json({ code: 3, message: endless('why ') }) }],
  'a reason phrase': ['http/protobuf', { status: 400, reason: 'x'.repeat(12_000) }],
  'a place to go instead': ['http/protobuf', { status: 302, headers: { location: `/${'x'.repeat(12_000)}` } }],
  'a body that is no response': ['http/protobuf', { body: endless('<html>') }],
};

for (const [what, [protocol, otherwise]] of Object.entries(FLOODS)) {
  test(`what a collector says is cut: ${what}`, async (t) => {
    const receiver = await startReceiver({ otherwise }, t);
    const failures = [];
    const onError = (failure) => failures.push(failure);
    const lines = await diagLines(async () => {
      const exporter = exporterFor(t, { url: receiver.url, protocol, onError });
      const { error } = await exporter.exportSpans(makeSpans(2));
      assert.ok((error?.message ?? '').length <= SHOWN);
      await exporter.forceFlush();
    });
    const texts = lines.filter(([, , spans]) => !Array.isArray(spans)).map((line) => line.slice(1).join(' '));
    assert.ok(texts.length > 0);
    for (const text of texts) assert.ok(text.length < 8_000, `${text.length} units: ${text.slice(0, 80)}`);
    for (const { message } of failures) assert.ok(message.length <= SHOWN);
  });
}

test('what user code throws is cut in messages, and handed on as it is', async (t) => {
  const failures = [];
  const thrown = new Error(endless('why '));
  const lines = await diagLines(async () => {
    const exporter = exporterFor(t, {
      url: 'http://127.0.0.1:1/v1/traces',
      httpAgentOptions: () => {
        throw thrown;
      },
      onError: (failure) => failures.push(failure),
    });
    const { error } = await exporter.exportSpans(makeSpans(1));
    assert.equal(error.message.length, SHOWN);
    const result = await new Promise((resolve) => exporter.export(makeSpans(1), resolve));
    assert.equal(result.error, thrown);
  });
  for (const { message } of failures) assert.ok(message.length <= SHOWN);
  for (const line of lines) assert.ok(line.filter((part) => typeof part === 'string').join('').length < 8_000);
});
