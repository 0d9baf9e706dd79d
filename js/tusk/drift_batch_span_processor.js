'use strict';
// Owns the recorder's queue: spans wait there until a batch is full or its time has come, one export at a time.
// Refuses to queue without bound: what comes while it is full is dropped and counted.

const { isNativeError } = require('node:util/types');
const { canCapture } = require('../exporter/lane_exporter.js');
const { diag } = require('../otel/diag.js');
const { configured, invalid, isItself, readOptions, refuseStrays, tellUnknown } = require('../config/options/read.js');
const { OPTIONS } = require('../config/options/table.js');
const { textOfError } = require('../node_http/network_facts.js');
const { Deadline, within } = require('../native/deadlines.js');
const { StandIns } = require('../guards/stand_ins.js');
const { isOutOfStack, needStack } = require('../guards/unwinding.js');
const { contained, once } = require('../guards/user_code.js');
const { isReported, isUnanswered, unanswered } = require('./reported_errors.js');
const { answerMillis } = require('./td_span_exporter.js');
const { FAILED, TuskDriftMode } = require('./vocabulary.js');
const { soon, unref } = require('../guards/timers.js');

const FIRST_DROPS_TOLD = 5;
const DROPS_PER_LINE = 100;
const EXPORT_MILLIS = 30000; // as the SDK's other processors wait
const MARGIN_MILLIS = 5000; // an exporter with a deadline of its own answers first
const OPTIONAL = 'exportTimeoutMillis';
const BESIDE = ['exporter', 'mode'];

const standIns = new StandIns('processor');
let own;

class DriftBatchSpanProcessor {
  static {
    own = (processor) => (#exporter in processor ? processor : standIns.originalOf(processor));
  }

  #exporter;
  #config;
  #isRecording;
  #queue = [];
  #timer;
  #flush = null; // the export under way
  #isFlushRequested = false;
  #isStopped = false;
  #droppedSpanCount = 0;
  #exportFailureCount = 0;
  #lastExportLatencyMs = null;

  /** @param options `{ exporter, config: { maxQueueSize, maxExportBatchSize, scheduledDelayMillis, exportTimeoutMillis? }, mode }` */
  constructor(options) {
    const isOfClass = isItself(new.target, DriftBatchSpanProcessor);
    const { exporter, mode, config } = configured(() => {
      refuseStrays(OPTIONS.DriftBatchSpanProcessor, options, isOfClass, BESIDE);
      return readProcessorOptions(options);
    });
    this.#exporter = exporter;
    this.#config = config;
    if (isOfClass) tellUnknown(OPTIONS.DriftBatchSpanProcessor, options, BESIDE);
    this.#isRecording = mode === TuskDriftMode.RECORD;
    this.#timer = unref(setInterval(() => this.#flushOneBatch(), this.#config.scheduledDelayMillis));
    standIns.sign(this);
  }

  onStart() {}

  /** Never waits, and throws only where no stack is left, as every call does there. */
  onEnd(span) {
    try {
      own(this).#take(span);
    } catch (error) {
      if (isOutOfStack(error)) throw error;
      diag.error('Offloop: a span could not be taken', error);
    }
  }

  /** Resolves when the queue is empty and nothing is under way; rejects with `Timeout` once an export has no answer. */
  async forceFlush() {
    await own(this).#drain();
  }

  /** Takes no more spans, exports what is queued, shuts the exporter down, also when it does not answer. */
  async shutdown() {
    await own(this).#end();
  }

  getHealthSnapshot() {
    return own(this).#health();
  }

  #take(span) {
    if (this.#isStopped || !this.#isRecording) return;
    const { maxQueueSize, maxExportBatchSize } = this.#config;
    if (this.#queue.length >= maxQueueSize) {
      this.#drop();
      return;
    }
    this.#queue.push(span);
    if (this.#queue.length >= maxExportBatchSize) this.#requestFlush();
  }

  /** Holds the process until there is an answer: the deadline of a batch alone does not. */
  async #drain() {
    const { exportTimeoutMillis } = this.#config;
    while (this.#queue.length > 0 || this.#flush !== null) {
      const isAnswered = await within(this.#flushOneBatch(), exportTimeoutMillis);
      if (!isAnswered) throw new Error('Timeout');
    }
  }

  async #end() {
    this.#isStopped = true;
    clearInterval(this.#timer);
    await undefined; // there is one end only: it has all the stack there is
    try {
      await this.#drain();
    } finally {
      this.#dropRest();
      await within(this.#exporter.shutdown(), this.#config.exportTimeoutMillis);
    }
  }

  #health() {
    const { maxQueueSize } = this.#config;
    const queueSize = this.#queue.length;
    return {
      queueSize,
      maxQueueSize,
      queueFillRatio: maxQueueSize > 0 ? queueSize / maxQueueSize : 0,
      droppedSpanCount: this.#droppedSpanCount,
      exportFailureCount: this.#exportFailureCount,
      lastExportLatencyMs: this.#lastExportLatencyMs,
    };
  }

  #drop() {
    this.#droppedSpanCount += 1;
    const count = this.#droppedSpanCount;
    if (count > FIRST_DROPS_TOLD && count % DROPS_PER_LINE !== 0) return;
    diag.warn(
      `DriftBatchSpanProcessor queue full (${this.#config.maxQueueSize}), dropping span. droppedSpans=${count}`,
    );
  }

  /** What an exporter that does not answer was not given. */
  #dropRest() {
    const { length } = this.#queue;
    if (length === 0) return;
    this.#queue = [];
    this.#droppedSpanCount += length;
    diag.warn(`DriftBatchSpanProcessor is shut down and its exporter does not answer, dropping ${length} span(s)`);
  }

