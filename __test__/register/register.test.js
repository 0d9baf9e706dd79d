'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { describe, test } = require('node:test');
const { decodeRequest } = require('../helpers/otlp_decoder.js');
const { startReceiver } = require('../helpers/receiver.js');
const { line3Unavailable } = require('../helpers/sdk_spans.js');

// `node --import offloop/register app.js`: programs that know nothing of us. Each runs as it is and with us before it.

const root = path.join(__dirname, '..', '..');
const register = path.join(root, 'js', 'entries', 'register.js');

async function run(t, source, { how, isModule = false, cwd = root, env = {} }) {
  const receiver = await startReceiver({}, t);
  // To --import a path that begins with a drive is no specifier.
  const flags = how === null ? [] : [how, how === '--import' ? pathToFileURL(register).href : register];
  const child = spawn(process.execPath, [...flags, ...(isModule ? ['--input-type=module'] : []), '-e', source], {
    cwd,
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.origin, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
  const code = await new Promise((resolve) => child.once('close', resolve));
  clearTimeout(timer);
  const types = receiver.completed.map(({ headers }) => headers['content-type']);
  const agents = receiver.completed.map(({ headers }) => headers['user-agent']);
  const groups = receiver.completed.flatMap(({ body, headers }) => decodeRequest(body, headers['content-type']));
  return { code, output, types, agents, groups };
}

/** What was sent, without what differs from run to run. */
function comparable(groups) {
  const volatile = (key, value) => (/[iI]d$|[tT]ime|Nano$|^(start|end)$/.test(key) ? undefined : value);
  return JSON.parse(JSON.stringify(groups, volatile));
}

const names = ({ groups }) =>
  groups.flatMap(({ scopes }) => scopes.flatMap(({ spans }) => spans.map(({ name }) => name)));

// A program as the documentation of the SDK has it; it ends by itself, with a flush.
const body = (Provider) => `
  const provider = new ${Provider}({ spanProcessors: [new BatchSpanProcessor(WITH)] });
  const tracer = provider.getTracer('app', '1.0.0');
  for (let nth = 0; nth < 30; nth++) {
    const span = tracer.startSpan('operation ' + nth, { attributes: { nth, text: 'é' + nth } });
    span.addEvent('event', { a: [1, 2] });
    span.end();
  }
  provider.forceFlush().then(() => provider.shutdown());`;
const required = (exporter) =>
  `
  const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-${exporter}');
  const { BasicTracerProvider, BatchSpanProcessor } = require('@opentelemetry/sdk-trace-base');
  ${body('BasicTracerProvider').replace('WITH', 'exporter')}`.replace(
    'const provider',
    'const exporter = new OTLPTraceExporter(); console.log("ours", typeof exporter.stats); const provider',
  );
const imported = (exporter, sdk, Provider) => `
  import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-${exporter}';
  import * as everything from '@opentelemetry/exporter-trace-otlp-${exporter}';
  import { ${Provider}, BatchSpanProcessor } from '@opentelemetry/${sdk}';
  const exporter = new OTLPTraceExporter();
  console.log('ours', everything.OTLPTraceExporter === OTLPTraceExporter && typeof exporter.stats);
  ${body(Provider).replace('WITH', sdk === 'sdk-trace' ? '{ exporter }' : 'exporter')}`;

const line3 = { cwd: path.join(__dirname, '..', 'sdk-3.x'), skip: line3Unavailable() ?? false };

for (const [name, source, options] of [
  ['CommonJS, proto', required('proto'), {}],
  ['CommonJS, JSON', required('http'), {}],
  [
    'an ES module that imports CommonJS packages, proto',
    imported('proto', 'sdk-trace-base', 'BasicTracerProvider'),
    { isModule: true },
  ],
  [
    'an ES module that imports CommonJS packages, JSON',
    imported('http', 'sdk-trace-base', 'BasicTracerProvider'),
    { isModule: true },
  ],
  ['the 3.x line, ES modules, proto', imported('proto', 'sdk-trace', 'TracerProvider'), { isModule: true, ...line3 }],
  ['the 3.x line, ES modules, JSON', imported('http', 'sdk-trace', 'TracerProvider'), { isModule: true, ...line3 }],
]) {
  describe(name, { skip: options.skip || false }, () => {
    for (const how of ['--require', '--import']) {
      test(`${how}: the same spans, sent by us`, async (t) => {
        const stock = await run(t, source, { how: null, ...options });
        const ours = await run(t, source, { how, ...options });
        assert.deepEqual([stock.code, stock.output], [0, 'ours undefined\n']);
        assert.deepEqual([ours.code, ours.output], [0, 'ours function\n']);
        assert.equal(names(stock).length, 30);
        assert.deepEqual(comparable(ours.groups), comparable(stock.groups));
        assert.deepEqual([...new Set(ours.types)], [...new Set(stock.types)]);
      });
    }
  });
}

test('classes keep their instances apart', async (t) => {
  const source = `
    const { BatchSpanProcessor } = require('@opentelemetry/sdk-trace-base');
    for (const name of ['proto', 'http']) {
      const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-' + name);
      class Mine extends OTLPTraceExporter {}
      class Deeper extends Mine {}
      class Chooses extends OTLPTraceExporter { static [Symbol.hasInstance](value) { return value === 'chosen'; } }
      const objects = { plain: new OTLPTraceExporter(), mine: new Mine(), deeper: new Deeper(), chosen: 'chosen', none: null };
      for (const [object, value] of Object.entries(objects)) {
        const seen = [OTLPTraceExporter, Mine, Deeper, Chooses].filter((each) => value instanceof each).map((each) => each.name);
        console.log(name, object, seen.join());
      }
      class Own extends BatchSpanProcessor {}
      const own = new Own(objects.plain), processor = new BatchSpanProcessor(objects.plain);
      console.log([own instanceof Own, own instanceof BatchSpanProcessor, processor instanceof BatchSpanProcessor, processor instanceof Own].join());
    }
    process.exit();`;
  const stock = await run(t, source, { how: null });
  assert.match(
    stock.output,
    /plain OTLPTraceExporter\n.*mine OTLPTraceExporter,Mine\n.*deeper OTLPTraceExporter,Mine,Deeper\n/,
  );
  const ours = await run(t, source, { how: '--require' });
  assert.deepEqual([ours.output, ours.code], [stock.output, 0]);
});

test('OFFLOOP_REGISTER=off leaves everything as it is', async (t) => {
  const { output, code } = await run(t, required('proto'), { how: '--require', env: { OFFLOOP_REGISTER: 'off' } });
  assert.deepEqual([code, output], [0, 'ours undefined\n']);
});

test('without a flush nothing is lost: the program of the documentation simply ends', async (t) => {
  const source = required('proto').replace(/provider\.forceFlush.*/, '');
  const stock = await run(t, source, { how: null });
  const ours = await run(t, source, { how: '--import' });
  assert.equal(names(stock).length, 0);
  assert.equal(names(ours).length, 30);
});

test('subclasses, foreign exporters and everything else stay what they are', async (t) => {
  const source = `
    const stock = require('@opentelemetry/exporter-trace-otlp-proto');
    const sdk = require('@opentelemetry/sdk-trace-base');
    class Mine extends stock.OTLPTraceExporter { export(spans, done) { console.log('mine', spans.length); super.export(spans, done); } }
    const mine = new Mine();
    const ours = new stock.OTLPTraceExporter();
    console.log(typeof mine.stats, typeof ours.stats, mine instanceof Mine, mine instanceof stock.OTLPTraceExporter, ours instanceof stock.OTLPTraceExporter, ({}) instanceof stock.OTLPTraceExporter);
    console.log(stock === require('@opentelemetry/exporter-trace-otlp-proto'), stock.OTLPTraceExporter.name);
    class OwnProcessor extends sdk.BatchSpanProcessor {}
    const own = new OwnProcessor(ours);
    console.log(own instanceof sdk.BatchSpanProcessor, '_finishedSpans' in own);
    const foreign = new sdk.BatchSpanProcessor(new sdk.InMemorySpanExporter());
    console.log('_finishedSpans' in foreign, '_finishedSpans' in new sdk.BatchSpanProcessor(ours), '_finishedSpans' in new sdk.BatchSpanProcessor(mine));
    const provider = new sdk.BasicTracerProvider({ spanProcessors: [new sdk.SimpleSpanProcessor(mine)] });
    provider.getTracer('t').startSpan('one').end();
    provider.shutdown();`;
  const ours = await run(t, source, { how: '--require' });
  assert.deepEqual(ours.output.trim().split('\n'), [
    'undefined function true true true false',
    'true OTLPTraceExporter',
    'true true',
    'true false true',
    'mine 1',
  ]);
  assert.deepEqual(names(ours), ['one']);
});

test('one line at debug level says so, once', async (t) => {
  const source = `
    const { diag, DiagLogLevel } = require('@opentelemetry/api');
    const log = (...args) => { if (/^Offloop: .* is replaced$/.test(args[0])) console.log(args[0]); };
    diag.setLogger({ debug: log, info() {}, warn() {}, error() {}, verbose() {} }, DiagLogLevel.ALL);
    const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-http');
    new OTLPTraceExporter();
    new OTLPTraceExporter();`;
  const { output } = await run(t, source, { how: '--import' });
  assert.equal(output, 'Offloop: register: OTLPTraceExporter of @opentelemetry/exporter-trace-otlp-http is replaced\n');
});

test('options that only the stock class takes get the stock class, with a warning', async (t) => {
  const source = `
    const { diag } = require('@opentelemetry/api');
    const quiet = () => {};
    const warn = (text) => /Offloop|stock/.test(text) && console.log(text);
    diag.setLogger({ error: quiet, warn, info: quiet, debug: quiet, verbose: quiet });
    const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-proto');
    const { BatchSpanProcessor } = require('@opentelemetry/sdk-trace-base');
    const exporter = new OTLPTraceExporter({ concurrencyLimit: [7] });
    console.log(typeof exporter.stats);
    new BatchSpanProcessor(new OTLPTraceExporter(), { maxQueueSize: true });
    try {
      new OTLPTraceExporter({ timeoutMillis: -1 });
    } catch (error) {
      console.log(error.message);
    }`;
  const { output } = await run(t, source, { how: '--require' });
  const wrong = "Configuration: timeoutMillis is invalid, expected number greater than 0 (actual: '-1')";
  const exporter =
    'Offloop: register: OTLPTraceExporter of @opentelemetry/exporter-trace-otlp-proto stays the stock class';
  const processor = 'Offloop: register: BatchSpanProcessor of @opentelemetry/sdk-trace-base stays the stock class';
  assert.deepEqual(output.trim().split('\n'), [
    `${exporter}: Configuration: concurrencyLimit is invalid, expected number (actual: ['7'])`,
    'undefined',
    `${processor}: Configuration: maxQueueSize is invalid, expected number (actual: true)`,
    `${exporter}: ${wrong}`,
    wrong, // in the stock exporter's own words
  ]);
});

// A patch of the prototype redacts, or counts: whether it comes before the instances or after, and on whichever method.
const patches = {
  'export, before': ['exporter', 'before', 'export', true],
  'export, after': ['exporter', 'after', 'export', true],
  'export of the base class': ['base', 'before', 'export', false],
  'export of the base class, before the exporter is loaded': ['base', 'early', 'export', false],
  'shutdown of the exporter': ['exporter', 'before', 'shutdown', true],
  'onEnd, before': ['processor', 'before', 'onEnd', true],
  'onEnd, after': ['processor', 'after', 'onEnd', true],
  'forceFlush of the processor': ['processor', 'after', 'forceFlush', true],
  'a method that ours does not have': ['exporter', 'before', 'setMetrics', false],
};

describe('a prototype that the application patches', { concurrency: 3 }, () => {
  for (const [name, [target, when, method, isOurs]] of Object.entries(patches)) {
    test(name, async (t) => {
      const source = `
        const { OTLPExporterBase: { prototype: base } } = require('@opentelemetry/otlp-exporter-base');
        let calls = 0;
        const early = base.export;
        if (${when === 'early'}) base.export = function (...args) { calls += 1; return early.apply(this, args); };
        const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-http');
        const { BasicTracerProvider, BatchSpanProcessor } = require('@opentelemetry/sdk-trace-base');
        const { prototype: exporter } = OTLPTraceExporter;
        const { prototype: processor } = BatchSpanProcessor;
        const target = { base, exporter, processor }.${target};
        const patch = () => {
          const original = target.${method};
          target.${method} = function (...args) {
            calls += 1;
            return original.apply(this, args);
          };
        };
        if (${when === 'before'}) patch();
        const made = new OTLPTraceExporter();
        const provider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(made)] });
        if (${when === 'after'}) patch();
        const tracer = provider.getTracer('t');
        tracer.startSpan('one').end();
        provider.forceFlush().then(() => provider.shutdown()).then(() => console.log(typeof made.stats, calls > 0));`;
      const ended = await run(t, source, { how: '--require' });
      const calls = method !== 'setMetrics';
      assert.deepEqual(
        [ended.code, ended.output.trim(), names(ended)],
        [0, `${isOurs ? 'function' : 'undefined'} ${calls}`, ['one']],
      );
    });
  }
});

const newBases = {
  'with a constructor': 'class extends Old { constructor(...args) { super(...args); calls += 1; } }',
  'with a field': 'class OTLPExporterBase extends Old { field = (calls += 1); }',
  'with an accessor': 'class OTLPExporterBase extends Old { get added() { return (calls += 1); } }',
  'a Proxy': 'new Proxy(Old, { construct(...args) { calls += 1; return Reflect.construct(...args); } })',
  'the old one with a value': 'Object.assign(Old.prototype, { added: 1 }).constructor',
};

describe('another base class before the exporter is loaded', { concurrency: 3 }, () => {
  for (const [name, base] of Object.entries(newBases)) {
    test(`${name}: the stock class, with a warning`, async (t) => {
      const source = `
        const { diag } = require('@opentelemetry/api');
        const warn = (text) => /Offloop/.test(text) && console.log('warned');
        diag.setLogger({ error: warn, warn, info() {}, debug() {}, verbose() {} });
        let calls = 0;
        const module = require('@opentelemetry/otlp-exporter-base');
        const Old = module.OTLPExporterBase;
        Object.defineProperty(module, 'OTLPExporterBase', { value: ${base} });
        const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-http');
        const made = new OTLPTraceExporter();
        if (made.added !== undefined) calls += 1;
        console.log(typeof made.stats, calls > 0);`;
      const { output } = await run(t, source, { how: '--require' });
      assert.equal(output, 'warned\nundefined true\n');
    });
  }
});

test('the package offers it as offloop/register', () => {
  const { exports, files } = require('../../package.json');
  assert.equal(path.join(root, exports['./register']), register);
  assert.ok(files.includes('js'));
});
