'use strict';
// This file measures time, so it runs alone.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const path = require('node:path');
const { describe, test } = require('node:test');
const { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } =
  require('@opentelemetry/sdk-metrics');
const { EventLoopMonitor } = require('offloop');
const { threadCpuMicros } = require('../../js/native/engine.js');
const { assertStack, isFinal, receivedSpans, runBlocks } = require('../helpers/blocks.js');
const { startReceiverProcess } = require('../helpers/receiver_process.js');
const { ProtobufTraceSerializer, JsonTraceSerializer } = require('@opentelemetry/otlp-transformer');
const { ProtobufTraceSerializer: Serializer1 } = require('otlp-transformer-1x');
const { decodeRequest } = require('../helpers/otlp_decoder.js');
const { runProgram } = require('../helpers/child.js');

// Where block spans belong and where they go: parents and resources, exporters and processors of others, limits, metrics.

const sleep = (millis) => new Promise((resolve) => setTimeout(resolve, millis));

/** In CPU time: a starved machine changes nothing. */
function block(millis) {
  for (const until = threadCpuMicros() + millis * 1000; threadCpuMicros() < until; );
}

const inMemory = () => {
  const spans = [];
  return {
    spans,
    export(batch, done) {
      spans.push(...batch);
      done({ code: 0 });
    },
    shutdown: async () => {},
  };
};

async function blockOnce(config, millis = 300) {
  const monitor = new EventLoopMonitor(config);
  monitor.enable();
  await sleep(60);
  const started = performance.timeOrigin + performance.now();
  block(millis);
  await sleep(60);
  const stats = monitor.stats();
  monitor.disable();
  return { started, stats };
}

