'use strict';
// Owns reading a finished span, its resource and its scope: which property becomes which word (src/handoff/layout.rs).
// Refuses to go back: whoever calls it takes back what a span has left behind (span_writer.js).

const {
  KIND_SPAN,
  KIND_RESOURCE,
  KIND_SCOPE,
  SPAN_HEADER_WORDS,
  FAST_ATTRIBUTES,
  FLAG_HAS_IS_REMOTE,
  FLAG_IS_REMOTE,
  OVERSIZE,
  UNREADABLE,
} = require('./layout.js');
const { AttributeWriter } = require('./attribute_writer.js');

const NONE = Symbol('none'); // no span has it as its resource or scope

function spanFlags(traceFlags, isRemote) {
  return (traceFlags & 0xff) | FLAG_HAS_IS_REMOTE | (isRemote ? FLAG_IS_REMOTE : 0);
}

function countOrNaN(value) {
  return typeof value === 'number' ? value : Number.NaN; // NaN: absent; JSON omits it, protobuf writes 0
}

/** An attribute writer that knows spans. Throws what RecordWriter throws, or what user code throws. */
class SpanRecordWriter extends AttributeWriter {
  /** Starts a batch: resources and scopes are written once in each. */
  beginRecords(budgetBytes, spans) {
    super.beginRecords(budgetBytes, spans);
    this.resources = new Map();
    this.scopes = new Map();
    this.forgetEnvelope();
  }

  /** The span before shall not be asked for its resource and its scope. */
  forgetEnvelope() {
    this.lastResource = NONE;
    this.lastResourceIndex = -1;
    this.lastScope = NONE;
    this.lastScopeIndex = -1;
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

module.exports = { SpanRecordWriter };
