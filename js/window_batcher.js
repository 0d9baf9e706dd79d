'use strict';
// Owns batches over one of our exporters: every span is written into native memory as it ends, and a batch leaves when
// it is large enough, when its delay is over (a native clock, so that a blocked loop delays nothing), or on demand.
// Refuses to keep span objects, except those whose resource is not known yet.

const { OpenBatch } = require('./handoff/open_batch.js');
const { SpanWriter, WRITTEN, INVALID, TOO_LARGE, NO_ROOM } = require('./handoff/span_writer.js');
const { diag } = require('./diag.js');
const { getEngine } = require('./engine.js');
const { isPending, PendingResources } = require('./pending_resources.js');
const { reportError, withoutTracing } = require('./sdk_context.js');
const { timerMillis } = require('./user_code.js');

const DELAY_JITTER = 0.1; // a fleet of processes must not export in step
const BACKLOG_WINDOWS = 4; // with so many batches on their way, larger ones are made
const BACKLOG_SPANS = 2048;
const MAX_WINDOW_BYTES = 4 << 20;
const LOOP_GRACE_MILLIS = 25; // where a batch should leave by JavaScript's hand, the native clock is for a blocked loop
const REASONS = { [INVALID]: 'invalid', [TOO_LARGE]: 'too_large' };

class WindowBatcher {
  #port;
  #options;
  #metrics;
  #engine = null;
  #lane = null;
  #writer = null;
  #window = null; // being filled
  #underWay = new Set(); // windows without an answer, the one being filled included
  #captured = 0; // spans in them
  #deferred = []; // ended by a getter of a span that was being written
  #resources;
  #dropped = 0;

  constructor(port, options, metrics) {
    this.#port = port;
    this.#options = options;
    this.#metrics = metrics;
    const capture = (spans) => {
      for (const span of spans) this.#capture(span);
    };
    this.#resources = new PendingResources(capture, options.exportTimeoutMillis);
  }

  /** Spans that have ended and have not been handed over. */
  get queued() {
    return this.#resources.count + (this.#window?.spans ?? 0);
  }

