'use strict';
// Owns the monitor's life in one environment: what it is told, where its spans go, and that there is only one.
// Refuses to look at the loop: a native thread does, through stamps that the loop's own thread leaves natively.

const { diag } = require('../otel/diag.js');
const { hasBinding } = require('../native/binding.js');
const { getEngine } = require('../native/engine.js');
const { isItself } = require('../config/options/read.js');
const { forNative } = require('../native/native_objects.js');
const { openSpans } = require('./open_spans.js');
const { threadId } = require('node:worker_threads');
const { version } = require('../../package.json');
const { inRootContext } = require('../otel/root_context.js');
const { StandIns } = require('../guards/stand_ins.js');
const { clearTimeout, setTimeout, unref } = require('../guards/timers.js');

const HEARTBEAT_MILLIS = 20;
const NOTHING_SEEN = Object.freeze({ blocks: 0, spans: 0, suppressed: 0, paused: 0, starved: 0, debugger: 0 });
const NO_DELAYS = Object.freeze({ count: 0, min: 0, max: 0, mean: 0, stddev: 0, p50: 0, p90: 0, p99: 0 });

const standIns = new StandIns('monitor');
const OWNER = Symbol.for('offloop.monitor.1'); // of all copies in this thread: `{ isYielding, disable() }`

/** What only a program with a monitor needs, loaded by the constructor of its first one. */
let parts;
const loadParts = () => ({
  ...require('./inspector_state.js'),
  ...require('./loop_metrics.js'),
  ...require('./options.js'),
  ...require('./outlet.js'),
  ...require('./span_resource.js'),
  ...require('./stack_proof.js'),
});

let native; // of this environment, made once: its handle on the loop is closed with the environment
let enabled = null; // the monitor of this copy of the module that watches this environment's loop
let isFallbackTold = false;
let own;

class EventLoopMonitor {
  static {
    own = (monitor) => (#options in monitor ? monitor : standIns.originalOf(monitor));
  }

  #options;
  #outlet;
  #metrics;
  #heartbeat = null;
  #lastStats = null;
  #isYielding;

  /** @param config see index.d.ts */
  constructor(config) {
    hasBinding();
    parts ??= loadParts();
    this.#options = parts.resolveMonitorOptions(config, !isItself(new.target, EventLoopMonitor));
    hasBinding(); // loaded here if it can be, and not where it is enabled, in whose context it would stay
    this.#isYielding = this.#options.isAutomatic;
    this.#outlet = parts.createOutlet(this.#options);
    this.#metrics = new parts.LoopMetrics(this.#options.meterProvider, () => (enabled === this ? native : null));
    standIns.sign(this);
  }

  /**
   * Begins; does nothing when it has begun. There is one monitor per environment: a second one is refused.
   * @returns {boolean} whether this monitor watches the loop now
   */
  enable() {
    return own(this).#enable();
  }

  /** Ends; does nothing when it has not begun. `stats()` keeps what was seen. */
  disable() {
    own(this).#disable();
  }

  /** What was seen since the last `enable()`. */
  stats() {
    return own(this).#stats();
  }

  #enable() {
    if (enabled === this) return true;
    if (process[OWNER]?.isYielding) process[OWNER].disable(); // switched on by an environment variable, and now by the program
    if (process[OWNER] !== undefined) {
      diag.warn('Offloop: the event loop of this thread is watched already; this EventLoopMonitor stays disabled');
      return false;
    }
    const { thresholdMillis, criticalMillis, maxPerMinute } = this.#options;
    const settings = {
      thresholdMillis,
      criticalMillis,
      stacks: this.#options.stacks,
      maxPerMinute,
      version,
      threadId,
      isStartup: performance.nodeTiming?.loopStart === -1,
      isInspected: parts.isListening(),
    };
    let capabilities;
    try {
      native ??= createNative(this.#options.heartbeatOnly);
      capabilities = native.capabilities();
      const resource = this.#options.resource ?? parts.currentResource();
      this.#outlet.start(native, forNative(settings), parts.resourceEntries(resource));
    } catch (error) {
      diag.warn(`Offloop: the event loop cannot be watched: ${error.message}`);
      return false;
    }
    const { turns, stacks } = capabilities;
    tellFallback(turns, stacks);
    enabled = this;
    const owner = { isYielding: this.#isYielding, disable: () => this.#disable() };
    Object.defineProperty(process, OWNER, { value: owner, configurable: true });
    if (this.#options.resource === undefined) {
      openSpans.onResource = (seen) =>
        parts.followResource(seen, (entries) => enabled === this && native.setResource(entries));
    }
    openSpans.onBatch = () => native.setInspected(parts.isListening());
    openSpans.open(
      () => native.openSpanTable(),
      (text) => native.addText(text),
    );
    native.callAtEnd(() => openSpans.refresh());
    if (!turns) {
      inRootContext(() => {
        if (enabled === this) this.#beat();
      });
    }
    this.#metrics.start();
    return true;
  }

  #disable() {
    if (enabled !== this) return;
    this.#metrics.stop();
    clearTimeout(this.#heartbeat);
    this.#outlet.stop(native);
    openSpans.close();
    this.#lastStats = this.#stats();
    native.disable();
    enabled = null;
    delete process[OWNER];
  }

  #stats() {
    const seen = enabled === this ? native.stats() : null;
    if (seen === null) {
      return this.#lastStats ?? { ...NOTHING_SEEN, longestBlockMillis: 0, turns: 0, idleMillis: 0, delay: NO_DELAYS };
    }
    return seen;
  }

  /** Where the loop itself tells nothing (Bun, Deno): this wakes it, unlike everything else here. */
  #beat() {
    const beat = () => {
      openSpans.refresh();
      native.beat();
      this.#beat();
    };
    clearTimeout(this.#heartbeat);
    this.#heartbeat = unref(setTimeout(beat, HEARTBEAT_MILLIS));
  }
}

function createNative(heartbeatOnly) {
  const made = getEngine().createLoopMonitor(HEARTBEAT_MILLIS, heartbeatOnly);
  parts.proveStacks(made);
  return made;
}

function tellFallback(turns, stacks) {
  if (isFallbackTold || (turns && stacks)) return;
  isFallbackTold = true;
  const how = turns
    ? 'block spans have no stack'
    : `blocks are seen by a timer of ${HEARTBEAT_MILLIS} ms, without a stack`;
  diag.debug(`Offloop: this runtime is not known (V8 ${process.versions.v8 ?? 'unknown'}): ${how}`);
}

module.exports = { EventLoopMonitor };
