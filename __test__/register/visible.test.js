'use strict';
// OFFLOOP_LOG=info: an operator sees on standard error alone whether Offloop runs, who sends, and why not. The same decisions
// are heard by a logger.

const assert = require('node:assert/strict');
const path = require('node:path');
const { describe, it } = require('node:test');
const { runNode } = require('../helpers/child.js');
const { startReceiver } = require('../helpers/receiver.js');
const { startGrpcReceiver } = require('../helpers/grpc/receiver.js');

const root = path.join(__dirname, '..', '..');
const register = path.join(root, 'js', 'entries', 'register.js');
const PROTO = '@opentelemetry/exporter-trace-otlp-proto';

/** The lines of a program behind `offloop/register`, without the first, which introduces the process. */
async function run(source, { url, env = {}, flags = ['--require', register], log = 'info' } = {}) {
  const program = `
    const { OTLPTraceExporter } = require('${PROTO}');
    const { BasicTracerProvider, BatchSpanProcessor, InMemorySpanExporter, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-base');
    const url = ${JSON.stringify(url)};
    const traced = (...spanProcessors) => {
      const provider = new BasicTracerProvider({ spanProcessors });
      for (const name of ['a', 'b']) provider.getTracer('t').startSpan(name).end();
      return provider.forceFlush().catch(() => {}).then(() => provider.shutdown());
    };
    ${source}`;
  const words = [...flags, '-e', program];
  const { code, stdout, stderr } = await runNode(words, { env: { OFFLOOP_LOG: log, ...env }, limitMillis: 30_000 });
  const lines = stderr.split('\n').filter(Boolean);
  for (const line of lines) assert.match(line, /^offloop: (error|warn|info): ./);
  return { code, stdout, stderr, lines: lines.map((line) => line.replace('offloop: ', '')) };
}

const about = ({ lines }, word) =>
  lines.filter((line) => line.includes(`: ${word}`)).map((line) => line.split(`: ${word}`)[1].replace(/^ /, ''));

