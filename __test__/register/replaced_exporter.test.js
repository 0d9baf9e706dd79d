'use strict';
// The SDK's batch processor keeps its exporter in `_exporter`, and distributions put one of their own around what they find
// there. A program does that, and says what went through; once with the SDK's processor, once with ours in its place.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const path = require('node:path');
const { test } = require('node:test');
const { promisify } = require('node:util');
const { decodeRequest } = require('../helpers/otlp_decoder.js');
const { startReceiver } = require('../helpers/receiver.js');

const run = promisify(execFile);
const root = path.join(__dirname, '..', '..');
const register = path.join(root, 'js', 'entries', 'register.js');

const PROGRAM = `
  const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-proto');
  const { BasicTracerProvider, BatchSpanProcessor } = require('@opentelemetry/sdk-trace-base');
  const exporter = new OTLPTraceExporter();
  const processor = new BatchSpanProcessor(exporter);
  const provider = new BasicTracerProvider({ spanProcessors: [processor] });
  const say = (...words) => console.log(...words);
  const end = (name) => provider.getTracer('t').startSpan(name).end();
  const around = (inner, name) => ({
    export(spans, done) {
      say(name, spans.map((span) => span.name).join());
      inner.export(spans, done);
    },
    forceFlush: () => inner.forceFlush(),
    shutdown() {
      say(name, 'shutdown');
      return inner.shutdown();
    },
  });
  (async () => {
    say(processor._exporter === exporter, Object.keys(processor).includes('_exporter'));
    end('first');
    await provider.forceFlush();
    processor._exporter = around(processor._exporter, 'wrapper');
    say(processor._exporter === exporter);
    end('second');
    await provider.forceFlush();
    end('third');
    processor._exporter = around(processor._exporter, 'outer');
    await provider.forceFlush();
    processor._exporter = exporter;
    end('fourth');
    await provider.forceFlush();
    end('fifth');
    processor._exporter = around(processor._exporter, 'last');
    await provider.shutdown();
    console.error(typeof exporter.stats, exporter.stats?.().delivered);
  })();`;

async function runProgram(t, flags) {
  const receiver = await startReceiver({}, t);
  const { stdout, stderr } = await run(process.execPath, [...flags, '-e', PROGRAM], {
    cwd: root,
    timeout: 30_000,
    env: { PATH: process.env.PATH, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.origin },
  });
  const groups = receiver.completed.flatMap(({ body, headers }) => decodeRequest(body, headers['content-type']));
  const names = groups.flatMap(({ scopes }) => scopes.flatMap(({ spans }) => spans.map(({ name }) => name)));
  return { said: stdout.trim().split('\n'), names: names.sort(), stderr: stderr.trim() };
}

test('Z2: an exporter that is put in the place of the first gets what is exported from then on', async (t) => {
  const stock = await runProgram(t, []);
  const ours = await runProgram(t, ['--require', register]);
  assert.deepEqual(stock.said, [
    'true true',
    'false',
    'wrapper second',
    'outer third',
    'wrapper third',
    'last fifth',
    'last shutdown',
  ]);
  assert.equal(stock.stderr, 'undefined undefined');
  assert.equal(ours.stderr, 'function 5');
  assert.deepEqual(ours.names, ['fifth', 'first', 'fourth', 'second', 'third']);
  assert.deepEqual(ours.names, stock.names);
  // What is captured has left already; only what ends later goes through a wrapper.
  assert.deepEqual(
    ours.said,
    stock.said.filter((line) => line !== 'last fifth'),
  );
});
