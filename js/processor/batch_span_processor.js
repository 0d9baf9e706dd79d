'use strict';
// Owns the processor that takes the place of the SDK's batch processor: its two constructor forms and its options.
// Refuses to batch by itself: native_batcher.js does it over our exporters, sdk_batcher.js over any other.

const { OWN, otherCopyOf } = require('../exporter/copies.js');
const { nameOf } = require('../exporter/exporter_lines.js');
const { canCapture, capturePort, obstacleToCapture, refuseLate } = require('../exporter/lane_exporter.js');
const { within } = require('../native/deadlines.js');
const { decided } = require('../otel/decisions.js');
const { diag } = require('../otel/diag.js');
const { getEngine } = require('../native/engine.js');
const { openSpans } = require('../monitor/open_spans.js');
const {
  configured,
  invalid,
  isItself,
  readMember,
  readOptions,
  readVariable,
  refuseStrayArguments,
  refuseStrays,
  tellUnknown,
} = require('../config/options/read.js');
const { OPTIONS, VARIABLES } = require('../config/options/table.js');
const { SdkBatcher } = require('./sdk_batcher.js');
const { StandIns } = require('../guards/stand_ins.js');
const { now } = require('../guards/timers.js');
const { contained, ignore } = require('../guards/user_code.js');
const { afterUnwinding, isOutOfStack, needStack } = require('../guards/unwinding.js');
const { NativeBatcher } = require('./native_batcher.js');
const { createProcessorMetrics } = require('./processor_metrics.js');

const SAMPLED = 1;
const STOCK_QUEUE_SIZE = 2048;
const { exporter: _, ...SETTINGS } = OPTIONS.BatchSpanProcessor;
const OF_BROWSERS = ['disableAutoFlushOnDocumentHide']; // the SDK's type has it, and no effect of it outside of a browser
const MOST_POSTPONED = 2048; // spans that end where no stack is left, before it has unwound
const standIns = new StandIns('processor');
const LAST_LOOK_MILLIS = 20; // what the native side needs to say that nothing is left
let readExporter;
let writeExporter;
let own;
let count = 0;

