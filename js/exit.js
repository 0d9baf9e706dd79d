'use strict';
// Owns the end of this environment: what is still on its way is given a bounded time, however the process ends.
// It refuses to hold an idle process, to change an exit code, and to listen to signals that nobody named.

const { isMainThread } = require('node:worker_threads');
const { constants } = require('node:os');
const { diag } = require('./diag.js');
const { afterUnwinding } = require('./unwinding.js');
const { contained } = require('./user_code.js');

const tell = (error) => diag.debug('Offloop: draining failed', error);

/** One per environment. Listeners come with the first span, so that whoever listens before it is heard first. */
class Exit {
  #engine;
  #options = new Set(); // `exit` options of the exporters in use; budgets are the longest of them, not the sum
  #windows = new Set(); // batches that are being filled: `handOver()`
  #signals = new Map(); // signal -> our listener
  #drainDeadline = null; // of the natural end, once for all its rounds
  #blockDeadline = null; // set when the `exit` event has come
  #isClosed = false; // results reach JavaScript no more
  #isGivenUp = false; // the natural end has used its time up
  #leaving = null; // the signal that is ending the process
  #isListening = false;

  constructor(engine) {
    this.#engine = engine;
  }

  /** An exporter has its first span. Its own object `options` identifies it. */
  enlist(options) {
    this.#options.add(options);
    // An event that is being emitted reaches those only who listened when it began.
    if (!this.#isListening && process._exiting === true) this.#beginBlock();
    this.#isListening = true;
    quietly(() => {
      process.off('beforeExit', this.#onBeforeExit);
      process.off('exit', this.#onExit);
      process.on('beforeExit', this.#onBeforeExit);
      process.on('exit', this.#onExit);
      if (isMainThread) for (const signal of options.signals) this.#listen(signal);
    });
  }

  /** The exporter is shut down or collected. */
  dismiss(options) {
    this.#options.delete(options);
    const wanted = new Set([...this.#options].flatMap(({ signals }) => signals));
    for (const [signal, listener] of this.#signals) {
      if (wanted.has(signal) || this.#leaving !== null) continue;
      process.off(signal, listener);
      this.#signals.delete(signal);
    }
  }

  /** A batch is being filled: it is to be handed over before the end. */
  addWindow(window) {
    this.#windows.add(window);
  }

  removeWindow(window) {
    this.#windows.delete(window);
  }

  /** Spans were handed over. After the `exit` event there is only what is left of its time, and no later turn. */
  noteHandOver() {
    if (this.#blockDeadline !== null) this.#block();
  }

  /** Whether the `exit` event has come: no later turn will copy anything. */
  get isOver() {
    return this.#blockDeadline !== null;
  }

  #longest(name) {
    let millis = 0;
    for (const options of this.#options) millis = Math.max(millis, options[name]);
    return millis;
  }

  #handOverAll() {
    for (const window of [...this.#windows]) contained(tell, () => window.handOver());
    contained(tell, () => this.#engine.slices.finishAll());
  }

  /** The loop has run dry. Comes again whenever somebody has put work into it meanwhile. */
  #onBeforeExit = () => {
    try {
      this.#handOverAll();
      if (this.#engine.pending(isMainThread) === 0) {
        this.#drainDeadline = null;
        return;
      }
      this.#drainDeadline ??= performance.now() + this.#longest('drainMillis');
      const left = this.#drainDeadline - performance.now();
      if (left <= 0) this.#isGivenUp = true;
      else this.#drain(left, () => {});
    } catch (error) {
      tell(error);
    }
  };

  #drain(millis, done) {
    this.#engine.drain(millis, isMainThread, (left) => {
      this.#isGivenUp = left > 0;
      done();
    });
  }

  #onExit = () => {
    this.#beginBlock();
    this.#block();
  };

  #beginBlock() {
    // A natural end has had its time; what is handed over now still gets an attempt if somebody else's end takes long.
    this.#blockDeadline ??= performance.now() + (this.#isGivenUp ? 0 : this.#longest('blockMillis'));
  }

  #block() {
    try {
      if (!this.#isClosed) {
        // The monitor's window is told of its last blocks by a result, which nobody gets after the close.
        this.#handOverAll();
        this.#engine.collect();
        this.#isClosed = true;
        this.#engine.close();
      }
      this.#handOverAll();
      // Nothing of the main thread's own: what workers leave has the time that their exporters allow, later on.
      if (isMainThread && this.#options.size === 0) return;
      const left = Math.max(0, this.#blockDeadline - performance.now());
      const lost = this.#engine.drainBlocking(left, isMainThread);
      if (lost > 0) diag.debug(`Offloop: the process ends with ${lost} spans undelivered`);
    } catch (error) {
      tell(error);
    }
  }

  #listen(signal) {
    const listener = this.#signals.get(signal) ?? (() => this.#onSignal(signal));
    this.#signals.set(signal, listener);
    if (!process.listeners(signal).includes(listener)) process.on(signal, listener);
  }

  #onSignal(signal) {
    if (this.#leaving !== null) {
      this.#leave(signal); // asked twice: at once
      return;
    }
    this.#leaving = signal;
    try {
      this.#handOverAll();
      if (this.#engine.pending(true) === 0) this.#leave(signal);
      else this.#drain(this.#longest('drainMillis'), () => this.#leave(signal));
    } catch (error) {
      tell(error);
      this.#leave(signal);
    }
  }

  /** Other listeners decide by themselves how the process goes on; without any, the signal does what it does. */
  #leave(signal) {
    this.#leaving = null;
    process.off(signal, this.#signals.get(signal));
    this.#signals.delete(signal);
    if (process.listenerCount(signal) > 0) return;
    // Windows knows no death by signal.
    if (process.platform === 'win32') process.exit(128 + constants.signals[signal]);
    process.kill(process.pid, signal);
  }
}

/** Adds listeners without the warning about too many of them: an application that is near its limit is not leaking. */
function quietly(add) {
  const limit = process.getMaxListeners();
  const restore = () => process.setMaxListeners(limit);
  afterUnwinding(restore); // a call that is cut off runs no `finally`
  process.setMaxListeners(0);
  try {
    add();
  } finally {
    restore();
  }
}

module.exports = { Exit };
