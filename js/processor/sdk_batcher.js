'use strict';
// Owns batches over an exporter that is not ours: a queue of spans, one timed export at a time, as in the SDK.
// Refuses to improve on that: what such an exporter can bear is not known.

const { Deadline } = require('../native/deadlines.js');
const { diag, exportBegins } = require('../otel/diag.js');
const { pendingResource } = require('./pending_resources.js');
const { reportError, withoutTracing } = require('../otel/sdk_context.js');
const { afterUnwinding, needStack, withResolvers } = require('../guards/unwinding.js');
const { contained, ignore, once } = require('../guards/user_code.js');

const SUCCESS = 0;

class SdkBatcher {
  #exporter;
  #options;
  #metrics;
  #spans = [];
  #timer = null;
  #isExporting = false;
  #dropped = 0;

  constructor(exporter, options, metrics) {
    this.#exporter = exporter;
    this.#options = options;
    this.#metrics = metrics;
  }

  /** Spans that wait. */
  get queued() {
    return this.#spans.length;
  }

  /** Takes `span` or drops it; throws only where it has done neither. `proceed()` is to follow. */
  add(span) {
    if (this.#spans.length >= this.#options.maxQueueSize) {
      if (this.#dropped === 0) diag.debug('maxQueueSize reached, dropping spans');
      this.#metrics.dropSpans(1);
      this.#dropped += 1;
      return;
    }
    if (this.#dropped > 0) {
      diag.warn(`Dropped ${this.#dropped} spans because maxQueueSize reached`);
      this.#dropped = 0;
    }
    this.#spans.push(span);
  }

  /** Follows `add`. */
  proceed() {
    if (this.#spans.length > 0) this.#schedule();
  }

  /** Spans that `add` could not take, and nobody will. */
  refuse(spans, reason) {
    this.#metrics.dropSpans(spans, reason);
  }

  /** Starts every batch at once; rejects with the first failure. */
  async flush() {
    const batches = Math.ceil(this.#spans.length / this.#options.maxExportBatchSize);
    await Promise.all(Array.from({ length: batches }, () => this.#exportBatch()));
  }

  #schedule() {
    if (this.#isExporting) return;
    if (this.#spans.length >= this.#options.maxExportBatchSize) {
      this.#exportInTurn();
    } else if (this.#timer === null) {
      this.#timer = new Deadline(() => this.#exportInTurn(), this.#options.scheduledDelayMillis).unref();
    }
  }

  #exportInTurn() {
    let isStarted = false;
    const next = () => {
      this.#isExporting = false;
      if (this.#spans.length === 0) return;
      this.#stopTimer();
      this.#schedule();
    };
    afterUnwinding(() => {
      if (!isStarted) next(); // the call was cut off, and so was its batch
    });
    this.#isExporting = true;
    this.#exportBatch().then(next, (error) => {
      next();
      reportError(error);
    });
    isStarted = true;
  }

  #stopTimer() {
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** From the next batch on. */
  replaceExporter(exporter) {
    this.#exporter = exporter;
  }

  /** The batch is taken at once: what the exporter, or a getter of a span, ends meanwhile belongs to a later one. */
  #exportBatch() {
    needStack(); // before any span is taken
    this.#stopTimer();
    const { maxExportBatchSize } = this.#options;
    const spans = this.#spans.splice(0, maxExportBatchSize);
    if (spans.length === 0) return Promise.resolve();
    const { promise, resolve, reject } = withResolvers();
    promise.catch(ignore); // a call that is cut off in the exporter leaves nobody who could handle it
    try {
      this.#send(spans, resolve, reject);
    } catch (error) {
      reject(error);
    }
    return promise;
  }

  #send(spans, resolve, reject) {
    exportBegins();
    const { exportTimeoutMillis } = this.#options;
    const timer = new Deadline(() => reject(new Error('Timeout')), exportTimeoutMillis);
    const answer = once(({ isSuccess, error }) => {
      this.#metrics.finishSpans(spans.length, error);
      if (isSuccess) resolve();
      else reject(error ?? new Error('BatchSpanProcessor: span export failed'));
      timer.cancel(); // last: whoever is cut off before has this end
    });
    const fail = (error) => answer({ isSuccess: false, error });
    const send = () => this.#exporter.export(spans, (result) => answer(readResult(result)));
    const begin = () => {
      const pending = spans.map(pendingResource).filter((resource) => resource !== null);
      if (pending.length === 0) return send();
      const waits = pending.map((resource) => resource.waitForAsyncAttributes());
      return Promise.all(waits).then(send, (error) => {
        reportError(error);
        fail(error);
      });
    };
    contained(fail, () => withoutTracing(begin));
  }
}

/** What the exporter has answered, which may be anything. */
function readResult(result) {
  try {
    const { code, error } = result;
    return { isSuccess: code === SUCCESS, error };
  } catch (error) {
    return { isSuccess: false, error };
  }
}

module.exports = { SdkBatcher };
