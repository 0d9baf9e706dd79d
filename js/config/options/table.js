'use strict';
// Owns the one list of options: name, type, range, unit and default of each, for every class, call and variable.
// Values are read by it (read.js); the declaration files and the pages are compared with it (__test__/config/option_table.test.js).
// Refuses to hold defaults of its own where the core has them: those rows name the core's.

const kinds = require('./kinds.js');

const MAX_TIMER_MILLIS = 2 ** 31 - 1; // the longest that a timer of Node takes
const DAY_MILLIS = 24 * 3600 * 1000; // the longest that a native deadline takes
const MANY = 2 ** 32 - 1; // counters of attempts and files are 32 bits wide

/** `fallback`: used where the option is absent. `standard`: how the default is written down, where it is no such value. */
const row = (kind, { unit = '', fallback, standard } = {}) => Object.freeze({ kind, unit, fallback, standard });

const ofCore = (standard) => ({ standard });
const millis = { unit: 'ms' };
// A longer time than a day is a day.
const span = kinds.integer(0, { max: MAX_TIMER_MILLIS, cap: DAY_MILLIS });
const timer = kinds.quantity({ floor: 0, cap: MAX_TIMER_MILLIS });

const queue = {
  'queue.maxSpans': row(kinds.integer(1), { unit: 'spans', ...ofCore(16384) }),
  'queue.maxBytes': row(kinds.integer(1), { unit: 'bytes', ...ofCore('64 MiB') }),
  'queue.overflow': row(kinds.oneOf('drop-newest', 'drop-oldest'), ofCore("'drop-newest'")),
};
const limits = {
  'limits.maxSpanBytes': row(kinds.integer(1), { unit: 'bytes', standard: '16 MiB' }),
  'limits.maxAttributeBytes': row(kinds.integer(1), { unit: 'bytes', standard: 'none' }),
};
const retry = {
  'retry.maxElapsedMillis': row(span, { ...millis, ...ofCore('`timeoutMillis`') }),
  'retry.maxAttempts': row(kinds.integer(1, { cap: MANY }), {
    unit: 'attempts',
    ...ofCore('6, with `maxElapsedMillis` no limit'),
  }),
};
const grpc = {
  'grpc.maxSendMessageBytes': row(kinds.integer(1, { cap: MANY }), { unit: 'bytes', ...ofCore('4 MiB') }),
  'grpc.maxReceiveMessageBytes': row(kinds.integer(1, { cap: MANY }), { unit: 'bytes', ...ofCore('4 MiB') }),
  'grpc.keepAlivePingMillis': row(kinds.integer(1, { max: MAX_TIMER_MILLIS, cap: DAY_MILLIS }), {
    ...millis,
    standard: 'none',
  }),
  'grpc.keepAlivePingTimeoutMillis': row(kinds.integer(1, { max: MAX_TIMER_MILLIS, cap: DAY_MILLIS }), {
    ...millis,
    ...ofCore(20000),
  }),
};
const exit = {
  'exit.drainMillis': row(span, { ...millis, fallback: 2000 }),
  'exit.blockMillis': row(span, { ...millis, fallback: 500 }),
  'exit.signals': row(kinds.signals, { fallback: Object.freeze([]), standard: '`[]`' }),
};
const onError = { onError: row(kinds.func, { standard: '–' }) };
const onHealth = { onHealth: row(kinds.func, { standard: '–' }) };
const selfObsMeterProvider = row(kinds.meterProvider, { standard: '–' });

// Its members are read by ../process/, which throws by itself.
const rules = { process: row(kinds.asStock('object'), { standard: 'none' }) };

/** What every class with a native lane takes. */
const LANE = { ...queue, ...limits, ...exit, ...onError };

