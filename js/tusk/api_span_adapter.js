'use strict';
// Owns the destination of remote recording: one request per export, what counts as a success, health.
// Refuses to encode and send on the loop when it is left as it is: then both are native (src/sink/drift_api.rs).

const { resolveTls } = require('../config_tls.js');
const { diag } = require('../diag.js');
const { readOptions } = require('../options/read.js');
const { OPTIONS } = require('../options/table.js');
const { AdapterLanes, NATIVE, resultOf } = require('./adapter_lanes.js');
const { decodeResponse, encodeRequest, encodeSpan } = require('./clean_span_proto.js');
const { markReported } = require('./reported_errors.js');
const { CircuitBreaker, NonRetryableError, withRetries } = require('./resilience.js');
const { FAILED, SUCCESS } = require('./vocabulary.js');

const PATH = '/api/drift/tusk.drift.backend.v1.SpanExportService/ExportSpans';
const RETRY = { maxAttempts: 3, initialDelayMs: 500, maxDelayMs: 4000 };
const BREAKER = { failureThreshold: 5, resetTimeoutMs: 30000 };
const RETRY_WAITS_MILLIS = 1500; // before the second and the third attempt together
const MAX_RETRY_AFTER_MILLIS = 30000; // each of two, as in src/sink/drift_api.rs
const CONTENT_TYPE = 'application/protobuf';
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

class ApiSpanAdapter {
  name = 'api';
  #config;
  #url;
  #headers;
  #lanes = null; // made with the first span: a URL that cannot be parsed fails the export, not the constructor
  #breaker = new CircuitBreaker(BREAKER);
  #failureCount = 0;
  #timeoutCount = 0; // of attempts made through `fetch`
  #lastExportLatencyMs = null;
  #own;

  /**
   * @param {{ apiKey, tuskBackendBaseUrl, observableServiceId, environment?, sdkVersion, sdkInstanceId,
   *   exportTimeoutMillis }} config as the SDK's
   * @param {'native' | 'fetch'} [config.transport] `fetch`: encode and send on the loop, through the global `fetch`
   * @param {boolean} [config.failBatchOnBadSpan] a span that cannot be encoded fails the whole request
   * @param {boolean} [config.honorRetryAfter] wait as long as the backend asks, 30 s at most
   */
  constructor(config) {
    const { queue, limits, exit, onError, ...own } = readOptions(OPTIONS.ApiSpanAdapter, config);
    this.#config = own;
    this.#url = `${own.tuskBackendBaseUrl}${PATH}`;
    this.#headers = [
      ['x-api-key', String(own.apiKey)],
      ['x-td-skip-instrumentation', 'true'],
      ['Accept', CONTENT_TYPE],
    ];
    this.#own = { queue, limits, exit, onError };
  }

  /** The native way, unless somebody has put another method in the place of one of ours. */
  [NATIVE]() {
    if (!(#config in this) || this.#config.transport === 'fetch') return null;
    const { exportSpans, postExportRequest } = ApiSpanAdapter.prototype;
    if (this.exportSpans !== exportSpans || this.postExportRequest !== postExportRequest) return null;
    return (spans, encoding) => this.#exportNatively(spans, encoding);
  }

  /** Encodes and posts clean spans that already are objects, on this thread. */
  exportSpans(spans) {
    return this.#guarded(async () => {
      const { encoded, invalid } = this.#encode(spans);
      if (encoded.length === 0 && invalid > 0) return { code: SUCCESS, invalid, isVerdict: false };
      const bytes = encodeRequest(this.#config, encoded);
      await withRetries(() => this.postExportRequest(bytes), RETRY);
      return { code: SUCCESS, invalid };
    });
  }

  getHealthSnapshot() {
    return {
      failureCount: this.#failureCount,
      timeoutCount: this.#timeoutCount + (this.#lanes?.attemptTimeouts ?? 0),
      circuitState: this.#breaker.getState(),
      lastExportLatencyMs: this.#lastExportLatencyMs,
    };
  }

  async forceFlush() {
    await this.#lanes?.forceFlush();
  }

  /** Waits for the requests under way, their retries included. Spans that come later are still sent. */
  async shutdown() {
    await this.#lanes?.shutdown();
  }

  /**
   * One attempt through `fetch`.
   * @throws {NonRetryableError} if the backend refuses the request for good
   */
  async postExportRequest(requestBytes) {
    const controller = new AbortController();
    const timeoutError = new Error('Remote export timed out');
    const timer = setTimeout(() => controller.abort(timeoutError), this.#config.exportTimeoutMillis);
    try {
      const response = await fetch(this.#url, {
        method: 'POST',
        headers: { ...Object.fromEntries(this.#headers), 'Content-Type': CONTENT_TYPE },
        body: requestBytes,
        signal: controller.signal,
      });
      const { status } = response;
      if (status !== 200) {
        const Failure = status >= 500 ? Error : NonRetryableError;
        throw new Failure(`Remote export failed with status ${status}`);
      }
      const { success, message } = decodeResponse(Buffer.from(await response.arrayBuffer()));
      if (!success) throw new Error(`Remote export failed: ${message}`);
    } catch (error) {
      if (error === timeoutError || error?.name === 'AbortError') this.#timeoutCount += 1;
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** A span that protobuf cannot hold costs only itself. */
  #encode(spans) {
    const { environment, failBatchOnBadSpan } = this.#config;
    const encoded = [];
    let invalid = 0;
    for (const span of spans) {
      try {
        encoded.push(encodeSpan(span, environment));
      } catch (error) {
        if (failBatchOnBadSpan) throw error;
        invalid += 1;
      }
    }
    if (invalid > 0) diag.warn(`Offloop: ${invalid} spans do not fit the request`);
    return { encoded, invalid };
  }

  #exportNatively(spans, encoding) {
    return this.#guarded(async () => {
      this.#lanes ??= new AdapterLanes(this.#laneSettings());
      const outcome = await this.#lanes.export(spans, { ...encoding, environment: this.#config.environment });
      const result = resultOf(outcome);
      const isOwn = OWN_REASONS.some((reason) => outcome.dropped[reason] > 0);
      const isAsked = outcome.delivered > 0 || result.code === FAILED;
      return { ...result, isVerdict: isAsked && !isOwn };
    });
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
    const url = new URL(this.#url);
    const attemptMillis = this.#config.exportTimeoutMillis;
    const waitsMillis = honorRetryAfter ? 2 * MAX_RETRY_AFTER_MILLIS : RETRY_WAITS_MILLIS;
    const exportMillis = RETRY.maxAttempts * attemptMillis + waitsMillis;
    return {
      native: {
        sink: 'drift_api',
        endpoint: `${url.origin}${url.pathname}`,
        url: url.href,
        contentType: CONTENT_TYPE,
        userAgent: 'offloop',
        headers: this.#headers,
        headerSource: 'static',
        tls: url.protocol === 'https:' ? nativeTls() : undefined,
        timeoutMillis: exportMillis + 1000, // the sink's own limits come first
        attemptTimeoutMillis: attemptMillis,
        honorRetryAfter,
        drift: {
          output: 'request',
          observableServiceId: String(observableServiceId),
          sdkVersion: String(sdkVersion),
          sdkInstanceId: String(sdkInstanceId),
        },
      },
      holdMillis: exportMillis + 2000,
      own: this.#own,
    };
  }
}

/** As `fetch` would connect: the roots and variables of this process. */
function nativeTls() {
  const { settings } = resolveTls({});
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, value ?? undefined]));
}

module.exports = { ApiSpanAdapter };
