'use strict';
// Owns the way around `export` for what fills batches of its own, span by span (processor/native_batcher.js) or by native
// threads (monitor/outlet.js): what it needs of an exporter, and the exports that its batches are.
// Refuses to write spans, and to hand them over.

const { newBatch } = require('./export_answers.js');
const { ExportContext } = require('../otel/export_context.js');
const { diag, exportBegins } = require('../otel/diag.js');
const { openSpans } = require('../monitor/open_spans.js');
const { getEngine } = require('../native/engine.js');

const DEFAULT_MAX_SPANS = 16384; // as in src/config.rs

/** @param exporter its `{ settings, lane, calls, answers, isShutDown() }` */
function newPort(exporter) {
  const { settings, lane, isShutDown } = exporter;
  return {
    maxSpans: settings.native.maxSpans ?? DEFAULT_MAX_SPANS,
    limits: lane.limits,
    open: () => {
      const native = lane.open();
      if (!isShutDown()) lane.enlist();
      return native;
    },
    /** Reads headers for spans that native threads make by themselves. */
    prepare: () => settings.beforeExport?.(lane.native),
    /** To be called now and then while native threads do that; null where there is nothing to look at. */
    look: settings.tlsWatch === undefined ? null : () => settings.tlsWatch.look(lane.native),
    begin: (window) => beginWindow(exporter, window),
    isShutDown,
    // A native thread that sends a batch reads no headers and starts no metrics: both need the event loop.
    needsLoopToLeave: settings.beforeExport !== undefined || settings.metrics?.isRecording === true,
  };
}

/**
 * An export whose spans come one by one; throws what reading the user's headers throws. `leaves(spans)` is to be called
 * right before JavaScript hands it over; if a native thread was faster, `taken()` tells `{ spans, startedMillis }`.
 * `done(outcome, error)` comes after that.
 */
function beginWindow({ settings, lane, calls, answers }, { done, taken }) {
  const engine = getEngine();
  const { beforeExport, credentials, lines, metrics, tlsWatch } = settings;
  exportBegins();
  lines?.began(true);
  beforeExport?.(lane.native);
  tlsWatch?.look(lane.native);
  credentials?.exported();
  openSpans.batchBegan(null);
  const batch = newBatch(0, new ExportContext());
  const { call } = batch;
  // Nobody waits for it: at the natural end there is `exit.drainMillis`.
  const id = engine.register(({ outcome }) => {
    calls.delete(id);
    if (batch.finishMetrics === null) {
      const { spans, startedMillis } = taken();
      call.context.run(() => {
        batch.finishMetrics = metrics?.start(spans, startedMillis) ?? null;
      });
    }
    answers.finish(batch, outcome, done);
  });
  calls.add(id, call);
  const leaves = (spans) => {
    try {
      beforeExport?.(lane.native);
    } catch (error) {
      diag.warn('Offloop: the headers could not be read again, a batch leaves with those of its first span', error);
    }
    tlsWatch?.look(lane.native);
    batch.finishMetrics = metrics?.start(spans) ?? null;
  };
  return { id, leaves };
}

module.exports = { newPort };
