'use strict';
// Owns reading a finished span and writing it as one self-describing record into native memory.
// Refuses to know what happens to it: no batch policy, no queue, no transport. Layout: src/handoff/layout.rs.

const {
  KIND_SPAN,
  KIND_RESOURCE,
  KIND_SCOPE,
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
  BLOCK_HEADER_WORDS,
  SPAN_HEADER_WORDS,
  MIN_FREE_WORDS,
  JOINED_UNITS,
  LATE_JOINED_UNITS,
  TURN_UNITS,
  FAST_ATTRIBUTES,
  DEFERRED_UNITS,
  MAX_KEYS,
  MAX_DEPTH,
  MAX_BLOCK_BYTES,
  WRITTEN,
  INVALID,
  TOO_LARGE,
  NO_ROOM,
  FLAG_HAS_IS_REMOTE,
  FLAG_IS_REMOTE,
  OVERFLOW,
  OVERSIZE,
  OVER_BUDGET,
  UNREADABLE,
} = require('./layout.js');

const { DeferredTexts, RecordStream, WideRun, byteLengthOf } = require('./record_stream.js');

const NONE = Symbol('none'); // no span has it as its resource or scope
const hasOwn = Object.prototype.hasOwnProperty;
const getPrototypeOf = Object.getPrototypeOf;
const objectPrototype = Object.prototype;

function hasEnumerableObjectPrototype() {
  for (const _ in objectPrototype) return true;
  return false;
}

function spanFlags(traceFlags, isRemote) {
  return (traceFlags & 0xff) | FLAG_HAS_IS_REMOTE | (isRemote ? FLAG_IS_REMOTE : 0);
}

function countOrNaN(value) {
  return typeof value === 'number' ? value : Number.NaN; // NaN: absent; JSON omits it, protobuf writes 0
}

/** Writes the spans of one batch after another. One per exporter; not re-entrant (see `writing`). */
class SpanWriter {
  /**
   * @param memory the environment's blocks
   * @param {{ maxSpanBytes: number }} limits
   * @param {boolean} deferLongTexts keep texts over 4 Ki units by reference; `copyDeferred` writes them
   */
  constructor(memory, limits, deferLongTexts) {
    this.stream = new RecordStream(memory);
    this.longStream = new RecordStream(memory);
    this.wide = new WideRun();
    this.maxSpanBytes = limits.maxSpanBytes;
    this.deferLongTexts = deferLongTexts;
    this.writing = false;
    // State of the record being written.
    this.w = 0;
    this.end = 0;
    this.text = '';
    this.f64 = null;
    this.bulkUnits = 0; // units and bytes of this span that are not in `text`
    this.ancestors = []; // containers around the value being read
    this.isCareful = false;
    this.attributeCount = 0; // of the span before
    this.begin(0);
  }

  /** Starts a batch: tables of keys, resources and scopes are per batch, so each batch is readable alone. */
  begin(budgetBytes) {
    this.budgetBytes = budgetBytes; // what the batch may charge; a span that does not fit is NO_ROOM
    this.usedBytes = 0; // charged so far: records as written, texts kept by reference by their units
    this.isPrototypeClean = !hasEnumerableObjectPrototype();
    this.keys = new Map();
    this.keyList = [];
    this.expectedKeys = []; // keys of the span before, in order: equal shapes skip the map
    this.expectedIds = [];
    this.resources = new Map();
    this.scopes = new Map();
    this.lastResource = NONE;
    this.lastResourceIndex = -1;
    this.lastScope = NONE;
    this.lastScopeIndex = -1;
    this.bulkCount = 0;
    this.bulk = []; // flat: index, string or Uint8Array; written right behind the record
    this.deferred = new DeferredTexts();
    this.deferredBefore = 0; // its texts before the span being written
    this.turnUnits = TURN_UNITS; // what may still be copied in this turn
    this.joinedUnits = JOINED_UNITS;
  }

