'use strict';
// Owns the hand-over of clean spans that came as objects: JavaScript has printed them, as a line or as a part of a request.
// Refuses to print them, and to be a way of its own: queue, sending and writing are those of every recorded span.

const { KIND_SPAN, SPAN_HEADER_WORDS, ABSENT } = require('../handoff/layout.js');
const { CleanSpanWriter } = require('./clean_span_writer.js');

const FIRST_NUMBER = 12; // of the words between the texts and the attributes
const ATTRIBUTE_COUNT = 23;
const NO_ID = '';

/** Writes `{ traceId?, printed }`: one attribute of a span without anything else. Counterpart: src/recorder/prepared.rs. */
class PreparedWriter extends CleanSpanWriter {
  spanRecord({ traceId = NO_ID, printed }, resourceIndex, scopeIndex) {
    const base = this.openRecord(SPAN_HEADER_WORDS);
    const { f64 } = this;
    f64[base + 5] = resourceIndex;
    f64[base + 6] = scopeIndex;
    f64[base + 7] = this.idSlot(traceId);
    f64[base + 8] = this.idSlot(NO_ID);
    f64.fill(ABSENT, base + 9, base + FIRST_NUMBER);
    f64.fill(0, base + FIRST_NUMBER, base + SPAN_HEADER_WORDS);
    f64[base + 18] = ABSENT; // status message
    this.keyed('printed', printed);
    f64[base + ATTRIBUTE_COUNT] = 1;
    this.closeRecord(base, KIND_SPAN);
  }
}

module.exports = { PreparedWriter };