const STOCK_EXPORTER = {
  url: row(kinds.asStock('text'), { standard: '`http://localhost:4318/v1/traces`' }),
  headers: row(kinds.asStock('object or function'), { standard: 'none' }),
  timeoutMillis: row(kinds.asStock('number', 'more than 0'), { ...millis, standard: 10000 }),
  concurrencyLimit: row(kinds.comparable, { unit: 'exports', standard: 'none' }),
  compression: row(kinds.asStock('text', "'none', 'gzip', 'zstd', 'auto'"), { standard: "'none'" }),
  keepAlive: row(kinds.asStock('boolean'), { standard: '`true`' }),
  httpAgentOptions: row(kinds.asStock('object or function'), { standard: "Node's" }),
  userAgent: row(kinds.userAgent, { standard: '–' }),
  selfObsMeterProvider,
  // Of the stock exporter over gRPC.
  metadata: row(kinds.asStock('object or function'), { standard: 'none' }),
  credentials: row(kinds.asStock('object'), { standard: 'as the URL says' }),
};

/** What the stock exporters do not have. */
const OWN = {
  transport: row(kinds.oneOf('native', 'node'), { standard: 'automatic' }),
  proxy: row(kinds.proxy, { standard: 'none' }),
  ...queue,
  ...limits,
  ...retry,
  ...exit,
  ...grpc,
  maxConcurrency: row(kinds.integer(1, { max: 64 }), { unit: 'requests', ...ofCore(4) }),
  ...onError,
  ...onHealth,
  ...rules,
};

const OTLPTraceExporter = {
  ...STOCK_EXPORTER,
  protocol: row(kinds.oneOf('http/protobuf', 'http/json', 'grpc', 'env'), { standard: "'http/protobuf'" }),
  ...OWN,
};

const FileSpanExporter = {
  directory: row(kinds.path, { standard: 'required' }),
  format: row(kinds.oneOf('otlp-json'), { standard: "'otlp-json'" }),
  compression: row(kinds.oneOf('none', 'gzip', 'zstd'), { standard: "'none'" }),
  maxFiles: row(kinds.integer(1, { cap: MANY }), { unit: 'files', ...ofCore(10) }),
  maxFileBytes: row(kinds.integer(1), { unit: 'bytes', ...ofCore('64 MiB') }),
  maxAgeMillis: row(kinds.integer(1000), { ...millis, standard: 'none' }),
  selfObsMeterProvider,
  ...LANE,
  ...onHealth,
  ...rules,
};

const BatchSpanProcessor = {
  exporter: row(kinds.withMethods('export'), { standard: 'required' }),
  // As the SDK's queue compares: 1.5 is room for two spans, less than 1 is room for none.
  maxQueueSize: row(kinds.quantity({ cap: Infinity, round: Math.ceil }), {
    unit: 'spans',
    standard: "2048, or the exporter's own bound",
  }),
  maxExportBatchSize: row(kinds.quantity({ min: 1, round: Math.floor }), { unit: 'spans', fallback: 512 }),
  scheduledDelayMillis: row(timer, { ...millis, fallback: 5000 }),
  exportTimeoutMillis: row(timer, { ...millis, fallback: 30000 }),
  selfObsMeterProvider,
};

const EventLoopMonitor = {
  thresholdMillis: row(kinds.number(1, DAY_MILLIS), { ...millis, fallback: 100 }),
  criticalMillis: row(kinds.number(1, DAY_MILLIS), { ...millis, fallback: 1000 }),
  exporter: row(kinds.withMethods('export'), { standard: '–' }),
  processor: row(kinds.withMethods('onEnd'), { standard: '–' }),
  onBlock: row(kinds.func, { standard: '–' }),
  stacks: row(kinds.boolean, { fallback: true }),
  maxPerMinute: row(kinds.integer(1, { cap: MANY }), { unit: 'spans', fallback: 60 }),
  resource: row(kinds.resource, { standard: 'that of your spans' }),
  meterProvider: row(kinds.withMethods('getMeter'), { standard: '–' }),
};

/** Options of the calls `forceFlush()` and `shutdown()` of an exporter. */
const wait = row(timer, { ...millis, fallback: 30000 });
const forceFlush = {
  timeoutMillis: wait,
  mode: row(kinds.oneOf('terminal', 'attempt'), { fallback: 'terminal' }),
};
const shutdown = { timeoutMillis: wait };

