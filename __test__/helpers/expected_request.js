'use strict';

const { inspect } = require('node:util');

/**
 * What a receiver must find, derived from the ReadableSpans alone by the rules of O20 to O60, in the form of
 * `decodeRequest`. Written apart from every serializer, so that an error shared by both of them still shows.
 */
function expectedRequest(spans, format) {
  const rules = format === 'json' ? jsonRules : protobufRules;
  const resources = new Map();
  for (const span of spans) {
    const scope = scopeOf(span);
    const scopes = entry(resources, span.resource, () => new Map());
    entry(scopes, rules.scopeKey(scope), () => ({ scope, spans: [] })).spans.push(span);
  }
  return [...resources].map(([resource, scopes]) => ({
    resource: { attributes: attributePairs(resource.attributes, rules), dropped: 0 },
    schemaUrl: rules.text(resource.schemaUrl ?? ''),
    scopes: [...scopes.values()].map(({ scope, spans: members }) => ({
      scope: expectedScope(scope, rules),
      schemaUrl: rules.text(scope.schemaUrl ?? ''),
      spans: members.map((span) => expectedSpan(span, rules)),
    })),
  }));
}

/** Scope and parent of a span, whichever SDK line made it. */
function scopeOf(span) {
  return span.instrumentationScope ?? span.instrumentationLibrary;
}

function parentOf(span) {
  return span.parentSpanContext ?? { spanId: span.parentSpanId };
}

function entry(map, key, make) {
  if (!map.has(key)) map.set(key, make());
  return map.get(key);
}

const protobufRules = {
  scopeKey: (scope) => scope,
  text: (string) => string.toWellFormed(),
  id: (id) => (id ?? '').toLowerCase(),
  double: (number) => number,
};

const jsonRules = {
  scopeKey: ({ name, version, schemaUrl }) => `${name}@${version || ''}:${schemaUrl || ''}`,
  text: (string) => string,
  id: (id) => id ?? '',
  double: (number) => (Number.isFinite(number) ? number : null),
};

function expectedScope(scope, rules) {
  const attributes = attributePairs(scope.attributes, rules);
  // JSON writes the dropped count only beside attributes.
  const dropped = rules === jsonRules && attributes.length === 0 ? 0 : (scope.droppedAttributesCount ?? 0);
  return { name: rules.text(scope.name), version: rules.text(scope.version ?? ''), attributes, dropped };
}

function expectedSpan(span, rules) {
  const context = span.spanContext();
  const parent = parentOf(span);
  return {
    traceId: rules.id(context.traceId),
    spanId: rules.id(context.spanId),
    traceState: rules.text(context.traceState?.serialize() ?? ''),
    parentSpanId: rules.id(parent.spanId),
    name: rules.text(span.name),
    kind: span.kind == null ? 0 : span.kind + 1,
    start: nanos(span.startTime),
    end: nanos(span.endTime),
    attributes: attributePairs(span.attributes, rules),
    droppedAttributes: span.droppedAttributesCount ?? 0,
    events: span.events.map((event) => ({
      time: nanos(event.time),
      name: rules.text(event.name),
      attributes: attributePairs(event.attributes, rules),
      dropped: event.droppedAttributesCount || 0,
    })),
    droppedEvents: span.droppedEventsCount ?? 0,
    links: span.links.map((link) => ({
      traceId: rules.id(link.context.traceId),
      spanId: rules.id(link.context.spanId),
      traceState: rules.text(link.context.traceState?.serialize() ?? ''),
      attributes: attributePairs(link.attributes, rules),
      dropped: link.droppedAttributesCount || 0,
      flags: flags(link.context.traceFlags, link.context.isRemote),
    })),
    droppedLinks: span.droppedLinksCount ?? 0,
    status: { code: span.status.code ?? 0, message: rules.text(span.status.message ?? '') },
    flags: flags(context.traceFlags, parent.isRemote),
  };
}

function flags(traceFlags, isRemote) {
  return (traceFlags & 0xff) | 0x100 | (isRemote ? 0x200 : 0);
}

function nanos([seconds, nanoseconds]) {
  return String(BigInt(Math.trunc(seconds)) * 1_000_000_000n + BigInt(Math.trunc(nanoseconds)));
}

function attributePairs(attributes, rules) {
  return Object.keys(attributes ?? {}).map((key) => [rules.text(key), anyValue(attributes[key], rules)]);
}

const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;

function anyValue(value, rules) {
  switch (typeof value) {
    case 'string':
      return ['string', rules.text(value)];
    case 'boolean':
      return ['bool', value];
    case 'number': {
      if (!Number.isInteger(value)) return ['double', rules.double(value)];
      const integer = BigInt(value);
      return integer < MIN_INT64 || integer > MAX_INT64 ? ['double', value] : ['int', String(integer)];
    }
    case 'object':
      if (value === null) return ['empty'];
      if (value instanceof Uint8Array) return ['bytes', Buffer.from(value).toString('hex')];
      if (Array.isArray(value)) return ['array', Array.from(value, (item) => anyValue(item, rules))];
      return ['kvlist', attributePairs(value, rules)];
    default:
      return ['empty'];
  }
}

/** The path and the two values of the first difference, or null. */
function firstDifference(actual, expected, at = '') {
  if (Object.is(actual, expected)) return null;
  const bothObjects =
    typeof actual === 'object' && typeof expected === 'object' && actual !== null && expected !== null;
  if (!bothObjects) return { at, actual: brief(actual), expected: brief(expected) };
  if (Array.isArray(actual) && Array.isArray(expected) && actual.length !== expected.length) {
    const common = Math.min(actual.length, expected.length);
    for (let index = 0; index < common; index++) {
      const difference = firstDifference(actual[index], expected[index], `${at}[${index}]`);
      if (difference) return difference;
    }
    return { at: `${at}.length`, actual: actual.length, expected: expected.length };
  }
  if (Array.isArray(actual) !== Array.isArray(expected))
    return { at, actual: brief(actual), expected: brief(expected) };
  const keys = Object.keys(expected);
  for (const key of Object.keys(actual).length === keys.length ? keys : new Set([...keys, ...Object.keys(actual)])) {
    if (Object.is(actual[key], expected[key])) continue;
    const step = Array.isArray(expected) ? `[${key}]` : `.${key}`;
    const difference = firstDifference(actual[key], expected[key], at + step);
    if (difference) return difference;
  }
  return null;
}

function brief(value) {
  const text = typeof value === 'string' ? JSON.stringify(value) : inspect(value, { depth: 3 });
  return text.length > 300 ? `${text.slice(0, 140)} … ${text.slice(-140)} (${text.length} characters)` : text;
}

module.exports = { expectedRequest, firstDifference, scopeOf, parentOf };