describe('what runs', { concurrency: 2 }, () => {
  it('L4: one line for each decision, from the first to what became of the first batch', async (t) => {
    const { origin } = await startReceiver({}, t);
    const url = `${origin.replace('//', '//user:hunter2@')}/v1/traces?key=hunter2#hunter2`;
    const ended = await run('traced(new BatchSpanProcessor(new OTLPTraceExporter({ url })));', { url });
    assert.equal(ended.code, 0);
    assert.match(ended.lines[0], /^info: offloop \d+\.\d+\.\d+\S* in process \d+, Node\.js v\d\S+, \w+-\w+$/);
    assert.match(
      ended.lines[1],
      /^info: register: on(, for require only: this Node\.js has no module\.registerHooks)?$/,
    );
    assert.deepEqual(ended.lines.slice(2), [
      `info: exporter 1: OTLPTraceExporter, http/protobuf to ${origin}/v1/traces, transport native`,
      `info: register: OTLPTraceExporter of ${PROTO} is replaced`,
      'info: processor 1: BatchSpanProcessor over exporter 1 captures spans natively',
      'info: register: BatchSpanProcessor of @opentelemetry/sdk-trace-base is replaced',
      'info: exporter 1: first spans, captured',
      'info: exporter 1: first batch delivered',
    ]);
  });

  it('L4: spans of another processor come through export()', async (t) => {
    const { origin } = await startReceiver({}, t);
    const ended = await run('traced(new SimpleSpanProcessor(new OTLPTraceExporter({ url })));', { url: origin });
    assert.deepEqual(about(ended, 'exporter 1:').slice(1), ['first spans, through export()', 'first batch delivered']);
  });

  it('L4: what became of the first batch has the reason and the code', async (t) => {
    const { origin } = await startReceiver({}, t);
    const source = `traced(new BatchSpanProcessor(new OTLPTraceExporter({ url, retry: { maxAttempts: 1 } })));`;
    const refused = await run(source, { url: 'http://127.0.0.1:9' });
    assert.equal(about(refused, 'exporter 1:').at(-1), 'first batch lost: retries_exhausted (ECONNREFUSED)');
    const noted = await run(source, { url: origin, log: 'warn' });
    assert.deepEqual(noted.lines, []);
  });

  it('L4: the other protocols and transports, and why Node sends', async (t) => {
    const receiver = await startGrpcReceiver({}, t);
    const source = `
      const { OTLPTraceExporter: Json } = require('@opentelemetry/exporter-trace-otlp-http');
      const { OTLPTraceExporter: Grpc } = require('@opentelemetry/exporter-trace-otlp-grpc');
      const { FileSpanExporter } = require('./index.js');
      new Json({ url, httpAgentOptions: () => null });
      new OTLPTraceExporter({ url, transport: 'node' });
      new Grpc({ url: '${receiver.origin}' });
      new Grpc({ url: '${receiver.origin}', transport: 'node' });
      new FileSpanExporter({ directory: './spans' });
      process.exit();`;
    const url = 'http://127.0.0.1:9/v1/traces';
    const made = (await run(source, { url })).lines.filter((line) => /^info: exporter \d/.test(line));
    assert.deepEqual(made, [
      `info: exporter 1: OTLPTraceExporter, http/json to ${url}, transport node (httpAgentOptions is a function)`,
      `info: exporter 2: OTLPTraceExporter, http/protobuf to ${url}, transport node (transport 'node')`,
      `info: exporter 3: OTLPTraceExporter, grpc to ${receiver.origin}, transport native`,
      `info: exporter 4: OTLPTraceExporter, grpc to ${receiver.origin}, transport node (transport 'node')`,
      `info: exporter 5: FileSpanExporter, http/json to file:${path.join(root, 'spans')}, transport native`,
    ]);
  });

  it('L4: the automatic monitor', async () => {
    const source = 'new OTLPTraceExporter({ url }); process.exit();';
    const env = { OFFLOOP_EVENT_LOOP_MONITOR: 'on', OFFLOOP_EVENT_LOOP_THRESHOLD_MILLIS: '70' };
    const url = 'http://127.0.0.1:9';
    assert.deepEqual(about(await run(source, { url, env }), 'event-loop monitor:'), [
      'on, threshold 70 ms, spans to exporter 1',
    ]);
    assert.deepEqual(about(await run(source, { url }), 'event-loop monitor:'), []);
  });
});

