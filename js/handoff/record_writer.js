'use strict';
// Owns one record under construction: its words, its joined text, its attribute values of any shape.
// Refuses to know what the record is about and what happens when it does not fit: span_writer.js does.

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
  ENCODING_ASCII,
  ENCODING_UTF16,
  ABSENT,
  JOINED_UNITS,
  DEFERRED_UNITS,
  TURN_UNITS,
  LATE_JOINED_UNITS,
  MAX_KEYS,
  MAX_DEPTH,
  OVERFLOW,
  OVERSIZE,
  OVER_BUDGET,
  UNREADABLE,
} = require('./layout.js');
const { DeferredTexts, WideRun, byteLengthOf } = require('./record_stream.js');

const hasOwn = Object.prototype.hasOwnProperty;
const getPrototypeOf = Object.getPrototypeOf;
const objectPrototype = Object.prototype;

function hasEnumerableObjectPrototype() {
  for (const _ in objectPrototype) return true;
  return false;
}

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
    this.ancestors = []; // containers around the value being read
    this.isCareful = false;
    this.attributeCount = 0; // of the span before
  }

  /** Starts a batch: the table of keys is per batch, so each batch is readable alone. */
  beginRecords(budgetBytes) {
    this.budgetBytes = budgetBytes; // what the batch may charge; a record that does not fit throws OVER_BUDGET
    this.usedBytes = 0; // charged so far: records as written, texts kept by reference by their units
    this.isPrototypeClean = !hasEnumerableObjectPrototype();
    this.keys = new Map();
    this.keyList = [];
    this.expectedKeys = []; // keys of the span before, in order: equal shapes skip the map
    this.expectedIds = [];
    this.bulkCount = 0;
    this.bulk = []; // flat: index, string or Uint8Array; written right behind the record
    this.deferred = new DeferredTexts();
    this.turnUnits = TURN_UNITS; // what may still be copied in this turn
    this.joinedUnits = Math.min(JOINED_UNITS, this.maxAttributeBytes);
  }

  /** Once a turn has copied its share, texts are kept by reference however short they are. */
  charge(units, encoding) {
    this.turnUnits -= encoding === ENCODING_ASCII ? units : units * 3;
    if (this.turnUnits < 0 && this.deferLongTexts)
      this.joinedUnits = Math.min(LATE_JOINED_UNITS, this.maxAttributeBytes);
  }

  openRecord(headerWords) {
    const { stream } = this;
    this.f64 = stream.f64;
    this.w = stream.position;
    this.end = stream.limit;
    this.text = '';
    return this.reserve(headerWords);
  }

  reserve(words) {
    const at = this.w;
    if (at + words > this.end) throw OVERFLOW;
    this.w = at + words;
    return at;
  }

  closeRecord(base, kind) {
    const { f64, text, stream } = this;
    const units = text.length;
    if (units + this.bulkUnits > this.maxSpanBytes || (this.w - base) * 8 > this.maxSpanBytes) throw OVERSIZE;
    const at = this.w << 3;
    const room = stream.bytes.length - at;
    // Four bytes of slack: a truncated UTF-8 write can then never have the length of an ASCII one.
    if (room < units + 4) throw OVERFLOW;
    let bytes = -1;
    let encoding = ENCODING_ASCII;
    if (this.wide.mayBeAscii()) {
      bytes = stream.bytes.utf8Write(text, at);
      this.wide.note(bytes === units);
    }
    if (bytes !== units) {
      // Not ASCII. UTF-16 keeps lone surrogates, which JSON must show, and text boundaries, which UTF-8 blurs.
      if (room < 2 * units) throw OVERFLOW;
      bytes = stream.bytes.ucs2Write(text, at);
      encoding = ENCODING_UTF16;
    }
    this.charge(units, encoding);
    const words = this.w - base + ((bytes + 7) >>> 3);
    this.usedBytes += words * 8 + this.bulkUnits;
    if (this.usedBytes > this.budgetBytes) throw OVER_BUDGET;
    f64[base] = kind;
    f64[base + 1] = words;
    f64[base + 2] = this.w - base;
    f64[base + 3] = units;
    f64[base + 4] = encoding;
    stream.position = base + words;
    this.text = '';
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
    const isLate = size > DEFERRED_UNITS || this.turnUnits < 0;
    if (isLate && this.deferLongTexts && typeof value === 'string') this.deferred.texts.push(index, value);
    else this.bulk.push(index, value);
    return index;
  }

  /** A long attribute value. Refusing it makes the writer read the span attribute by attribute and leave this one out. */
  longValue(value, size) {
    if (size > this.maxAttributeBytes) throw UNREADABLE;
    return this.bulkValue(value, size);
  }

  /**
   * Writes own enumerable string keys in property order and their number to word `countAt`.
   * @returns {number} attributes left out because reading them threw (careful mode only)
   */
  attributes(attributes, countAt) {
    this.f64[countAt] = 0;
    if (attributes === undefined || attributes === null) return 0;
    if (this.isCareful) return this.attributesOneByOne(attributes, countAt);
    const { f64, end, expectedKeys, expectedIds, joinedUnits } = this;
    const prototype = getPrototypeOf(attributes);
    const ownOnly = prototype === null || (prototype === objectPrototype && this.isPrototypeClean);
    let { w, text } = this;
    let count = 0;
    for (const key in attributes) {
      if (!ownOnly && !hasOwn.call(attributes, key)) continue;
      const value = attributes[key];
      if (w + 4 > end) throw OVERFLOW;
      if (expectedKeys[count] !== key) {
        const id = this.keys.get(key);
        if (id === undefined) {
          this.w = w;
          this.text = text;
          this.newKey(key, value);
          w = this.w;
          text = this.text;
          count += 1;
          continue;
        }
        expectedKeys[count] = key;
        expectedIds[count] = id;
      }
      const id = expectedIds[count];
      count += 1;
      if (typeof value === 'string') {
        const units = value.length;
        if (units <= joinedUnits) {
          f64[w] = id * 16 + TAG_TEXT;
          f64[w + 1] = units;
          text += value;
        } else {
          f64[w] = id * 16 + TAG_BULK;
          f64[w + 1] = this.longValue(value, units);
        }
        w += 2;
      } else if (typeof value === 'number') {
        f64[w] = id * 16 + TAG_NUMBER;
        f64[w + 1] = value;
        w += 2;
      } else if (typeof value === 'boolean') {
        f64[w] = id * 16 + (value ? TAG_TRUE : TAG_FALSE);
        w += 1;
      } else {
        f64[w] = id * 16 + TAG_NESTED;
        this.w = w + 1;
        this.text = text;
        this.value(value);
        w = this.w;
        text = this.text;
      }
    }
    this.w = w;
    this.text = text;
    f64[countAt] = count;
    return 0;
  }

  /** The same for objects that V8 keeps as dictionaries: there `for in` looks every key up once more. */
  manyAttributes(attributes, countAt) {
    if (this.isCareful || attributes === undefined || attributes === null) return this.attributes(attributes, countAt);
    const { f64, end, expectedKeys, expectedIds, joinedUnits } = this;
    const names = Object.keys(attributes);
    let { w, text } = this;
    let count = 0;
    for (let i = 0; i < names.length; i++) {
      const key = names[i];
      const value = attributes[key];
      if (w + 4 > end) throw OVERFLOW;
      if (expectedKeys[count] !== key) {
        const id = this.keys.get(key);
        if (id === undefined) {
          this.w = w;
          this.text = text;
          this.newKey(key, value);
          w = this.w;
          text = this.text;
          count += 1;
          continue;
        }
        expectedKeys[count] = key;
        expectedIds[count] = id;
      }
      const id = expectedIds[count];
      count += 1;
      if (typeof value === 'string') {
        const units = value.length;
        if (units <= joinedUnits) {
          f64[w] = id * 16 + TAG_TEXT;
          f64[w + 1] = units;
          text += value;
        } else {
          f64[w] = id * 16 + TAG_BULK;
          f64[w + 1] = this.longValue(value, units);
        }
        w += 2;
      } else if (typeof value === 'number') {
        f64[w] = id * 16 + TAG_NUMBER;
        f64[w + 1] = value;
        w += 2;
      } else if (typeof value === 'boolean') {
        f64[w] = id * 16 + (value ? TAG_TRUE : TAG_FALSE);
        w += 1;
      } else {
        f64[w] = id * 16 + TAG_NESTED;
        this.w = w + 1;
        this.text = text;
        this.value(value);
        w = this.w;
        text = this.text;
      }
    }
    this.w = w;
    this.text = text;
    f64[countAt] = count;
    return 0;
  }

  attributesOneByOne(attributes, countAt) {
    let count = 0;
    let unread = 0;
    for (const key of Object.keys(attributes)) {
      const { w, text, bulkUnits, bulkCount } = this;
      const bulkLength = this.bulk.length;
      const deferredLength = this.deferred.texts.length;
      const keys = this.keyList.length;
      try {
        this.keyed(key, attributes[key]);
        count += 1;
      } catch (error) {
        if (error === OVERFLOW || error === OVERSIZE) throw error; // not about this attribute
        this.w = w;
        this.text = text;
        this.bulk.length = bulkLength;
        this.deferred.texts.length = deferredLength;
        this.bulkUnits = bulkUnits;
        this.bulkCount = bulkCount;
        for (const newKey of this.keyList.splice(keys)) this.keys.delete(newKey);
        this.expectedKeys.length = 0;
        this.ancestors.length = 0;
        unread += 1;
      }
    }
    this.f64[countAt] = count;
    return unread;
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
    const units = key.length;
    if (units > JOINED_UNITS) {
      const at = this.reserve(2);
      this.f64[at] = TAG_BULK_KEY;
      this.f64[at + 1] = this.bulkValue(key, units);
    } else {
      this.f64[this.reserve(1)] = -1 - (units * 16 + TAG_NESTED);
      this.text += key;
      if (this.keyList.length < MAX_KEYS) {
        this.keys.set(key, this.keyList.length);
        this.keyList.push(key);
      }
    }
    this.value(value);
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

module.exports = { RecordWriter };
