'use strict';
// Owns writing the spans of a batch into native memory, each whole or not at all: fresh blocks, second tries, going back.
// Refuses to know what a span is made of (span_record_writer.js) and what happens to it: no queue, no transport.

const {
  BLOCK_HEADER_WORDS,
  MIN_FREE_WORDS,
  MAX_BLOCK_BYTES,
  ONE_WRITE_UNITS,
  WRITTEN,
  INVALID,
  TOO_LARGE,
  NO_ROOM,
  OVERFLOW,
  OVERSIZE,
  OVER_BUDGET,
} = require('./layout.js');
const { diag } = require('../otel/diag.js');
const { mixedList } = require('./mixed_list.js');
const { RecordStream } = require('./record_stream.js');
const { SpanRecordWriter } = require('./span_record_writer.js');
const { now } = require('../guards/timers.js');

/** Writes the spans of one batch after another. One per exporter; not re-entrant. */
class SpanWriter extends SpanRecordWriter {
  /**
   * @param memory the environment's blocks
   * @param {{ maxSpanBytes: number, maxAttributeBytes?: number }} limits an attribute with a longer text or byte array
   *   is left out and counted as dropped; both are compared with UTF-16 units, before anything is copied
   * @param {boolean} deferLongTexts whether texts may be copied in a later turn, by `copyDeferred`. Those over 4 Ki units
   *   always are; once this turn has copied as much as a turn may, those over 256 units are, too, and at last all. Else every span is whole, and may be read by others, when `write` returns
   */
  constructor(memory, limits, deferLongTexts) {
    super(new RecordStream(memory), limits, deferLongTexts);
    this.longStream = new RecordStream(memory);
    // What the tables held before the span being written.
    this.keysBefore = 0;
    this.resourcesBefore = 0;
    this.scopesBefore = 0;
    this.bulkBefore = 0;
    this.usedBefore = 0;
    this.deferredBefore = 0;
    this.begin(0);
  }

  /**
   * Starts a batch of `spans` that may charge `budgetBytes`; a span that does not fit is NO_ROOM. It depends on nothing that
   * the batch before has left behind: the call that wrote it may have been cut off anywhere.
   */
  begin(budgetBytes, spans) {
    this.stream.begin();
    this.beginRecords(budgetBytes, spans);
    this.isTorn = false;
    this.hasLostBulk = false;
  }

  /**
   * Reads every property of `span` and writes it.
   * @returns WRITTEN, INVALID (cannot be read), TOO_LARGE or NO_ROOM (over the batch's budget); unless it is WRITTEN,
   *   nothing of it stays behind. If it throws (no memory for a block, no stack), the span has not been written.
   */
  write(span) {
    const { stream } = this;
    if (this.isTorn) this.takeBack();
    if (this.hasLostBulk) this.forgetBulk();
    this.isCareful = false;
    stream.ensure(MIN_FREE_WORDS);
    this.deferred.beginSpan();
    this.keysBefore = this.keyList.length;
    this.resourcesBefore = this.resources.size;
    this.scopesBefore = this.scopes.size;
    this.bulkBefore = this.bulkCount;
    this.usedBefore = this.usedBytes;
    this.deferredBefore = this.deferred.texts.length;
    let { position } = stream;
    for (;;) {
      try {
        this.spanWithEnvelope(span);
        break;
      } catch (error) {
        // All reading is done before anything but the record itself is written, so going back is one assignment.
        stream.position = position;
        this.isTorn = true;
        this.takeBack();
        if (error === OVERSIZE) return TOO_LARGE;
        if (error === OVER_BUDGET) return NO_ROOM;
        if (error === OVERFLOW) {
          // A fresh block first, then ever larger ones; a span that outgrows them all is too large.
          const isFresh = position === BLOCK_HEADER_WORDS;
          const words = isFresh ? stream.limit * 4 : stream.limit - position + 1;
          if (words * 8 > MAX_BLOCK_BYTES) return TOO_LARGE;
          stream.nextBlock(words);
          position = stream.position;
        } else if (this.isCareful) {
          return INVALID;
        } else {
          this.isCareful = true; // once more, attribute by attribute, leaving out what throws
        }
      }
    }
    this.bulkUnits = 0;
    if (this.bulk.length > 0) {
      try {
        this.writeBulk();
      } catch {
        // No memory for a block, or no stack: what is missing makes the reader drop this span, and only this one. A call
        // here could fail for the same reason.
        this.hasLostBulk = true;
      }
    }
    // A batch with texts to come is read when it has been handed over, not before.
    if (!this.deferLongTexts) stream.commit();
    return WRITTEN;
  }

  /** Takes back what the span being written has put into the tables. It may be cut off and done again. */
  takeBack() {
    this.forgetKeys(this.keysBefore);
    this.expectedKeys.length = 0;
    trimMap(this.resources, this.resourcesBefore);
    trimMap(this.scopes, this.scopesBefore);
    this.forgetEnvelope();
    this.bulkCount = this.bulkBefore;
    this.usedBytes = this.usedBefore;
    this.deferred.texts.length = this.deferredBefore;
    this.bulk = mixedList();
    this.bulkUnits = 0;
    this.ancestors.length = 0;
    this.isTorn = false;
  }

  forgetBulk() {
    this.bulk = mixedList();
    this.hasLostBulk = false;
    diag.debug('Offloop: long texts of a span could not be copied');
  }

  writeBulk() {
    const { bulk, stream } = this;
    const before = stream.copiedUnits;
    for (let i = 0; i < bulk.length; ) {
      const value = bulk[i + 1];
      if (typeof value === 'string' && value.length <= ONE_WRITE_UNITS) {
        i = stream.bulkTexts(bulk, i);
        continue;
      }
      if (typeof value === 'string') stream.bulkText(bulk[i], value);
      else stream.bulkBytes(bulk[i], value);
      i += 2;
    }
    this.turnUnits -= stream.copiedUnits - before;
    bulk.length = 0;
  }

  /** Lets go of the blocks; the writer can be used again afterwards. */
  release() {
    this.stream.release();
    this.longStream.release();
  }

  /**
   * Copies texts of a batch that were kept by reference, until all are written or `deadline` (performance.now) passes.
   * Batches must be finished one after the other.
   * @returns {boolean} true when none is left
   */
  copyDeferred(deferred, deadline) {
    while (!deferred.isEmpty) {
      deferred.step(this.longStream);
      if (now() >= deadline) break;
    }
    return deferred.isEmpty;
  }
}

function trimMap(map, size) {
  if (map.size === size) return;
  let index = 0;
  for (const key of map.keys()) if (index++ >= size) map.delete(key);
}

module.exports = { SpanWriter, WRITTEN, INVALID, TOO_LARGE, NO_ROOM };
