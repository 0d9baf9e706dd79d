'use strict';
// Owns one export call of the recorder: which spans, which adapters, one answer.
// Refuses to transform on the loop what an adapter can take natively; objects are made only for adapters that want them.

const { diag } = require('../otel/diag.js');
const { readProcess } = require('../config/process.js');
const { configured, isItself, readOptions, refuseStrays, tellUnknown } = require('../config/options/read.js');
const { OPTIONS } = require('../config/options/table.js');
const { hasBinding } = require('../native/binding.js');
const { within } = require('../native/deadlines.js');
const { StandIns } = require('../guards/stand_ins.js');
const { contained, ignore } = require('../guards/user_code.js');
const { answered, exportMillisOf, WRITE_MILLIS } = require('./adapter_deadlines.js');
const { ApiSpanAdapter } = require('./api_span_adapter.js');
const { NATIVE, NOTHING_LEFT, nothingLeft, OF_EXPORTER, RECORDER, refusalOf } = require('./adapter_lanes.js');
const { encodeSpan } = require('./clean_span_proto.js');
const { FilesystemSpanAdapter } = require('./filesystem_span_adapter.js');
const { filterSpans } = require('./span_filter.js');
const { SpanTransformer } = require('./span_transformer.js');
const { TraceBlockingManager } = require('./trace_blocking_manager.js');
const { FAILED, SUCCESS, TuskDriftMode } = require('./vocabulary.js');
const { now, setImmediate } = require('../guards/timers.js');
const { needStack } = require('../guards/unwinding.js');

const SPANS_PER_TURN = 20;
const TURN_MILLIS = 2; // one span of a megabyte takes longer
const NOTHING_MADE = Object.freeze({ settled: [], unreadable: 0, isNothingLeft: false });
const ANSWER_MILLIS = 2000; // the way back of an answer that came at its deadline

const standIns = new StandIns('exporter');
let own;
let answerMillisOf;