  /**
   * Reads every property of `span` and writes it.
   * @returns WRITTEN, INVALID (cannot be read), TOO_LARGE or NO_ROOM (over the batch's budget); unless it is WRITTEN,
   *   nothing of it stays behind.
   */
  write(span) {
    const { stream } = this;
    this.isCareful = false;
    stream.ensure(MIN_FREE_WORDS);
    this.writing = true;
    const keys = this.keyList.length;
    const resources = this.resources.size;
    const scopes = this.scopes.size;
    const { bulkCount, usedBytes } = this;
    this.deferredBefore = this.deferred.texts.length;
    let { position } = stream;
    try {
      for (;;) {
        try {
          this.spanWithEnvelope(span);
          break;
        } catch (error) {
          // All reading is done before anything but the record itself is written, so going back is one assignment.
          stream.position = position;
          this.forget(keys, resources, scopes, bulkCount);
          this.usedBytes = usedBytes;
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
      try {
        this.writeBulk();
      } catch {
        // No memory for a block: what is missing makes the reader drop this span, and only this one.
        this.bulk.length = 0;
        this.bulkUnits = 0;
      }
      stream.commit();
      return WRITTEN;
    } finally {
      this.writing = false;
    }
  }

  /** Takes back what a span that could not be written has put into the tables. */
  forget(keys, resources, scopes, bulkCount) {
    for (const key of this.keyList.splice(keys)) this.keys.delete(key);
    this.expectedKeys.length = 0;
    trimMap(this.resources, resources);
    trimMap(this.scopes, scopes);
    this.lastResource = NONE;
    this.lastResourceIndex = -1;
    this.lastScope = NONE;
    this.lastScopeIndex = -1;
    this.bulkCount = bulkCount;
    this.deferred.texts.length = this.deferredBefore;
    this.bulk.length = 0;
    this.bulkUnits = 0;
    this.ancestors.length = 0;
  }

  writeBulk() {
    const { bulk } = this;
    this.bulkUnits = 0;
    if (bulk.length === 0) return; // setting `length` calls into the runtime, even from 0 to 0
    for (let i = 0; i < bulk.length; i += 2) {
      const value = bulk[i + 1];
      if (typeof value === 'string') this.charge(value.length, this.stream.bulkText(bulk[i], value));
      else this.stream.bulkBytes(bulk[i], value);
    }
    bulk.length = 0;
  }

  /** Once a turn has copied its share, texts are kept by reference however short they are. */
  charge(units, encoding) {
    this.turnUnits -= encoding === ENCODING_ASCII ? units : units * 3;
    if (this.turnUnits < 0 && this.deferLongTexts) this.joinedUnits = LATE_JOINED_UNITS;
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
    const { longStream } = this;
    for (let steps = 1; deferred.length > 0; steps++) {
      deferred.step(longStream);
      if ((steps & 3) === 0 && performance.now() >= deadline) break; // four steps are at most 256 Ki units
    }
    return deferred.length === 0;
  }

  spanWithEnvelope(span) {
    const { resource } = span;
    const scope = span.instrumentationScope ?? span.instrumentationLibrary;
    const resourceIndex = resource === this.lastResource ? this.lastResourceIndex : this.resourceIndex(resource);
    const scopeIndex = scope === this.lastScope ? this.lastScopeIndex : this.scopeIndex(scope);
    this.spanRecord(span, resourceIndex, scopeIndex);
  }

  resourceIndex(resource) {
    let index = this.resources.get(resource);
    if (index === undefined) {
      const base = this.openRecord(7);
      this.f64[base + 5] = this.slot(resource.schemaUrl);
      this.f64[base + 6] = 0;
      const { attributes } = resource;
      this.attributes(attributes, base + 6);
      this.closeRecord(base, KIND_RESOURCE);
      index = this.resources.size;
      this.resources.set(resource, index);
    }
    this.lastResource = resource;
    this.lastResourceIndex = index;
    return index;
  }

  scopeIndex(scope) {
    let index = this.scopes.get(scope);
    if (index === undefined) {
      const base = this.openRecord(11);
      const { attributes } = scope;
      this.f64[base + 5] = this.slot(scope.name);
      this.f64[base + 6] = this.slot(scope.version);
      this.f64[base + 7] = this.slot(scope.schemaUrl);
      this.f64[base + 8] = countOrNaN(scope.droppedAttributesCount);
      this.f64[base + 9] = attributes ? 1 : 0;
      this.f64[base + 10] = 0;
      this.attributes(attributes, base + 10);
      this.closeRecord(base, KIND_SCOPE);
      index = this.scopes.size;
      this.scopes.set(scope, index);
    }
    this.lastScope = scope;
    this.lastScopeIndex = index;
    return index;
  }

  spanRecord(span, resourceIndex, scopeIndex) {
    const context = span.spanContext();
    const parentContext = span.parentSpanContext;
    const base = this.openRecord(SPAN_HEADER_WORDS);
    const { f64 } = this;
    f64[base + 5] = resourceIndex;
    f64[base + 6] = scopeIndex;
    f64[base + 7] = this.idSlot(context.traceId);
    f64[base + 8] = this.idSlot(context.spanId);
    f64[base + 9] = this.slot(context.traceState?.serialize());
    f64[base + 10] = this.slot((parentContext?.spanId ?? span.parentSpanId) || undefined);
    f64[base + 11] = this.slot(span.name);
    const { kind, startTime, endTime, status } = span;
    f64[base + 12] = kind == null ? 0 : kind + 1;
    f64[base + 13] = startTime[0];
    f64[base + 14] = startTime[1];
    f64[base + 15] = endTime[0];
    f64[base + 16] = endTime[1];
    f64[base + 17] = status.code;
    f64[base + 18] = this.slot(status.message);
    f64[base + 19] = spanFlags(context.traceFlags, parentContext?.isRemote);
    // A guess: wrong costs a tenth of a microsecond, never an attribute.
    const unread =
      this.attributeCount > FAST_ATTRIBUTES
        ? this.manyAttributes(span.attributes, base + 23)
        : this.attributes(span.attributes, base + 23);
    this.attributeCount = f64[base + 23];
    f64[base + 20] = countOrNaN(span.droppedAttributesCount) + unread;
    f64[base + 21] = countOrNaN(span.droppedEventsCount);
    f64[base + 22] = countOrNaN(span.droppedLinksCount);
    f64[base + 24] = this.events(span.events);
    f64[base + 25] = this.links(span.links);
    this.closeRecord(base, KIND_SPAN);
  }

  /** The length of a list that may be anything. */
  lengthOf(list) {
    const { length } = list;
    if (!Number.isInteger(length) || length < 0) throw UNREADABLE;
    if (length * 8 > this.maxSpanBytes) throw OVERSIZE;
    return length;
  }

  events(events) {
    const count = this.lengthOf(events);
    for (let i = 0; i < count; i++) {
      const event = events[i];
      const at = this.reserve(5);
      const { f64 } = this;
      f64[at] = event.time[0];
      f64[at + 1] = event.time[1];
      f64[at + 2] = this.slot(event.name);
      const unread = this.attributes(event.attributes, at + 4);
      f64[at + 3] = (event.droppedAttributesCount || 0) + unread;
    }
    return count;
  }

  links(links) {
    const count = this.lengthOf(links);
    for (let i = 0; i < count; i++) {
      const link = links[i];
      const { context } = link;
      const at = this.reserve(6);
      const { f64 } = this;
      f64[at] = this.idSlot(context.traceId);
      f64[at + 1] = this.idSlot(context.spanId);
      f64[at + 2] = this.slot(context.traceState?.serialize());
      f64[at + 3] = spanFlags(context.traceFlags, context.isRemote);
      const unread = this.attributes(link.attributes, at + 5);
      f64[at + 4] = (link.droppedAttributesCount || 0) + unread;
    }
    return count;
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
          f64[w + 1] = this.bulkValue(value, units);
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
          f64[w + 1] = this.bulkValue(value, units);
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
          f64[payload] = this.bulkValue(value, units);
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
      f64[this.reserve(1)] = this.bulkValue(value, byteLengthOf(value));
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

function trimMap(map, size) {
  if (map.size === size) return;
  let index = 0;
  for (const key of map.keys()) if (index++ >= size) map.delete(key);
}

module.exports = { SpanWriter, WRITTEN, INVALID, TOO_LARGE, NO_ROOM };
