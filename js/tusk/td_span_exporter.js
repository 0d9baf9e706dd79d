'use strict';
// Owns one export call of the recorder: which spans, which adapters, one answer.
// Refuses to transform on the loop what an adapter can take natively; objects are made only for adapters that want them.

const { diag } = require('../otel/diag.js');
const { readOptions } = require('../config/options/read.js');
const { OPTIONS } = require('../config/options/table.js');
const { contained } = require('../guards/user_code.js');
const { ApiSpanAdapter } = require('./api_span_adapter.js');
const { NATIVE, NOTHING_LEFT, nothingLeft } = require('./adapter_lanes.js');
const { encodeSpan } = require('./clean_span_proto.js');
const { FilesystemSpanAdapter } = require('./filesystem_span_adapter.js');
const { filterSpans } = require('./span_filter.js');
const { SpanTransformer } = require('./span_transformer.js');
const { TraceBlockingManager } = require('./trace_blocking_manager.js');
const { FAILED, SUCCESS, TuskDriftMode } = require('./vocabulary.js');
const { now, setImmediate } = require('../guards/timers.js');

const SPANS_PER_TURN = 20;
const TURN_MILLIS = 2; // one span of a megabyte takes longer
const NOTHING_MADE = Object.freeze({ results: [], unreadable: 0, isNothingLeft: false });

class TdSpanExporter {
  #config;
  #handing = new Set(); // exports whose objects are being made
  // Public by name only: tests of the SDK put adapters of their own there.
  adapters = [];

  /** @param {object} config as the SDK's; our own options are in tusk.d.ts */
  constructor(config) {
    this.#config = readOptions(OPTIONS.TdSpanExporter, config);
    const { useRemoteExport, apiKey, observableServiceId } = config;
    const isRemote = useRemoteExport && apiKey && observableServiceId;
    this.addAdapter(isRemote ? new ApiSpanAdapter(config) : new FilesystemSpanAdapter(config));
  }