describe('what does not, and why', { concurrency: 2 }, () => {
  const url = 'http://127.0.0.1:9';
  const stays = async (source, options) =>
    (await run(`${source} process.exit();`, { url, ...options })).lines.filter((line) =>
      line.includes('stays the stock class'),
    );
  const which = `register: OTLPTraceExporter of ${PROTO} stays the stock class:`;

  for (const [name, source, expected] of [
    [
      'a class of the program extends it, once',
      'class Mine extends OTLPTraceExporter {} new Mine(); new Mine();',
      [`info: ${which} Mine extends it`],
    ],
    [
      'options that only the stock class takes',
      'new OTLPTraceExporter({ concurrencyLimit: [7] });',
      [`warn: ${which} Configuration: concurrencyLimit is invalid, expected number (actual: ['7'])`],
    ],
    [
      'a patch that ours cannot follow',
      'OTLPTraceExporter.prototype.setMetrics = () => {}; new OTLPTraceExporter({ url });',
      [`warn: ${which} 'setMetrics' of it was patched`],
    ],
    [
      "a processor over somebody else's exporter",
      'new BatchSpanProcessor(new InMemorySpanExporter());',
      [
        "info: register: BatchSpanProcessor of @opentelemetry/sdk-trace-base stays the stock class: the exporter is none of Offloop's, or stands in for one (InMemorySpanExporter)",
      ],
    ],
    [
      'a processor over an exporter with a limit',
      'new BatchSpanProcessor(new OTLPTraceExporter({ url, concurrencyLimit: 5 }));',
      [
        'info: register: BatchSpanProcessor of @opentelemetry/sdk-trace-base stays the stock class: the exporter has a concurrencyLimit (exporter 1)',
      ],
    ],
    ['nothing where both are ours', 'new BatchSpanProcessor(new OTLPTraceExporter({ url }));', []],
  ])
    it(`L4: ${name}`, async () => assert.deepEqual(await stays(source), expected));

  it('L4: no addon', async () => {
    const env = { NAPI_RS_NATIVE_LIBRARY_PATH: '/nowhere.node' };
    const lines = await stays('new OTLPTraceExporter({ url });', { env });
    assert.match(
      lines.join('\n'),
      /^warn: register: \S+ of \S+ stays the stock class: NAPI_RS_NATIVE_LIBRARY_PATH names \/nowhere\.node, which did not load: [^\n]*$/,
    );
    const direct = await run(`try { new (require('./index.js').OTLPTraceExporter)(); } catch {}`, { env, flags: [] });
    assert.match(direct.lines[1], /^error: no exporter: NAPI_RS_NATIVE_LIBRARY_PATH names \/nowhere\.node/);
  });

  it("L4: a processor of Offloop's over what it cannot capture from", async () => {
    const source = `
      const { BatchSpanProcessor: Own, OTLPTraceExporter: Exporter } = require('./index.js');
      new Own(new InMemorySpanExporter());
      new Own(new Exporter({ url, concurrencyLimit: 5 }));
      new Own(new (class extends Exporter { export() {} })({ url }));
      new Own(new Proxy(new Exporter({ url }), {}));
      process.exit();`;
    assert.deepEqual(
      about(await run(source, { url }), 'processor').map((line) => line.replace(/^\d: BatchSpanProcessor over /, '')),
      [
        "InMemorySpanExporter queues as the SDK's: the exporter is none of Offloop's, or stands in for one",
        "exporter 1 queues as the SDK's: the exporter has a concurrencyLimit",
        "exporter 2 queues as the SDK's: the exporter's export() was replaced",
        "OTLPTraceExporter queues as the SDK's: the exporter is none of Offloop's, or stands in for one",
      ],
    );
  });

  it('L4: OFFLOOP_REGISTER=off', async () => {
    const ended = await run('process.exit();', { env: { OFFLOOP_REGISTER: 'off' } });
    assert.deepEqual(about(ended, 'register:'), ['off (OFFLOOP_REGISTER=off)']);
  });
});

it('L4, L6, X28: a logger that is set after the exporter is made hears the same', async () => {
  const source = `
    const exporter = new OTLPTraceExporter({ url });
    const { diag, DiagLogLevel } = require('@opentelemetry/api');
    const tell = (level) => (text) => /^Offloop: /.test(text) && console.log(level, text);
    diag.setLogger({ verbose() {}, debug: tell('debug'), info: tell('info'), warn: tell('warn'), error: tell('error') }, DiagLogLevel.DEBUG);
    new OTLPTraceExporter({ concurrencyLimit: [7] });
    process.exit();`;
  const { stdout, stderr } = await run(source, { url: 'http://127.0.0.1:9', log: '' });
  assert.equal(stderr, '');
  assert.match(
    stdout,
    new RegExp(
      [
        'debug Offloop: register: on.*',
        `debug Offloop: exporter 1: OTLPTraceExporter, http/protobuf to http://127\\.0\\.0\\.1:9/, transport native`,
        `debug Offloop: register: OTLPTraceExporter of ${PROTO} is replaced`,
        `warn Offloop: register: OTLPTraceExporter of ${PROTO} stays the stock class: Configuration: .*`,
        '$',
      ].join('\\n'),
    ),
  );
});
