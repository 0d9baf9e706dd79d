'use strict';
// Owns what OFFLOOP_FALLBACK=stock asks for where the native addon does not load: exporters that delegate to the stock
// packages, with one warning. Refuses to imitate what the stock exporter does not do: queue, retry and exit options have
// no effect.

const { hasBinding, loadBinding } = require('../native/binding.js');
const { defaultsFor, isPublic, protocolOf } = require('../config/resolve_config.js');
const { dissectUrl, withoutQuery } = require('../config/url.js');
const { diag, exportBegins } = require('../otel/diag.js');
const {
  configured,
  readCallOptions,
  readOption,
  readOptions,
  refuseStrays,
  tellUnknown,
} = require('../config/options/read.js');
const { OPTIONS, OWN } = require('../config/options/table.js');
const { refuseProcess } = require('../config/process.js');
const { soon } = require('../guards/timers.js');
const { stockGrpcOptions } = require('./grpc_options.js');

const PACKAGES = {
  'http/protobuf': '@opentelemetry/exporter-trace-otlp-proto',
  'http/json': '@opentelemetry/exporter-trace-otlp-http',
  grpc: '@opentelemetry/exporter-trace-otlp-grpc',
};
const SUCCESS = 0;
const FAILED = 1;
const COMPRESSIONS = new Set(['none', 'gzip']);

let warned = false;

/** Whether the stock exporter takes our place in this process. */
function isFallback() {
  return process.env.OFFLOOP_FALLBACK?.trim().toLowerCase() === 'stock' && !hasBinding();
}

/** The public class over the stock exporter of the same wire format. */
class StockTraceExporter {
  #exporter;
  #onError;
  #endpoint;
  #counts = { offered: 0, delivered: 0, dropped: 0, afterShutdown: 0 };
  #underWay = 0;
  #isShutdown = false;

  /** @throws {Error} why the addon did not load, if the stock package is not there either */
  constructor(config = {}) {
    const { protocol, signal, fixedProtocol } = defaultsFor(new.target);
    const isOfClass = isPublic(new.target, StockTraceExporter);
    const { name, onError, proxy } = configured(() => {
      refuseStrays(OPTIONS.OTLPTraceExporter, config, isOfClass);
      const wanted = fixedProtocol ? undefined : config.protocol;
      const known = readOption('protocol', OPTIONS.OTLPTraceExporter.protocol, wanted) ?? protocol;
      // An error tells what is wrong on every platform.
      const own = readOptions(OWN, config);
      refuseProcess(own.process, 'the stock exporter (OFFLOOP_FALLBACK=stock)');
      return { name: PACKAGES[protocolOf(known, signal)], ...own };
    });
    const { Class, file } = loadStock(name);
    this.#exporter = configured(() => {
      const { compression, userAgent } = config;
      const given = name === PACKAGES.grpc ? stockGrpcOptions(config, !fixedProtocol, file) : config;
      const without = {};
      if (!COMPRESSIONS.has(compression)) without.compression = undefined;
      if (userAgent === true) without.userAgent = undefined; // it says that Offloop sends
      return new Class({ ...given, ...without });
    });
    if (isOfClass) tellUnknown(OPTIONS.OTLPTraceExporter, config);
    if (proxy) diag.warn('Offloop: the option proxy has no effect with OFFLOOP_FALLBACK=stock');
    this.#onError = onError;
    this.#endpoint = endpointOf(config.url);
    if (!warned) diag.warn(`${explanation().message} Spans go through ${name} (OFFLOOP_FALLBACK=stock).`);
    warned = true;
  }

  /** Never throws. */
  export(spans, resultCallback) {
    if (Array.isArray(spans)) {
      this.#send(spans, resultCallback);
      return;
    }
    const error = new TypeError('export expects an array of spans');
    soon(() => answer(resultCallback, { code: FAILED, error }));
  }

  exportSpans(spans) {
    if (!Array.isArray(spans)) return Promise.reject(new TypeError('exportSpans expects an array of spans'));
    return new Promise((resolve) => {
      this.#send(spans, ({ code, error }) => resolve(outcomeOf(spans.length, code, error, this.#isShutdown)));
    });
  }

  async forceFlush(options) {
    readCallOptions(OPTIONS.forceFlush, options);
    await this.#exporter.forceFlush?.();
    return { timedOut: false, outstanding: this.stats().pending };
  }

  async shutdown(options) {
    readCallOptions(OPTIONS.shutdown, options);
    this.#isShutdown = true;
    await this.#exporter.shutdown();
  }

  stats() {
    const { offered, delivered, dropped, afterShutdown } = this.#counts;
    const accepted = offered - afterShutdown;
    return {
      offered,
      accepted,
      refused: afterShutdown > 0 ? { after_shutdown: afterShutdown } : {},
      delivered,
      rejected: 0,
      dropped: dropped > 0 ? { non_retryable: dropped } : {},
      pending: accepted - delivered - dropped,
      pendingBytes: 0,
      inFlight: this.#underWay,
      requests: 0,
      sentBytes: 0,
      retries: 0,
      breaker: 'closed',
      lastExportLatencyMillis: null,
      threads: 0,
    };
  }

  /** The stock exporter does not tell. */
  health() {
    return { state: 'ok', since: null, lastFailure: null, endpoint: withoutQuery(this.#endpoint) };
  }

  [Symbol.asyncDispose]() {
    return this.shutdown();
  }

  #send(spans, resultCallback) {
    exportBegins();
    const counts = this.#counts;
    counts.offered += spans.length;
    if (this.#isShutdown) {
      counts.afterShutdown += spans.length;
      answer(resultCallback, { code: FAILED, error: new Error('Export failed: the exporter is shut down') });
      return;
    }
    const count = spans.length;
    this.#underWay += 1;
    const finish = (result) => {
      this.#underWay -= 1;
      if (result.code === SUCCESS) {
        counts.delivered += count;
      } else {
        counts.dropped += count;
        this.#tell(count, result.error);
      }
      answer(resultCallback, result);
    };
    try {
      this.#exporter.export(spans, finish);
    } catch (error) {
      finish({ code: FAILED, error }); // it throws on a span that it cannot read
    }
  }

  #tell(spans, error) {
    const { message, code } = describe(error);
    try {
      this.#onError?.({ reason: 'non_retryable', spans, attempts: 1, code, message, endpoint: this.#endpoint });
    } catch (thrown) {
      diag.error('onError threw', thrown);
    }
  }
}
Object.defineProperty(StockTraceExporter, 'name', { value: 'OTLPTraceExporter' });