class BatchSpanProcessor {
  static {
    own = (processor) => (#exporter in processor ? processor : standIns.originalOf(processor));
    readExporter = (processor) => {
      try {
        return own(processor).#exporter;
      } catch {
        return null; // not ours
      }
    };
    writeExporter = (processor, exporter) => own(processor).#replaceExporter(exporter);
  }

  #exporter;
  #options;
  #metrics;
  #windows = null;
  #queue = null;
  #shutdown = null;
  #postponed = [];
  #postponedLate = []; // ended after the shutdown
  #name; // as lines call it
  #lost = 0; // for which there was no place in that list
  #takePostponed = () => {
    for (const span of this.#postponed.splice(0)) this.#takeLater(span);
    for (const span of this.#postponedLate.splice(0))
      contained(ignore, () => isSampled(span) && refuseLate(this.#exporter, 1));
    const lost = this.#lost;
    this.#lost = 0;
    if (lost > 0) this.#batcher().refuse(lost, 'queue_full');
    if (this.#windows !== null) getEngine().exit.removeWindow(this.#ending);
  };
  /** Where nothing unwinds any more, at the end of the process. */
  #ending = {
    handOver: () => {
      this.#takePostponed();
      this.#windows?.handOver();
    },
  };

  /**
   * `new BatchSpanProcessor(exporter, config?)` as in the SDK's 1.x and 2.x lines, which reads `OTEL_BSP_*`;
   * `new BatchSpanProcessor({ exporter, ...config })` as in its 3.x line, which does not.
   */
  constructor(first, config, ...others) {
    const isOneObject = configured(() => typeof first?.export !== 'function' && first?.exporter !== undefined);
    const [rows, given] = isOneObject ? [OPTIONS.BatchSpanProcessor, first] : [SETTINGS, config];
    const isOfClass = isItself(new.target, BatchSpanProcessor);
    const options = configured(() => {
      refuseStrays(rows, given, isOfClass, OF_BROWSERS);
      if (isOneObject) refuseStrayArguments(rows, [config, ...others], 1);
      else refuseStrayArguments(rows, others, 2);
      return readProcessorOptions(first, isOneObject ? null : (config ?? {}));
    });
    this.#exporter = options.exporter;
    if (isOfClass) tellUnknown(rows, given, OF_BROWSERS);
    const isOurs = canCapture(this.#exporter);
    if (!isOurs) tellOtherCopy(this.#exporter);
    // Ours are bounded by the exporter's own queue unless the user names a bound.
    const queueSize = options.maxQueueSize ?? (isOurs ? Number.POSITIVE_INFINITY : STOCK_QUEUE_SIZE);
    if (options.maxExportBatchSize > queueSize) {
      diag.warn(
        'BatchSpanProcessor: maxExportBatchSize must be smaller or equal to maxQueueSize, ' +
          'setting maxExportBatchSize to match maxQueueSize',
      );
      options.maxExportBatchSize = queueSize;
    }
    this.#options = options;
    this.#metrics = createProcessorMetrics({
      meterProvider: options.selfObsMeterProvider,
      capacity: options.maxQueueSize ?? capturePort(this.#exporter)?.maxSpans ?? STOCK_QUEUE_SIZE,
      queueSize: () => (this.#windows?.queued ?? 0) + (this.#queue?.queued ?? 0),
    });
    standIns.sign(this);
    count += 1;
    this.#name = `processor ${count}: BatchSpanProcessor over ${nameOf(this.#exporter)}`;
    const obstacle = obstacleToCapture(this.#exporter);
    decided(`${this.#name} ${obstacle === null ? 'captures spans natively' : `queues as the SDK's: ${obstacle}`}`);
  }

  /** For the event-loop monitor: whoever blocks the loop is told by the spans that are open. */
  onStart(span) {
    if (openSpans.isOpen) openSpans.started(span);
  }

  /**
   * Takes a sampled span and never waits. Where no stack is left the span is taken when it has unwound; this throws only
   * where nothing at all can be called.
   */
  onEnd(span) {
    let isTaken = false;
    try {
      const self = own(this);
      if (openSpans.isOpen) openSpans.ended(span);
      if (!isSampled(span)) return;
      if (self.#shutdown !== null) {
        refuseLate(self.#exporter, 1);
        return;
      }
      const batcher = self.#batcher();
      batcher.add(span);
      isTaken = true;
      batcher.proceed();
    } catch (error) {
      if (!(error instanceof RangeError)) {
        diag.error('Offloop: a span could not be taken', error);
        return;
      }
      // Written out: what has not been called for long is compiled first, for which V8 wants 40 KiB of stack.
      const self = own(this);
      afterUnwinding(self.#takePostponed); // first: what comes behind it needs no stack
      const postponed = self.#shutdown === null ? self.#postponed : self.#postponedLate;
      if (postponed.length < MOST_POSTPONED) postponed.push(isTaken ? null : span);
      else if (!isTaken) self.#lost += 1;
      try {
        if (self.#windows !== null) getEngine().exit.addWindow(self.#ending);
      } catch {
        // It is for a process that ends before the stack has unwound.
      }
    }
  }

  /**
   * Resolves when everything that ended before is exported, in flight included; rejects with the first failure, or after
   * `exportTimeoutMillis` with 'Timeout': nothing is dropped then.
   */
  forceFlush() {
    needStack();
    const self = own(this);
    return self.#shutdown ?? self.#flush();
  }

  /** Exports what is left, for `exportTimeoutMillis`, and shuts the exporter down, also when that failed. */
  shutdown() {
    needStack();
    const self = own(this);
    self.#shutdown ??= self.#end();
    return self.#shutdown;
  }

  [Symbol.asyncDispose]() {
    return this.shutdown();
  }

  /** Takes a span that was postponed, or does what comes behind one that was taken (null). */
  #takeLater(span) {
    const batcher = this.#batcher();
    try {
      if (span !== null && isSampled(span)) batcher.add(span);
    } catch (error) {
      diag.debug('Offloop: a span could not be taken', error);
      batcher.refuse(1, 'invalid');
    }
    batcher.proceed();
  }

  async #flush() {
    if (this.#postponed.length > 0) this.#takePostponed();
    const deadline = now() + this.#options.exportTimeoutMillis;
    // One after the other would let the first failure hide what the second still holds.
    const results = await Promise.allSettled([this.#windows?.flush(), this.#queue?.flush()]);
    results.push(...(await Promise.allSettled([this.#flushExporter(deadline - now())])));
    const failed = results.find(({ status }) => status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  async #end() {
    await undefined; // there is one end only: it has all the stack there is
    try {
      await this.#flush();
    } finally {
      this.#metrics.shutdown();
      const exporter = this.#exporter;
      // Ours keeps its own deadline; of others it is not known whether they ever answer.
      await (canCapture(exporter)
        ? exporter.shutdown()
        : within(exporter.shutdown(), this.#options.exportTimeoutMillis));
    }
  }

  async #flushExporter(millisLeft) {
    const exporter = this.#exporter;
    if (!canCapture(exporter)) {
      await within(exporter.forceFlush?.(), millisLeft); // as the specification asks; the SDK's does not
      return;
    }
    // Ours tells by its own clock, so that a block costs no answer that is there.
    const result = await exporter.forceFlush({ timeoutMillis: Math.max(LAST_LOOK_MILLIS, millisLeft) });
    if (result?.timedOut) throw new Error('Timeout');
  }

  /** What is queued goes through the new one; what was captured is on its way. */
  #replaceExporter(exporter) {
    this.#exporter = exporter;
    this.#queue?.replaceExporter(exporter);
    const number = this.#name.split(' over ')[0];
    const obstacle = obstacleToCapture(exporter);
    this.#name = `${number} over ${nameOf(exporter)}`;
    const why = `its exporter was replaced, and ${obstacle}`;
    decided(`${this.#name} ${obstacle === null ? 'captures spans natively' : `queues as the SDK's: ${why}`}`);
  }

  /** A subclass, a wrapper or a patched `export` is called, never bypassed: that may change at any time. */
  #batcher() {
    // Without shared memory (Electron) nothing can leave before a batch is closed: a queue does as well.
    if (canCapture(this.#exporter) && getEngine().sharesMemory) {
      this.#windows ??= new NativeBatcher(capturePort(this.#exporter), this.#options, this.#metrics);
      return this.#windows;
    }
    if (this.#queue !== null) return this.#queue;
    if (canCapture(this.#exporter)) decided(`${this.#name} queues as the SDK's: this runtime shares no memory`);
    const queueSize = this.#options.maxQueueSize ?? STOCK_QUEUE_SIZE;
    this.#queue = new SdkBatcher(this.#exporter, { ...this.#options, maxQueueSize: queueSize }, this.#metrics);
    return this.#queue;
  }
}

const toldCopies = new Set(); // places

function tellOtherCopy(exporter) {
  const other = otherCopyOf(exporter);
  if (other === null || toldCopies.has(other.place)) return;
  toldCopies.add(other.place);
  diag.warn(
    `Offloop: a BatchSpanProcessor of ${OWN.place} (${OWN.version}) was given an exporter of another copy of the module, ` +
      `${other.place} (${other.version}). It queues as the SDK's does, for any exporter: at most maxQueueSize spans ` +
      `(${STOCK_QUEUE_SIZE}), and what finds no room, or is queued when the process ends, is lost and not in stats(). ` +
      'Take both classes from one copy',
  );
}

/** A span that cannot say so is: whoever reads it finds out, and counts it. */
function isSampled(span) {
  try {
    return (span.spanContext().traceFlags & SAMPLED) !== 0;
  } catch (error) {
    if (isOutOfStack(error)) throw error; // says nothing about the span
    return true;
  }
}

/** The options as they are now; `config` is null where they stand beside the exporter, in the first argument. */
function readProcessorOptions(first, config) {
  const given = config === null ? members(OPTIONS.BatchSpanProcessor, first) : members(SETTINGS, config);
  if (config !== null) addVariables(Object.assign(given, { exporter: first }));
  const options = readOptions(OPTIONS.BatchSpanProcessor, given);
  if (options.exporter === undefined) throw invalid('exporter', 'object with the method export', given.exporter);
  return { ...options, isBatchSizeGiven: given.maxExportBatchSize != null };
}

function members(rows, given) {
  return Object.fromEntries(
    Object.entries(rows).map(([name, { kind }]) => [name, readMember(given, name, name, kind.expected)]),
  );
}

function addVariables(given) {
  for (const [variable, [group, option]] of Object.entries(VARIABLES)) {
    if (group === 'BatchSpanProcessor') given[option] ??= readVariable(variable);
  }
}

/** The exporter behind a processor of ours, null behind any other. */
function exporterOf(processor) {
  return readExporter(processor);
}

/** For classes that keep theirs in a field which others write; the processor must be ours. */
function replaceExporter(processor, exporter) {
  writeExporter(processor, exporter);
}

module.exports = { BatchSpanProcessor, exporterOf, replaceExporter };
