'use strict';

const path = require('node:path');

// The classes that protoc-style generation made of the published opentelemetry-proto definitions, as the last
// protobufjs-based OpenTelemetry release shipped them. No code is shared with what is under test.
const transformerRoot = path.dirname(require.resolve('otlp-transformer-1x/package.json'));
const generated = require(path.join(transformerRoot, 'build/src/generated/root.js')).opentelemetry.proto;
const { Reader } = require(require.resolve('protobufjs/minimal', { paths: [transformerRoot] }));
const { ExportTraceServiceRequest } = generated.collector.trace.v1;

/**
 * One form for both wire formats, so that requests can be compared with each other and with the spans that went in:
 * a list of `{ resource, schemaUrl, scopes: [{ scope, schemaUrl, spans }] }`; a value is a tagged pair such as
 * `['int', '42']`, attributes are a list of `[key, value]`, absent and zero are the same.
 */
function decodeRequest(body, contentType) {
  return isJson(contentType) ? decodeJson(body) : decodeProtobuf(body);
}

/** Spans in a request, without decoding them. */
function countSpans(body, contentType) {
  if (isJson(contentType)) {
    const { resourceSpans } = JSON.parse(body);
    return resourceSpans
      .flatMap(({ scopeSpans }) => scopeSpans.map(({ spans }) => spans.length))
      .reduce((a, b) => a + b, 0);
  }
  let spans = 0;
  eachField(body, 1, (resourceSpans) =>
    eachField(resourceSpans, 2, (scopeSpans) => eachField(scopeSpans, 2, () => spans++)),
  );
  return spans;
}

function isJson(contentType) {
  return /json/.test(contentType);
}

function decodeProtobuf(body) {
  const request = ExportTraceServiceRequest.decode(body);
  const flags = readFlags(body);
  let nth = 0;
  return request.resourceSpans.map(({ resource, schemaUrl, scopeSpans }) => ({
    resource: { attributes: pairs(resource.attributes), dropped: resource.droppedAttributesCount ?? 0 },
    schemaUrl: schemaUrl ?? '',
    scopes: scopeSpans.map(({ scope, schemaUrl: scopeSchemaUrl, spans }) => ({
      scope: {
        name: scope.name ?? '',
        version: scope.version ?? '',
        attributes: pairs(scope.attributes),
        dropped: scope.droppedAttributesCount ?? 0,
      },
      schemaUrl: scopeSchemaUrl ?? '',
      spans: spans.map((span) => spanFromProtobuf(span, flags[nth++])),
    })),
  }));
}

function spanFromProtobuf(span, flags) {
  return {
    traceId: hex(span.traceId),
    spanId: hex(span.spanId),
    traceState: span.traceState ?? '',
    parentSpanId: hex(span.parentSpanId),
    name: span.name ?? '',
    kind: span.kind ?? 0,
    start: String(span.startTimeUnixNano ?? 0),
    end: String(span.endTimeUnixNano ?? 0),
    attributes: pairs(span.attributes),
    droppedAttributes: span.droppedAttributesCount ?? 0,
    events: span.events.map((event) => ({
      time: String(event.timeUnixNano ?? 0),
      name: event.name ?? '',
      attributes: pairs(event.attributes),
      dropped: event.droppedAttributesCount ?? 0,
    })),
    droppedEvents: span.droppedEventsCount ?? 0,
    links: span.links.map((link, index) => ({
      traceId: hex(link.traceId),
      spanId: hex(link.spanId),
      traceState: link.traceState ?? '',
      attributes: pairs(link.attributes),
      dropped: link.droppedAttributesCount ?? 0,
      flags: flags.links[index],
    })),
    droppedLinks: span.droppedLinksCount ?? 0,
    status: { code: span.status?.code ?? 0, message: span.status?.message ?? '' },
    flags: flags.span,
  };
}

function pairs(attributes) {
  return (attributes ?? []).map(({ key, value }) => [key ?? '', valueFromProtobuf(value)]);
}

