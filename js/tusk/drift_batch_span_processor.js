'use strict';
// Owns the recorder's queue: spans wait there until a batch is full or its time has come, one export at a time.
// Refuses to queue without bound: what comes while it is full is dropped and counted.

const { isNativeError } = require('node:util/types');
const { diag } = require('../otel/diag.js');
const { invalid, readOptions } = require('../config/options/read.js');
const { OPTIONS } = require('../config/options/table.js');
const { textOfError } = require('../node_http/network_facts.js');
const { needStack } = require('../guards/unwinding.js');
const { contained, once } = require('../guards/user_code.js');
const { isReported } = require('./reported_errors.js');
const { FAILED, TuskDriftMode } = require('./vocabulary.js');
const { soon, unref } = require('../guards/timers.js');

const FIRST_DROPS_TOLD = 5;
const DROPS_PER_LINE = 100;

class DriftBatchSpanProcessor {
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

  /** @param {{ exporter, config: { maxQueueSize, maxExportBatchSize, scheduledDelayMillis }, mode }} options */
  constructor(options) {
    const { exporter, mode } = options;
    this.#exporter = exporter;
    this.#config = readProcessorConfig(options);
    this.#isRecording = mode === TuskDriftMode.RECORD;
    this.#timer = unref(setInterval(() => this.#flushOneBatch(), this.#config.scheduledDelayMillis));
  }

  onStart() {}

  onEnd(span) {
    if (this.#isStopped || !this.#isRecording) return;
    const { maxQueueSize, maxExportBatchSize } = this.#config;
    if (this.#queue.length >= maxQueueSize) {
      this.#drop();
      return;
    }
    this.#queue.push(span);
    if (this.#queue.length >= maxExportBatchSize) this.#requestFlush();
  }

  /** Resolves when the queue is empty and nothing is under way. */
  async forceFlush() {
    while (this.#queue.length > 0 || this.#flush !== null) await this.#flushOneBatch();
  }

  /** Takes no more spans, exports what is queued, shuts the exporter down. */
  async shutdown() {
    this.#isStopped = true;
    clearInterval(this.#timer);
    await this.forceFlush();
    await this.#exporter.shutdown();
  }

  getHealthSnapshot() {
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

  #requestFlush() {
    if (this.#isFlushRequested) return;
    soon(() => {
      this.#isFlushRequested = false;
      this.#flushOneBatch();
    });
    this.#isFlushRequested = true; // last: a call that was cut off before has requested nothing
  }

  /** Starts an export unless one is under way. The promise never rejects: a failed batch is counted and gone. */
  #flushOneBatch() {
    if (this.#flush !== null || this.#queue.length === 0) return this.#flush ?? Promise.resolve();
    needStack(); // before any span is taken
    const batch = this.#queue.splice(0, this.#config.maxExportBatchSize);
    const startedAtMillis = Date.now();
    const exported = new Promise((resolve) => {
      const done = once((error) => {
        this.#lastExportLatencyMs = Date.now() - startedAtMillis;
        if (error !== null) this.#noteFailure(batch.length, error);
        resolve();
      });
      contained(done, () => this.#exporter.export(batch, (result) => done(failureOf(result))));
    });
    this.#flush = exported.then(() => {
      this.#flush = null;
      if (!this.#isStopped && this.#queue.length >= this.#config.maxExportBatchSize) this.#requestFlush();
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

/** All three have no default here, as in the SDK. */
function readProcessorConfig(options) {
  const { config } = readOptions(OPTIONS.DriftBatchSpanProcessor, options);
  for (const [option, value] of Object.entries(config)) {
    if (value !== undefined) continue;
    throw invalid(`config.${option}`, OPTIONS.DriftBatchSpanProcessor[`config.${option}`].kind.expected, value);
  }
  return config;
}

module.exports = { DriftBatchSpanProcessor };