function answer(resultCallback, result) {
  try {
    resultCallback(result);
  } catch (error) {
    diag.error('Offloop: the result callback threw', error);
  }
}

/** As the native exporter shows it: without credentials. */
function endpointOf(url) {
  return url != null && URL.canParse(url) ? dissectUrl(url).endpoint : '';
}

function loadStock(name) {
  let loaded;
  let file;
  try {
    // Strict package managers hide it from us, not from the application.
    const paths = [__dirname, require.main?.path, process.cwd()].filter(Boolean);
    file = require.resolve(name, { paths });
    loaded = require(file).OTLPTraceExporter;
  } catch {
    // Said below: it is the addon that is missing, the package is only its substitute.
  }
  // An npm override makes that name ours.
  if (loaded !== undefined && !isOurs(loaded)) return { Class: loaded, file };
  const error = explanation();
  error.message += ` OFFLOOP_FALLBACK=stock needs ${name}, which is not installed.`;
  throw error;
}

function isOurs(exporterClass) {
  return exporterClass === StockTraceExporter || exporterClass.prototype instanceof StockTraceExporter;
}

function explanation() {
  try {
    loadBinding();
  } catch (error) {
    return error;
  }
  return new Error('offloop: the stock exporter was asked for.');
}

function outcomeOf(spans, code, error, isShutdown) {
  if (code === SUCCESS) return { delivered: spans, rejected: 0, dropped: {}, attempts: 1 };
  const reason = isShutdown ? 'after_shutdown' : 'non_retryable';
  return { delivered: 0, rejected: 0, dropped: { [reason]: spans }, attempts: 1, error: describe(error) };
}

function describe(error) {
  const code = error?.code === undefined ? 'internal_error' : String(error.code);
  const httpStatus = Number.isInteger(error?.code) ? { httpStatus: error.code } : {};
  return { code, message: error?.message ?? 'Export failed', ...httpStatus };
}

module.exports = { isFallback, StockTraceExporter };