function valueFromProtobuf(value) {
  // Set members are own properties of a decoded message; the defaults sit on its prototype.
  const has = (name) => value != null && Object.hasOwn(value, name) && value[name] != null;
  if (has('stringValue')) return ['string', value.stringValue];
  if (has('boolValue')) return ['bool', value.boolValue];
  if (has('intValue')) return ['int', String(value.intValue)];
  if (has('doubleValue')) return ['double', value.doubleValue];
  if (has('bytesValue')) return ['bytes', hex(value.bytesValue)];
  if (has('arrayValue')) return ['array', value.arrayValue.values.map(valueFromProtobuf)];
  if (has('kvlistValue')) return ['kvlist', pairs(value.kvlistValue.values)];
  return ['empty'];
}

function hex(bytes) {
  return bytes == null ? '' : Buffer.from(bytes).toString('hex');
}

/** `flags` of spans (16) and links (6), fixed32: younger than the generated classes, so read from the wire here. */
function readFlags(body) {
  const all = [];
  eachField(body, 1, (resourceSpans) => {
    eachField(resourceSpans, 2, (scopeSpans) => {
      eachField(scopeSpans, 2, (span) => {
        const links = [];
        eachField(span, 13, (link) => links.push(fixed32(link, 6)));
        all.push({ span: fixed32(span, 16), links });
      });
    });
  });
  return all;
}

function fixed32(message, field) {
  let value = 0;
  const reader = Reader.create(message);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 === field) value = reader.fixed32();
    else reader.skipType(tag & 7);
  }
  return value;
}

function eachField(message, field, visit) {
  const reader = Reader.create(message);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 === field) visit(reader.bytes());
    else reader.skipType(tag & 7);
  }
}

function decodeJson(body) {
  const { resourceSpans } = JSON.parse(typeof body === 'string' ? body : body.toString('utf8'));
  return resourceSpans.map(({ resource, schemaUrl, scopeSpans }) => ({
    resource: { attributes: jsonPairs(resource.attributes), dropped: resource.droppedAttributesCount ?? 0 },
    schemaUrl: schemaUrl ?? '',
    scopes: scopeSpans.map(({ scope, schemaUrl: scopeSchemaUrl, spans }) => ({
      scope: {
        name: scope.name ?? '',
        version: scope.version ?? '',
        attributes: jsonPairs(scope.attributes),
        dropped: scope.droppedAttributesCount ?? 0,
      },
      schemaUrl: scopeSchemaUrl ?? '',
      spans: spans.map(spanFromJson),
    })),
  }));
}

function spanFromJson(span) {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    traceState: span.traceState ?? '',
    parentSpanId: span.parentSpanId ?? '',
    name: span.name,
    kind: span.kind,
    start: span.startTimeUnixNano,
    end: span.endTimeUnixNano,
    attributes: jsonPairs(span.attributes),
    droppedAttributes: span.droppedAttributesCount ?? 0,
    events: span.events.map((event) => ({
      time: event.timeUnixNano,
      name: event.name,
      attributes: jsonPairs(event.attributes),
      dropped: event.droppedAttributesCount ?? 0,
    })),
    droppedEvents: span.droppedEventsCount ?? 0,
    links: span.links.map((link) => ({
      traceId: link.traceId,
      spanId: link.spanId,
      traceState: link.traceState ?? '',
      attributes: jsonPairs(link.attributes),
      dropped: link.droppedAttributesCount ?? 0,
      flags: link.flags ?? 0,
    })),
    droppedLinks: span.droppedLinksCount ?? 0,
    status: { code: span.status?.code ?? 0, message: span.status?.message ?? '' },
    flags: span.flags ?? 0,
  };
}

function jsonPairs(attributes) {
  return (attributes ?? []).map(({ key, value }) => [key, valueFromJson(value)]);
}

function valueFromJson(value) {
  const [name] = Object.keys(value);
  if (name === undefined) return ['empty'];
  const content = value[name];
  switch (name) {
    case 'stringValue':
      return ['string', content];
    case 'boolValue':
      return ['bool', content];
    case 'intValue':
      return ['int', String(BigInt(content))];
    case 'doubleValue':
      return ['double', content];
    case 'bytesValue':
      return ['bytes', Buffer.from(content, 'base64').toString('hex')];
    case 'arrayValue':
      return ['array', content.values.map(valueFromJson)];
    case 'kvlistValue':
      return ['kvlist', jsonPairs(content.values)];
    default:
      throw new Error(`an AnyValue with member ${name}`);
  }
}

module.exports = { decodeRequest, countSpans };
