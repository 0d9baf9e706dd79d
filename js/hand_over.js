'use strict';
// Owns the step from a batch that has been read to native threads: long texts copied now or in later turns, blocks let go.
// Refuses to read spans, and to wait for what becomes of them.

const { diag } = require('./diag.js');

/**
 * Hands over what `writer` has read of `batch`. Long texts that cannot be copied until `until` (performance.now) follow in
 * later turns, behind those of earlier batches.
 */
function handOver({ engine, lane, writer, batch, until }) {
  const { id, written } = batch;
  const { stream, longStream, deferred } = writer;
  const copy = (deadline) => {
    try {
      return writer.copyDeferred(deferred, deadline);
    } catch (error) {
      // No memory for a block: what is missing makes the reader drop those spans, and only those.
      diag.error('Offloop: long texts could not be copied', error);
      deferred.clear();
      return true;
    }
  };
  // What `longStream` holds belongs to the first batch that waits, never to a later one without long texts.
  const isFirst = !deferred.isEmpty && engine.slices.isIdle();
  const isComplete = deferred.isEmpty || (isFirst && copy(until));
  const segments = stream.takeSegments();
  if (isFirst && isComplete) segments.push(...longStream.takeSegments());
  const isAdmitted = engine.admit(lane, id, written, writer.usedBytes, segments, isComplete);
  batch.isAdmitted = true; // or refused: the result comes either way
  if (!isAdmitted) deferred.clear();
  stream.releaseFull();
  if (isAdmitted && !isComplete) {
    engine.slices.add(copy, () => {
      engine.complete(lane, id, longStream.takeSegments());
      longStream.releaseFull();
    });
  } else if (isFirst) {
    longStream.takeSegments(); // of a batch that was refused
    longStream.releaseFull();
  }
}

module.exports = { handOver };
