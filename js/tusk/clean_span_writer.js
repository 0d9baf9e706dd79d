'use strict';
// Owns which parts of a finished span are recorded: ids, kind, status, times and twelve attributes.
// Refuses to look into the payloads: they are JSON text, read on native threads. Counterpart: src/drift.

const { KIND_SPAN, SPAN_HEADER_WORDS, ABSENT } = require('../handoff/layout.js');
const { SpanWriter } = require('../handoff/span_writer.js');
const { ATTRIBUTES, LIBRARY_NAME, schemaKind } = require('./vocabulary.js');

const RECORDED = Object.values(ATTRIBUTES);
// What is recorded has no resource, and its scope is always this library.
const RESOURCE = Object.freeze({ attributes: undefined, schemaUrl: undefined });
const SCOPE = Object.freeze({ name: LIBRARY_NAME });

/** Writes spans for the record/replay transform. The place of the end time holds the duration. */
class CleanSpanWriter extends SpanWriter {
  spanWithEnvelope(span) {
    const resource = this.lastResource === RESOURCE ? this.lastResourceIndex : this.resourceIndex(RESOURCE);
    const scope = this.lastScope === SCOPE ? this.lastScopeIndex : this.scopeIndex(SCOPE);
    this.spanRecord(span, resource, scope);
  }

  spanRecord(span, resourceIndex, scopeIndex) {
    const context = span.spanContext();
    const base = this.openRecord(SPAN_HEADER_WORDS);
    const { f64 } = this;
    f64[base + 5] = resourceIndex;
    f64[base + 6] = scopeIndex;
    f64[base + 7] = this.idSlot(context.traceId);
    f64[base + 8] = this.idSlot(context.spanId);
    f64[base + 9] = ABSENT; // trace state
    f64[base + 10] = this.slot((span.parentSpanContext?.spanId ?? span.parentSpanId) || undefined);
    f64[base + 11] = ABSENT; // the name: `td.name` is recorded instead
    const { startTime, duration, status } = span;
    f64[base + 12] = schemaKind(span.kind);
    f64[base + 13] = startTime[0];
    f64[base + 14] = startTime[1];
    f64[base + 15] = duration[0];
    f64[base + 16] = duration[1];
    f64[base + 17] = status.code;
    f64[base + 18] = this.slot(status.message || undefined);
    f64[base + 19] = 0; // flags
    f64[base + 20] = 0; // dropped attributes
    f64[base + 21] = 0; // dropped events
    f64[base + 22] = 0; // dropped links
    f64[base + 23] = this.recordedAttributes(span.attributes);
    f64[base + 24] = 0; // events
    f64[base + 25] = 0; // links
    this.closeRecord(base, KIND_SPAN);
  }

  /** An attribute that cannot be read makes the span unreadable: without it, it would replay as something else. */
  recordedAttributes(attributes) {
    let count = 0;
    for (const name of RECORDED) {
      const value = attributes[name];
      if (value === undefined) continue;
      this.keyed(name, value);
      count += 1;
    }
    return count;
  }
}

module.exports = { CleanSpanWriter };
