'use strict';
// Owns batches over one of our exporters: every span is written into native memory as it ends, and a batch leaves when
// it is large enough, when its delay is over (a native clock, so that a blocked loop delays nothing), or on demand.
// Refuses to keep span objects, except those whose resource is not known yet or that end while another is being written.
//
// Two rules make it safe against code that calls back and against calls that are cut off anywhere (a `vm` script that runs
// out of time runs no `finally`; any call may find no stack left):
// - Between WRITING and IDLE a span is written and counted. A span that ends meanwhile waits: until the running call comes
//   to it, or, if that call was cut off, until the stack has unwound. A batch in which a call was cut off is filled no
//   further: what is counted in it leaves, and what comes goes behind it.
// - Code of the application that belongs to a batch (headers, meters, context managers) is called by `#serve` alone, when no
//   span is being written. Spans that end in such code are written and counted, and nothing else.

const { BatchSize } = require('./batch_size.js');
const { OpenBatch } = require('../handoff/open_batch.js');
const { SpanWriter, WRITTEN, INVALID, TOO_LARGE, NO_ROOM } = require('../handoff/span_writer.js');
const { Deadline, noteNativeClock, within } = require('../native/deadlines.js');
const { diag } = require('../otel/diag.js');
const { getEngine } = require('../native/engine.js');
const { textOfError } = require('../node_http/network_facts.js');
const { pendingResource, PendingResources } = require('./pending_resources.js');
const { reportError, withoutTracing } = require('../otel/sdk_context.js');
const { clearTimeout, now, setImmediate, setTimeout, unref } = require('../guards/timers.js');
const { timerMillis } = require('../guards/user_code.js');
const { afterUnwinding, isOutOfStack } = require('../guards/unwinding.js');

const DELAY_JITTER = 0.1; // a fleet of processes must not export in step
const MAX_WINDOW_BYTES = 4 << 20;
const LOOP_GRACE_MILLIS = 25; // where a batch should leave by JavaScript's hand, the native clock is for a blocked loop
const REASONS = { [INVALID]: 'invalid', [TOO_LARGE]: 'too_large' };

const IDLE = 0;
const WRITING = 1;
const TORN = 2; // as WRITING, and the call is known to be over

