'use strict';
// Owns attributes as words of a record: the loops that the time of the main thread goes into, and what cannot be read.
// Refuses to know whose attributes they are, and how values are nested (value_writer.js).

const { TAG_TRUE, TAG_FALSE, TAG_NUMBER, TAG_TEXT, TAG_BULK, TAG_NESTED, OVERFLOW, OVERSIZE } = require('./layout.js');
const { ValueWriter } = require('./value_writer.js');

const hasOwn = Object.prototype.hasOwnProperty;

/** A value writer that knows attributes. Throws what RecordWriter throws, or what user code throws. */
class AttributeWriter extends ValueWriter {
  constructor(stream, limits, deferLongTexts) {
    super(stream, limits, deferLongTexts);
    this.isCareful = false;
    this.attributeCount = 0; // of the span before
  }

  beginRecords(budgetBytes, spans) {
    super.beginRecords(budgetBytes, spans);
    this.expectedKeys = []; // keys of the span before, in order: equal shapes skip the map
    this.expectedIds = [];
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
    let { w, text } = this;
    let count = 0;
    for (const key in attributes) {
      if (!hasOwn.call(attributes, key)) continue; // free where V8 enumerates from the object's shape
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
    const values = new Array(names.length);
    for (let i = 0; i < names.length; i++) values[i] = attributes[names[i]];
    // A loop of nothing but this lets the processor fetch the heads of many texts at once: a third less for long ones.
    let units = 0;
    let longest = 0;
    let longTexts = 0;
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (typeof value !== 'string') continue;
      units += value.length;
      if (value.length > longest) longest = value.length;
      if (value.length > joinedUnits) longTexts += 1;
    }
    if (units > this.maxSpanBytes && this.maxAttributeBytes === Number.POSITIVE_INFINITY) throw OVERSIZE;
    // Many texts are kept by one reference to their list: each by itself costs as much as reading it.
    const keepsList = longTexts > 1 && longest <= this.maxAttributeBytes && this.keepsBulk();
    let nextBulk = keepsList ? this.keepList(values, longTexts) : -1;
    let { w, text } = this;
    let count = 0;
    for (let i = 0; i < names.length; i++) {
      const key = names[i];
      const value = values[i];
      if (w + 4 > end) throw OVERFLOW;
      if (expectedKeys[count] !== key) {
        const id = this.keys.get(key);
        if (id === undefined) {
          this.w = w;
          this.text = text;
          if (nextBulk !== -1 && typeof value === 'string' && value.length > joinedUnits) {
            this.defineKey(key);
            const at = this.reserve(2);
            f64[at] = TAG_BULK;
            f64[at + 1] = nextBulk++;
            this.bulkUnits += value.length;
          } else {
            this.newKey(key, value);
          }
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
        } else if (nextBulk !== -1) {
          f64[w] = id * 16 + TAG_BULK;
          f64[w + 1] = nextBulk++;
          this.bulkUnits += units;
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
        this.forgetKeys(keys);
        this.expectedKeys.length = 0;
        this.ancestors.length = 0;
        unread += 1;
      }
    }
    this.f64[countAt] = count;
    return unread;
  }
}

module.exports = { AttributeWriter };
