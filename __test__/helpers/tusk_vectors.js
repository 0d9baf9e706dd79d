'use strict';

const fs = require('node:fs');
const path = require('node:path');

/** The recorded behaviour of the SDK's own exporter, v0.1.45, under Node 20.20. */
const { cases } = JSON.parse(fs.readFileSync(path.join(__dirname, '../../tests/vectors/tusk.json'), 'utf8'));

function attributeValue(value) {
  if (typeof value !== 'object' || value === null || value.$gen === undefined) return value;
  const { prefix = '', unit = '', count = 0, pad = '', suffix = '' } = value.$gen;
  return prefix + unit.repeat(count) + pad + suffix;
}

/** A span of a vector in the shape of the SDK 1.x, or of 2.x and 3.x. */
function vectorSpan(recorded, shape = '1.x') {
  const { traceId, spanId, traceFlags, parentSpanId, instrumentationLibrary, attributes, ...rest } = recorded;
  const entries = Object.entries(attributes).map(([name, value]) => [name, attributeValue(value)]);
  const span = {
    ...rest,
    spanContext: () => ({ traceId, spanId, traceFlags }),
    attributes: Object.fromEntries(entries),
  };
  if (shape === '1.x') return Object.assign(span, { parentSpanId, instrumentationLibrary });
  const parentSpanContext = parentSpanId && { traceId, spanId: parentSpanId, traceFlags };
  return Object.assign(span, { parentSpanContext, instrumentationScope: instrumentationLibrary });
}

module.exports = { cases, vectorSpan };
