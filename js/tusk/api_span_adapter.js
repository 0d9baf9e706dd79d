'use strict';
// Owns the destination of remote recording: one request per export, what its outcome says about the backend, health.
// Refuses to send: attempts, their schedule and what an answer means are native (src/recorder), whatever way spans come.

const { resolveTls } = require('../config/tls.js');
const { dissectUrl, normaliseUserUrl, shownUrl } = require('../config/url.js');
const { diag } = require('../otel/diag.js');
const { hasBinding } = require('../native/binding.js');
const { readProcess } = require('../config/process.js');
const { configured, isItself, readOptions, refuseStrays, tellUnknown } = require('../config/options/read.js');
const { OPTIONS } = require('../config/options/table.js');
const { exportMillisOf } = require('./adapter_deadlines.js');
const {
  AdapterLanes,
  errorOf,
  NATIVE,
  nothingLeft,
  OF_EXPORTER,
  RECORDER,
  refusalOf,
  resultOf,
} = require('./adapter_lanes.js');
const { encodeRequest, encodeSpan } = require('./clean_span_proto.js');
const { markReported } = require('./reported_errors.js');
const { CircuitBreaker, NonRetryableError } = require('./resilience.js');
const { StandIns } = require('../guards/stand_ins.js');
const { FAILED } = require('./vocabulary.js');

const PATH = '/api/drift/tusk.drift.backend.v1.SpanExportService/ExportSpans';
const BREAKER = { failureThreshold: 5, resetTimeoutMs: 30000 };
const CONTENT_TYPE = 'application/protobuf';
const PART_BYTES = 8 << 20; // of a request that somebody else has encoded
// What never reached the backend says nothing about it.
const OWN_REASONS = [
  'queue_full',
  'bytes_full',
  'too_large',
  'shutdown_deadline',
  'after_shutdown',
  'environment_gone',
  'internal_error',
];

const standIns = new StandIns('adapter');
let own;

const NO_HEADER = Object.freeze({ observableServiceId: '', environment: '', sdkVersion: '', sdkInstanceId: '' });

class ApiSpanAdapter {
  static {
    own = (adapter) => (#config in adapter ? adapter : standIns.originalOf(adapter));
  }

  name = 'api';
  #config;
  #url;
  #headers;
  #lanes = null; // made with the first span: a URL that cannot be parsed fails the export, not the constructor
  #breaker = new CircuitBreaker(BREAKER);
  #failureCount = 0;
  #lastExportLatencyMs = null;
  #laneOptions;
  #rules;
  #poster = this; // whose `postExportRequest` makes attempts: this, or the last stand-in that had one of its own

  /**
   * @param {{ apiKey, tuskBackendBaseUrl, observableServiceId, environment?, sdkVersion, sdkInstanceId,
   *   exportTimeoutMillis }} config as the SDK's
   * @param {boolean} [config.failBatchOnBadSpan] a span that cannot be encoded fails the whole request
   * @param {boolean} [config.honorRetryAfter] wait as long as the backend asks, 30 s at most
   */
  constructor(config, maker) {
    const { queue, limits, exit, onError, process, ...options } = configured(() => {
      if (maker !== OF_EXPORTER) refuseStrays(RECORDER, config, isItself(new.target, ApiSpanAdapter));
      const read = readOptions(OPTIONS.ApiSpanAdapter, config);
      return { ...read, process: readProcess(read.process, true) };
    });
    if (maker !== OF_EXPORTER && isItself(new.target, ApiSpanAdapter)) tellUnknown(RECORDER, config);
    hasBinding(); // loaded here if it can be, and not in the first recorded request, in whose context it would stay
    this.#config = options;
    this.#rules = process;
    this.#url = `${options.tuskBackendBaseUrl}${PATH}`;
    this.#headers = [
      ['x-api-key', String(options.apiKey)],
      ['x-td-skip-instrumentation', 'true'],
      ['Accept', CONTENT_TYPE],
    ];
    this.#laneOptions = { queue, limits, exit, onError };
    if (options.transport === 'fetch') {
      diag.warn("Configuration: transport 'fetch' has no effect any more, requests are sent by Offloop's own sender");
    }
    standIns.sign(this);
  }

  /** The way without objects, unless somebody has put another method in the place of one of ours. */
  [NATIVE](adapter) {
    if (
      adapter !== this ||
      !(#config in this) ||
      this.exportSpans !== ApiSpanAdapter.prototype.exportSpans ||
      postsOtherwise(this)
    )
      return null;
    return (spans, encoding, rules) =>
      this.#guarded(async () => {
        const { environment } = this.#config;
        return judged(await this.#openLanes().export(spans, { ...encoding, environment }, rules));
      });
  }

  /** Encodes clean spans that already are objects, before it returns, and sends them. */
  async exportSpans(spans) {
    return own(this).#exportObjects(spans, this);
  }

  getHealthSnapshot() {
    return own(this).#health();
  }

  /** What the rules of `process` have done. */
  stats() {
    return own(this).#lanes?.stats() ?? {};
  }

  async forceFlush() {
    await own(this).#lanes?.forceFlush();
  }

  /** Waits for the requests under way, their retries included. Spans that come later are still sent. */
  async shutdown() {
    await own(this).#lanes?.shutdown();
  }

  /**
   * One attempt to send a whole request. To send it otherwise, through a proxy for instance, put another method here; the
   * attempts, their waits and the breaker stay ours.
   * @throws {NonRetryableError} if the backend refuses the request for good
   */
  async postExportRequest(requestBytes) {
    await own(this).#post(requestBytes);
  }