class TdSpanExporter {
  static {
    own = (exporter) => (#config in exporter ? exporter : standIns.originalOf(exporter));
    answerMillisOf = (exporter) => {
      try {
        return Math.max(own(exporter).#limitMillis, WRITE_MILLIS + ANSWER_MILLIS);
      } catch {
        return null; // not ours
      }
    };
  }

  #config;
  #rules; // of `process`; null without
  #limitMillis; // how long an adapter may take that has no deadline of its own
  #handing = new Set(); // exports to adapters that want objects
  // Public by name only: tests of the SDK put adapters of their own there.
  adapters = [];

  /** @param {object} config as the SDK's; our own options are in tusk.d.ts */
  constructor(config) {
    hasBinding();
    const isOfClass = isItself(new.target, TdSpanExporter);
    const { process, ...options } = configured(() => {
      refuseStrays(RECORDER, config, isOfClass);
      return readOptions(OPTIONS.TdSpanExporter, config);
    });
    this.#config = options;
    this.#rules = configured(() => readProcess(process, true));
    const { exportTimeoutMillis, honorRetryAfter } = this.#config;
    this.#limitMillis = exportMillisOf(exportTimeoutMillis, honorRetryAfter) + ANSWER_MILLIS;
    standIns.sign(this);
    const isRemote = configured(() => {
      const { useRemoteExport, apiKey, observableServiceId } = config;
      return useRemoteExport && apiKey && observableServiceId;
    });
    const Adapter = isRemote ? ApiSpanAdapter : FilesystemSpanAdapter;
    this.addAdapter(new Adapter(config, OF_EXPORTER));
    if (isOfClass) tellUnknown(RECORDER, config);
  }

  /**
   * Reads the spans before it returns if every adapter is native. The callback runs once, never inside this call. Throws only
   * where no stack is left, as every call does there.
   */
  export(spans, resultCallback) {
    needStack();
    own(this)
      .#export(this.adapters, spans)
      .then(
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

  /**
   * Waits for what is on its way, and shuts every adapter down; the built-in ones work again if spans come. Rejects with
   * what an adapter rejects with, or with `Timeout` if one does not answer.
   */
  async shutdown() {
    const self = own(this);
    const { adapters } = this;
    await self.#answers();
    await Promise.all(adapters.map((adapter) => self.#asked(adapter, 'shutdown')));
  }

  /** Waits for what is on its way to every adapter. Rejects as `shutdown` does. */
  async forceFlush() {
    const self = own(this);
    const { adapters } = this;
    await Promise.all([self.#answers(), ...adapters.map((adapter) => self.#asked(adapter, 'forceFlush'))]);
  }

  /** Waits for adapters that have got objects, and holds the process as long. What they answer, the exports tell. */
  async #answers() {
    if (this.#handing.size === 0) return;
    await within(Promise.allSettled(this.#handing), answerMillisOf(this)).catch(ignore);
  }

  /** What `adapter` answers to a call without spans. */
  async #asked(adapter, method) {
    const isThere = method === 'shutdown' || adapter[method] != null;
    if (isThere) await within(adapter[method](), this.#limitOf(adapter));
  }

  /** Ours and what is built on them have deadlines of their own, the files' whatever is configured. */
  #limitOf(adapter) {
    return adapter[NATIVE] === undefined
      ? this.#limitMillis
      : Math.max(this.#limitMillis, WRITE_MILLIS + ANSWER_MILLIS);
  }

  async #export(adapters, spans) {
    const { mode, environment, failBatchOnBadSpan, traceBlockingManager } = this.#config;
    if (mode !== TuskDriftMode.RECORD) return;
    const manager = traceBlockingManager ?? TraceBlockingManager.getInstance();
    const { kept, unreadable } = filterSpans(spans, manager, failBatchOnBadSpan, this.#rules === null);
    if (kept.length === 0 && unreadable > 0) throw unrecorded(unreadable);
    const results = [];
    const others = [];
    for (const adapter of adapters) {
      // Nothing to read: the adapter is still told, as objects' worth nothing.
      const exportNatively = kept.length > 0 ? adapter[NATIVE]?.(adapter) : undefined;
      if (exportNatively) results.push(exportNatively(kept, { environment, failBatchOnBadSpan }, this.#rules));
      else others.push(adapter);
    }
    const refusal = others.length > 0 ? refusalOf(this.#rules, kept, () => namesOf(others)) : null;
    if (refusal !== null) diag.error('Offloop: spans were not recorded:', refusal);
    const made = others.length > 0 && refusal === null ? await this.#handObjects(others, kept) : NOTHING_MADE;
    const lost = unreadable + made.unreadable;
    const settled = [...(await Promise.allSettled(results)), ...made.settled];
    if (refusal !== null) throw refusal;
    if (made.isNothingLeft) throw unrecorded(lost);
    if (lost > 0) diag.warn(unreadableSpans(lost));
    this.#judge(settled);
  }

  /** Makes clean spans and gives them to adapters that want objects; a flush and a shutdown wait for their answers. */
  async #handObjects(adapters, spans) {
    const answers = this.#cleanSpans(spans).then(async ({ cleanSpans, unreadable }) => {
      const isNothingLeft = cleanSpans.length === 0 && unreadable > 0;
      const answering = (adapter) => answered(adapter, cleanSpans, this.#limitOf(adapter));
      const settled = isNothingLeft ? [] : await Promise.all(adapters.map(answering));
      return { settled, unreadable, isNothingLeft };
    });
    this.#handing.add(answers);
    try {
      return await answers;
    } finally {
      this.#handing.delete(answers);
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

/** The names of adapters, which are the application's. */
function namesOf(adapters) {
  let names = '';
  contained(ignore, () => {
    names = adapters.map(({ name }) => `'${name}'`).join(', ');
  });
  return `adapter ${names}`;
}

function unreadableSpans(count) {
  return `Offloop: ${count} spans could not be read (invalid), no adapter has got them`;
}

/** The failure of an export of which nothing was left to record. */
function unrecorded(count) {
  diag.warn(unreadableSpans(count));
  return nothingLeft(count).error;
}

/** V8 quotes what it could not parse; a recorded payload does not belong into a log. */
function withoutPayload(error, index) {
  return error instanceof SyntaxError ? new SyntaxError(`a payload of span ${index} of the batch is not JSON`) : error;
}

function answer(resultCallback, result) {
  contained((error) => diag.error('Offloop: the result callback threw', error), resultCallback, result);
}

/** How long `exporter` takes to answer at most, null if it is not ours. */
function answerMillis(exporter) {
  return answerMillisOf(exporter);
}

module.exports = { answerMillis, TdSpanExporter };
