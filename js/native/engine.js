'use strict';
// Owns this environment's connection to the native engine: calls that wait for a result.
// Refuses to know what the calls are about.

const { addressSettings } = require('../config/addresses.js');
const { checkDeadlines, useNativeClock } = require('./deadlines.js');
const { createMemory, NativeMemory } = require('../handoff/memory.js');
const { Slices } = require('../handoff/slices.js');
const { Exit } = require('./exit.js');
const { loadBinding } = require('./binding.js');
const { diag } = require('../otel/diag.js');
const { Hold } = require('./hold.js');
const { inRootContext } = require('../otel/root_context.js');
const { forNative, fromNative } = require('./native_objects.js');
const { textOfError } = require('../node_http/network_facts.js');
const { clearTimeout, setImmediate, setTimeout, soon, unref } = require('../guards/timers.js');
const { contained, ignore, timerMillis } = require('../guards/user_code.js');

const IDLE_CHECK_MILLIS = 15000; // memory that was not needed for one to two of these goes back
const IDLE_STEP_BYTES = 2 ** 21; // a few hundred microseconds
const IDLE_STEP_MILLIS = 20;

class Engine {
  constructor() {
    this.binding = loadBinding();
    this.slices = new Slices();
    this.exit = new Exit(this);
    this.hold = new Hold();
    this.#environment = new this.binding.Environment();
    this.memory = createMemory(this.#environment);
    useNativeClock((millis) => {
      this.#listen();
      return this.#environment.wakeIn(millis);
    });
  }

  #environment;
  #calls = new Map(); // id -> { onResult, isHeld }
  #attempts = new Map(); // number -> what ends an attempt that JavaScript is making
  #lanes = new Map(); // lane number -> WeakRef of what JavaScript does for it: `send`, `readHeaders`
  #abandoned = new FinalizationRegistry((cleanUp) => cleanUp()); // exporters that nobody shut down (R107)
  #onBlock = null; // gets blocks of the event loop whose spans are not sent natively
  #results = []; // taken and not handed out
  #nextId = 1;
  #nextLane = 1;
  #idleTimer = null;
  #isWatchingIdle = false;
  #isUsed = false; // since the last look
  #isListening = false; // native code holds us, to call when there are results
  #rest = () => this.#restNow();

  /**
   * A lane. `help` is what JavaScript does for its attempts:
   * `send(call, body, timeoutMillis, contentEncoding, signal, headers)` answers the facts of an attempt made through Node's
   * http, with `headers` if they were read already; it sets `signal.end`, which is called if the attempt is given up, and
   * gives `signal.onHead` the facts of a reply whose body it still reads;
   * `readHeaders(call)` the header entries; both get the number of the export call and never throw synchronously.
   * `tell({ level, text } | { failed })` passes a notice on. The owner holds it: nothing here keeps an exporter alive.
   */
  createLane(config, help) {
    const number = this.#nextLane++;
    this.#lanes.set(number, new WeakRef(help));
    this.onCollected(help, () => this.#lanes.delete(number));
    return new this.binding.Lane(this.#environment, forNative({ ...config, ...addressSettings(), number }));
  }

  /**
   * A number for a call; `onResult` gets its result once. The process stays alive until then, `holdMillis` at most, or
   * not at all without it. `note(id)` comes before the process is held: whoever is cut off behind it can forget the call.
   */
  register(onResult, holdMillis, note = ignore) {
    let id = this.#nextId;
    while (this.#calls.has(id)) id = (id + 1) >>> 0;
    this.#nextId = (id + 1) >>> 0;
    this.#listen();
    this.#noteUse();
    note(id);
    this.#calls.set(id, { onResult, isHeld: holdMillis !== undefined });
    if (holdMillis !== undefined) this.hold.acquire(id, holdMillis);
    return id;
  }

  /** The same for a call that is answered in any case: `onResult` gets null if no result has come after `millis`. */
  ask(onResult, millis) {
    let id = null;
    const late = () => {
      this.collect(); // after a block of the loop timers come before results
      if (this.forget(id) !== undefined) onResult(null);
    };
    const timer = unref(setTimeout(late, timerMillis(millis)));
    id = this.register((result) => {
      clearTimeout(timer);
      onResult(result);
    }, millis);
    return id;
  }

  /** Reserves room for a batch and, if it is complete, hands it over. False: refused; the result comes either way. */
  admit(lane, id, spans, bytes, segments, isComplete) {
    const parts = this.memory.segmentsForSubmit(segments);
    return lane.admit(this.#environment, id, spans, bytes, parts, isComplete);
  }

  /** Hands an admitted batch over, with the segments written since. */
  complete(lane, id, segments) {
    lane.complete(this.#environment, id, this.memory.segmentsForSubmit(segments));
  }

  /** Whether native threads read what JavaScript writes: only then can they take a batch that is being filled. */
  get sharesMemory() {
    return this.memory instanceof NativeMemory;
  }

  /** The first span of export `id` is counted in block `head`; its records lie in `parts` (js/handoff/open_batch.js). */
  openWindow(lane, id, head, parts, delayMillis) {
    lane.openWindow(this.#environment, id, head, Uint32Array.from(parts), delayMillis);
  }

  /** Export `id` goes on in other blocks. False: a native thread has taken it. */
  growWindow(lane, id, parts) {
    return lane.growWindow(this.#environment, id, Uint32Array.from(parts));
  }

  /** Whether native code has forked this process from one that was exporting: there are no threads in it (F67). */
  get isForkedChild() {
    return this.#environment.isForkedChild;
  }

  /** Calls `cleanUp` when nobody holds `object` any more; it must not hold it either. */
  onCollected(object, cleanUp) {
    this.#abandoned.register(object, cleanUp);
  }

  /** Spans on their way, of this environment or of the whole process. */
  pending(wholeProcess) {
    return this.#environment.pending(wholeProcess);
  }

  /** What each exporter of the process owes. */
  owing() {
    return this.#environment.owing().map(fromNative);
  }

  /** Batches that other environments of this process are filling go on their way. */
  handOverOthers() {
    this.#environment.handOverWindows();
  }

  /**
   * What has come is handed out: nothing else was posted before. For a call that has nothing to wait for, and so must not
   * wake the loop (a `beforeExit` listener may make it each time).
   */
  settleNow(done) {
    soon(() => {
      this.collect();
      done();
    });
  }

  /** Holds the process until everything on its way is over, `millis` at most; `done` gets the number of spans left. */
  drain(millis, wholeProcess, done) {
    const id = this.register(({ left }) => done(left), millis);
    this.#environment.drain(id, millis, wholeProcess);
  }

  /** The same, blocking this thread. Returns the spans left. */
  drainBlocking(millis, wholeProcess) {
    return this.#environment.drainBlocking(millis, wholeProcess);
  }

  /** The event loop will not turn any more: native threads need not ask or tell JavaScript anything. */
  close() {
    this.#environment.close();
  }

  /**
   * The event loop turns again: native threads may ask JavaScript again, and deliver what they have held back. The exporters
   * of this environment count as not waited for; with `wholeProcess` the deadline of the end of the process is cleared, too.
   */
  reopen(wholeProcess) {
    this.#environment.reopen(wholeProcess);
  }

  /** The native half of the event-loop monitor; one per environment. */
  createLoopMonitor(heartbeatMillis, heartbeatOnly) {
    // The versions of V8 that are known are Node's: Electron patches its own, Bun only names one.
    const { bun, electron, v8 } = process.versions;
    const known = bun === undefined && electron === undefined ? (v8 ?? '') : '';
    // Bun exports the names of libuv, over functions that end the process.
    const beatsOnly = heartbeatOnly || bun !== undefined;
    return new this.binding.LoopMonitor(this.#environment, known, heartbeatMillis, beatsOnly);
  }

  /** `onBlock` gets each block of the event loop that is over, null: nobody does. */
  watchBlocks(onBlock) {
    this.#onBlock = onBlock;
    if (onBlock === null) this.restLater();
    else this.#listen();
  }

  #listen() {
    if (this.#isListening) return;
    inRootContext(() => {
      if (this.#isListening) this.#environment.listen(() => this.collect());
    });
    this.#isListening = true;
  }

  /**
   * Nothing is open any more: if that stays so, native code lets go of us, and so this copy of the module and what it holds
   * can be collected with its last user.
   */
  restLater() {
    unref(setImmediate(this.#rest));
  }

  #restNow() {
    if (this.exit.isOpen || this.#calls.size > 0 || this.#attempts.size > 0 || this.#onBlock !== null) return;
    this.#environment.rest();
    this.#isListening = false;
    this.hold.rest();
    clearTimeout(this.#idleTimer);
    this.#isUsed = true; // once more after a pause, if a thread of ours still reads a block
    this.#releaseIdle();
  }

  /** No result is waited for any more under `id`. */
  forget(id) {
    const call = this.#calls.get(id);
    if (call === undefined) return undefined;
    this.#calls.delete(id);
    if (call.isHeld) this.hold.release(id);
    return call;
  }

  /**
   * Hands out every result that is waiting. One of them may end in code that throws, or that comes back here or ends the
   * process: the others are handed out all the same.
   */
  collect() {
    for (const result of this.#environment.takeResults()) this.#results.push(fromNative(result));
    checkDeadlines();
    while (this.#results.length > 0) {
      try {
        this.#handOut(this.#results.shift());
      } catch (error) {
        diag.error('Offloop: a result could not be handed out', error);
      }
    }
  }

  #handOut(result) {
    const { id, send, withdrawn, notice, block, headers } = result;
    if (send != null) this.#send(id, send);
    else if (withdrawn != null) this.#attempts.get(id)?.end?.();
    else if (notice != null) this.#lanes.get(notice.lane)?.deref()?.tell(notice);
    else if (block != null) this.#onBlock?.(block);
    else if (headers != null) this.#readHeaders(id, headers);
    else this.forget(id)?.onResult(result);
  }

  #send(attempt, { lane, call, body, contentEncoding, timeoutMillis, headers }) {
    // Facts that cannot be read are told with the whole answer.
    const onHead = (facts) => contained(ignore, () => this.#environment.noteAttempt(attempt, forNative(facts)));
    const signal = { end: null, onHead };
    const sending = this.#lanes
      .get(lane)
      ?.deref()
      ?.send(call, body, timeoutMillis, contentEncoding ?? null, signal, headers ?? null);
    if (sending === undefined) return;
    this.#attempts.set(attempt, signal);
    sending
      .finally(() => this.#attempts.delete(attempt))
      .then((facts) => {
        if (facts !== null) this.#environment.answerAttempt(attempt, forNative(facts));
      })
      .catch((error) => {
        // Facts that the native side cannot read must not become an unhandled rejection of the application.
        const facts = { outcome: 'failed', error: { kind: 'other', message: `Offloop: ${textOfError(error)}` } };
        this.#environment.answerAttempt(attempt, forNative(facts));
      });
  }

  #readHeaders(question, { lane, call }) {
    this.#lanes
      .get(lane)
      ?.deref()
      ?.readHeaders(call)
      .then((entries) => this.#environment.answerHeaders(question, entries, null))
      .catch((error) => this.#environment.answerHeaders(question, null, textOfError(error)));
  }

  /** Idle blocks give their memory back, also while others are in use. */
  #noteUse() {
    this.#isUsed = true;
    if (this.#isWatchingIdle) return;
    inRootContext(() => this.#releaseIdleIn(IDLE_CHECK_MILLIS));
    this.#isWatchingIdle = true;
  }

  #releaseIdleIn(millis) {
    this.#isWatchingIdle = true;
    clearTimeout(this.#idleTimer);
    this.#idleTimer = unref(setTimeout(() => this.#releaseIdle(), millis));
  }

  #releaseIdle() {
    if (!this.#isListening) this.memory.noteIdle();
    const isMore = this.memory.giveBack(IDLE_STEP_BYTES);
    // A batch may be filled for longer than a pause: its block comes back later.
    const isWaiting = !this.memory.isEmpty && (this.#isUsed || this.#isListening);
    if (isMore || isWaiting) {
      if (!isMore) this.#isUsed = false;
      const millis = isMore ? IDLE_STEP_MILLIS : IDLE_CHECK_MILLIS;
      this.#releaseIdleIn(millis);
    } else {
      this.#isWatchingIdle = false;
    }
  }
}

let engine;

/** The engine of this environment, made on first use. */
function getEngine() {
  engine ??= new Engine();
  return engine;
}

/** Microseconds of CPU time of the calling thread, or -1. For the benchmark and the monitor. */
function threadCpuMicros() {
  return loadBinding().threadCpuMicros();
}

module.exports = { getEngine, IDLE_STEP_BYTES, threadCpuMicros };