  /** `caller` is this or what stands in for it: its `postExportRequest` counts. */
  #exportObjects(spans, caller) {
    return this.#guarded(async () => {
      const refusal = refusalOf(this.#rules, spans, () => 'ApiSpanAdapter.exportSpans()');
      if (refusal !== null) return { code: FAILED, error: refusal, isVerdict: false };
      const { parts, invalid } = this.#encode(spans);
      if (parts.length === 0) return { ...nothingLeft(invalid), isVerdict: false };
      const asked = { output: 'prepared_request', isPosted: postsOtherwise(caller) };
      if (asked.isPosted) this.#poster = caller;
      return judged(await this.#openLanes().exportPrepared(parts, asked), invalid);
    });
  }

  #health() {
    return {
      failureCount: this.#failureCount,
      timeoutCount: this.#lanes?.attemptTimeouts ?? 0,
      circuitState: this.#breaker.getState(),
      lastExportLatencyMs: this.#lastExportLatencyMs,
    };
  }

  async #post(requestBytes) {
    const refusal = refusalOf(this.#rules, null, () => 'ApiSpanAdapter.postExportRequest()');
    if (refusal !== null) throw refusal;
    const parts = [];
    for (let at = 0; at === 0 || at < requestBytes.length; at += PART_BYTES) {
      parts.push({ printed: requestBytes.subarray(at, at + PART_BYTES) });
    }
    const asked = { output: 'prepared_request', apiAttempts: 1 };
    const { error } = await this.#openLanes().exportPrepared(parts, asked);
    if (error === undefined) return;
    const isFinal = /^[1-4]\d\d$/.test(error.code);
    throw isFinal ? Object.assign(new NonRetryableError(error.message), { code: error.code }) : errorOf(error);
  }

  /** The request in parts, one for each span. A span that protobuf cannot hold costs only itself. */
  #encode(spans) {
    const { environment, failBatchOnBadSpan } = this.#config;
    const parts = [];
    let invalid = 0;
    for (const span of spans) {
      try {
        const header = parts.length === 0 ? this.#config : NO_HEADER;
        parts.push({ printed: encodeRequest(header, [encodeSpan(span, environment)]) });
      } catch (error) {
        if (failBatchOnBadSpan) throw error;
        invalid += 1;
      }
    }
    if (invalid > 0)
      diag.warn(
        `Offloop: ${invalid} spans for ${shownUrl(this.#url)} were dropped because they could not be encoded as protobuf (invalid)`,
      );
    else if (parts.length === 0) parts.push({ printed: encodeRequest(this.#config, []) });
    return { parts, invalid };
  }

  #openLanes() {
    this.#lanes ??= new AdapterLanes(this.#laneSettings());
    return this.#lanes;
  }

  /** Asks the breaker, keeps the books. `attempt` answers a result or throws. */
  async #guarded(attempt) {
    if (!this.#breaker.allowRequest()) {
      const error = new Error('Remote export circuit breaker is open');
      diag.warn(error.message);
      return { code: FAILED, error: markReported(error) };
    }
    const startedAtMillis = Date.now();
    let result;
    try {
      result = await attempt();
    } catch (thrown) {
      result = { code: FAILED, error: thrown instanceof Error ? thrown : new Error('API export failed') };
    }
    const { isVerdict = true, ...answer } = result;
    this.#lastExportLatencyMs = Date.now() - startedAtMillis;
    if (answer.code === FAILED) {
      this.#failureCount += 1;
      if (isVerdict) this.#breaker.recordFailure();
      diag.error('Failed to export spans to remote:', markReported(answer.error));
    } else if (isVerdict) {
      this.#breaker.recordSuccess();
    }
    return answer;
  }

  #laneSettings() {
    const { observableServiceId, sdkVersion, sdkInstanceId, honorRetryAfter } = this.#config;
    // An error of the URL class would show the credentials in what it could not parse.
    const { scheme, endpoint, authorization } = dissectUrl(normaliseUserUrl(this.#url));
    const attemptMillis = this.#config.exportTimeoutMillis;
    const exportMillis = exportMillisOf(attemptMillis, honorRetryAfter);
    return {
      native: {
        sink: 'drift_api',
        endpoint,
        url: endpoint,
        contentType: CONTENT_TYPE,
        userAgent: 'offloop',
        headers: authorization === null ? this.#headers : [...this.#headers, ['Authorization', authorization]],
        headerSource: 'static',
        timeoutMillis: exportMillis + 1000, // the sink's own limits come first
        attemptTimeoutMillis: attemptMillis,
        honorRetryAfter,
        drift: {
          output: 'request',
          observableServiceId: String(observableServiceId ?? ''),
          sdkVersion: String(sdkVersion ?? ''),
          sdkInstanceId: String(sdkInstanceId ?? ''),
        },
      },
      // As Node itself connects: the roots and variables of this process.
      tls: scheme === 'https:' ? resolveTls({}).settings : null,
      holdMillis: exportMillis + 2000,
      post: (bytes) => this.#poster.postExportRequest(bytes),
      own: this.#laneOptions,
      rules: this.#rules,
    };
  }
}

/** Whether somebody has put another `postExportRequest` in the place of ours. */
function postsOtherwise(adapter) {
  return adapter.postExportRequest !== ApiSpanAdapter.prototype.postExportRequest;
}

/** What an outcome is to the caller, and whether it says anything about the backend. */
function judged(outcome, invalidBefore = 0) {
  const isOwn = OWN_REASONS.some((reason) => outcome.dropped[reason] > 0);
  return { ...resultOf(outcome, invalidBefore), isVerdict: outcome.attempts > 0 && !isOwn };
}

module.exports = { ApiSpanAdapter };
