'use strict';
// Owns one record under construction: its words, its joined text, the long values behind it, and how much of all that is
// copied in one turn. Refuses to know what the record is about (span_record_writer.js) and how values look (value_writer.js).

const {
  KIND_SPAN,
  ENCODING_LATIN1,
  ENCODING_UTF16,
  ENCODING_KEPT,
  ABSENT,
  JOINED_UNITS,
  DEFERRED_UNITS,
  KEPT_UNITS,
  TURN_UNITS,
  BULK_TURN_UNITS,
  OVERFLOW,
  OVERSIZE,
  OVER_BUDGET,
  UNREADABLE,
} = require('./layout.js');
const { DeferredTexts } = require('./deferred_texts.js');
const { append, mixedList } = require('./mixed_list.js');
const { copyCost } = require('./record_stream.js');
const { isKeptNarrow, WideRun } = require('./narrow_text.js');

/**
 * Batches of more spans copy the text of each record at once: reading them takes longer than a turn has anyway, and what is
 * kept costs more to keep (V8 moves it, and marks it) than to copy.
 */
const MAX_KEPT_RECORDS = 4096;

/** Builds one record at a time in a stream. Throws OVERFLOW, OVERSIZE, OVER_BUDGET, UNREADABLE, or what user code throws. */
class RecordWriter {
  constructor(stream, { maxSpanBytes, maxAttributeBytes = Number.POSITIVE_INFINITY }, deferLongTexts) {
    this.stream = stream;
    this.maxSpanBytes = maxSpanBytes;
    this.maxAttributeBytes = maxAttributeBytes;
    this.deferLongTexts = deferLongTexts;
    this.wide = new WideRun();
    // State of the record being written.
    this.w = 0;
    this.end = 0;
    this.text = '';
    this.f64 = null;
    this.bulkUnits = 0; // units and bytes of this span that are not in `text`
    this.definesKeys = false; // texts of keys are among its joined text
  }

  beginRecords(budgetBytes, spans = 0) {
    this.keepsRecords = this.deferLongTexts && spans <= MAX_KEPT_RECORDS;
    this.budgetBytes = budgetBytes; // what the batch may charge; a record that does not fit throws OVER_BUDGET
    this.usedBytes = 0; // charged so far: records as written, texts kept by reference by their units
    this.bulkCount = 0;
    this.bulk = mixedList(); // flat: index, string or Uint8Array; written right behind the record
    this.joinedUnits = Math.min(JOINED_UNITS, this.maxAttributeBytes);
    this.deferred = new DeferredTexts(this.joinedUnits);
    this.turnUnits = TURN_UNITS; // what may still be copied in this turn
  }

  /** This turn has copied its share: from now on texts are read, and kept by reference however short they are. */
  keepTexts() {
    this.turnUnits = -1;
  }

  /** No record is under construction, and all that was written is with the native side. */
  rest() {
    this.f64 = null;
    this.stream.rest();
  }

  openRecord(headerWords) {
    const { stream } = this;
    this.f64 = stream.f64;
    this.w = stream.position;
    this.end = stream.limit;
    this.text = '';
    this.definesKeys = false;
    return this.reserve(headerWords);
  }

  reserve(words) {
    const at = this.w;
    if (at + words > this.end) throw OVERFLOW;
    this.w = at + words;
    return at;
  }

  closeRecord(base, kind) {
    const { text, stream } = this;
    const units = text.length;
    if (units + this.bulkUnits > this.maxSpanBytes || (this.w - base) * 8 > this.maxSpanBytes) throw OVERSIZE;
    if (this.turnUnits < 0 && this.mayKeep(kind, units)) {
      this.endRecord(base, kind, this.w - base, units, ENCODING_KEPT + this.bulkCount);
      this.usedBytes += units;
      append(this.deferred.texts, this.bulkCount++, text);
      if (this.usedBytes > this.budgetBytes) throw OVER_BUDGET;
      return;
    }
    const at = this.w << 3;
    const room = stream.bytes.length - at;
    // Four bytes of slack: a truncated UTF-8 write can then never have the length of an ASCII one.
    if (room < units + 4) throw OVERFLOW;
    let bytes = -1;
    let encoding = ENCODING_LATIN1;
    if (isKeptNarrow(text)) {
      bytes = stream.block.writeText(at, text);
    } else if (this.wide.mayBeNarrow()) {
      bytes = stream.bytes.utf8Write(text, at);
      this.wide.note(bytes === units);
    }
    if (bytes !== units) {
      // Not ASCII. UTF-16 keeps lone surrogates, which JSON must show, and text boundaries, which UTF-8 blurs.
      if (room < 2 * units) throw OVERFLOW;
      bytes = stream.bytes.ucs2Write(text, at);
      encoding = ENCODING_UTF16;
    }
    this.turnUnits -= copyCost(units, encoding);
    this.endRecord(base, kind, this.w - base + ((bytes + 7) >>> 3), units, encoding);
    if (this.usedBytes > this.budgetBytes) throw OVER_BUDGET;
  }

  endRecord(base, kind, words, units, encoding) {
    const { f64 } = this;
    this.usedBytes += words * 8 + this.bulkUnits;
    f64[base] = kind;
    f64[base + 1] = words;
    f64[base + 2] = this.w - base;
    f64[base + 3] = units;
    f64[base + 4] = encoding;
    this.stream.position = base + words;
    this.text = '';
  }

  /** The text of a record that defines keys is never kept: were it lost, the records after it could not be read. */
  mayKeep(kind, units) {
    return this.keepsRecords && kind === KIND_SPAN && units > 0 && units <= KEPT_UNITS && !this.definesKeys;
  }

  /** A text field: its length if joined, ABSENT if undefined, else the number of a bulk text. */
  slot(text) {
    if (typeof text === 'string') {
      const { joinedUnits } = this;
      const units = text.length;
      if (units <= joinedUnits) {
        this.text += text;
        return units;
      }
      return -2 - this.bulkValue(text, units);
    }
    return text === undefined || text === null ? ABSENT : this.slot(String(text));
  }

  idSlot(id) {
    if (typeof id !== 'string') throw UNREADABLE;
    return this.slot(id);
  }

  bulkValue(value, size) {
    this.bulkUnits += size;
    if (this.bulkUnits > this.maxSpanBytes) throw OVERSIZE;
    const index = this.bulkCount++;
    const isLate = this.deferLongTexts && (size > DEFERRED_UNITS || this.keepsBulk());
    append(isLate && typeof value === 'string' ? this.deferred.texts : this.bulk, index, value);
    return index;
  }

  /** Whether this turn has copied its share of long texts. */
  keepsBulk() {
    return this.deferLongTexts && this.turnUnits < TURN_UNITS - BULK_TURN_UNITS;
  }

  /** Keeps the `count` long texts among `values`; the number of the first, in whose order the others follow. */
  keepList(values, count) {
    const first = this.bulkCount;
    this.bulkCount += count;
    append(this.deferred.texts, first, values);
    return first;
  }

  /** A long attribute value. Refusing it makes the writer read the span attribute by attribute and leave this one out. */
  longValue(value, size) {
    if (size > this.maxAttributeBytes) throw UNREADABLE;
    return this.bulkValue(value, size);
  }
}

module.exports = { RecordWriter };
