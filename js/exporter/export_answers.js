'use strict';
// Owns the end of every export of one exporter: the outcome is made, whoever wants to know of it is told, and the call has its
// answer, all in the context of that call.
// Refuses to decide what became of the spans: native threads report it, or whoever refused them.

const { newCall } = require('./calls_under_way.js');
const { NOT_COUNTED } = require('./concurrency_limit.js');
const { reportFailure, settle, tellOutcome } = require('./export_outcome.js');
const { soon } = require('../guards/timers.js');

/** An export of `spans` spans, made in `context`. */
function newBatch(spans, context) {
  const call = newCall(context);
  return {
    spans,
    written: 0,
    refused: {},
    id: null,
    isAdmitted: false,
    limitState: NOT_COUNTED,
    isAnswerDue: false, // in a moment
    isReported: false, // to `onError`
    isAnswered: false, // where it is answered in the call itself
    finishMetrics: null,
    call,
  };
}

class ExportAnswers {
  #settings;
  #limit;

  /** @param settings of the exporter: its `credentials`, `lines`, `logsRetries`, `onError` and `endpoint` */
  constructor(settings, limit) {
    this.#settings = settings;
    this.#limit = limit;
  }

  /** All that the application hears of an export, it hears in the context of its call. */
  finish(batch, native, done) {
    this.#limit.release(batch);
    const { context } = batch.call;
    if (context === null) {
      this.#tell(batch, native, done);
    } else {
      context.run(() => this.#tell(batch, native, done));
      context.end();
    }
  }

  /** Once, also if the call is cut off behind it. */
  finishSoon(batch, native, done) {
    if (batch.isAnswerDue) return;
    soon(() => this.finish(batch, native, done));
    batch.isAnswerDue = true;
  }

  #tell(batch, native, done) {
    this.#settings.credentials?.told(native);
    const { outcome, reason, error } = settle(batch, native, this.#settings.process != null);
    const { logsRetries, endpoint } = this.#settings;
    const { thrown } = batch.call;
    tellOutcome(native, { reason, error, thrown, invalid: outcome.dropped.invalid, logsRetries, endpoint });
    this.#settings.lines?.ended(outcome, reason);
    batch.finishMetrics?.(error, reason === 'retries_exhausted', outcome.filtered);
    if (batch.refused[reason] > 0 && !batch.isReported) {
      batch.isReported = true;
      const { attempts, error: told } = outcome;
      reportFailure(this.#settings, { reason, spans: batch.refused[reason], attempts, ...told });
    }
    done(outcome, error);
  }
}

module.exports = { ExportAnswers, newBatch };