  /** Reads the spans before it returns if every adapter is native. The callback runs once, never inside this call. */
  export(spans, resultCallback) {
    this.#export(spans).then(
      () => answer(resultCallback, { code: SUCCESS }),
      (error) => answer(resultCallback, { code: FAILED, error }),
    );
  }

  getAdapters() {
    return this.adapters;
  }

  addAdapter(adapter) {
    this.adapters.push(adapter);
  }

  removeAdapter(adapter) {
    const index = this.adapters.indexOf(adapter);
    if (index !== -1) this.adapters.splice(index, 1);
  }

  clearAdapters() {
    this.adapters = [];
  }

  /** Sums over the remote adapters, for the adaptive sampler. */
  getHealthSnapshot() {
    const health = { failureCount: 0, timeoutCount: 0, circuitOpen: false, lastExportLatencyMs: null };
    for (const adapter of this.adapters) {
      if (!(adapter instanceof ApiSpanAdapter)) continue;
      const { failureCount, timeoutCount, circuitState, lastExportLatencyMs } = adapter.getHealthSnapshot();
      health.failureCount += failureCount;
      health.timeoutCount += timeoutCount;
      health.circuitOpen ||= circuitState === 'open';
      if (lastExportLatencyMs !== null) {
        health.lastExportLatencyMs = Math.max(health.lastExportLatencyMs ?? lastExportLatencyMs, lastExportLatencyMs);
      }
    }
    return health;
  }

  /** Shuts every adapter down. The built-in ones deliver what is on its way first, and work again if spans come. */
  async shutdown() {
    if (this.#handing.size > 0) await Promise.allSettled(this.#handing);
    await Promise.all(this.adapters.map(async (adapter) => adapter.shutdown()));
  }

  /** Waits for what the built-in adapters have on its way. */
  async forceFlush() {
    if (this.#handing.size > 0) await Promise.allSettled(this.#handing);
    await Promise.all(this.adapters.map(async (adapter) => adapter.forceFlush?.()));
  }

  async #export(spans) {
    const { mode, environment, failBatchOnBadSpan, traceBlockingManager } = this.#config;
    if (mode !== TuskDriftMode.RECORD) return;
    const manager = traceBlockingManager ?? TraceBlockingManager.getInstance();
    const { kept, unreadable } = filterSpans(spans, manager, failBatchOnBadSpan);
    if (kept.length === 0 && unreadable > 0) throw unrecorded(unreadable);
    const results = [];
    const others = [];
    for (const adapter of this.adapters) {
      // Nothing to read: the adapter is still told, as objects' worth nothing.
      const exportNatively = kept.length > 0 ? adapter[NATIVE]?.() : undefined;
      if (exportNatively) results.push(exportNatively(kept, { environment, failBatchOnBadSpan }));
      else others.push(adapter);
    }
    const made = others.length > 0 ? await this.#handObjects(others, kept) : NOTHING_MADE;
    const lost = unreadable + made.unreadable;
    const settled = await Promise.allSettled([...results, ...made.results]);
    if (made.isNothingLeft) throw unrecorded(lost);
    if (lost > 0) diag.warn(unreadableSpans(lost));
    this.#judge(settled);
  }

  /** Makes clean spans and gives them to adapters that want objects; a shutdown waits until they have them. */
  async #handObjects(adapters, spans) {
    const handing = this.#cleanSpans(spans).then(({ cleanSpans, unreadable }) => {
      const isNothingLeft = cleanSpans.length === 0 && unreadable > 0;
      const results = isNothingLeft ? [] : adapters.map((adapter) => started(adapter, cleanSpans));
      return { results, unreadable, isNothingLeft };
    });
    this.#handing.add(handing);
    try {
      return await handing;
    } finally {
      this.#handing.delete(handing);
    }
  }

  /** Makes clean spans, some in each turn of the loop. */
  async #cleanSpans(spans) {
    const { environment, failBatchOnBadSpan, protoSpanBytes } = this.#config;
    const cleanSpans = [];
    let unreadable = 0;
    let until = now() + TURN_MILLIS;
    for (let i = 0; i < spans.length; i++) {
      if (i > 0 && (i % SPANS_PER_TURN === 0 || now() >= until)) {
        await new Promise((resolve) => setImmediate(resolve));
        until = now() + TURN_MILLIS;
      }
      try {
        const cleanSpan = SpanTransformer.transformSpanToCleanJSON(spans[i], environment);
        if (protoSpanBytes) cleanSpan.protoSpanBytes = encodeSpan(cleanSpan, environment);
        cleanSpans.push(cleanSpan);
      } catch (error) {
        if (failBatchOnBadSpan) throw withoutPayload(error, i);
        unreadable += 1;
      }
    }
    return { cleanSpans, unreadable };
  }

  /** @throws the first reason why the export has failed */
  #judge(settled) {
    const { failBatchOnBadSpan, ignoreSinkErrors } = this.#config;
    for (const { status, reason, value } of settled) {
      if (status === 'rejected') throw reason;
      if (failBatchOnBadSpan && value?.invalid > 0) {
        throw new SyntaxError('a span of the batch could not be read: none of it was recorded');
      }
    }
    // That nothing could be read is no failure of the sink's.
    const counts = (value) => value?.code === FAILED && (!ignoreSinkErrors || value.error?.code === NOTHING_LEFT);
    const failed = settled.find(({ value }) => counts(value));
    if (failed !== undefined) throw failed.value.error ?? new Error('Span export failed');
  }
}

function unreadableSpans(count) {
  return `Offloop: ${count} spans could not be read`;
}

/** The failure of an export of which nothing was left to record. */
function unrecorded(count) {
  diag.warn(unreadableSpans(count));
  return nothingLeft(count).error;
}

/** An adapter that throws has failed like one that rejects. */
async function started(adapter, cleanSpans) {
  return adapter.exportSpans(cleanSpans);
}

/** V8 quotes what it could not parse; a recorded payload does not belong into a log. */
function withoutPayload(error, index) {
  return error instanceof SyntaxError ? new SyntaxError(`a payload of span ${index} of the batch is not JSON`) : error;
}

function answer(resultCallback, result) {
  contained((error) => diag.error('Offloop: the result callback threw', error), resultCallback, result);
}

module.exports = { TdSpanExporter };