  add(span) {
    if (this.#writer?.writing) {
      this.#deferred.push(span);
      return;
    }
    this.#start();
    if (isPending(span)) {
      if (this.#room() === 0) this.#drop();
      else {
        this.#resources.hold(span);
        this.#engine.exit.addWindow(this);
      }
    } else {
      this.#capture(span);
    }
    while (this.#deferred.length > 0) this.add(this.#deferred.shift());
    if (this.#engine.exit.isOver) this.#engine.exit.noteHandOver();
  }

  /** Hands over what has been captured; called at the end of the process too, where nobody waits for a resource. */
  handOver() {
    this.#resources.releaseAll();
    this.#close();
  }

  /** Resolves when every span that ended before this call is settled; rejects with the first failure. */
  async flush() {
    if (this.#engine === null) return;
    if (this.#engine.isForkedChild) {
      if (this.#window !== null) this.#leave(this.#window); // the parent hands it over
      return;
    }
    const { exportTimeoutMillis } = this.#options;
    this.#engine.hold.acquire(exportTimeoutMillis);
    try {
      await this.#resources.settled();
      if (this.#window !== null) this.#window.isAwaited = true;
      this.#close();
      const waits = [...this.#underWay].map((window) => new Promise((resolve) => window.waiters.push(resolve)));
      const errors = (await Promise.all(waits)).filter((error) => error !== undefined);
      if (errors.length > 0) throw errors[0];
    } finally {
      this.#engine.hold.release();
    }
  }

  #start() {
    if (this.#engine !== null) return;
    this.#engine = getEngine();
    this.#lane = this.#port.open();
    const writer = new SpanWriter(this.#engine.memory, this.#port.limits, false);
    this.#engine.onCollected(this, () => writer.release());
    this.#writer = writer;
  }

  /** Spans that may still be captured. */
  #room() {
    const held = this.#captured + this.#resources.count;
    const { maxQueueSize = Number.POSITIVE_INFINITY, maxExportBatchSize } = this.#options;
    // The SDK's queue does not count the batch that is being exported.
    const ofQueue = maxQueueSize + maxExportBatchSize - held;
    return Math.max(0, Math.min(ofQueue, this.#lane.roomSpans() - this.queued));
  }

  #capture(span) {
    for (;;) {
      this.#window ??= this.#open();
      const window = this.#window;
      if (window === null) {
        this.#drop();
        return;
      }
      const result = this.#write(span);
      if (result === NO_ROOM && window.spans > 0) {
        this.#close();
        continue; // once more, with the room that is left then
      }
      if (result !== WRITTEN) {
        if (window.spans === 0) this.#leave(window); // its bounds are those of this moment
        this.#refuse(result === NO_ROOM ? 'bytes_full' : REASONS[result]);
        return;
      }
      if (this.#count(window)) return;
      this.#leave(window); // taken by its clock while this span was written: it goes into the next one
    }
  }

  #write(span) {
    try {
      return this.#writer.write(span);
    } catch (error) {
      diag.debug('Offloop: a span could not be written', error);
      return INVALID;
    }
  }

  #open() {
    const room = this.#engine.isForkedChild ? 0 : this.#room();
    if (room === 0) return null;
    this.#writer.begin(this.#lane.roomBytes());
    const { maxExportBatchSize, isBatchSizeGiven } = this.#options;
    const isBehind = !isBatchSizeGiven && this.#underWay.size >= BACKLOG_WINDOWS;
    const wanted = isBehind ? Math.max(BACKLOG_SPANS, maxExportBatchSize) : maxExportBatchSize;
    const limit = Math.min(room, wanted);
    const timers = { expiry: null, departure: null, dueMillis: 0 };
    return { spans: 0, limit, batch: null, id: 0, leaves: null, waiters: [], isAwaited: false, ...timers };
  }

  /** Counts the span just written. False: the window has been taken. */
  #count(window) {
    if (window.spans === 0) {
      try {
        this.#begin(window);
      } catch (error) {
        reportError(error); // the user's `headers` object: as an export that fails
        this.#discard(window);
        this.#refuse('non_retryable');
        return true;
      }
    } else {
      const { batch, id } = window;
      if (batch.hasGrown && !this.#engine.growWindow(this.#lane, id, batch.newParts())) return false;
      if (!batch.add()) return false;
    }
    window.spans += 1;
    this.#captured += 1;
    if (this.#dropped > 0) {
      diag.warn(`Dropped ${this.#dropped} spans because maxQueueSize reached`);
      this.#dropped = 0;
    }
    if (!(window.spans < window.limit) || this.#writer.usedBytes >= MAX_WINDOW_BYTES) this.#close();
    return true;
  }

  #begin(window) {
    const { scheduledDelayMillis, exportTimeoutMillis } = this.#options;
    const done = (_outcome, error) => this.#settle(window, error);
    const taken = () => ({ spans: window.spans, startedMillis: Math.min(window.dueMillis, performance.now()) });
    Object.assign(
      window,
      withoutTracing(() => this.#port.begin({ done, taken })),
    );
    window.batch = new OpenBatch(this.#writer.stream);
    this.#underWay.add(window);
    this.#engine.exit.addWindow(this);
    const delay = timerMillis(scheduledDelayMillis);
    const jittered = delay * (1 - DELAY_JITTER * Math.random());
    window.dueMillis = performance.now() + jittered;
    window.expiry = setTimeout(() => this.#expire(window), timerMillis(delay + timerMillis(exportTimeoutMillis)));
    window.expiry.unref();
    let grace = 0;
    if (this.#port.needsLoopToLeave) {
      window.departure = setTimeout(() => this.#depart(window), jittered).unref();
      grace = LOOP_GRACE_MILLIS;
    }
    this.#engine.openWindow(this.#lane, window.id, window.batch.head, window.batch.newParts(), jittered + grace);
  }

  #depart(window) {
    if (this.#window === window) this.#close();
  }

  /** Ends the window being filled. */
  #close() {
    const window = this.#window;
    if (window === null) return;
    if (window.spans > 0) {
      withoutTracing(() => window.leaves(window.spans));
      this.#lane.handOver(window.id);
    }
    this.#leave(window);
  }

  /** The window is being filled no more; what comes goes behind it, and its blocks are held by the native side. */
  #leave(window) {
    if (this.#window !== window) return;
    this.#window = null;
    clearTimeout(window.departure);
    const { stream } = this.#writer;
    stream.takeSegments();
    stream.releaseFull();
  }

  #discard(window) {
    this.#leave(window);
    this.#underWay.delete(window);
    clearTimeout(window.expiry);
  }

  /** The SDK's time for one export is over. The export goes on; nobody waits for it any more. */
  #expire(window) {
    this.#report(window, new Error('Timeout'));
  }

  #settle(window, error) {
    clearTimeout(window.expiry);
    this.#leave(window);
    this.#captured -= window.spans;
    this.#metrics.finishSpans(window.spans, error);
    this.#report(window, error);
    if (this.queued === 0) this.#engine.exit.removeWindow(this);
  }

  /** Tells who waits, and the global handler if the window left by itself. Only the first result counts. */
  #report(window, error) {
    if (!this.#underWay.delete(window)) return;
    if (error !== undefined && !window.isAwaited) reportError(error);
    for (const resolve of window.waiters) resolve(error);
  }

  #refuse(reason) {
    this.#lane.refuse(1, reason);
    this.#metrics.dropSpans(1, reason);
  }

  #drop() {
    if (this.#dropped === 0) diag.debug('maxQueueSize reached, dropping spans');
    this.#dropped += 1;
    if (this.#engine.isForkedChild) this.#refuse('internal_error');
    else this.#refuse(this.#port.isShutDown() ? 'after_shutdown' : 'queue_full');
  }
}

module.exports = { WindowBatcher };
