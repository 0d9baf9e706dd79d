'use strict';

const path = require('node:path');
const { Random } = require('./random.js');
const values = require('./corpus_values.js');

/** Spans that the real SDKs made, one line of releases each; ids and times follow from the seed. */

/** `null` where the 3.x line can be loaded, else the reason why not. */
function line3Unavailable() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 22 || (major === 22 && minor < 15)) return `the 3.x line needs Node >= 22.15, this is ${process.version}`;
  try {
    require.resolve('@opentelemetry/sdk-trace', { paths: [line3Root] });
    return null;
  } catch {
    return 'the 3.x line is not installed: npm ci in __test__/sdk-3.x';
  }
}

const line3Root = path.join(__dirname, '..', 'sdk-3.x');

/** Loads a package of the 3.x line. */
function requireLine3(name) {
  return require(require.resolve(name, { paths: [line3Root] }));
}

const lines = {
  '1.x': () => {
    const { BasicTracerProvider } = require('sdk-trace-1x');
    const { Resource } = require('resources-1x');
    return {
      api: require('@opentelemetry/api'),
      makeResource: (attributes) => new Resource(attributes),
      makeProvider: (config) => new BasicTracerProvider(config),
    };
  },
  '2.x': () => {
    const { BasicTracerProvider } = require('@opentelemetry/sdk-trace-base');
    const { resourceFromAttributes } = require('@opentelemetry/resources');
    return {
      api: require('@opentelemetry/api'),
      makeResource: (attributes, schemaUrl) => resourceFromAttributes(attributes, { schemaUrl }),
      makeProvider: (config) => new BasicTracerProvider(config),
    };
  },
  '3.x': () => {
    const { TracerProvider } = requireLine3('@opentelemetry/sdk-trace');
    const { resourceFromAttributes } = requireLine3('@opentelemetry/resources');
    return {
      api: requireLine3('@opentelemetry/api'),
      makeResource: (attributes, schemaUrl) => resourceFromAttributes(attributes, { schemaUrl }),
      makeProvider: (config) => new TracerProvider(config),
    };
  },
};

/** `count` finished spans of the line `'1.x'`, `'2.x'` or `'3.x'`. */
function sdkSpans(line, seed, count) {
  const { api, makeResource, makeProvider } = lines[line]();
  const random = new Random(seed);
  const finished = [];
  const collector = {
    onStart() {},
    onEnd: (span) => finished.push(span),
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
  const idGenerator = { generateTraceId: () => random.hex(32), generateSpanId: () => random.hex(16) };
  const spanLimits = { attributeCountLimit: 20, eventCountLimit: 5, linkCountLimit: 4 };
  const providers = [undefined, 'https://schema.test/resource'].map((schemaUrl, index) => {
    const resource = makeResource(
      { 'service.name': `sdk ${line} ${index}`, 'service.weight': 0.5, replicas: [1, 2] },
      schemaUrl,
    );
    return makeProvider({ resource, spanProcessors: [collector], idGenerator, spanLimits });
  });
  const tracers = providers.flatMap((provider) => [
    provider.getTracer('sdk.tracer', '1.0.0'),
    provider.getTracer('sdk.tracer.schema', undefined, { schemaUrl: 'https://schema.test/scope' }),
    provider.getTracer('bare'),
  ]);
  const catalogue = valuesFor(line);
  for (let nth = 0; nth < count; nth++) {
    const tracer = random.pick(tracers);
    const start = 1_700_000_000_000 + nth * 10;
    const span = tracer.startSpan(
      `${line} operation ${nth % 7}`,
      startOptions(random, api, catalogue, start),
      parentOf(random, api),
    );
    drive(span, random, api, catalogue, start);
    span.end(start + random.fraction() * 500);
  }
  return finished;
}

/** What users of a line may set; what its sanitizer refuses is part of the corpus too. */
function valuesFor(line) {
  const plain = [...Object.values(values.numbers), ...Object.values(values.strings)];
  const lists = [['a', 'b'], [1, 2.5], [true], [null, 'x'], [undefined, 1], []];
  const odd = [{ map: 1 }, [1, 'mixed'], Symbol('no'), null, undefined, new Date(0)];
  if (line !== '3.x') return [...plain, true, false, ...lists, ...odd];
  // The sanitizer of 3.x turns accessors and exotic prototypes into plain data; it lets byte arrays through.
  const { emptyArray, nestedArrays, nestedObjects, arrayOfObjects, integerKeys, emptyKey, mixed, withNulls } =
    values.containers;
  const any = [emptyArray, nestedArrays, nestedObjects, arrayOfObjects, integerKeys, emptyKey, mixed, withNulls];
  return [...plain, true, false, ...lists, ...odd, ...any, ...Object.values(values.bytes)];
}

function attributes(random, catalogue, most) {
  return Object.fromEntries(
    random.times(random.below(most), (index) => [`sdk.attribute.${index}`, random.pick(catalogue)]),
  );
}

function startOptions(random, api, catalogue, startTime) {
  const links = random.times(random.below(6), () => ({
    context: { traceId: random.hex(32), spanId: random.hex(16), traceFlags: 1, isRemote: random.chance(0.5) },
    attributes: random.chance(0.5) ? attributes(random, catalogue, 4) : undefined,
  }));
  const kind = random.pick(Object.values(api.SpanKind).filter((value) => typeof value === 'number'));
  return { kind, links, startTime, attributes: attributes(random, catalogue, 8) };
}

function parentOf(random, api) {
  if (random.chance(0.3)) return api.ROOT_CONTEXT;
  return api.trace.setSpanContext(api.ROOT_CONTEXT, {
    traceId: random.hex(32),
    spanId: random.hex(16),
    traceFlags: api.TraceFlags.SAMPLED,
    isRemote: random.chance(0.5),
    traceState: random.chance(0.5) ? api.createTraceState('rojo=00f067aa0ba902b7,congo=t61rcWkgMzE') : undefined,
  });
}

function drive(span, random, api, catalogue, start) {
  for (const [key, value] of Object.entries(attributes(random, catalogue, 30))) span.setAttribute(`late.${key}`, value);
  for (let nth = random.below(8); nth > 0; nth--) {
    span.addEvent(
      `event ${nth}`,
      random.chance(0.7) ? attributes(random, catalogue, 5) : undefined,
      start + random.fraction() * 100,
    );
  }
  if (random.chance(0.2)) span.recordException(exception(), start + 1);
  const code = random.below(3);
  if (code !== api.SpanStatusCode.UNSET) span.setStatus({ code, message: random.pick(['', 'it failed', 'ошибка 🚨']) });
}

/** Its stack must not depend on where the corpus is made. */
function exception() {
  const error = new TypeError('cannot read é');
  error.stack = 'TypeError: cannot read é\n    at corpus';
  return error;
}

module.exports = { sdkSpans, line3Unavailable, requireLine3 };
