'use strict';
// Owns what every exporter of ours does with a batch: read it before the call returns, hand it over, answer once.
// Refuses to know destinations: subclasses say how their lane is configured and how a failure is worded.

const { SpanWriter } = require('../handoff/span_writer.js');
const { SLICE_MILLIS } = require('../handoff/slices.js');
const { ExportContext } = require('../otel/export_context.js');
const { loadBinding } = require('../native/binding.js');
const { CallsUnderWay, newCall } = require('./calls_under_way.js');
const { signCopy } = require('./copies.js');
const { reportFailure, settle, tellOutcome } = require('./export_outcome.js');
const { HandOvers } = require('../handoff/hand_over.js');
const { NO_LIST, lengthOf, readSpans, refuse, refuseRest } = require('../handoff/span_reading.js');
const { StandIns } = require('../guards/stand_ins.js');
const { now, soon } = require('../guards/timers.js');
const { Turns } = require('../guards/turns.js');
const { afterUnwinding, isOutOfStack, needStack, withResolvers } = require('../guards/unwinding.js');
const { contained, ignore } = require('../guards/user_code.js');
const { diag, exportDelegateLogger } = require('../otel/diag.js');
const { textOfError } = require('../node_http/network_facts.js');
const { openSpans } = require('../monitor/open_spans.js');
const { readCallOptions } = require('../config/options/read.js');
const { OPTIONS } = require('../config/options/table.js');
const { getEngine } = require('../native/engine.js');

const SUCCESS = 0;
const FAILED = 1;
const DEFAULT_MAX_SPAN_BYTES = 16 << 20;
const ANSWER_MILLIS = 1000; // the answer to a call with a deadline comes after it, not at it
const DEFAULT_MAX_SPANS = 16384; // as in src/config.rs
const FORKED = 'this process was forked from one that exports, and has none of its threads';
const NOTHING_SENT = Object.freeze({ __proto__: null, delivered: 0, rejected: 0, dropped: {}, attempts: 0 });

// Of a batch, against the limit of concurrent exports.
const NOT_COUNTED = 0;
const COUNTED = 1;
const OVER = 2;

const standIns = new StandIns('exporter');

let isCapturable;
let countLate;
let portOf;
let own;

/**
 * One exporter over one native lane. Spans are read on the calling thread, which it never blocks for longer than reading
 * them takes; everything else happens on native threads. After `shutdown` every call is answered at once.
 */
