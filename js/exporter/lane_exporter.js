'use strict';
// Owns what every exporter of ours does with a batch: read it before the call returns, hand it over, answer once.
// Refuses to know destinations: subclasses say how their lane is configured and how a failure is worded.

const { SLICE_MILLIS } = require('../handoff/slices.js');
const { ExportContext } = require('../otel/export_context.js');
const { loadBinding } = require('../native/binding.js');
const { newPort } = require('./batcher_port.js');
const { CallsUnderWay } = require('./calls_under_way.js');
const { ConcurrencyLimit } = require('./concurrency_limit.js');
const { otherCopyOf, signCopy } = require('./copies.js');
const { ExportAnswers, newBatch } = require('./export_answers.js');
const { NOTHING_SENT } = require('./export_outcome.js');
const { Health } = require('./health.js');
const { LazyLane } = require('./lazy_lane.js');
const { NO_LIST, lengthOf, readSpans, refuse, refuseRest } = require('../handoff/span_reading.js');
const { StandIns } = require('../guards/stand_ins.js');
const { now, soon } = require('../guards/timers.js');
const { Turns } = require('../guards/turns.js');
const { needStack, withResolvers } = require('../guards/unwinding.js');
const { contained, ignore } = require('../guards/user_code.js');
const { decidedOnce } = require('../otel/decisions.js');
const { diag, exportBegins, exportDelegateLogger, tellBug } = require('../otel/diag.js');
const { textOfError } = require('../node_http/network_facts.js');
const { openSpans } = require('../monitor/open_spans.js');
const { readCallOptions } = require('../config/options/read.js');
const { OPTIONS } = require('../config/options/table.js');
const { getEngine } = require('../native/engine.js');

const SUCCESS = 0;
const FAILED = 1;
const ANSWER_MILLIS = 1000; // the answer to a call with a deadline comes after it, not at it
const NOT_OURS = "the exporter is none of Offloop's, or stands in for one";
const OTHER_COPY = 'the exporter is of another copy of Offloop';
const LIMITED = 'the exporter has a concurrencyLimit';
const OWN_EXPORT = "the exporter's export() was replaced";
const FORKED = 'this process was forked from one that exports, and has none of its threads';

const standIns = new StandIns('exporter');