async function runBlocksOfStockProgram(t, env) {
  const receiver = await startReceiverProcess({ keep: true }, t);
  const source = `
    const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-proto');
    const { BasicTracerProvider, BatchSpanProcessor } = require('@opentelemetry/sdk-trace-base');
    const { resourceFromAttributes } = require('@opentelemetry/resources');
    const provider = new BasicTracerProvider({
      resource: resourceFromAttributes({ 'service.name': 'stock program' }),
      spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
    });
    const computed = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000; };
    const work = (millis) => { for (const until = computed() + millis; computed() < until; ); };
    function longWork() { work(500); }
    function shortWork() { work(100); }
    setTimeout(() => provider.getTracer('stock').startSpan('its own').end(), 20);
    setTimeout(shortWork, 50);
    setTimeout(longWork, 300);
    setTimeout(() => provider.shutdown(), 1000);`;
  const child = spawn(process.execPath, ['--require', './js/entries/register.js', '-e', source], {
    cwd: path.join(__dirname, '..', '..'),
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.origin, ...env },
    timeout: 30_000,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  await new Promise((resolve) => child.once('close', resolve));
  return { output, spans: receivedSpans(await receiver.requests()) };
}

describe('with our processor', () => {
  const source = `
    const { BasicTracerProvider } = require('@opentelemetry/sdk-trace-base');
    const { resourceFromAttributes } = require('@opentelemetry/resources');
    const { trace, ROOT_CONTEXT } = require('@opentelemetry/api');
    const resource = resourceFromAttributes({ 'service.name': 'orders', 'process.command_args': ['node', 'app.js'] });
    const processor = new BatchSpanProcessor(exporter);
    const provider = new BasicTracerProvider({ resource, spanProcessors: [processor] });
    const tracer = provider.getTracer('test');
    monitor.enable();
    setTimeout(async () => {
      const outer = tracer.startSpan('outer');
      tracer.startSpan('ended').end();
      await sleep(40);
      const inner = tracer.startSpan('inner', {}, trace.setSpan(ROOT_CONTEXT, outer));
      await sleep(40);
      block('with spans open', 700);
      const late = tracer.startSpan('late');
      for (const span of [late, inner, outer]) span.end();
      await sleep(50);
      block('without', 200);
      await sleep(50);
      await processor.forceFlush();
      finish();
    }, 50);`;

  test('the parent of a block is the innermost span open before it, the others are linked, the resource is theirs', async (t) => {
    const { spans, blocks } = await runBlocks(t, source);
    const named = (name) => spans.find((span) => span.name === name);
    const [first, second] = blocks.filter(isFinal);
    const open = blocks.find((span) => !isFinal(span));
    const inner = named('inner');
    assert.equal(first.parentSpanId, inner.spanId);
    assert.equal(first.traceId, inner.traceId);
    assert.deepEqual(
      first.links.map(({ spanId }) => spanId),
      [open.spanId, named('outer').spanId],
    );
    assert.equal(open.parentSpanId, inner.spanId);
    assert.equal(second.parentSpanId, '');
    const reported = blocks.filter((span) => !isFinal(span)).map(({ spanId }) => spanId);
    assert.ok(second.links.every(({ spanId }) => reported.includes(spanId)));
    for (const span of blocks) {
      assert.equal(span.resource['service.name'], 'orders');
      assert.deepEqual(span.resource['process.command_args'], [
        ['string', 'node'],
        ['string', 'app.js'],
      ]);
      assert.equal(span.scope, 'offloop/event-loop-monitor');
    }
  });
});

describe('with destinations of others', () => {
  const lines = { '1.x': 'sdk-trace-1x', '2.x': '@opentelemetry/sdk-trace-base' };
  for (const [line, name] of Object.entries(lines)) {
    test(`an exporter of the ${line} line gets one span that its serializer takes`, async () => {
      const exporter = inMemory();
      const { started } = await blockOnce({ exporter });
      assert.equal(exporter.spans.length, 1);
      const serializer = line === '1.x' ? Serializer1 : ProtobufTraceSerializer;
      const [{ scopes, resource }] = decodeRequest(
        serializer.serializeRequest(exporter.spans),
        'application/x-protobuf',
      );
      const [span] = scopes[0].spans;
      assert.equal(span.name, 'event-loop-blocked');
      assert.equal(scopes[0].scope.name, 'offloop/event-loop-monitor');
      assert.ok(Number(BigInt(span.start) / 1000n) / 1000 < started + 15);
      assert.ok(Number(BigInt(span.end) - BigInt(span.start)) / 1e6 > 290);
      assert.ok(Object.fromEntries(resource.attributes)['service.name'] !== undefined);
      const memory = new (require(name).InMemorySpanExporter)();
      const processor = new (require(name).SimpleSpanProcessor)(memory);
      await blockOnce({ processor });
      await processor.forceFlush();
      assert.equal(memory.getFinishedSpans().length, 1);
      assertStack(memory.getFinishedSpans()[0].attributes, /at block \(/);
    });
  }

  test('an exporter of the 3.x line does too', async (t) => {
    const [major, minor] = process.versions.node.split('.').map(Number);
    if (major < 22 || (major === 22 && minor < 15)) return t.skip('the 3.x line needs Node 22.15');
    const { InMemorySpanExporter, SimpleSpanProcessor } = require('../sdk-3.x/node_modules/@opentelemetry/sdk-trace');
    const memory = new InMemorySpanExporter();
    await blockOnce({ processor: new SimpleSpanProcessor({ exporter: memory }) });
    const [span] = memory.getFinishedSpans();
    assert.equal(span.name, 'event-loop-blocked');
    assert.ok(
      JSON.parse(new TextDecoder().decode(JsonTraceSerializer.serializeRequest([span]))).resourceSpans.length === 1,
    );
  });

  test('without a destination the global tracer provider makes the span', async () => {
    const ended = await runProgram(
      `const { trace } = require('@opentelemetry/api');
       const { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-base');
       const { EventLoopMonitor } = require(process.cwd());
       const memory = new InMemorySpanExporter();
       trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(memory)] }));
       new EventLoopMonitor().enable();
       // The last thing that the program does: its end is noticed too.
       setTimeout(() => require(process.cwd() + '/__test__/helpers/block_program.js').busy(300), 50);
       process.on('exit', () => console.log(JSON.stringify(memory.getFinishedSpans().map(({ name, attributes }) => ({ name, attributes })))));`,
    );
    assert.equal(ended.stderr, '');
    const spans = JSON.parse(ended.stdout);
    assert.equal(spans.length, 1);
    assert.equal(spans[0].attributes['event_loop.block.cause'], 'cpu');
  });

  test('spans of the monitor, and what it takes to hand them over, make no more of them (R97)', async () => {
    const slow = inMemory();
    const exported = slow.export;
    slow.export = (spans, done) => {
      block(50);
      exported(spans, done);
    };
    const monitor = new EventLoopMonitor({ exporter: slow, thresholdMillis: 20 });
    monitor.enable();
    let stalls = 0;
    for (const until = performance.now() + 2000; performance.now() < until; stalls++) {
      await sleep(200);
      block(40);
    }
    await sleep(1200);
    monitor.disable();
    assert.ok(slow.spans.length > 0 && slow.spans.length <= stalls, `${slow.spans.length} spans of ${stalls} stalls`);
  });
});

describe('offloop/register', () => {
  const program = (t, env) =>
    runBlocksOfStockProgram(t, env).then(({ output, spans }) => {
      assert.equal(output, '');
      return spans.filter(isFinal);
    });

  test('watches a program that knows nothing of us, if a variable says so', async (t) => {
    const spans = await program(t, { OFFLOOP_EVENT_LOOP_MONITOR: 'on', OFFLOOP_EVENT_LOOP_THRESHOLD_MILLIS: '200' });
    assert.equal(spans.length, 1, 'a block of 100 ms is none here');
    assertStack(spans[0].attributes, /at longWork /);
    assert.equal(spans[0].resource['service.name'], 'stock program');
  });

  test('does not unasked', async (t) => {
    assert.equal((await program(t, {})).length, 0);
  });
});

describe('the monitor itself', () => {
  test('enable and disable do nothing twice, and a hundred rounds leave nothing behind (R91)', async () => {
    const exporter = inMemory();
    const monitor = new EventLoopMonitor({ exporter });
    for (let round = 0; round < 100; round++) {
      monitor.enable();
      monitor.enable();
      monitor.disable();
      monitor.disable();
    }
    monitor.enable();
    const other = new EventLoopMonitor({ exporter });
    other.enable(); // one per environment
    await sleep(30);
    block(300);
    await sleep(100);
    assert.equal(other.stats().blocks, 0);
    monitor.disable();
    block(300);
    await sleep(100);
    assert.equal(exporter.spans.length, 1);
    assert.equal(monitor.stats().blocks, 1, 'what was seen is kept');
  });

  test('more spans of one place than wanted are counted instead', async () => {
    const exporter = inMemory();
    // Without stacks all have one place; a stack that comes late, or from another line, is another one.
    const monitor = new EventLoopMonitor({ exporter, maxPerMinute: 2, stacks: false });
    monitor.enable();
    for (let nth = 0; nth < 4; nth++) {
      await sleep(5);
      block(180); // usually all within a second: the turn that hands spans over is excused, and what else is in it (R97)
    }
    await sleep(1100);
    const { blocks, spans, suppressed } = monitor.stats();
    monitor.disable();
    // Two of four are over the limit. On a slow machine the four take more than a second, and one of them can be excused.
    assert.deepEqual([spans, exporter.spans.length], [2, 2]);
    assert.equal(suppressed, blocks - 2);
    assert.ok(suppressed >= 1, `${blocks} blocks were seen`);
  });

  test('a block that has just ended is not lost when the monitor is disabled, and the turn that disables it is none', async () => {
    const exporter = inMemory();
    const monitor = new EventLoopMonitor({ exporter });
    monitor.enable();
    await sleep(30);
    block(300);
    await sleep(0); // the next turn
    block(300);
    monitor.disable();
    assert.equal(exporter.spans.length, 1);
    assert.deepEqual([monitor.stats().blocks, monitor.stats().spans], [1, 1]);
  });

  test('a block before the loop has run is the start of the program, and names what the program was loading', async (t) => {
    const source = `
      function loadEverything() { busy(250); }
      monitor.enable();
      loadEverything();
      setTimeout(finish, 200);`;
    const { finals } = await runBlocks(t, source);
    assert.equal(finals.length, 1);
    assert.equal(finals[0].attributes['event_loop.block.cause'], 'startup');
    assertStack(finals[0].attributes, /at loadEverything /);
  });

  test('options that cannot be meant are errors that name them', () => {
    for (const [config, name] of [
      [{ thresholdMillis: 0 }, /thresholdMillis/],
      [{ thresholdMillis: '100' }, /thresholdMillis/],
      [{ maxPerMinute: 0.5 }, /maxPerMinute/],
      [{ exporter: {} }, /exporter/],
      [{ exporter: inMemory(), processor: { onEnd() {} } }, /exclude/],
      [{ meterProvider: {} }, /meterProvider/],
    ]) {
      assert.throws(() => new EventLoopMonitor(config), name);
    }
  });

  test('a meter provider gets the runtime metrics of the loop', async () => {
    const memory = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter: memory, exportIntervalMillis: 3_600_000 });
    const meterProvider = new MeterProvider({ readers: [reader] });
    const monitor = new EventLoopMonitor({ exporter: inMemory(), meterProvider });
    monitor.enable();
    await sleep(30);
    block(250);
    await sleep(30);
    await reader.forceFlush();
    monitor.disable();
    const metrics = memory.getMetrics()[0].scopeMetrics[0].metrics;
    const values = Object.fromEntries(
      metrics.map(({ descriptor, dataPoints }) => [descriptor.name, dataPoints.map(({ value }) => value)]),
    );
    const names = ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'].map((name) => `nodejs.eventloop.delay.${name}`);
    assert.deepEqual(
      Object.keys(values).sort(),
      [...names, 'nodejs.eventloop.time', 'nodejs.eventloop.utilization'].sort(),
    );
    const [max] = values['nodejs.eventloop.delay.max'];
    assert.ok(max >= 0.25 && max < 30, `${max} s`);
    assert.ok(values['nodejs.eventloop.delay.p50'][0] <= max);
    assert.ok(values['nodejs.eventloop.utilization'][0] > 0.2);
    assert.equal(values['nodejs.eventloop.time'].length, 2);
    await meterProvider.shutdown();
  });

  test('where the loop cannot be read a heartbeat sees blocks, without a stack, and says so once', async () => {
    const ended = await runProgram(
      `const { diag, DiagLogLevel } = require('@opentelemetry/api');
       const { EventLoopMonitor } = require(process.cwd());
       const lines = [];
       diag.setLogger({ debug: (line) => lines.push(line), error() {}, warn() {}, info() {}, verbose() {} }, { logLevel: DiagLogLevel.DEBUG });
       lines.length = 0;
       const spans = [];
       const exporter = { export(batch, done) { spans.push(...batch); done({ code: 0 }); }, async shutdown() {} };
       const monitor = new EventLoopMonitor({ exporter, heartbeatOnly: true });
       monitor.enable();
       let took;
       setTimeout(() => {
         const began = performance.now();
         require(process.cwd() + '/__test__/helpers/block_program.js').busy(400);
         took = performance.now() - began;
       }, 200);
       setTimeout(() => {
         monitor.disable();
         monitor.enable();
         monitor.disable();
         console.log(JSON.stringify({ lines, took, durations: spans.map(({ attributes }) => attributes['event_loop.block.duration_ms']), stacks: spans.map(({ attributes }) => attributes['code.stacktrace'] ?? null) }));
       }, 3000);`,
    );
    assert.equal(ended.stderr, '');
    const { lines, took, durations, stacks } = JSON.parse(ended.stdout);
    assert.deepEqual(
      lines.filter((line) => line.startsWith('Offloop')),
      lines.filter((line) => /timer of 20 ms/.test(line)),
    );
    assert.equal(lines.filter((line) => /timer of 20 ms/.test(line)).length, 1);
    assert.equal(durations.length, 1);
    assert.ok(durations[0] > took - 50 && durations[0] < took + 400, `${durations[0]} ms of ${took}`);
    assert.deepEqual(stacks, [null]);
  });
});
