'use strict';
// Owns a writer and what is still copied from it: batches that have been read go to native threads, long texts now or in
// later turns; the blocks are let go when the last of them has left.
// Refuses to read spans, and to wait for what becomes of them.

const { diag } = require('../otel/diag.js');

class HandOvers {
  #engine;
  #writer;
  #waiting = new Map(); // number of an export -> what copies its texts; the first one owns what `longStream` holds
  #isOver = false;

  constructor(engine, writer) {
    this.#engine = engine;
    this.#writer = writer;
  }

  /**
   * Hands over what the writer has read of `batch`. Long texts that cannot be copied until `until` (performance.now) follow
   * in later turns, behind those of earlier batches.
   */
  start({ lane, batch, until }) {
    const engine = this.#engine;
    const writer = this.#writer;
    const { id, written } = batch;
    const { stream, longStream, deferred } = writer;
    const copy = (deadline) => copyTexts(writer, deferred, deadline);
    // What `longStream` holds belongs to the first batch that waits, never to a later one without long texts.
    const isFirst = !deferred.isEmpty && engine.slices.isIdle();
    if (isFirst) longStream.begin(); // a call that was cut off may have left something there
    const isComplete = deferred.isEmpty || (isFirst && copy(until));
    const segments = stream.takeSegments();
    if (isFirst && isComplete) segments.push(...longStream.takeSegments());
    const waiting = { lane, deferred, job: null, isAdmitted: false };
    if (!isComplete) {
      // Before it is admitted: from then on it is completed, wherever this call is cut off.
      this.#waiting.set(id, waiting);
      waiting.job = engine.slices.add(copy, () => this.#leave(id, longStream.takeSegments()));
    }
    waiting.isAdmitted = engine.admit(lane, id, written, writer.usedBytes, segments, isComplete);
    batch.isAdmitted = true; // or refused: the result comes either way
    if (!waiting.isAdmitted) deferred.clear();
    writer.rest();
    if (isFirst && isComplete) longStream.rest(); // whether it was taken or refused
  }

  /** Export `id` has its answer: what is not copied yet is not needed any more. */
  settled(id) {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    const [first] = this.#waiting.keys();
    this.#engine.slices.remove(waiting.job);
    waiting.deferred.clear();
    if (first === id) this.#writer.longStream.begin();
    this.#leave(id, []);
  }

  /** Nothing more is written. What is being copied is copied to its end, and only then the blocks are let go. */
  release() {
    this.#isOver = true;
    // Without a job a call was cut off right before it.
    const isCopying = [...this.#waiting.values()].some(({ job }) => job !== null);
    if (!isCopying) this.#writer.release();
  }

  #leave(id, segments) {
    const { lane, isAdmitted } = this.#waiting.get(id);
    this.#waiting.delete(id);
    try {
      if (isAdmitted) this.#engine.complete(lane, id, segments);
    } catch (error) {
      // Other batches wait behind this one.
      diag.error('Offloop: a batch could not be handed over', error);
    }
    const { longStream } = this.#writer;
    if (this.#waiting.size === 0) longStream.rest();
    else longStream.releaseFull();
    if (this.#isOver) this.release();
  }
}

function copyTexts(writer, deferred, deadline) {
  try {
    return writer.copyDeferred(deferred, deadline);
  } catch (error) {
    // No memory for a block, or no stack: what is missing makes the reader drop those spans, and only those. Of a text that
    // was written in part, nothing may be left.
    deferred.clear();
    writer.longStream.begin();
    diag.error('Offloop: long texts could not be copied', error);
    return true;
  }
}

module.exports = { HandOvers };
