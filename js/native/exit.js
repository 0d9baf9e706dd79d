'use strict';
// Owns what the end of this environment has to wait for: exporters in use and batches that are being filled.
// Refuses to listen to anything: that is process_exit.js, which all copies of this module share.

const { isMainThread } = require('node:worker_threads');
const { diag } = require('../otel/diag.js');
const { processExit } = require('./process_exit.js');
const { finishTurns } = require('../guards/turns.js');
const { contained } = require('../guards/user_code.js');

/** Whether native code is called when the process ends (src/pipeline/process_end.rs). On Windows it is not. */
const HEARS_OF_THE_END = process.platform !== 'win32';

const tell = (error) => diag.debug('Offloop: handing over at the end failed', error);

/** One per engine. Listeners come with the first span, so that whoever listens before it is heard first. */
class Exit {
  #engine;
  #options = new Set(); // `exit` options of the exporters in use; budgets are the longest of them, not the sum
  #windows = new Set(); // batches that are being filled: `handOver()`
  #process = null; // while anything is open
  #isClosed = false; // native code asks and tells JavaScript nothing
  #hasWaited = false; // after the `exit` event, once
  #member;

  constructor(engine) {
    this.#engine = engine;
    const options = this.#options;
    const windows = this.#windows;
    this.#member = {
      get signals() {
        return [...options].flatMap(({ signals }) => signals);
      },
      longest: (name) => {
        let millis = 0;
        for (const each of options) millis = Math.max(millis, each[name]);
        return millis;
      },
      /** Spans that have ended and are not handed over; those of the monitor are not known. */
      get queued() {
        let spans = 0;
        for (const { queued = 0 } of windows) spans += queued;
        return spans;
      },
      handOver: (wholeProcess) => this.#handOver(wholeProcess),
      pending: (wholeProcess) => engine.pending(wholeProcess),
      owing: () => engine.owing(),
      drain: (millis, wholeProcess, done) => engine.drain(millis, wholeProcess, done),
      close: () => this.#close(),
      hasten: (millis, wholeProcess) => {
        if (this.#mustWait) engine.drain(millis, wholeProcess, () => {});
      },
      block: (millis, wholeProcess) => {
        this.#hasWaited = true;
        return this.#mustWait ? engine.drainBlocking(millis, wholeProcess) : 0;
      },
      reopen: (wholeProcess) => this.#reopen(wholeProcess),
    };
  }

  /** An exporter has its first span. Its own object `options` identifies it. */
  enlist(options) {
    this.#options.add(options);
    this.#process ??= processExit();
    this.#process.enlist(this.#member);
  }

  /** The exporter is shut down or collected. */
  dismiss(options) {
    this.#options.delete(options);
    if (options.signals.length > 0) this.#process?.followSignals();
    this.#letGo();
  }

  /** A batch is being filled: it is to be handed over before the end. */
  addWindow(window) {
    this.#windows.add(window);
  }

  removeWindow(window) {
    if (this.#windows.delete(window)) this.#letGo();
  }

  /**
   * Spans were handed over. Behind our listener of the `exit` event their texts have no later turn, and the end of the
   * process waits for all of them at once, in what is left of the time: to wait here would cost a request each.
   */
  noteHandOver() {
    if (!this.isOver) return;
    if (this.#hasWaited && HEARS_OF_THE_END) this.#engine.slices.finishAll();
    else this.#process.blockAgain();
  }

  /** Whether the `exit` event has come: no later turn will copy anything. */
  get isOver() {
    return this.#process?.isOver === true;
  }

  /** Whether the end would have to wait for anything of ours. */
  get isOpen() {
    return this.#options.size > 0 || this.#windows.size > 0;
  }

  #letGo() {
    if (this.isOpen || this.#process === null || this.isOver) return;
    this.#process.dismiss(this.#member);
    this.#process = null;
    this.#engine.restLater();
  }

  #handOver(wholeProcess = false) {
    for (const window of [...this.#windows]) contained(tell, () => window.handOver());
    contained(tell, finishTurns);
    this.#engine.slices.finishAll();
    if (wholeProcess) contained(tell, () => this.#engine.handOverOthers());
  }

  #close() {
    if (this.#isClosed) return;
    // The monitor's window is told of its last blocks by a result, which nobody gets after the close.
    this.#handOver();
    this.#engine.collect();
    this.#isClosed = true;
    this.#engine.close();
  }

  /** The `exit` event was not the end. */
  #reopen(wholeProcess) {
    this.#isClosed = false;
    this.#hasWaited = false;
    this.#engine.reopen(wholeProcess);
    this.#letGo();
  }

  /** Nothing of the main thread's own: what workers leave has the time that their exporters allow, later on. */
  get #mustWait() {
    return !isMainThread || this.#options.size > 0;
  }
}

module.exports = { Exit };
