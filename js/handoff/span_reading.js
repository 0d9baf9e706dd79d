'use strict';
// Owns the turn in which the spans of one export are read: which are written, and why the others are not.
// Refuses to hand anything over, and to know how a span is written.

const { WRITTEN, INVALID, TOO_LARGE } = require('./span_writer.js');
const { diag } = require('../otel/diag.js');
const { now } = require('../guards/timers.js');

const CLOCK_MASK = 31; // spans between two looks at the clock, less one
const MOST_SPANS = 2 ** 32 - 1; // that an array can hold
const MOST_UNREADABLE = 1 << 14; // a list that claims to be long costs no more time than a full queue
const NO_LIST = -1;

/** How many spans the application's list says it has; NO_LIST if it is none. It may be a Proxy. */
function lengthOf(spans) {
  try {
    const length = typeof spans === 'object' ? spans?.length : undefined;
    return Number.isInteger(length) && length >= 0 && length <= MOST_SPANS ? length : NO_LIST;
  } catch {
    return NO_LIST;
  }
}

/**
 * Reads every span of `batch`, counts those written and refuses the rest. From `copyUntil` (performance.now) on texts are
 * kept by reference, to be copied in later turns.
 */
function readSpans(writer, lane, spans, batch, { copyUntil, isShutDown }) {
  const roomSpans = lane.roomSpans();
  writer.begin(lane.roomBytes(), batch.spans);
  const lost = { invalid: 0, too_large: 0 };
  let index = 0;
  let overflow = null;
  for (; index < batch.spans; index++) {
    if (batch.written >= roomSpans) {
      overflow = isShutDown ? 'after_shutdown' : 'queue_full';
      break;
    }
    if ((index & CLOCK_MASK) === CLOCK_MASK && now() >= copyUntil) writer.keepTexts();
    const result = readSpan(writer, spans, index);
    if (result === WRITTEN) batch.written += 1;
    else if (result === INVALID) {
      lost.invalid += 1;
      if (lost.invalid > MOST_UNREADABLE) {
        overflow = 'invalid';
        index += 1;
        break;
      }
    } else if (result === TOO_LARGE) lost.too_large += 1;
    else {
      overflow = 'bytes_full';
      break;
    }
  }
  if (overflow !== null) lost[overflow] = (lost[overflow] ?? 0) + batch.spans - index;
  for (const [reason, count] of Object.entries(lost)) {
    if (count > 0) refuse(lane, batch, reason, count);
  }
}

function readSpan(writer, spans, index) {
  try {
    return writer.write(spans[index]);
  } catch (error) {
    // Reading is contained in the writer: this is a batch whose getter throws, or no memory for a block.
    diag.debug('Offloop: a span could not be written', error);
    return INVALID;
  }
}

/** Counts spans that do not get into the queue; `detail` is what the log says of them. */
function refuse(lane, batch, reason, count, detail) {
  lane.refuse(count, reason, detail);
  batch.refused[reason] = count;
}

/** The same for all spans of `batch` that have not been counted; `lane` is null where it could not be made. */
function refuseRest(lane, batch, reason) {
  let rest = batch.spans;
  for (const count of Object.values(batch.refused)) rest -= count;
  if (rest === 0) return;
  lane?.refuse(rest, reason);
  batch.refused[reason] = (batch.refused[reason] ?? 0) + rest;
}

module.exports = { NO_LIST, lengthOf, readSpans, refuse, refuseRest };
