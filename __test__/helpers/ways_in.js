'use strict';
// Every public way in by which spans reach a collector, the recorder's backend or a file, behind one form:
// `make(config)` answers `{ send(spans), flush(), shutdown() }`, and `send` resolves with `{ ok, error }` whatever the way's own words are.

const { BatchSpanProcessor, FileSpanExporter, OTLPTraceExporter } = require('../..');
const { ApiSpanAdapter, FilesystemSpanAdapter, TdSpanExporter } = require('../../js/entries/tusk.js');
const { readFields, SUCCESS_RESPONSE } = require('./drift_request.js');
const { countSpans } = require('./otlp_decoder.js');
const { PlainSpans } = require('./plain_spans.js');
const { BlockedTraces, recordedSpan } = require('./tusk_exporter.js');

const NO_SCHEMA = { type: 6, properties: {} };
const plain = new PlainSpans(7);

/** Makers of one span each; `payload` is a text in it, `bad` makes a span that cannot be sent or written. */
const spanOf = {
  otlp: ({ payload = 'x', bad, id } = {}) =>
    plain.span({ attributes: { payload }, ...(bad && { startTime: null }), ...(id && { context: { traceId: id } }) }),
  recorded: ({ payload = 'x', bad, id } = {}) =>
    recordedSpan({ traceId: id, attributes: { 'td.inputValue': bad ? '{' : JSON.stringify({ payload }) } }),
  clean: ({ payload = 'x', bad, id = '1'.repeat(32) } = {}) => ({
    traceId: id,
    spanId: '2'.repeat(16),
    parentSpanId: '',
    name: 'pg.query',
    packageName: 'p',
    instrumentationName: 'i',
    submoduleName: '',
    inputValue: { payload: bad ? 1n : payload },
    outputValue: {},
    inputSchema: NO_SCHEMA,
    outputSchema: NO_SCHEMA,
    inputSchemaHash: '',
    outputSchemaHash: '',
    inputValueHash: '',
    outputValueHash: '',
    kind: 1,
    status: { code: 1, message: '' },
    isPreAppStart: false,
    timestamp: { seconds: bad ? 1.5 : 1, nanos: 1 },
    duration: { seconds: 1, nanos: 1 },
    isRootSpan: true,
  }),
};

const resultOf = ({ code, error }) => ({ ok: code === 0, error });
const exportTo = (exporter) => (spans) => new Promise((done) => exporter.export(spans, (r) => done(resultOf(r))));
/** What ends in every way alike. */
const ends = (target) => ({ flush: () => target.forceFlush(), shutdown: () => target.shutdown() });

function direct(exporter) {
  return { send: exportTo(exporter), ...ends(exporter) };
}

/** Over a batch processor nobody gets an answer: the account says what became of the spans. */
function processed(exporter) {
  const processor = new BatchSpanProcessor(exporter, { scheduledDelayMillis: 60_000 });
  return {
    async send(spans) {
      const before = exporter.stats();
      for (const span of spans) processor.onEnd(span);
      await processor.forceFlush().catch(() => {});
      const { delivered, offered } = exporter.stats();
      const lost = offered - before.offered - (delivered - before.delivered);
      return { ok: lost === 0, error: lost === 0 ? undefined : new Error('lost') };
    },
    ...ends(processor),
  };
}

function collectorConfig({ origin, secret, maxSpans, ...config }) {
  return {
    url: `${origin}/v1/traces`,
    headers: { authorization: secret ?? 'k' },
    queue: { maxSpans },
    retry: { maxAttempts: 1 },
    ...config,
  };
}

function backendConfig({ origin, secret, maxSpans, ...config }) {
  return {
    mode: 'RECORD',
    baseDirectory: '/nowhere',
    useRemoteExport: true,
    apiKey: secret ?? 'k',
    observableServiceId: 'svc',
    tuskBackendBaseUrl: origin,
    sdkVersion: '1',
    sdkInstanceId: 'i',
    exportTimeoutMillis: 20_000,
    traceBlockingManager: new BlockedTraces(),
    queue: { maxSpans },
    ...config,
  };
}

function fileConfig({ directory, maxSpans, ...config }) {
  const traceBlockingManager = new BlockedTraces();
  return { mode: 'RECORD', directory, baseDirectory: directory, queue: { maxSpans }, traceBlockingManager, ...config };
}

