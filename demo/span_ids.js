'use strict';

// Owns the receiver's reading of an OTLP protobuf body: it walks the message and hands out every span's id, without
// building objects. It knows four field numbers of the published definition, and nothing of any exporter.

const RESOURCE_SPANS = 1; // ExportTraceServiceRequest
const SCOPE_SPANS = 2; // ResourceSpans
const SPANS = 2; // ScopeSpans
const SPAN_ID = 2; // Span
const LENGTH_DELIMITED = 2;

/** Calls `onSpanId(hex)` for each span of an ExportTraceServiceRequest; throws on a malformed body. */
function forEachSpanId(body, onSpanId) {
  walk(body, 0, body.length, RESOURCE_SPANS, (start, end) =>
    walk(body, start, end, SCOPE_SPANS, (scopeStart, scopeEnd) =>
      walk(body, scopeStart, scopeEnd, SPANS, (spanStart, spanEnd) => {
        let id;
        walk(body, spanStart, spanEnd, SPAN_ID, (idStart, idEnd) => {
          if (idEnd - idStart === 8) id = body.toString('hex', idStart, idEnd);
        });
        if (id === undefined) throw new Error('a span without an 8-byte id');
        onSpanId(id);
      }),
    ),
  );
}

// Visits each length-delimited field `wanted` between `start` and `end`; every other field is checked and skipped.
function walk(body, start, end, wanted, visit) {
  let at = start;
  const varint = () => {
    let value = 0;
    for (let factor = 1; at < end; factor *= 128) {
      const byte = body[at++];
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      if (factor > 2 ** 62) break;
    }
    throw new Error('a bad varint');
  };
  while (at < end) {
    const tag = varint();
    const wireType = tag % 8;
    if (wireType === 0) varint();
    else if (wireType === 1) at += 8;
    else if (wireType === 5) at += 4;
    else if (wireType === LENGTH_DELIMITED) {
      const length = varint();
      if (at + length > end) throw new Error('a field longer than its message');
      if (Math.floor(tag / 8) === wanted) visit(at, at + length);
      at += length;
    } else throw new Error(`wire type ${wireType}`);
  }
  if (at !== end) throw new Error('a truncated field');
}

module.exports = { forEachSpanId };