let isCapturable;
let obstacle;
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
    obstacle = (exporter) => {
      if (!(#settings in Object(exporter))) return otherCopyOf(exporter) === null ? NOT_OURS : OTHER_COPY;
      return exporter.#settings.concurrencyLimit === undefined ? OWN_EXPORT : LIMITED;
    };
    countLate = (exporter, spans) => {
      if (#settings in Object(exporter)) exporter.#lane.open().refuse(spans, 'after_shutdown');
    };
    portOf = (exporter) => (isCapturable(exporter) ? exporter.#newPort() : null);
    own = (exporter) => (#settings in exporter ? exporter : standIns.originalOf(exporter));
    signCopy(LaneExporter);
  }

  #settings;
  #lane;
  #limit;
  #calls;
  #answers;
  #health;
  #turns = new Turns(); // one batch is read at a time
  #shutdown = null; // its promise and resolvers
  #isClosed = false; // the lane knows of it

  /**
   * @param settings.native what `Lane` takes
   * @param settings.holdMillis how long an unanswered export may hold the process
   * @param settings.limits, settings.concurrencyLimit, settings.onError as configured
   * @param settings.endpoint what `onError` shows
   * @param settings.exit how long the end of the process may wait for spans
   * @param settings.metrics of self_metrics.js
   * @param settings.onHealth as configured
   * @param settings.createWriter makes a writer of other records than `SpanWriter`'s, from its arguments
   * @param settings.credentials hears of exports and of what became of them (credential_watch.js)
   * @param settings.tlsWatch hears of batches before they leave (tls_watch.js)
   * @param settings.lines says how its first spans came, and what became of them (exporter_lines.js)
   * @param settings.onOpen gets the native lane when it is made
   * @param settings.process the rules that spans go through (config/process.js)
   * @param settings.logsRetries whether an export ends with the lines of the stock exporter that repeats
   */
  constructor(settings) {
    needBinding(); // a missing binary is told where the program is put together, not at its first span
    this.#settings = settings;
    this.#health = new Health(settings);
    this.#calls = new CallsUnderWay(settings, this.#health);
    this.#lane = new LazyLane(settings, this.#calls);
    const { meterProvider, attributes } = settings.metrics ?? {};
    // Loaded by the constructor that needs it: a process that has no descriptor left loads nothing any more.
    if (meterProvider) require('./account_metrics.js').observeAccount(meterProvider, this.#lane, attributes);
    this.#limit = new ConcurrencyLimit(settings.concurrencyLimit);
    this.#answers = new ExportAnswers(settings, this.#limit);
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
    return shownStats(own(this).#lane.open().stats());
  }

  /** Whether the collector takes what is sent, as far as the answers so far have shown. */
  health() {
    return own(this).#health.now();
  }

  [Symbol.asyncDispose]() {
    return this.shutdown();
  }

  #export(spans, resultCallback) {
    exportDelegateLogger.debug('items to be sent', this.#mayShowSpans ? spans : lengthOf(spans));
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
        const lane = this.#lane.native;
        if (lane === null || getEngine().isForkedChild) {
          resolve({ timedOut: false, outstanding: 0 });
          return;
        }
        if (this.#calls.isEmpty && lane.stats().pending === 0) {
          getEngine().settleNow(() => resolve({ timedOut: false, outstanding: 0 }));
          return;
        }
        const late = () => ({ timedOut: true, outstanding: lane.stats().pending });
        id = getEngine().ask((result) => resolve({ ...(result?.flush ?? late()) }), timeoutMillis + ANSWER_MILLIS);
        lane.forceFlush(id, mode === 'attempt', timeoutMillis);
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
        this.#turns.take(() => this.#lane.handOvers?.release(), tellBug);
        this.#settings.help?.close?.();
      }, timeoutMillis + ANSWER_MILLIS);
      this.#health.silence();
      this.#lane.open().shutdown(id, timeoutMillis);
      this.#isClosed = true;
    };
    this.#turns.take(close, (error) => {
      if (this.#isClosed) return; // it has begun: its answer comes
      if (this.#shutdown === answer) this.#shutdown = null; // the next call tries again
      fail(answer, id, error);
    });
    return promise;
  }

  /** A logger gets no span where rules say what may leave the process. */
  get #mayShowSpans() {
    return this.#settings.process == null;
  }

  /** Whether `concurrencyLimit` is reached. After the shutdown it never is: an export is refused because of that then. */
  get #isAtLimit() {
    return this.#limit.isReached && this.#shutdown === null;
  }

  #refuseAtLimit(batch, done) {
    const openLane = () => this.#lane.open();
    this.#limit.refuse(batch, openLane, (native) => this.#answers.finish(batch, native, done));
  }

  /** With `concurrencyLimit` or an `export` of the user's, batches have to go through `export()`, which has the rule. */
  get #isUsable() {
    return this.#settings.concurrencyLimit === undefined && this.export === LaneExporter.prototype.export;
  }

  #newPort() {
    return newPort({
      settings: this.#settings,
      lane: this.#lane,
      calls: this.#calls,
      answers: this.#answers,
      isShutDown: () => this.#shutdown !== null,
    });
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
        this.#limit.count(batch);
        this.#read(spans, batch, done);
      },
      (error) => this.#fail(batch, error, done),
    );
    this.#limit.count(batch); // if it waits in line
  }

  #read(spans, batch, done) {
    if (batch.spans === 0) {
      this.#answers.finishSoon(batch, NOTHING_SENT, done);
      return;
    }
    const lane = this.#lane.open();
    if (getEngine().isForkedChild) {
      refuse(lane, batch, 'internal_error', batch.spans, FORKED);
      const error = { __proto__: null, kind: 'internal_error', message: FORKED };
      this.#answers.finishSoon(batch, { ...NOTHING_SENT, error }, done);
      return;
    }
    if (this.#shutdown === null) this.#lane.enlist();
    openSpans.batchBegan(spans);
    exportBegins();
    this.#settings.lines?.began(false);
    const until = now() + SLICE_MILLIS;
    try {
      this.#settings.beforeExport?.(lane);
    } catch (original) {
      refuse(lane, batch, 'non_retryable', batch.spans, `nothing was sent: ${textOfError(original)}`);
      this.#answers.finishSoon(batch, { ...NOTHING_SENT, error: { __proto__: null, original } }, done);
      return;
    }
    this.#settings.tlsWatch?.look(lane);
    this.#settings.credentials?.exported();
    readSpans(this.#lane.writer, lane, spans, batch, {
      copyUntil: until - SLICE_MILLIS / 2,
      isShutDown: this.#shutdown !== null,
    });
    if (batch.written === 0) {
      this.#answers.finishSoon(batch, NOTHING_SENT, done);
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
    refuseRest(this.#lane.native, batch, 'internal_error');
    const error = { __proto__: null, kind: 'internal_error', message: textOfError(original) };
    this.#answers.finishSoon(batch, { ...NOTHING_SENT, error }, done);
  }

  #handOver(lane, batch, until, done) {
    const engine = getEngine();
    const startedMillis = now();
    const answered = ({ outcome }) => {
      this.#calls.delete(batch.id);
      this.#lane.handOvers.settled(batch.id);
      this.#answers.finish(batch, outcome, done);
    };
    const id = engine.register(answered, this.#settings.holdMillis, (number) => {
      batch.id = number;
    });
    this.#calls.add(id, batch.call);
    this.#lane.handOvers.start({ lane, batch, until });
    engine.exit.noteHandOver();
    // Last: a meter is the application's, and might export.
    batch.finishMetrics = this.#settings.metrics?.start(batch.spans, startedMillis) ?? null;
  }
}

/** @throws {Error} which a distribution may catch: so it is told, too */
function needBinding() {
  try {
    loadBinding();
  } catch (error) {
    decidedOnce(`no exporter: ${error.message.replace(/^offloop: /, '')}`, 'error');
    throw error;
  }
}

/** The rules' own counts as objects; without rules as it came. */
function shownStats(stats) {
  if (stats.process == null) return stats;
  const { rules, failClosed } = stats.process;
  return { ...stats, process: { rules: Object.fromEntries(rules), failClosed: Object.fromEntries(failClosed) } };
}

/** A call that was cut off has nobody who could handle the rejection. */
function fail({ promise, reject }, id, error) {
  if (id !== null) getEngine().forget(id);
  promise.catch(ignore);
  reject(error);
}

/** Whether `exporter` is ours and only ours, so that there is a way around its `export`. Costs no more than a look. */
function canCapture(exporter) {
  return isCapturable(exporter);
}

/** Why `canCapture(exporter)` is false; null where it is true. */
function obstacleToCapture(exporter) {
  return isCapturable(exporter) ? null : obstacle(exporter);
}

/** Counts spans that have ended after the shutdown of their processor, and so of `exporter`, if it is ours. */
function refuseLate(exporter, spans) {
  countLate(exporter, spans);
}

/** The way around `export` for whoever fills batches itself; null if `exporter` is not ours or not only ours. */
function capturePort(exporter) {
  return portOf(exporter);
}

module.exports = { canCapture, capturePort, LaneExporter, obstacleToCapture, refuseLate };
