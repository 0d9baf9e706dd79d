'use strict';
// Owns this environment's connection to the native engine: calls that wait for a result, and how long they hold the
// process. Refuses to know what the calls are about.

const { createMemory } = require('./handoff/memory.js');
const { Slices } = require('./handoff/slices.js');
const { loadBinding } = require('./binding.js');

const IDLE_MILLIS = 30000;
const MAX_TIMER_MILLIS = 2 ** 31 - 1;

/** Keeps the process alive while a caller waits, until that caller's deadline. */
class Hold {
  #waiting = 0;
  #deadline = 0;
  #timer = null;

  acquire(millis) {
    this.#waiting += 1;
    const deadline = performance.now() + Math.min(millis, MAX_TIMER_MILLIS);
    if (deadline > this.#deadline) this.#deadline = deadline;
    if (this.#timer === null) this.#arm();
    else if (this.#waiting === 1) this.#timer.ref();
  }

  release() {
    this.#waiting -= 1;
    if (this.#waiting === 0) this.#timer?.unref();
  }

  #arm() {
    const millis = Math.max(1, this.#deadline - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#waiting > 0 && this.#deadline > performance.now()) this.#arm();
    }, millis);
  }
}

class Engine {
  constructor() {
    this.binding = loadBinding();
    this.slices = new Slices();
    this.hold = new Hold();
    this.#environment = new this.binding.Environment(() => this.#collect());
    this.memory = createMemory(this.#environment);
  }

  #environment;
  #calls = new Map(); // id -> (result) => void
  #senders = new Map(); // lane number -> (send) => Promise<facts>
  #nextId = 1;
  #nextLane = 1;
  #idleTimer = null;
  #lastUseMillis = 0;

  /** A lane; `sendThroughNode` makes the attempts of one whose transport is Node's. */
  createLane(config, sendThroughNode) {
    const number = this.#nextLane++;
    if (sendThroughNode !== undefined) this.#senders.set(number, sendThroughNode);
    return new this.binding.Lane(this.#environment, { ...config, number });
  }

  /**
   * A number for a call; `onResult` gets its result once. The process stays alive until then, `holdMillis` at most.
   */
  register(onResult, holdMillis) {
    let id = this.#nextId;
    while (this.#calls.has(id)) id = (id + 1) >>> 0;
    this.#nextId = (id + 1) >>> 0;
    this.#calls.set(id, onResult);
    this.hold.acquire(holdMillis);
    this.#noteUse();
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

  /** Hands out every result that is waiting. */
  #collect() {
    for (const result of this.#environment.takeResults()) {
      if (result.send !== undefined && result.send !== null) {
        this.#send(result.id, result.send);
        continue;
      }
      const onResult = this.#calls.get(result.id);
      if (onResult === undefined) continue;
      this.#calls.delete(result.id);
      this.hold.release();
      onResult(result);
    }
  }

  #send(attempt, { lane, body, contentEncoding, timeoutMillis }) {
    const sender = this.#senders.get(lane);
    if (sender === undefined) return;
    sender(body, timeoutMillis, contentEncoding ?? null).then((facts) => {
      if (facts !== null) this.#environment.answerAttempt(attempt, facts);
    });
  }

  /** Idle blocks keep their address and give their memory back. */
  #noteUse() {
    this.#lastUseMillis = performance.now();
    if (this.#idleTimer !== null) return;
    const check = () => {
      const left = this.#lastUseMillis + IDLE_MILLIS - performance.now();
      if (left > 0) {
        this.#idleTimer = setTimeout(check, left).unref();
      } else {
        this.#idleTimer = null;
        this.#environment.releaseIdlePages();
      }
    };
    this.#idleTimer = setTimeout(check, IDLE_MILLIS).unref();
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

module.exports = { getEngine, threadCpuMicros };
