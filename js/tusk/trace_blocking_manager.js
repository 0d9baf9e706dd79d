'use strict';
// Owns the set of traces that are not recorded any more, one per process: whoever creates spans asks it too.
// Refuses to judge: span_filter.js and the instrumentations decide who gets blocked.

const { diag } = require('../otel/diag.js');
const { inRootContext } = require('../otel/root_context.js');
const { StandIns } = require('../guards/stand_ins.js');
const { unref } = require('../guards/timers.js');

const TTL_MILLIS = 10 * 60 * 1000; // traces are over well before
const CLEAN_UP_MILLIS = 2 * 60 * 1000;

// Two copies of this library in one process must block the same traces.
const SHARED = Symbol.for('offloop.tusk.traceBlockingManager');
// Recorders patch the global clock at replay; the one of load time stays true.
const now = Date.now;
const standIns = new StandIns('trace blocking manager');
let own;

/** Remembers blocked traces for ten minutes from their first block. */
class TraceBlockingManager {
  static {
    own = (manager) => (#blockedAtMillis in manager ? manager : standIns.originalOf(manager));
  }

  #blockedAtMillis = new Map();
  #timer = null;
  #isWatching = false;

  constructor() {
    standIns.sign(this);
  }

  /** The manager of this process. */
  static getInstance() {
    globalThis[SHARED] ??= new TraceBlockingManager();
    return globalThis[SHARED];
  }

  /** Puts the manager of another library (`isTraceBlocked`, `blockTrace`) in the place of ours. */
  static setInstance(manager) {
    if (typeof manager?.isTraceBlocked !== 'function' || typeof manager.blockTrace !== 'function') {
      throw new TypeError('a trace blocking manager has the methods isTraceBlocked and blockTrace');
    }
    globalThis[SHARED] = manager;
  }

  isTraceBlocked(traceId) {
    return own(this).#blockedAtMillis.has(traceId);
  }

  blockTrace(traceId) {
    const self = own(this);
    if (self.#blockedAtMillis.has(traceId)) return;
    self.#blockedAtMillis.set(traceId, now());
    self.#watch();
    diag.debug(`Offloop: blocked trace ${traceId}`);
  }

  #watch() {
    if (this.#isWatching) return;
    inRootContext(() => {
      this.#timer = unref(setInterval(() => this.#forgetOld(), CLEAN_UP_MILLIS));
    });
    this.#isWatching = true;
  }

  #forgetOld() {
    const oldest = now() - TTL_MILLIS;
    for (const [traceId, blockedAt] of this.#blockedAtMillis) {
      if (blockedAt < oldest) this.#blockedAtMillis.delete(traceId);
    }
    if (this.#blockedAtMillis.size > 0) return;
    clearInterval(this.#timer);
    this.#isWatching = false;
  }
}

module.exports = { TraceBlockingManager };