class NativeBatcher {
  #port;
  #options;
  #metrics;
  #engine = null;
  #lane = null;
  #writer = null;
  #size;
  #window = null; // being filled
  #state = IDLE;
  #isServing = false;
  #underWay = new Set(); // windows with an export number and without an answer
  #overdue = new Set(); // the same, and the SDK's time for one export is over
  #late = []; // ended while a span was being written
  #resources;
  #dropped = 0;
  #isMending = false;
  #mend = () => {
    this.#isMending = true;
    try {
      this.#recover();
    } catch (error) {
      diag.debug('Offloop: mending failed', error);
    }
    this.#isMending = false;
  };

  constructor(port, options, metrics) {
    this.#port = port;
    this.#options = options;
    this.#metrics = metrics;
    const { maxExportBatchSize, isBatchSizeGiven, maxQueueSize = port.maxSpans } = options;
    this.#size = new BatchSize(maxExportBatchSize, isBatchSizeGiven, maxQueueSize);
    const capture = (spans) => {
      for (const span of spans) this.#accept(span);
    };
    this.#resources = new PendingResources(capture, options.exportTimeoutMillis);
  }

  /** Spans that have ended and have not been handed over. */
  get queued() {
    return this.#resources.count + this.#late.length + (this.#window?.spans ?? 0);
  }

  /**
   * Counts `span` in a batch, keeps it or refuses it; throws only where it has done none of that. `proceed()` is to follow.
   */
  add(span) {
    this.#start();
    if (this.#mustWait()) this.#keep(span);
    else this.#addNow(span);
  }

  /** What comes behind a span: its batch is opened or handed over, and those that have ended meanwhile are added. */
  proceed() {
    if (this.#state !== IDLE) return;
    this.#serveIfDue();
    if (this.#late.length > 0) this.#addLate();
    if (this.#engine.exit.isOver) this.#engine.exit.noteHandOver();
  }

  /** Spans that `add` could not take, and nobody will. */
  refuse(spans, reason) {
    this.#start();
    this.#refuse(spans, reason);
  }

  /** Hands over what has been captured; called at the end of the process too, where nobody waits for a resource. */
  handOver() {
    this.#recover();
    this.#resources.releaseAll();
    this.#leaveNow();
  }

  /**
   * Resolves when every span that ended before this call is settled; rejects with the first failure, or after
   * `exportTimeoutMillis` with 'Timeout'. That is the end of the wait only: what is on its way goes on.
   */
  async flush() {
    if (this.#engine === null) return;
    if (this.#engine.isForkedChild) {
      if (this.#window !== null) this.#leave(this.#window); // the parent hands it over
      return;
    }
    await undefined; // a call that is cut off in this turn has held nothing
    await within(this.#flushed(), this.#options.exportTimeoutMillis, () => this.#engine.collect());
  }

  async #flushed() {
    await this.#resources.settled();
    this.#recover();
    if (this.#window !== null) this.#window.isAwaited = true;
    this.#leaveNow();
    const waits = [...this.#underWay, ...this.#overdue].map((window) => {
      if (!window.isHandedOver) this.#lane.handOver(window.id); // a call that should have done it was cut off
      return new Promise((resolve) => window.waiters.push(resolve));
    });
    if (waits.length > 0) {
      // Native code sends at once what it knows that somebody waits for. The answer is that of the batches, below.
      const { exportTimeoutMillis } = this.#options;
      this.#lane.forceFlush(
        this.#engine.ask(() => {}, exportTimeoutMillis),
        false,
        exportTimeoutMillis,
      );
    }
    const errors = (await Promise.all(waits)).filter((error) => error !== undefined);
    if (errors.length > 0) throw errors[0];
  }

  #start() {
    if (this.#engine !== null) return;
    const engine = getEngine();
    this.#lane = this.#port.open();
    const writer = new SpanWriter(engine.memory, this.#port.limits, false);
    engine.onCollected(this, () => writer.release());
    this.#writer = writer;
    this.#engine = engine; // last: a start that was cut off is made again
  }

  /** Whether a span that ends now may not be written yet. */
  #mustWait() {
    if (this.#state === TORN && !this.#isServing) this.#giveUp();
    return this.#state !== IDLE;
  }

  #keep(span) {
    if (this.#room() === 0) {
      this.#drop();
      return;
    }
    afterUnwinding(this.#mend);
    this.#engine.exit.addWindow(this);
    this.#late.push(span);
  }

  #addLate() {
    while (this.#late.length > 0 && !this.#mustWait()) {
      const span = this.#late.shift();
      try {
        this.#addNow(span);
      } catch (error) {
        this.#late.unshift(span);
        if (isOutOfStack(error) && !this.#isMending) throw error;
        this.#late.shift();
        this.#refuse(1, 'invalid'); // it wants more stack than there is
      }
      this.#serveIfDue();
    }
  }

  #addNow(span) {
    const resource = pendingResource(span);
    // Behind the `exit` event it stays as it is.
    if (resource !== null && !this.#engine.exit.isOver) {
      if (this.#room() === 0) {
        this.#drop();
      } else {
        this.#engine.exit.addWindow(this);
        this.#resources.hold(span, resource);
      }
      return;
    }
    this.#capture(span);
  }

  /** A span that waits for nothing else. */
  #accept(span) {
    if (this.#mustWait()) {
      this.#keep(span);
    } else {
      this.#capture(span);
      this.#serveIfDue();
    }
  }

  /**
   * No call is under way any more: whatever one has left behind is mended. Called when the stack has unwound, and where
   * nothing returns to the running call (the end of the process).
   */
  #recover() {
    this.#isServing = false;
    if (this.#state !== IDLE) this.#giveUp();
    this.#addLate();
    this.#serveIfDue();
  }

  #serveIfDue() {
    const window = this.#window;
    if (window?.spans > 0 && (!window.isOpen || this.#isDue(window))) this.#serve();
  }

  /** A call that was writing was cut off: its span is lost, and the batch it belonged to leaves with what it has. */
  #giveUp() {
    this.#state = TORN;
    const window = this.#window;
    if (window?.spans > 0) {
      this.#leaveNow();
      if (this.#window === window) return; // for want of stack: what comes waits until there is some
    } else if (window !== null) {
      this.#discard(window);
    }
    this.#state = IDLE;
  }

  /** Spans that may still be captured. */
  #room() {
    const { maxQueueSize = Number.POSITIVE_INFINITY, maxExportBatchSize } = this.#options;
    const window = this.#window;
    let captured = window === null || this.#underWay.has(window) ? 0 : window.spans;
    let here = captured; // not handed over
    for (const each of this.#underWay) {
      captured += each.spans;
      if (!each.isHandedOver) here += each.spans;
    }
    const waiting = this.#resources.count + this.#late.length;
    // The SDK's queue does not count the batch that is being exported.
    const ofQueue = maxQueueSize + maxExportBatchSize - captured - waiting;
    return Math.max(0, Math.min(ofQueue, this.#lane.roomSpans() - here - waiting));
  }

  #capture(span) {
    try {
      this.#captureNow(span);
    } catch (error) {
      // No stack, most likely: nothing is called here.
      if (this.#state === WRITING) this.#state = TORN;
      throw error;
    }
  }

  #captureNow(span) {
    for (;;) {
      // A call that should have handed it over was cut off, or is about to.
      if (this.#window !== null && !(this.#window.spans < this.#window.limit)) this.#leaveNow();
      const window = this.#window ?? this.#begin();
      if (window === null || window.spans >= window.room) {
        this.#drop();
        return;
      }
      if (this.#dropped > 0) {
        this.#tellDropped(); // to code that may have ended spans meanwhile
        continue;
      }
      this.#state = WRITING;
      const result = this.#write(span);
      if (result === WRITTEN) {
        const isCounted = this.#count(window);
        this.#state = IDLE;
        if (isCounted) return;
        window.isHandedOver = true;
        this.#leave(window); // taken by its clock while this span was written: it goes into the next one
        continue;
      }
      if (this.#state === WRITING) this.#state = IDLE;
      if (result === NO_ROOM && window.spans > 0 && this.#leaveNow()) continue; // once more, with the room left then
      if (window.spans === 0) this.#leave(window); // its bounds are those of this moment
      this.#refuse(1, result === NO_ROOM ? 'bytes_full' : REASONS[result]);
      return;
    }
  }

  #write(span) {
    try {
      return this.#writer.write(span);
    } catch (error) {
      this.#state = TORN;
      if (isOutOfStack(error)) throw error; // says nothing about the span
      diag.debug('Offloop: a span could not be written', error);
      return INVALID;
    }
  }

  #begin() {
    const room = this.#engine.isForkedChild ? 0 : this.#room();
    if (room === 0) return null;
    this.#writer.begin(this.#lane.roomBytes());
    OpenBatch.leaveHead(this.#writer.stream);
    this.#window = newWindow(room, Math.min(room, this.#size.next(this.#underWay.size)));
    return this.#window;
  }

  /** Counts the span just written. False: the window has been taken. */
  #count(window) {
    const { batch } = window;
    if (batch === null) {
      this.#engine.exit.addWindow(this);
      afterUnwinding(this.#mend); // should no stack be left for its opening
      window.batch = new OpenBatch(this.#writer.stream);
    } else {
      if (window.isOpen && batch.hasGrown && !this.#grow(window)) return false;
      if (!batch.add()) return false;
    }
    window.spans += 1;
    return true;
  }

  /** The native side gets the blocks that it does not hold yet. False: the window has been taken. */
  #grow({ id, batch }) {
    const parts = batch.newParts();
    if (!this.#engine.growWindow(this.#lane, id, parts.flat)) return false;
    batch.noteGiven(parts);
    return true;
  }

  #isDue(window) {
    return window.isDue || !(window.spans < window.limit) || this.#writer.usedBytes >= MAX_WINDOW_BYTES;
  }

  /** Hands over the window being filled. False: nothing of the kind can be done now. */
  #leaveNow() {
    const window = this.#window;
    if (window === null || window.spans === 0) return false;
    window.isDue = true;
    this.#serve();
    return this.#window !== window;
  }

  /** What the window being filled needs of code that is not ours: its opening, and its leaving. Never within itself. */
  #serve() {
    if (this.#isServing) return;
    this.#mendLater();
    this.#isServing = true;
    try {
      const window = this.#window;
      if (!window.isOpen) this.#open(window);
      if (this.#window === window && this.#isDue(window)) this.#handOver(window);
      // Spans that ended meanwhile: one more window at most, or code that always ends a span would never let go.
      const next = this.#window;
      if (next !== null && next.spans > 0 && !next.isOpen) this.#open(next);
    } catch (error) {
      if (!isOutOfStack(error)) throw error; // else it is done when the stack has unwound
    } finally {
      this.#isServing = false;
    }
  }

  /** When the stack has unwound; code that fails or ends a span each time gets no more than one try in a turn of the loop. */
  #mendLater() {
    if (this.#isMending) unref(setImmediate(this.#mend));
    else afterUnwinding(this.#mend);
  }

  #open(window) {
    try {
      this.#openNow(window);
    } catch (error) {
      // Says nothing about the window, unless the stack was empty: it is opened later.
      if (isOutOfStack(error) && !this.#isMending) throw error;
      this.#discard(window, `nothing was sent: ${textOfError(error)}`);
      reportError(error); // the user's `headers` object: as an export that fails
    }
  }

  #openNow(window) {
    const { scheduledDelayMillis, exportTimeoutMillis } = this.#options;
    // Once for a window: what was cut off behind the native call is open under this number already.
    if (window.leaves === null) {
      const done = (outcome, error) => this.#settle(window, outcome, error);
      const taken = () => ({ spans: window.spans, startedMillis: Math.min(window.dueMillis, now()) });
      const { id, leaves } = withoutTracing(() => this.#port.begin({ done, taken }));
      if (window.leaves !== null) return; // by code that lets the loop turn inside a call
      window.id = id;
      window.leaves = leaves;
    }
    this.#underWay.add(window);
    const delay = timerMillis(scheduledDelayMillis);
    const jittered = delay * (1 - DELAY_JITTER * Math.random());
    window.openedMillis = now();
    window.dueMillis = window.openedMillis + jittered;
    window.expiry?.cancel(); // of an attempt that was cut off
    const patience = timerMillis(delay + timerMillis(exportTimeoutMillis));
    window.expiry = new Deadline(() => this.#expire(window));
    window.expiry.start(patience).unref();
    let grace = 0;
    if (this.#port.needsLoopToLeave) {
      clearTimeout(window.departure);
      window.departure = unref(setTimeout(() => this.#depart(window), jittered));
      grace = LOOP_GRACE_MILLIS;
    }
    const { batch } = window;
    const parts = batch.newParts();
    this.#engine.openWindow(this.#lane, window.id, batch.head, parts.flat, jittered + grace);
    window.isOpen = true;
    batch.noteGiven(parts);
    noteNativeClock(); // the first one has started its thread
  }

  #depart(window) {
    if (this.#window === window) this.#leaveNow();
  }

  #handOver(window) {
    this.#leave(window);
    try {
      withoutTracing(() => window.leaves(window.spans));
    } catch (error) {
      diag.debug('Offloop: a context manager threw', error);
    }
    this.#lane.handOver(window.id);
    window.isHandedOver = true;
    this.#rest();
  }

  /** Nothing is being written, and what was written is with the native side: no block is held until the next span. */
  #rest() {
    if (this.#window !== null || this.#state !== IDLE) return;
    for (const { isHandedOver } of this.#underWay) if (!isHandedOver) return;
    this.#writer.rest();
  }

  /** The window is being filled no more; what comes goes behind it, and its blocks are held by the native side. */
  #leave(window) {
    if (this.#window !== window) return;
    this.#window = null;
    clearTimeout(window.departure);
    this.#writer.stream.releaseFull();
    this.#size.noteLeft(!(window.spans < window.limit), now() - window.openedMillis);
  }

  /** The window has never been opened. What is counted in it is refused: it can be lost in no way without a count. */
  #discard(window, detail) {
    const { spans } = window;
    if (spans > 0) this.#lane.refuse(spans, 'non_retryable', detail);
    // Right behind that: wherever this is cut off, they are counted once, and nothing is filled into the window any more.
    window.spans = 0;
    if (this.#window === window) this.#window = null;
    window.batch?.discard();
    clearTimeout(window.departure);
    this.#writer.stream.releaseFull();
    this.#underWay.delete(window);
    window.expiry?.cancel();
    if (spans > 0) this.#metrics.dropSpans(spans, 'non_retryable');
    if (this.queued === 0) this.#engine.exit.removeWindow(this);
  }

  /** The SDK's time for one export is over. The export goes on; nobody waits for it any more. */
  #expire(window) {
    this.#engine.collect(); // after a block timers come before results
    if (!this.#underWay.has(window)) return;
    this.#report(window, new Error('Timeout'));
    this.#overdue.add(window);
  }

  #settle(window, { delivered, rejected, filtered = 0, dropped }, error) {
    window.isHandedOver = true;
    window.expiry?.cancel();
    this.#leave(window);
    this.#rest();
    let spans = delivered + rejected + filtered;
    for (const reason of Object.keys(dropped)) spans += dropped[reason];
    this.#metrics.finishSpans(spans, error);
    this.#report(window, error);
    if (this.queued === 0) this.#engine.exit.removeWindow(this);
  }

  /** Tells who waits, and the global handler, once, if the window left by itself. */
  #report(window, error) {
    const isFirst = this.#underWay.delete(window);
    if (!isFirst && !this.#overdue.delete(window)) return;
    if (isFirst && error !== undefined && !window.isAwaited) reportError(error);
    for (const resolve of window.waiters.splice(0)) resolve(error);
  }

  #refuse(spans, reason) {
    this.#lane.refuse(spans, reason);
    try {
      this.#metrics.dropSpans(spans, reason);
    } catch {
      // No stack for the meter; the spans are counted.
    }
  }

  #drop() {
    if (this.#dropped === 0) diag.debug('maxQueueSize reached, dropping spans');
    if (this.#engine.isForkedChild) this.#refuse(1, 'internal_error');
    else this.#refuse(1, this.#port.isShutDown() ? 'after_shutdown' : 'queue_full');
    this.#dropped += 1;
  }

  #tellDropped() {
    const dropped = this.#dropped;
    this.#dropped = 0;
    diag.warn(`Dropped ${dropped} spans because maxQueueSize reached`);
  }
}

function newWindow(room, limit) {
  return {
    spans: 0,
    room, // spans that are sure to be admitted
    limit, // spans with which it leaves
    batch: null,
    isOpen: false, // native threads may take it
    isDue: false,
    isHandedOver: false,
    isAwaited: false,
    id: 0,
    leaves: null,
    waiters: [],
    expiry: null,
    departure: null,
    openedMillis: 0,
    dueMillis: 0,
  };
}

module.exports = { NativeBatcher };
