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
      // No memory for a block, or no stack: what is missing makes the reader drop those spans, and only those. Of a text that
      // was written in part, nothing may be left.
      deferred.clear();
      longStream.begin();
      diag.error('Offloop: long texts could not be copied', error);
      return true;
    }
  };
  // What `longStream` holds belongs to the first batch that waits, never to a later one without long texts.
  const isFirst = !deferred.isEmpty && engine.slices.isIdle();
  if (isFirst) longStream.begin(); // a call that was cut off may have left something there
  const isComplete = deferred.isEmpty || (isFirst && copy(until));
  const segments = stream.takeSegments();
  if (isFirst && isComplete) segments.push(...longStream.takeSegments());
  let isAdmitted = false;
  if (!isComplete) {
    // Before it is admitted: from then on it is completed, wherever this call is cut off.
    engine.slices.add(copy, () => {
      const rest = longStream.takeSegments();
      if (isAdmitted) engine.complete(lane, id, rest);
      longStream.releaseFull();
    });
  }
  isAdmitted = engine.admit(lane, id, written, writer.usedBytes, segments, isComplete);
  batch.isAdmitted = true; // or refused: the result comes either way
  if (!isAdmitted) deferred.clear();
  stream.releaseFull();
  if (isFirst && isComplete) longStream.begin(); // whether it was taken or refused
}

module.exports = { handOver };
