'use strict';
// Owns reading a finished span and writing it as one self-describing record into native memory.
// Refuses to know what happens to it: no batch policy, no queue, no transport. Layout: src/handoff/layout.rs.

const {
  KIND_SPAN,
  KIND_RESOURCE,
  KIND_SCOPE,
  BLOCK_HEADER_WORDS,
  SPAN_HEADER_WORDS,
  MIN_FREE_WORDS,
  FAST_ATTRIBUTES,
  MAX_BLOCK_BYTES,
  ONE_WRITE_UNITS,
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
const { diag } = require('../diag.js');
const { AttributeWriter } = require('./attribute_writer.js');
const { RecordStream } = require('./record_stream.js');

const NONE = Symbol('none'); // no span has it as its resource or scope

function spanFlags(traceFlags, isRemote) {
  return (traceFlags & 0xff) | FLAG_HAS_IS_REMOTE | (isRemote ? FLAG_IS_REMOTE : 0);
}

function countOrNaN(value) {
  return typeof value === 'number' ? value : Number.NaN; // NaN: absent; JSON omits it, protobuf writes 0
}

/** Writes the spans of one batch after another. One per exporter; not re-entrant (see `writing`). */
class SpanWriter extends AttributeWriter {
  /**
   * @param memory the environment's blocks
   * @param {{ maxSpanBytes: number, maxAttributeBytes?: number }} limits an attribute with a longer text or byte array
   *   is left out and counted as dropped; both are compared with UTF-16 units, before anything is copied
   * @param {boolean} deferLongTexts keep texts over 4 Ki units by reference, and once a turn has copied its shares all long
   *   ones, then all;
   *   `copyDeferred` writes them. Else every span is whole, and may be read by others, when `write` returns
   */
  constructor(memory, limits, deferLongTexts) {
    super(new RecordStream(memory), limits, deferLongTexts);
    this.longStream = new RecordStream(memory);
    this.writing = false;
    this.begin(0);
  }

  /** Starts a batch of `spans` that may charge `budgetBytes`; a span that does not fit is NO_ROOM. */
  begin(budgetBytes, spans) {
    this.beginRecords(budgetBytes, spans);
    this.resources = new Map();
    this.scopes = new Map();
    this.lastResource = NONE;
    this.lastResourceIndex = -1;
    this.lastScope = NONE;
    this.lastScopeIndex = -1;
    this.deferredBefore = 0; // texts kept by reference before the span being written
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
    this.deferred.beginSpan();
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
      } catch (error) {
        // No memory for a block: what is missing makes the reader drop this span, and only this one.
        diag.debug('Offloop: long texts could not be copied', error);
        this.bulk.length = 0;
        this.bulkUnits = 0;
      }
      // A batch with texts to come is read when it has been handed over, not before.
      if (!this.deferLongTexts) stream.commit();
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
    const { bulk, stream } = this;
    this.bulkUnits = 0;
    if (bulk.length === 0) return; // setting `length` calls into the runtime, even from 0 to 0
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
      if (performance.now() >= deadline) break;
    }
    return deferred.isEmpty;
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
}

function trimMap(map, size) {
  if (map.size === size) return;
  let index = 0;
  for (const key of map.keys()) if (index++ >= size) map.delete(key);
}

module.exports = { SpanWriter, WRITTEN, INVALID, TOO_LARGE, NO_ROOM };