class LaneExporter {
  static {
    isCapturable = (exporter) => {
      try {
        return #settings in Object(exporter) && exporter.#isUsable;
      } catch {
        return false; // a patched `export` that throws where it is read: whoever calls it finds out
      }
    };
    countLate = (exporter, spans) => {
      if (#settings in Object(exporter)) exporter.#open().refuse(spans, 'after_shutdown');
    };
    portOf = (exporter) => (isCapturable(exporter) ? exporter.#port : null);
    own = (exporter) => (#settings in exporter ? exporter : standIns.originalOf(exporter));
    signCopy(LaneExporter);
  }

  #settings;
  #lane = null;
  #writer = null;
  #handOvers = null;
  #underWay = 0;
  #calls;
  #turns = new Turns(); // one batch is read at a time
  #shutdown = null; // its promise and resolvers
  #isClosed = false; // the lane knows of it
  #heldHelp = null;
  #isEnlisted = false;

  /**
   * @param settings.native what `Lane` takes
   * @param settings.holdMillis how long an unanswered export may hold the process
   * @param settings.limits, settings.concurrencyLimit, settings.onError as configured
   * @param settings.endpoint what `onError` shows
   * @param settings.exit how long the end of the process may wait for spans
   * @param settings.metrics `{ isRecording, start(spans, startedMillis?) }`
   * @param settings.createWriter makes a writer of other records than `SpanWriter`'s, from its arguments
   * @param settings.credentials hears of exports and of what became of them (credential_watch.js)
   * @param settings.tlsWatch hears of batches before they leave (tls_watch.js)
   * @param settings.onOpen gets the native lane when it is made
   * @param settings.logsRetries whether an export ends with the lines of the stock exporter that repeats
   */
  constructor(settings) {
    loadBinding(); // a missing binary is told where the program is put together, not at its first span
    this.#settings = settings;
    this.#calls = new CallsUnderWay(settings);
    standIns.sign(this);
  }

  /** The SDK's entry. Never throws; the callback runs once, in the async context of this call. */
  export(spans, resultCallback) {
    own(this).#export(spans, resultCallback);
  }

  /** Resolves with what became of the spans; rejects only if `spans` is no list of spans. */
  exportSpans(spans) {
    return own(this).#exportSpans(spans);
  }

  /** Rejects if an option is invalid. */
  forceFlush(options) {
    return own(this).#forceFlush(options);
  }

  /** Rejects if an option is invalid, and then shuts nothing down. */
  shutdown(options) {
    return own(this).#end(options);
  }

  stats() {
    return own(this).#open().stats();
  }

  #export(spans, resultCallback) {
    exportDelegateLogger.debug('items to be sent', spans);
    const length = lengthOf(spans);
    if (this.#isAtLimit) {
      const batch = newBatch(length === NO_LIST ? 0 : length, null);
      this.#refuseAtLimit(batch, (_outcome, error) => {
        const result = { code: FAILED, error };
        // As late as can be: a call that is cut off before that is answered later, and no callback is called twice.
        this.#answer(() => {
          batch.isAnswered = true;
          return resultCallback(result);
        });
      });
      return;
    }
    if (length === NO_LIST) {
      const error = new TypeError('export expects an array of spans');
      soon(() => this.#answer(resultCallback, { code: FAILED, error }));
      return;
    }
    this.#start(spans, length, new ExportContext(), (_outcome, error) => {
      this.#answer(resultCallback, error === undefined ? { code: SUCCESS } : { code: FAILED, error });
    });
  }

  #exportSpans(spans) {
    needStack();
    const length = lengthOf(spans);
    if (length === NO_LIST) return Promise.reject(new TypeError('exportSpans expects an array of spans'));
    const context = this.#callsUserCode ? new ExportContext() : null;
    const { promise, resolve } = withResolvers();
    if (length > 0 && this.#isAtLimit) {
      const batch = newBatch(length, null);
      this.#refuseAtLimit(batch, (outcome) => {
        batch.isAnswered = true;
        resolve(outcome);
      });
    } else {
      this.#start(spans, length, context, resolve);
    }
    return promise;
  }

  #forceFlush(options) {
    const answer = withResolvers();
    const { promise, resolve } = answer;
    let id = null;
    this.#turns.take(
      () => {
        const { timeoutMillis, mode } = readCallOptions(OPTIONS.forceFlush, options);
        if (this.#lane === null || getEngine().isForkedChild) {
          resolve({ timedOut: false, outstanding: 0 });
          return;
        }
        if (this.#calls.isEmpty && this.#lane.stats().pending === 0) {
          getEngine().settleNow(() => resolve({ timedOut: false, outstanding: 0 }));
          return;
        }
        const late = () => ({ timedOut: true, outstanding: this.#lane.stats().pending });
        id = getEngine().ask((result) => resolve({ ...(result?.flush ?? late()) }), timeoutMillis + ANSWER_MILLIS);
        this.#lane.forceFlush(id, mode === 'attempt', timeoutMillis);
      },
      (error) => fail(answer, id, error),
    );
    return promise;
  }

  #end(options) {
    needStack();
    let timeoutMillis;
    try {
      ({ timeoutMillis } = readCallOptions(OPTIONS.shutdown, options));
    } catch (error) {
      return Promise.reject(error);
    }
    if (this.#shutdown === null) {
      this.#shutdown = withResolvers(); // before a logger hears of it, which may call this again
      exportDelegateLogger.debug('shutdown started');
    }
    const answer = this.#shutdown;
    const { promise, resolve } = answer;
    if (this.#isClosed) return promise;
    let id = null;
    const close = () => {
      if (this.#isClosed) return;
      if (getEngine().isForkedChild) {
        resolve();
        return;
      }
      id = getEngine().ask(() => {
        resolve();
        getEngine().exit.dismiss(this.#settings.exit);
        this.#turns.take(() => this.#handOvers?.release(), tellBug);
        this.#settings.help?.close?.();
      }, timeoutMillis + ANSWER_MILLIS);
      this.#open().shutdown(id, timeoutMillis);
      this.#isClosed = true;
    };
    this.#turns.take(close, (error) => {
      if (this.#isClosed) return; // it has begun: its answer comes
      if (this.#shutdown === answer) this.#shutdown = null; // the next call tries again
      fail(answer, id, error);
    });
    return promise;
  }

  /** Whether `concurrencyLimit` is reached. After the shutdown it never is: an export is refused because of that then. */
  get #isAtLimit() {
    const { concurrencyLimit } = this.#settings;
    return concurrencyLimit !== undefined && this.#underWay >= concurrencyLimit && this.#shutdown === null;
  }

  /**
   * Counts and answers in the same turn, as the stock exporter does. That is no turn of ours, because the callback may
   * export again at once; so what a call that is cut off has not come to is done when the stack has unwound. `done` says
   * in `batch.isAnswered` that the answer was given. The call runs in its own context: to enter it again would have Node.js
   * end the process where that is cut off.
   */
  #refuseAtLimit(batch, done) {
    const settleNow = () => {
      if (batch.isAnswered) return;
      this.#countAtLimit(batch);
      this.#finish(batch, { ...NOTHING_SENT, error: { __proto__: null, kind: 'limit' } }, done);
    };
    afterUnwinding(() => contained(tellBug, settleNow));
    contained(ignore, settleNow);
  }

  #countAtLimit(batch) {
    if (batch.refused.queue_full !== undefined) return;
    const detail = 'the limit of concurrent exports (concurrencyLimit) is reached';
    try {
      refuse(this.#open(), batch, 'queue_full', batch.spans, detail);
    } catch (error) {
      if (isOutOfStack(error)) throw error;
      tellBug(error); // no memory for a lane
      batch.refused.queue_full = batch.spans;
    }
  }

  /** With `concurrencyLimit` or an `export` of the user's, batches have to go through `export()`, which has the rule. */
  get #isUsable() {
    return this.#settings.concurrencyLimit === undefined && this.export === LaneExporter.prototype.export;
  }

  /** What fills batches of its own, span by span, needs of an exporter; see native_batcher.js. */
  get #port() {
    const settings = this.#settings;
    return {
      maxSpans: settings.native.maxSpans ?? DEFAULT_MAX_SPANS,
      limits: {
        maxSpanBytes: settings.limits.maxSpanBytes ?? DEFAULT_MAX_SPAN_BYTES,
        maxAttributeBytes: settings.limits.maxAttributeBytes,
      },
      open: () => {
        const lane = this.#open();
        this.#enlist();
        return lane;
      },
      /** Reads headers for spans that native threads make by themselves. */
      prepare: () => settings.beforeExport?.(this.#lane),
      /** To be called now and then while native threads do that; null where there is nothing to look at. */
      look: settings.tlsWatch === undefined ? null : () => settings.tlsWatch.look(this.#lane),
      begin: (window) => this.#beginWindow(window),
      isShutDown: () => this.#shutdown !== null,
      // A native thread that sends a batch reads no headers and starts no metrics: both need the event loop.
      needsLoopToLeave: settings.beforeExport !== undefined || settings.metrics?.isRecording === true,
    };
  }

  /**
   * An export whose spans come one by one; throws what reading the user's headers throws. `leaves(spans)` is to be called
   * right before JavaScript hands it over; if a native thread was faster, `taken()` tells `{ spans, startedMillis }`.
   * `done(outcome, error)` comes after that.
   */
  #beginWindow({ done, taken }) {
    const engine = getEngine();
    const { beforeExport, credentials, metrics, tlsWatch } = this.#settings;
    beforeExport?.(this.#lane);
    tlsWatch?.look(this.#lane);
    credentials?.exported();
    openSpans.batchBegan(null);
    const batch = newBatch(0, new ExportContext());
    const { call } = batch;
    // Nobody waits for it: at the natural end there is `exit.drainMillis`.
    const id = engine.register(({ outcome }) => {
      this.#calls.delete(id);
      if (batch.finishMetrics === null) {
        const { spans, startedMillis } = taken();
        call.context.run(() => {
          batch.finishMetrics = metrics?.start(spans, startedMillis) ?? null;
        });
      }
      this.#finish(batch, outcome, done);
    });
    this.#calls.add(id, call);
    const leaves = (spans) => {
      try {
        beforeExport?.(this.#lane);
      } catch (error) {
        diag.warn('Offloop: the headers could not be read again, a batch leaves with those of its first span', error);
      }
      tlsWatch?.look(this.#lane);
      batch.finishMetrics = metrics?.start(spans) ?? null;
    };
    return { id, leaves };
  }

  #enlist() {
    if (this.#isEnlisted || this.#shutdown !== null) return;
    getEngine().exit.enlist(this.#settings.exit);
    this.#isEnlisted = true;
  }

  /** The lane comes last: what was cut off before is made again. */
  #open() {
    if (this.#lane === null) {
      const engine = getEngine();
      const { native, limits, exit } = this.#settings;
      this.#heldHelp = this.#calls.help();
      const lane = engine.createLane({ ...native, exitMillis: exit.blockMillis }, this.#heldHelp);
      const { maxSpanBytes = DEFAULT_MAX_SPAN_BYTES, maxAttributeBytes } = limits;
      const createWriter = this.#settings.createWriter ?? ((...args) => new SpanWriter(...args));
      const writer = createWriter(engine.memory, { maxSpanBytes, maxAttributeBytes }, true);
      const handOvers = new HandOvers(engine, writer);
      engine.onCollected(this, () => {
        handOvers.release();
        engine.exit.dismiss(exit);
      });
      this.#settings.onOpen?.(lane);
      this.#settings.credentials?.attach(lane);
      this.#writer = writer;
      this.#handOvers = handOvers;
      this.#lane = lane;
    }
    return this.#lane;
  }

  #answer(resultCallback, result) {
    contained((error) => diag.error('Offloop: the result callback threw', error), resultCallback, result);
  }

  /** Whether the application's code is called when a result comes, so that it matters in which context. */
  get #callsUserCode() {
    const { help, metrics } = this.#settings;
    return help !== undefined || metrics?.isRecording === true;
  }

  /** Reads and hands over a batch of `length` spans; `done(outcome, error)` comes later, exactly once. */
  #start(spans, length, context, done) {
    const batch = newBatch(length, context);
    this.#turns.take(
      () => {
        this.#count(batch);
        this.#read(spans, batch, done);
      },
      (error) => this.#fail(batch, error, done),
    );
    this.#count(batch); // if it waits in line
  }

  /** Against the limit of concurrent exports. Not before its answer is certain: a call may be cut off anywhere. */
  #count(batch) {
    if (batch.limitState !== NOT_COUNTED) return;
    this.#underWay += 1;
    batch.limitState = COUNTED;
  }

  #read(spans, batch, done) {
    if (batch.spans === 0) {
      this.#finishSoon(batch, NOTHING_SENT, done);
      return;
    }
    const lane = this.#open();
    if (getEngine().isForkedChild) {
      refuse(lane, batch, 'internal_error', batch.spans, FORKED);
      const error = { __proto__: null, kind: 'internal_error', message: FORKED };
      this.#finishSoon(batch, { ...NOTHING_SENT, error }, done);
      return;
    }
    this.#enlist();
    openSpans.batchBegan(spans);
    const until = now() + SLICE_MILLIS;
    try {
      this.#settings.beforeExport?.(lane);
    } catch (original) {
      refuse(lane, batch, 'non_retryable', batch.spans, `nothing was sent: ${textOfError(original)}`);
      this.#finishSoon(batch, { ...NOTHING_SENT, error: { __proto__: null, original } }, done);
      return;
    }
    this.#settings.tlsWatch?.look(lane);
    this.#settings.credentials?.exported();
    readSpans(this.#writer, lane, spans, batch, {
      copyUntil: until - SLICE_MILLIS / 2,
      isShutDown: this.#shutdown !== null,
    });
    if (batch.written === 0) {
      this.#finishSoon(batch, NOTHING_SENT, done);
    } else {
      this.#handOver(lane, batch, until, done);
    }
  }

  /** Neither user code nor a full queue leads here, but want of memory or stack. */
  #fail(batch, original, done) {
    tellBug(original);
    if (batch.isAdmitted) return; // its result comes
    if (batch.id !== null) {
      getEngine().forget(batch.id);
      this.#calls.delete(batch.id);
    }
    refuseRest(this.#lane, batch, 'internal_error');
    const error = { __proto__: null, kind: 'internal_error', message: textOfError(original) };
    this.#finishSoon(batch, { ...NOTHING_SENT, error }, done);
  }

  #handOver(lane, batch, until, done) {
    const engine = getEngine();
    const startedMillis = now();
    const answered = ({ outcome }) => {
      this.#calls.delete(batch.id);
      this.#handOvers.settled(batch.id);
      this.#finish(batch, outcome, done);
    };
    const id = engine.register(answered, this.#settings.holdMillis, (number) => {
      batch.id = number;
    });
    this.#calls.add(id, batch.call);
    this.#handOvers.start({ lane, batch, until });
    engine.exit.noteHandOver();
    // Last: a meter is the application's, and might export.
    batch.finishMetrics = this.#settings.metrics?.start(batch.spans, startedMillis) ?? null;
  }

  /** Once, also if the call is cut off behind it. */
  #finishSoon(batch, native, done) {
    if (batch.isAnswerDue) return;
    soon(() => this.#finish(batch, native, done));
    batch.isAnswerDue = true;
  }

  /** All that the application hears of an export, it hears in the context of its call. */
  #finish(batch, native, done) {
    if (batch.limitState === COUNTED) this.#underWay -= 1;
    batch.limitState = OVER;
    const { context } = batch.call;
    if (context === null) {
      this.#tell(batch, native, done);
    } else {
      context.run(() => this.#tell(batch, native, done));
      context.end();
    }
  }

  #tell(batch, native, done) {
    this.#settings.credentials?.told(native);
    const { outcome, reason, error } = settle(batch, native);
    const { logsRetries } = this.#settings;
    tellOutcome(native, { reason, error, thrown: batch.call.thrown, invalid: outcome.dropped.invalid, logsRetries });
    batch.finishMetrics?.(error, reason === 'retries_exhausted');
    if (batch.refused[reason] > 0 && !batch.isReported) {
      batch.isReported = true;
      const { attempts, error: told } = outcome;
      reportFailure(this.#settings, { reason, spans: batch.refused[reason], attempts, ...told });
    }
    done(outcome, error);
  }
}

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

/** A call that was cut off has nobody who could handle the rejection. */
function fail({ promise, reject }, id, error) {
  if (id !== null) getEngine().forget(id);
  promise.catch(ignore);
  reject(error);
}

function tellBug(error) {
  diag.error('Offloop: internal error', error);
}

/** Whether `exporter` is ours and only ours, so that there is a way around its `export`. Costs no more than a look. */
function canCapture(exporter) {
  return isCapturable(exporter);
}

/** Counts spans that have ended after the shutdown of their processor, and so of `exporter`, if it is ours. */
function refuseLate(exporter, spans) {
  countLate(exporter, spans);
}

/** The way around `export` for whoever fills batches itself; null if `exporter` is not ours or not only ours. */
function capturePort(exporter) {
  return portOf(exporter);
}

module.exports = { canCapture, capturePort, LaneExporter, refuseLate };