/** The recorder's exporter over an adapter of a class of the user's. */
function recordingTo(Adapter, config) {
  const exporter = new TdSpanExporter(config);
  exporter.clearAdapters();
  exporter.addAdapter(new Adapter(config));
  return direct(exporter);
}

const objects = (adapter) => ({
  send: async (spans) => resultOf(await adapter.exportSpans(spans)),
  ...ends(adapter),
});

class ApiObjects extends ApiSpanAdapter {
  exportSpans(spans) {
    return super.exportSpans(spans);
  }
}

class ApiPosts extends ApiSpanAdapter {
  postExportRequest(bytes) {
    return super.postExportRequest(bytes);
  }
}

class FileObjects extends FilesystemSpanAdapter {
  exportSpans(spans) {
    return super.exportSpans(spans);
  }
}

const way = (spans, make, more) => ({ span: spanOf[spans], make, ...more });
const collector = (spans, make, more) =>
  way(spans, (config) => make(collectorConfig(config)), { kind: 'collector', ...more });
const backend = (spans, make, more) =>
  way(spans, (config) => make(backendConfig(config)), { kind: 'backend', ...more });
const files = (spans, make, more) => way(spans, (config) => make(fileConfig(config)), { kind: 'files', ...more });

// Code of the user's or Node's own http makes the attempts: nothing does when the event loop has ended.
const NEEDS_LOOP = { needsLoop: true };

/** Ways that end in a request. */
const SENDING = {
  'OTLPTraceExporter.export': collector('otlp', (config) => direct(new OTLPTraceExporter(config))),
  'OTLPTraceExporter.exportSpans, JSON': collector('otlp', (config) => {
    const exporter = new OTLPTraceExporter({ protocol: 'http/json', ...config });
    const send = async (spans) => {
      const { error } = await exporter.exportSpans(spans);
      return { ok: error === undefined, error: error && Object.assign(new Error(error.message), error) };
    };
    return { send, ...ends(exporter) };
  }),
  'OTLPTraceExporter, transport node': collector(
    'otlp',
    (config) => direct(new OTLPTraceExporter({ transport: 'node', ...config })),
    NEEDS_LOOP,
  ),
  BatchSpanProcessor: collector('otlp', (config) => processed(new OTLPTraceExporter(config))),
  'TdSpanExporter to the API': backend('recorded', (config) => direct(new TdSpanExporter(config))),
  'TdSpanExporter to the API, transport fetch': backend('recorded', (config) =>
    direct(new TdSpanExporter({ transport: 'fetch', ...config })),
  ),
  'TdSpanExporter, subclass of ApiSpanAdapter': backend('recorded', (config) => recordingTo(ApiObjects, config)),
  'TdSpanExporter, postExportRequest overridden': backend(
    'recorded',
    (config) => recordingTo(ApiPosts, config),
    NEEDS_LOOP,
  ),
  'ApiSpanAdapter.exportSpans': backend('clean', (config) => objects(new ApiSpanAdapter(config))),
};

/** Ways that end in a file. */
const WRITING = {
  'FileSpanExporter.export': files('otlp', (config) => direct(new FileSpanExporter(config)), { isOtlp: true }),
  'FileSpanExporter, BatchSpanProcessor': files('otlp', (config) => processed(new FileSpanExporter(config)), {
    isOtlp: true,
  }),
  'TdSpanExporter to files': files('recorded', (config) => direct(new TdSpanExporter(config))),
  'TdSpanExporter, subclass of FilesystemSpanAdapter': files('recorded', (config) => recordingTo(FileObjects, config)),
  'FilesystemSpanAdapter.exportSpans': files('clean', (config) => objects(new FilesystemSpanAdapter(config))),
};

/** What a receiver answers to be believed. */
const acceptance = ({ kind }) => (kind === 'backend' ? { body: SUCCESS_RESPONSE } : 200);

/** Spans in a request. */
function spansIn({ kind }, { headers, body }) {
  if (kind === 'backend') return [...readFields(body)].filter(([number]) => number === 5).length;
  return countSpans(body, headers['content-type']);
}

module.exports = { acceptance, SENDING, spanOf, spansIn, WRITING };
