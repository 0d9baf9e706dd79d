'use strict';
// Owns reading spans out of a file that somebody has at hand: OTLP/JSON, one span or whole lines of it, or an object with the
// members of a ReadableSpan. Refuses to be strict about what rules do not see: what is missing is made up.

const fs = require('node:fs');
const { parsed } = require('../config/process.js');

const MOST_BYTES = 16 << 20;
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const SPAN_ID = 'b7ad6b7169203331';
const START_NANOS = 1_700_000_000_000_000_000n;
const FORMS = 'an OTLP/JSON span, lines of OTLP/JSON, or an object with the members of a ReadableSpan';

/** @returns {object[]} ReadableSpans  @throws {Error} in words for whoever has given the file */
function readSpanFile(file) {
  let text;
  try {
    if (fs.statSync(file).size > MOST_BYTES) throw new Error('it is larger than 16 MiB');
    text = fs.readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    throw new Error(`the file cannot be read: ${error.code ?? error.message}`);
  }
  try {
    const spans = documentsIn(text).flatMap(spansIn);
    if (spans.length === 0) throw new Error(`the file has no span, expected ${FORMS}`);
    return spans;
  } catch (error) {
    throw error instanceof RangeError ? new Error('the file is nested too deeply') : error;
  }
}

function documentsIn(text) {
  const whole = parsed(text);
  if (whole !== null) return Array.isArray(whole) ? whole : [whole];
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    const document = parsed(line);
    if (document === null) throw new Error(`line ${index + 1} of the file is no JSON, expected ${FORMS}`);
    return [document];
  });
}

const listOf = (value) =>
  Array.isArray(value) ? value.filter((each) => typeof each === 'object' && each !== null) : [];
const objectOf = (value) => (typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {});

function spansIn(document) {
  if (typeof document !== 'object' || document === null) throw new Error(`the file has no span, expected ${FORMS}`);
  const { resourceSpans, attributes, name, spanContext, startTimeUnixNano } = document;
  if (resourceSpans !== undefined) return listOf(resourceSpans).flatMap(spansOfResource);
  if (Array.isArray(attributes) || startTimeUnixNano !== undefined) return [ofOtlp(document, {}, {})];
  const isSpan = attributes !== undefined || name !== undefined || spanContext !== undefined;
  return isSpan ? [ofReadable(document)] : [];
}

function spansOfResource({ resource, schemaUrl, scopeSpans }) {
  const owner = { attributes: attributesOf(resource?.attributes), schemaUrl };
  return listOf(scopeSpans).flatMap(({ scope, schemaUrl: ofScope, spans }) => {
    const { name = '', version, attributes } = objectOf(scope);
    const maker = { name, version, schemaUrl: ofScope, attributes: attributesOf(attributes) };
    return listOf(spans).map((span) => ofOtlp(span, owner, maker));
  });
}

