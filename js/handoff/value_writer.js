'use strict';
// Owns values of any shape as words of a record, nested ones included, and the table of keys that repeat.
// Refuses to be fast for the common case: attribute_writer.js writes flat values by itself.

const {
  TAG_EMPTY,
  TAG_TRUE,
  TAG_FALSE,
  TAG_NUMBER,
  TAG_TEXT,
  TAG_BULK,
  TAG_ARRAY,
  TAG_MAP,
  TAG_NESTED,
  TAG_BULK_KEY,
  JOINED_UNITS,
  MAX_KEYS,
  MAX_DEPTH,
  OVERSIZE,
  UNREADABLE,
} = require('./layout.js');
const { byteLengthOf } = require('./record_stream.js');
const { RecordWriter } = require('./record_writer.js');
const { isStringObject } = require('node:util/types');

const textOf = Function.prototype.call.bind(String.prototype.valueOf); // past what the application has put on the object

/** A record writer that knows values and their keys. Throws what RecordWriter throws, or what user code throws. */
class ValueWriter extends RecordWriter {
  constructor(stream, limits, deferLongTexts) {
    super(stream, limits, deferLongTexts);
    this.ancestors = []; // containers around the value being read
    this.readsTexts = limits.readsTexts === true; // String objects are texts: rules cannot see one in a map of its characters
  }

  /** Starts a batch: the table of keys is per batch, so each batch is readable alone. */
  beginRecords(budgetBytes, spans) {
    super.beginRecords(budgetBytes, spans);
    this.keys = new Map();
    this.keyList = [];
  }

  keyed(key, value) {
    const id = this.keys.get(key);
    if (id === undefined) {
      this.newKey(key, value);
    } else {
      this.f64[this.reserve(1)] = id * 16 + TAG_NESTED;
      this.value(value);
    }
  }

  newKey(key, value) {
    this.defineKey(key);
    this.value(value);
  }

  /** A key whose value follows with a tag word of its own. */
  defineKey(key) {
    const units = key.length;
    if (units > JOINED_UNITS) {
      const at = this.reserve(2);
      this.f64[at] = TAG_BULK_KEY;
      this.f64[at + 1] = this.bulkValue(key, units);
    } else {
      this.f64[this.reserve(1)] = -1 - (units * 16 + TAG_NESTED);
      this.text += key;
      this.definesKeys = true;
      if (this.keyList.length < MAX_KEYS) {
        // The list first: what is in it can be taken back, also where a call is cut off between the two.
        this.keyList.push(key);
        this.keys.set(key, this.keyList.length - 1);
      }
    }
  }

  /** Takes back the keys that were defined after the first `count`. It may be done twice. */
  forgetKeys(count) {
    const { keys, keyList } = this;
    for (let i = count; i < keyList.length; i++) keys.delete(keyList[i]);
    if (keyList.length > count) keyList.length = count;
  }

  /** A value with a tag word of its own. */
  value(value) {
    const { f64, joinedUnits } = this;
    const at = this.reserve(1);
    switch (typeof value) {
      case 'string': {
        const units = value.length;
        const payload = this.reserve(1);
        if (units <= joinedUnits) {
          f64[at] = TAG_TEXT;
          f64[payload] = units;
          this.text += value;
        } else {
          f64[at] = TAG_BULK;
          f64[payload] = this.longValue(value, units);
        }
        return;
      }
      case 'number':
        f64[at] = TAG_NUMBER;
        f64[this.reserve(1)] = value;
        return;
      case 'boolean':
        f64[at] = value ? TAG_TRUE : TAG_FALSE;
        return;
      case 'object':
        if (value !== null) {
          this.container(value, at);
          return;
        }
    }
    f64[at] = TAG_EMPTY;
  }

  container(value, at) {
    const { f64, ancestors } = this;
    if (this.readsTexts && isStringObject(value)) {
      this.w = at; // its tag is that of a text
      this.value(textOf(value));
      return;
    }
    if (value instanceof Uint8Array) {
      f64[at] = TAG_BULK;
      f64[this.reserve(1)] = this.longValue(value, byteLengthOf(value));
      return;
    }
    if (ancestors.length >= MAX_DEPTH || ancestors.includes(value)) throw UNREADABLE;
    ancestors.push(value);
    const countAt = this.reserve(1);
    let count = 0;
    if (Array.isArray(value)) {
      f64[at] = TAG_ARRAY;
      const { length } = value;
      // Every element takes a word at least: a length that cannot fit is refused before it is walked.
      if (length * 8 > this.maxSpanBytes) throw OVERSIZE;
      for (; count < length; count++) this.value(value[count]);
    } else {
      f64[at] = TAG_MAP;
      for (const key of Object.keys(value)) {
        this.keyed(key, value[key]);
        count += 1;
      }
    }
    f64[countAt] = count;
    ancestors.pop();
  }
}

module.exports = { ValueWriter };
