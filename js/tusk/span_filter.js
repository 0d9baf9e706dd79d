'use strict';
// Owns which spans of a batch are recorded: library, blocked traces, server errors, size. Synchronous, because whoever
// creates the next span of a trace asks whether it is blocked.
// Refuses to parse and, where lengths decide, to count bytes.

const { diag } = require('../otel/diag.js');
const { scopeName } = require('./span_transformer.js');
const { ATTRIBUTES, LIBRARY_NAME, OTEL_KIND_SERVER, OTEL_STATUS_ERROR } = require('./vocabulary.js');

const MEBIBYTE = 1024 * 1024;
const MAX_SPAN_MEBIBYTES = 1;
const OTHER_BYTES = 50000; // allowance for everything beside input and output
const MAX_PAYLOAD_BYTES = MAX_SPAN_MEBIBYTES * MEBIBYTE - OTHER_BYTES;
const MAX_BYTES_PER_UNIT = 3; // of UTF-16, as UTF-8

/** Whether the payload is over the limit, from the number of UTF-16 units alone where that decides it. */
function isOversize(units, input, output) {
  if (units * MAX_BYTES_PER_UNIT <= MAX_PAYLOAD_BYTES) return false;
  if (units > MAX_PAYLOAD_BYTES) return true;
  return Buffer.byteLength(input) + Buffer.byteLength(output) > MAX_PAYLOAD_BYTES;
}

/**
 * Chooses the spans to record and blocks traces through `manager` on the way.
 * @param {boolean} showsNames whether the name of a span may be in a log line
 * @returns {{ kept: object[], unreadable: number }} `unreadable` spans threw or have a payload that is no text
 * @throws what reading a span throws if `isStrict`; otherwise such a span costs only itself
 */
function filterSpans(spans, manager, isStrict, showsNames) {
  const result = { kept: [], unreadable: 0 };
  const judge = (span, isWanted) => {
    try {
      return isWanted(span, manager, showsNames);
    } catch (error) {
      if (isStrict) throw error;
      result.unreadable += 1;
      return false;
    }
  };
  const recorded = [];
  // The library of the whole batch first: a span that blocks its trace must be one of ours, and so must every other.
  for (let i = 0; i < spans.length; i++) if (judge(spans[i], isRecorded)) recorded.push(spans[i]);
  for (const span of recorded) {
    if (!judge(span, isAllowed)) continue;
    if (isStrict) assertReadable(span);
    result.kept.push(span);
  }
  return result;
}

function isRecorded(span) {
  return scopeName(span) === LIBRARY_NAME;
}

function isAllowed(span, manager, showsNames) {
  const { traceId, spanId } = span.spanContext();
  if (manager.isTraceBlocked(traceId)) {
    diag.debug(`Offloop: span ${spanId} is not recorded, trace ${traceId} is blocked`);
    return false;
  }
  if (span.kind === OTEL_KIND_SERVER && span.status.code === OTEL_STATUS_ERROR) {
    manager.blockTrace(traceId);
    return false;
  }
  const input = textOf(span.attributes, ATTRIBUTES.INPUT_VALUE);
  const output = textOf(span.attributes, ATTRIBUTES.OUTPUT_VALUE);
  const units = input.length + output.length;
  if (!isOversize(units, input, output)) return true;
  manager.blockTrace(traceId);
  const size = ((units + OTHER_BYTES) / MEBIBYTE).toFixed(2);
  diag.warn(
    `Blocking trace ${traceId} - span ${showsNames ? `'${span.name}' ` : ''}(${spanId}) has estimated size ${size} MB ` +
      `exceeding limit of ${MAX_SPAN_MEBIBYTES} MB. Future spans for this trace will be prevented.`,
  );
  return false;
}

/** What else the transform reads: where one bad span fails the batch, none of it may have been handed over before. */
function assertReadable({ startTime: [seconds], duration: [length], attributes }) {
  if (seconds === undefined || length === undefined) throw new TypeError('a recorded span has a start and a duration');
  for (const name of Object.values(ATTRIBUTES)) void attributes[name];
}

function textOf(attributes, name) {
  const value = attributes[name] || '';
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string, not ${typeof value}`);
  return value;
}

module.exports = { filterSpans };
