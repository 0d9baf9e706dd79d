'use strict';
// Owns the shape of a block's span for code that is not ours: a finished span that fits SDK 1.x, 2.x and 3.x, or a span
// of the application's own tracer.
// Refuses to be exact about classes: exporters read properties.

const { registered } = require('../otel/diag.js');
const { currentResource } = require('./span_resource.js');
const { version } = require('../../package.json');

const SAMPLED = 1;
const INTERNAL = 0;
const UNSET = 0;

function contextOf(traceId, spanId) {
  return { traceId, spanId, traceFlags: SAMPLED, isRemote: false };
}

function attributesOf(entries) {
  return Object.fromEntries(entries.map(({ key, value }) => [key, value]));
}

function linksOf(ids) {
  const links = [];
  for (let i = 0; i < ids.length; i += 2) links.push({ context: contextOf(ids[i], ids[i + 1]), attributes: {} });
  return links;
}

function difference([endSeconds, endNanos], [startSeconds, startNanos]) {
  const nanos = endNanos - startNanos;
  return nanos < 0 ? [endSeconds - startSeconds - 1, nanos + 1e9] : [endSeconds - startSeconds, nanos];
}

/** A finished span in the shape of all three lines. */
function readableSpan(block, resource) {
  const context = contextOf(block.traceId, block.spanId);
  const parent = block.parentSpanId == null ? undefined : contextOf(block.traceId, block.parentSpanId);
  const scope = { name: block.scopeName, version };
  return {
    name: block.name,
    kind: INTERNAL,
    spanContext: () => context,
    parentSpanId: parent?.spanId,
    parentSpanContext: parent,
    startTime: block.start,
    endTime: block.end,
    duration: difference(block.end, block.start),
    ended: true,
    status: { code: UNSET },
    attributes: attributesOf(block.attributes),
    links: linksOf(block.links),
    events: block.events.map(({ name, time, attributes }) => ({ name, time, attributes: attributesOf(attributes) })),
    resource: resource ?? currentResource(),
    instrumentationScope: scope,
    instrumentationLibrary: scope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** The same as a span of the global tracer provider, which gives it its own identity. */
function startAndEnd({ trace, ROOT_CONTEXT }, block) {
  const { traceId, parentSpanId } = block;
  const context =
    parentSpanId == null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, contextOf(traceId, parentSpanId));
  const options = { startTime: block.start, attributes: attributesOf(block.attributes), links: linksOf(block.links) };
  const provider = registered('trace') ?? trace;
  const span = provider.getTracer(block.scopeName, version).startSpan(block.name, options, context);
  for (const { name, time, attributes } of block.events) span.addEvent(name, attributesOf(attributes), time);
  span.end(block.end);
}

module.exports = { readableSpan, startAndEnd };