  #requestFlush() {
    if (this.#isFlushRequested) return;
    soon(() => {
      this.#isFlushRequested = false;
      this.#flushOneBatch();
    });
    this.#isFlushRequested = true; // last: a call that was cut off before has requested nothing
  }

  /**
   * Starts an export unless one is under way. Resolves with whether there was an answer; never rejects: a failed batch is
   * counted and gone, and so is one that has no answer.
   */
  #flushOneBatch() {
    if (this.#flush !== null || this.#queue.length === 0) return this.#flush ?? Promise.resolve(true);
    needStack(); // before any span is taken
    const { maxExportBatchSize, exportTimeoutMillis } = this.#config;
    const batch = this.#queue.splice(0, maxExportBatchSize);
    const startedAtMillis = Date.now();
    const exported = new Promise((resolve) => {
      const done = once((error) => {
        this.#lastExportLatencyMs = Date.now() - startedAtMillis;
        if (error !== null) this.#noteFailure(batch.length, error);
        resolve(!isUnanswered(error));
        deadline.cancel(); // last: whoever is cut off before has this end
      });
      const deadline = new Deadline(() => done(unanswered('the exporter', exportTimeoutMillis)), exportTimeoutMillis);
      deadline.unref();
      contained(done, () => this.#exporter.export(batch, (result) => done(failureOf(result))));
    });
    this.#flush = exported.then((isAnswered) => {
      this.#flush = null;
      if (!this.#isStopped && this.#queue.length >= this.#config.maxExportBatchSize) this.#requestFlush();
      return isAnswered;
    });
    return this.#flush;
  }

  #noteFailure(spans, error) {
    // The sampler adds the exporter's own count to this one.
    if (!isReported(error)) this.#exportFailureCount += 1;
    const text = isNativeError(error) ? textOfError(error) : 'unknown error';
    diag.warn(`DriftBatchSpanProcessor export failed for batch of ${spans} span(s): ${text}`);
  }
}

/** Why an export has failed, or null. The exporter may be anybody's, and so may be what it answers. */
function failureOf(result) {
  try {
    return result.code === FAILED ? result.error : null;
  } catch (error) {
    return error;
  }
}

/** How long an answer of `exporter` is waited for where nobody says it. */
function limitOver(exporter) {
  if (canCapture(exporter)) return Number.POSITIVE_INFINITY; // ours always answers, by limits that the user has set
  const millis = answerMillis(exporter);
  return millis === null ? EXPORT_MILLIS : millis + MARGIN_MILLIS;
}

/** The three options of the SDK have no default, as there. */
function readProcessorOptions(options) {
  const { exporter, mode } = options;
  const { config } = readOptions(OPTIONS.DriftBatchSpanProcessor, options);
  for (const [option, value] of Object.entries(config)) {
    if (value !== undefined || option === OPTIONAL) continue;
    throw invalid(`config.${option}`, OPTIONS.DriftBatchSpanProcessor[`config.${option}`].kind.expected, value);
  }
  const exportTimeoutMillis = config.exportTimeoutMillis ?? limitOver(exporter);
  return { exporter, mode, config: { ...config, exportTimeoutMillis } };
}

module.exports = { DriftBatchSpanProcessor };
