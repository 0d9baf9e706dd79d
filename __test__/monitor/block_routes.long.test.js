'use strict';
// This file measures time, so it runs alone.
// The route of the request that a block held up, on its span and in `onBlock`, whenever the request's span learns it.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { describe, test } = require('node:test');
const { noStacks, patiently, writtenBlocks } = require('../helpers/blocks.js');
const { runProgram } = require('../helpers/child.js');

const ROUTE = 'http.route';
const ROOT = 'event_loop.block.root_span.name';

/** Each is a program that calls `spin()` in a turn of its own; `expected` is what the final span and the ongoing one say. */
const cases = {
  'a route from the start, of the request`s span': {
    source: `const span = start('GET', { kind: SERVER, attributes: { 'http.route': '/a/:id' } }); await turn(); spin(); span.end();`,
    expected: { [ROUTE]: '/a/:id' },
  },
  'a route of a span within it, as frameworks have it': {
    source: `const span = start('GET', { kind: SERVER });
      const inner = start('handler', { attributes: { 'http.route': '/b/:id' } }, span);
      start('query', {}, inner);
      await turn(); spin(); span.end();`,
    expected: { [ROUTE]: '/b/:id' },
  },
  'a route that comes in the block, which goes on': {
    source: `const span = start('GET', { kind: SERVER }); await turn(); spin(400);
      span.setAttribute('http.route', '/late/:id'); spin(500); setTimeout(() => span.end(), 100);`,
    expected: { [ROUTE]: '/late/:id' },
    ongoing: { [ROOT]: 'GET' },
  },
  'a route that comes before the block, when its span is known already': {
    source: `const span = start('GET', { kind: SERVER }); await sleep(20);
      span.setAttribute('http.route', '/before/:id'); await sleep(20); await turn(); spin(); await sleep(100); span.end();`,
    expected: { [ROUTE]: '/before/:id' },
  },
  'a route that comes with the end, in the turn that blocks, with spans that follow': {
    source: `const span = start('GET', { kind: SERVER }); await turn(); spin();
      span.setAttribute('http.route', '/end/:id'); span.updateName('GET /end/:id'); span.end();
      for (let nth = 0; nth < 100; nth++) start('other', {}).end();`,
    expected: { [ROUTE]: '/end/:id' },
  },
  'no route: the name of the root, as it is at the end': {
    source: `const span = start('job', {}); const inner = start('step', {}, span); await turn(); spin();
      span.updateName('nightly job'); inner.end(); span.end();`,
    expected: { [ROOT]: 'nightly job' },
  },
  'a middleware of Express, which has the path where it is mounted': {
    source: `const span = start('GET', { kind: SERVER });
      start('middleware - session', { attributes: { 'http.route': '/', 'express.type': 'middleware' } }, span); await turn(); spin(); span.end();`,
    expected: { [ROOT]: 'GET' },
  },
  'no span': { source: 'spin();', expected: {} },
  'a span that has ended before': {
    source: `start('GET', { kind: SERVER, attributes: { 'http.route': '/over' } }).end(); await turn(); await turn(); spin();`,
    expected: {},
  },
};

const lines = {
  '1.x': `const { BasicTracerProvider } = require('sdk-trace-1x');
    const provider = new BasicTracerProvider({ spanProcessors: [processor] });`,
  '2.x': `const { BasicTracerProvider } = require('@opentelemetry/sdk-trace-base');
    const provider = new BasicTracerProvider({ spanProcessors: [processor] });`,
};

const program = (line, source, directory) => `
  const { BatchSpanProcessor, EventLoopMonitor, FileSpanExporter } = require(process.cwd());
  const { ROOT_CONTEXT, SpanKind: { SERVER }, trace } = require('@opentelemetry/api');
  const cpu = require(process.cwd() + '/js/native/binding.js').loadBinding().threadCpuMicros;
  const sleep = (millis) => new Promise((resolve) => setTimeout(resolve, millis));
  const turn = () => new Promise(setImmediate);
  function spin(millis = 150) { const until = cpu() + millis * 1000; while (cpu() < until); }
  const processor = new BatchSpanProcessor(new FileSpanExporter({ directory: ${JSON.stringify(directory)} }));
  ${lines[line]}
  const tracer = provider.getTracer('test');
  const start = (name, options, parent) =>
    tracer.startSpan(name, options, parent === undefined ? ROOT_CONTEXT : trace.setSpan(ROOT_CONTEXT, parent));
  const calls = [];
  const monitor = new EventLoopMonitor({ processor, thresholdMillis: 40, stacks: true, onBlock: (block) => calls.push(block) });
  monitor.enable();
  (async () => {
    await sleep(30);
    calls.length = 0;
    await new Promise((resolve) => setTimeout(async () => { ${source}; await turn(); resolve(); }, 10));
    await sleep(150);
    monitor.disable();
    await provider.shutdown();
    console.log(JSON.stringify(calls));
  })();`;

const namesOf = (attributes) =>
  Object.fromEntries([ROUTE, ROOT].filter((key) => key in attributes).map((key) => [key, attributes[key]]));

for (const line of Object.keys(lines)) {
  describe(`the route on blocks, SDK ${line}`, { skip: noStacks }, () => {
    for (const [name, { source, expected, ongoing }] of Object.entries(cases)) {
      test(
        `${name} (R114)`,
        patiently(async (t) => {
          const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-routes-'));
          t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
          const { code, stdout, stderr } = await runProgram(program(line, source, directory), { limitMillis: 110_000 });
          assert.deepEqual([code, stderr], [0, '']);
          const blocks = writtenBlocks(directory).filter((attributes) => attributes['code.function.name'] === 'spin');
          const finals = blocks.filter((attributes) => !attributes['event_loop.block.ongoing']);
          assert.deepEqual(finals.map(namesOf), [expected]);
          if (ongoing !== undefined) {
            const early = blocks.filter((attributes) => attributes['event_loop.block.ongoing']);
            assert.deepEqual(early.map(namesOf), [ongoing]);
          }
          const call = JSON.parse(stdout).find((block) => block.function === 'spin');
          assert.deepEqual([call.route, call.rootSpanName], [expected[ROUTE], expected[ROOT]]);
          assert.equal(call.traceId !== undefined && call.spanId !== undefined, Object.keys(expected).length > 0);
        }),
      );
    }
  });
}