function ofOtlp(span, resource, scope) {
  const { code = 0, message } = objectOf(span.status);
  return readable({
    name: span.name,
    kind: Math.max(0, numberOf(span.kind, ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER']) - 1),
    context: contextOf(span),
    parentSpanId: span.parentSpanId,
    start: nanosOf(span.startTimeUnixNano) ?? START_NANOS,
    end: nanosOf(span.endTimeUnixNano),
    status: { code: numberOf(code, ['UNSET', 'OK', 'ERROR']), message },
    attributes: attributesOf(span.attributes),
    events: listOf(span.events).map(({ name = '', timeUnixNano, attributes }) => ({
      name,
      time: hrTimeOf(nanosOf(timeUnixNano) ?? START_NANOS),
      attributes: attributesOf(attributes),
    })),
    links: listOf(span.links).map((link) => ({ context: contextOf(link), attributes: attributesOf(link.attributes) })),
    resource: { attributes: {}, ...resource },
    scope: { name: '', ...scope },
    dropped: span.droppedAttributesCount,
  });
}

/** As a program has it, `JSON.stringify` leaves it, or ConsoleSpanExporter prints it. */
function ofReadable(span) {
  const own = typeof span.spanContext === 'object' ? span.spanContext : (span._spanContext ?? span);
  const resource = objectOf(span.resource);
  const parent = objectOf(span.parentSpanContext).spanId ?? span.parentSpanId ?? span.parentId;
  return readable({
    name: span.name,
    kind: typeof span.kind === 'number' ? span.kind : 0,
    context: contextOf({ ...objectOf(own), spanId: objectOf(own).spanId ?? span.id }),
    parentSpanId: parent,
    start: nanosOfHrTime(span.startTime) ?? START_NANOS,
    end: nanosOfHrTime(span.endTime),
    nanos:
      nanosOfHrTime(span.duration) ??
      (typeof span.duration === 'number' ? BigInt(Math.round(span.duration * 1e3)) : undefined),
    status: { code: 0, ...objectOf(span.status) },
    attributes: objectOf(span.attributes),
    events: listOf(span.events).map(({ name = '', time, attributes }) => ({
      name,
      time: hrTimeOf(nanosOfHrTime(time) ?? START_NANOS),
      attributes: objectOf(attributes),
    })),
    links: listOf(span.links).map(({ context, attributes }) => ({
      context: contextOf(objectOf(context)),
      attributes: objectOf(attributes),
    })),
    resource: { attributes: objectOf(resource.attributes ?? Object.fromEntries(listOf(resource._rawAttributes))) },
    scope: { name: '', ...objectOf(span.instrumentationScope ?? span.instrumentationLibrary) },
    dropped: span.droppedAttributesCount,
  });
}

function readable({ name = '', context, parentSpanId, start, end, nanos = 0n, resource, scope, dropped, ...rest }) {
  const parent = isId(parentSpanId, 16) ? { ...context, spanId: parentSpanId } : undefined;
  return {
    ...rest,
    name: String(name),
    spanContext: () => context,
    parentSpanContext: parent,
    startTime: hrTimeOf(start),
    endTime: hrTimeOf(end ?? start + nanos),
    duration: [0, 0],
    ended: true,
    resource,
    instrumentationScope: scope,
    droppedAttributesCount: typeof dropped === 'number' ? dropped : 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

const isId = (id, digits) => typeof id === 'string' && id.length === digits && /^[\da-f]+$/i.test(id);

function contextOf({ traceId, spanId, traceState }) {
  const text = typeof traceState === 'string' && traceState !== '' ? traceState : undefined;
  return {
    traceId: isId(traceId, 32) ? traceId : TRACE_ID,
    spanId: isId(spanId, 16) ? spanId : SPAN_ID,
    traceFlags: 1,
    traceState: text && { serialize: () => text },
  };
}

/** A number, or the last part of a name as protobuf has it: SPAN_KIND_SERVER. */
function numberOf(value, names) {
  if (typeof value === 'number') return value;
  return Math.max(
    0,
    names.indexOf(
      String(value ?? '')
        .split('_')
        .at(-1),
    ),
  );
}

function nanosOf(value) {
  return /^\d{1,20}$/.test(String(value)) ? BigInt(value) : undefined;
}

function nanosOfHrTime(value) {
  const isOne =
    Array.isArray(value) && value.length === 2 && value.every((part) => Number.isSafeInteger(part) && part >= 0);
  return isOne ? BigInt(value[0]) * 1_000_000_000n + BigInt(value[1]) : undefined;
}

const hrTimeOf = (nanos) => [Number(nanos / 1_000_000_000n), Number(nanos % 1_000_000_000n)];

function attributesOf(list) {
  return Object.fromEntries(listOf(list).map(({ key, value }) => [String(key), valueOfAny(value)]));
}

function valueOfAny(any) {
  const { stringValue, boolValue, intValue, doubleValue, bytesValue, arrayValue, kvlistValue } = objectOf(any);
  if (stringValue !== undefined) return String(stringValue);
  if (boolValue !== undefined) return boolValue === true;
  if (intValue !== undefined || doubleValue !== undefined) return Number(intValue ?? doubleValue);
  if (bytesValue !== undefined) return new Uint8Array(Buffer.from(String(bytesValue), 'base64'));
  if (arrayValue !== undefined) return listOf(arrayValue.values).map(valueOfAny);
  return kvlistValue === undefined ? undefined : attributesOf(kvlistValue.values);
}

module.exports = { FORMS, readSpanFile };
