'use strict';
// Owns what the probe sends: a request without a span, or with one that says whose it is.
// It refuses to know how it is sent.

const { randomBytes } = require('node:crypto');
const { ProtoWriter } = require('../tusk/proto_writer.js');
const { version } = require('../../package.json');

const NAME = 'offloop doctor';
const SERVICE = 'offloop-doctor';
const NANOS = 1_000_000_000;

/** A request without a span. In protobuf it has one resource without anything: some proxies refuse a body of no bytes. */
function emptyBody(protocol) {
  return protocol === 'http/json' ? Buffer.from('{"resourceSpans":[]}') : Buffer.from([0x0a, 0x00]);
}

/** A span that takes no time, in the shape of the SDK's. */
function makeSpan() {
  const [traceId, spanId] = [16, 8].map((bytes) => randomBytes(bytes).toString('hex'));
  const millis = Date.now();
  const time = [Math.floor(millis / 1000), (millis % 1000) * 1_000_000];
  return {
    name: NAME,
    kind: 0,
    spanContext: () => ({ traceId, spanId, traceFlags: 1 }),
    startTime: time,
    endTime: time,
    duration: [0, 0],
    ended: true,
    status: { code: 0 },
    attributes: {},
    links: [],
    events: [],
    droppedAttributesCount: 0,
    droppedLinksCount: 0,
    droppedEventsCount: 0,
    resource: { attributes: { 'service.name': SERVICE } },
    instrumentationScope: { name: 'offloop', version },
  };
}

/** The request with `span`, for where the native addon, which encodes otherwise, does not load. */
function bodyOf(span, protocol) {
  const { traceId, spanId } = span.spanContext();
  const [seconds, nanos] = span.startTime;
  const time = BigInt(seconds) * BigInt(NANOS) + BigInt(nanos);
  const { name, version: scopeVersion } = span.instrumentationScope;
  if (protocol === 'http/json') {
    const json = { traceId, spanId, name: NAME, kind: 1, startTimeUnixNano: `${time}`, endTimeUnixNano: `${time}` };
    const resource = { attributes: [{ key: 'service.name', value: { stringValue: SERVICE } }] };
    const scopeSpans = [{ scope: { name, version: scopeVersion }, spans: [json] }];
    return Buffer.from(JSON.stringify({ resourceSpans: [{ resource, scopeSpans }] }));
  }
  const message = () => new ProtoWriter();
  const encoded = message()
    .bytes(1, Buffer.from(traceId, 'hex'))
    .bytes(2, Buffer.from(spanId, 'hex'))
    .string(5, NAME)
    .int32(6, 1)
    .fixed64(7, time)
    .fixed64(8, time);
  const scope = message().string(1, name).string(2, scopeVersion);
  const attribute = message().string(1, 'service.name').message(2, message().string(1, SERVICE));
  const resourceSpans = message()
    .message(1, message().message(1, attribute))
    .message(2, message().message(1, scope).message(2, encoded));
  return message().message(1, resourceSpans).finish();
}

module.exports = { bodyOf, emptyBody, makeSpan };