/** A batch of none would make the recorder's processor spin. */
const DriftBatchSpanProcessor = {
  'config.maxQueueSize': row(kinds.quantity({ round: Math.ceil }), { unit: 'spans', standard: 'required' }),
  'config.maxExportBatchSize': row(kinds.quantity({ min: 1, round: Math.floor }), {
    unit: 'spans',
    standard: 'required',
  }),
  'config.scheduledDelayMillis': row(timer, { ...millis, standard: 'required' }),
  'config.exportTimeoutMillis': row(timer, { ...millis, standard: "30000, or the exporter's own limit" }),
};

const flag = row(kinds.boolean, { fallback: false });
const name = row(kinds.text, { standard: 'required' });
const attemptTimeout = row(kinds.quantity({ floor: 1, cap: MAX_TIMER_MILLIS }), { ...millis, fallback: 30000 });

// A full batch of the recorder may hold 512 spans of 1 MiB, as UTF-16.
const ADAPTER_LANE = {
  ...LANE,
  'queue.maxBytes': row(kinds.integer(1), { unit: 'bytes', fallback: 256 << 20, standard: '256 MiB' }),
};

/** Where the recorder's spans go; its exporter hands its own configuration to one of the two. */
const FilesystemSpanAdapter = {
  baseDirectory: row(kinds.path, { standard: 'required' }),
  failBatchOnBadSpan: flag,
  ...ADAPTER_LANE,
  ...rules,
};
const ApiSpanAdapter = {
  apiKey: name,
  tuskBackendBaseUrl: name,
  observableServiceId: name,
  environment: row(kinds.text, { standard: '–' }),
  sdkVersion: name,
  sdkInstanceId: name,
  exportTimeoutMillis: attemptTimeout,
  failBatchOnBadSpan: flag,
  honorRetryAfter: flag,
  transport: row(kinds.oneOf('native', 'fetch'), { fallback: 'native' }),
  ...ADAPTER_LANE,
  ...rules,
};
const TdSpanExporter = {
  // As the SDK asks: only RECORD exports, and whatever counts as true asks for the backend.
  mode: row(kinds.asStock('text', "'DISABLED', 'RECORD', 'REPLAY'"), { standard: 'required' }),
  useRemoteExport: row(kinds.asStock('boolean'), { standard: 'required' }),
  environment: row(kinds.text, { standard: '–' }),
  exportTimeoutMillis: attemptTimeout,
  honorRetryAfter: flag,
  failBatchOnBadSpan: flag,
  ignoreSinkErrors: flag,
  protoSpanBytes: flag,
  traceBlockingManager: row(kinds.withMethods('isTraceBlocked', 'blockTrace'), {
    standard: 'the one of this process',
  }),
  ...rules,
};

/** Variables that hold the value of an option, as text. What they cannot mean is told, and the default holds. */
const VARIABLES = {
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: ['BatchSpanProcessor', 'maxExportBatchSize'],
  OTEL_BSP_MAX_QUEUE_SIZE: ['BatchSpanProcessor', 'maxQueueSize'],
  OTEL_BSP_SCHEDULE_DELAY: ['BatchSpanProcessor', 'scheduledDelayMillis'],
  OTEL_BSP_EXPORT_TIMEOUT: ['BatchSpanProcessor', 'exportTimeoutMillis'],
  OFFLOOP_EVENT_LOOP_THRESHOLD_MILLIS: ['EventLoopMonitor', 'thresholdMillis'],
};

const OPTIONS = {
  OTLPTraceExporter,
  FileSpanExporter,
  BatchSpanProcessor,
  EventLoopMonitor,
  forceFlush,
  shutdown,
  TdSpanExporter,
  ApiSpanAdapter,
  FilesystemSpanAdapter,
  DriftBatchSpanProcessor,
};

module.exports = { OPTIONS, OWN, VARIABLES };
