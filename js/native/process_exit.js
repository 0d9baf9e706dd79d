'use strict';
// Owns the end of this thread's JavaScript: one set of listeners and one deadline, however many copies of this module are
// loaded (reloads of a development server, test runners, several versions in one tree). It is let go with its last member.
// Refuses to hold an idle process, to change an exit code, and to listen to signals that nobody named.

const { isMainThread } = require('node:worker_threads');
const { constants } = require('node:os');
const { diag } = require('../otel/diag.js');
const { warnSomebody } = require('../otel/heard.js');
const { lossOf, owingOf } = require('./last_words.js');
const { NaturalEnd } = require('./natural_end.js');
const { quietly } = require('../guards/quietly.js');
const { now, setImmediate, setTimeout, unref } = require('../guards/timers.js');
const { contained } = require('../guards/user_code.js');

const KEY = Symbol.for('offloop.exit.1'); // the version of the interface between this class and its members
const SIGNAL_EXIT_4 = Symbol.for('signal-exit emitter');
const SIGNAL_EXIT_3 = '__signal_exit_emitter__';
const SIGNAL_EXIT_SIGNALS = new Set(
  'HUP INT TERM ALRM ABRT VTALRM XCPU XFSZ USR2 TRAP SYS QUIT IOT IO POLL PWR STKFLT UNUSED PROF'
    .split(' ')
    .map((name) => `SIG${name}`),
);
/** They stop a process, or nothing, unless somebody listens. */
const HARMLESS = new Set(['SIGCHLD', 'SIGCONT', 'SIGURG', 'SIGWINCH', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU']);
const SIGNAL_MILLIS = 100; // a signal that has not ended the process by then does not end it

const tell = (error) => diag.debug('Offloop: draining failed', error);

class ProcessExit {
  #members = new Set(); // of the copies of this module: js/native/exit.js
  #signals = new Map(); // signal -> our listener
  #natural = new NaturalEnd(this.#members);
  #blockDeadline = null; // set when the `exit` event has come
  #leaving = null; // the signal that is ending the process
  #owed = new Map(); // when that signal came
  #leftAt = 0; // the same, by the clock
  #cutAfter = null; // milliseconds of the drain, if a second one has ended it
  #exitsBy = null; // the signal that ends the process by `process.exit()`
  #hasTold = false; // of what that end costs
  #isListening = false;

  /** A member has a new exporter. Our listeners become the last again, and the first of signals. */
  enlist(member) {
    this.#members.add(member);
    // An event that is being emitted reaches those only who listened when it began.
    if (!this.#isListening && process._exiting === true) this.#beginBlock();
    this.#isListening = true;
    quietly(() => {
      process.off('exit', this.#onExit);
      process.on('exit', this.#onExit);
      this.#natural.listen();
      this.followSignals();
    });
  }

  /** A member has nothing open any more. */
  dismiss(member) {
    this.#members.delete(member);
    this.#letGo();
  }

  #letGo() {
    this.followSignals();
    if (this.#members.size > 0 || this.isOver || this.#leaving !== null) return;
    this.#natural.unlisten();
    process.off('exit', this.#onExit);
    if (process[KEY] === this) delete process[KEY];
  }

  /** The `exit` event has come, and a member has spans that nobody else waits for. */
  blockAgain() {
    if (this.isOver) this.#block();
  }

  /** Whether the `exit` event has come: no later turn will copy anything. */
  get isOver() {
    return this.#blockDeadline !== null;
  }

  /** Listens to the signals that exporters name now. */
  followSignals() {
    if (!isMainThread || this.#leaving !== null) return;
    const wanted = new Set([...this.#members].flatMap((member) => member.signals));
    for (const [signal, listener] of this.#signals) {
      process.off(signal, listener);
      if (!wanted.has(signal)) this.#signals.delete(signal);
    }
    for (const signal of wanted) {
      const listener = this.#signals.get(signal) ?? (() => this.#onSignal(signal));
      this.#signals.set(signal, listener);
      // First: whoever listens `once` is gone behind it.
      process.prependListener(signal, listener);
    }
  }

  #longest(name) {
    let millis = 0;
    for (const member of this.#members) millis = Math.max(millis, member.longest(name));
    return millis;
  }

  #onExit = () => {
    this.#beginBlock();
    this.#block();
  };

  #beginBlock() {
    if (this.isOver) return;
    // A natural end has had its time; what is handed over now still gets an attempt if somebody else's end takes long.
    this.#blockDeadline = now() + (this.#natural.isGivenUp ? 0 : this.#longest('blockMillis'));
    unref(setImmediate(this.#goOn));
  }

  /** The loop turns, so the `exit` event was not the end: somebody else has emitted it, or `process.exit()` was replaced. */
  #goOn = () => {
    this.#blockDeadline = null;
    this.#natural.reopen();
    for (const member of [...this.#members]) contained(tell, () => member.reopen(isMainThread));
    quietly(() => this.#letGo());
  };

  #block() {
    // Node.js says so before its own event. Somebody else's may be followed by the end, or by nothing.
    const isEnd = process._exiting !== false;
    const members = [...this.#members];
    const left = () => Math.max(0, this.#blockDeadline - now());
    if (isEnd) for (const member of members) contained(tell, () => member.close());
    for (const member of members) contained(tell, () => member.handOver(isMainThread));
    // All of them are on their way before one is waited for.
    if (members.length > 1) for (const member of members) contained(tell, () => member.hasten(left(), isMainThread));
    let lost = 0;
    for (const member of members) lost += contained(tell, () => member.block(left(), isMainThread)) ?? 0;
    // What could still be delivered has been by now.
    if (this.#exitsBy !== null && isEnd) this.#tellLoss(this.#exitsBy);
    if (lost === 0 || (this.#exitsBy !== null && this.#hasTold)) return;
    const loss = contained(tell, () => lossOf(new Map(), owingOf(members), this.#longest('blockMillis')));
    diag.warn(`Offloop: the process ends with ${lost} spans undelivered${loss == null ? '' : `: ${loss}`}`);
  }

  #onSignal(signal) {
    const isOwned = othersListen(signal);
    if (this.#leaving !== null && !isOwned) {
      this.#cutAfter ??= Math.round(now() - this.#leftAt);
      this.#leave(signal); // asked twice: at once
      return;
    }
    try {
      this.#natural.handOverAll(true);
      // Whoever else listens decides how the process goes on, and when it ends: spans that end until then come with the
      // `exit` event, or with the next signal.
      const end = isOwned || HARMLESS.has(signal) ? () => {} : () => this.#leave(signal);
      if (!isOwned && !HARMLESS.has(signal)) {
        this.#leaving = signal;
        this.#owed = owingOf(this.#members);
        this.#leftAt = now();
        this.#cutAfter = null;
        this.#hasTold = false;
      }
      if ([...this.#members].every((member) => member.pending(true) === 0)) end();
      else this.#natural.drain(this.#longest('drainMillis'), end);
    } catch (error) {
      tell(error);
      if (!isOwned) this.#leave(signal);
    }
  }

  /** Nobody else wants this signal: it does what it does without a listener. */
  #leave(signal) {
    // Windows knows no death by signal, and process 1 (of a container) does not die of one that it raises.
    if (process.platform === 'win32' || process.pid === 1) {
      this.#exitsBy = signal;
      process.exit(128 + constants.signals[signal]);
    }
    // Whoever has begun to listen meanwhile gets it, and may go on.
    if (!othersListen(signal)) this.#tellLoss(signal);
    process.off(signal, this.#signals.get(signal));
    process.kill(process.pid, signal);
    const goOn = () => {
      this.#leaving = null;
      quietly(() => this.#letGo());
    };
    unref(setTimeout(goOn, SIGNAL_MILLIS));
  }

  /** Once, where nobody is left who could: the process is gone with the signal. */
  #tellLoss(signal) {
    if (this.#hasTold) return;
    contained(tell, () => {
      const drained = this.#cutAfter ?? this.#longest('drainMillis');
      // Behind a whole drain the `exit` event does not wait.
      const blocked = this.#exitsBy === null || this.#cutAfter === null ? 0 : this.#longest('blockMillis');
      const loss = lossOf(this.#owed, owingOf(this.#members), drained + blocked);
      if (loss === null) return;
      this.#hasTold = true;
      warnSomebody(`${signal} ends the process, and these spans are lost: ${loss}`);
    });
  }
}

/**
 * Whether anybody besides us listens to `signal`. signal-exit does not count: it is in many command-line tools, and raises
 * the signal again itself, as soon as nobody else listens.
 */
function othersListen(signal) {
  const raising = SIGNAL_EXIT_SIGNALS.has(signal)
    ? countOf(globalThis[SIGNAL_EXIT_4]) + countOf(process[SIGNAL_EXIT_3])
    : 0;
  return process.listenerCount(signal) - 1 - raising > 0;
}

const countOf = (emitter) => (Number.isInteger(emitter?.count) ? emitter.count : 0);

/** The one of this thread, made by whichever copy of this module comes first. */
function processExit() {
  const known = process[KEY];
  if (known !== undefined) return known;
  const made = new ProcessExit();
  Object.defineProperty(process, KEY, { value: made, configurable: true });
  return made;
}

module.exports = { processExit };
