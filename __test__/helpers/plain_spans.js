'use strict';

const { Random } = require('./random.js');
const values = require('./corpus_values.js');

/** Hand-made ReadableSpans, in the shape of the 2.x line or of the 1.x line. Ids and times follow from the seed. */

const scope = Object.freeze({ name: 'corpus', version: '1.2.3' });

function resource(attributes = { 'service.name': 'corpus', 'process.pid': 4242 }, schemaUrl) {
  return { attributes, schemaUrl, asyncAttributesPending: false };
}

const defaultResource = resource();

function traceState(text) {
  return { serialize: () => text };
}

class PlainSpans {
  #random;
  #count = 0;

  constructor(seed) {
    this.#random = new Random(seed);
  }

  context(overrides) {
    return { traceId: this.#random.hex(32), spanId: this.#random.hex(16), traceFlags: 1, ...overrides };
  }

  /** A span with nothing but what is given; `context` overrides parts of its span context. */
  span({ context, ...overrides } = {}) {
    const number = this.#count++;
    const spanContext = this.context(context);
    return {
      name: `span ${number}`,
      kind: 0,
      spanContext: () => spanContext,
      parentSpanContext: undefined,
      startTime: [1_700_000_000 + number, 1],
      endTime: [1_700_000_000 + number, 999_999_999],
      status: { code: 0 },
      attributes: {},
      events: [],
      links: [],
      duration: [0, 999_999_998],
      ended: true,
      resource: defaultResource,
      instrumentationScope: scope,
      droppedAttributesCount: 0,
      droppedEventsCount: 0,
      droppedLinksCount: 0,
      ...overrides,
    };
  }

  /** One span per value: as an attribute, in an array, in a map, on an event and on a link. */
  spansWithValue(catalogue) {
    return Object.entries(catalogue).map(([name, value]) => {
      return this.span({
        name: `value ${name}`,
        attributes: { [name]: value, 'in.array': [value], 'in.map': { value }, after: 'the next attribute' },
        events: [{ name, time: [1_700_000_000, 5], attributes: { [name]: value, list: [value, value] } }],
        links: [{ context: this.context(), attributes: { [name]: value } }],
      });
    });
  }
}

/** The same span as the 1.x line shows it. */
function asLine1(span) {
  const { instrumentationScope, parentSpanContext, ...rest } = span;
  return { ...rest, instrumentationLibrary: instrumentationScope, parentSpanId: parentSpanContext?.spanId };
}

/** The same span as the 2.x line shows it; the very object where it is one already. */
function asLine2(span) {
  if (span.instrumentationScope !== undefined) return span;
  const facade = Object.create(span);
  Object.defineProperty(facade, 'instrumentationScope', { value: span.instrumentationLibrary });
  if (span.parentSpanId) Object.defineProperty(facade, 'parentSpanContext', { value: { spanId: span.parentSpanId } });
  return facade;
}

/** The view of a span that the 0.57 serializers read. */
function viewForLine1(span) {
  if (span.instrumentationLibrary !== undefined) return span;
  const facade = Object.create(span);
  Object.defineProperty(facade, 'instrumentationLibrary', { value: span.instrumentationScope });
  Object.defineProperty(facade, 'parentSpanId', { value: span.parentSpanContext?.spanId });
  return facade;
}

const scalarPools = [values.numbers, values.strings, values.bytes, values.unsupported].map(Object.values);

/** A random attribute value; `depth` bounds the nesting. */
function randomValue(random, depth = 3) {
  const roll = random.below(depth > 0 ? 12 : 9);
  if (roll < 3) return randomText(random);
  if (roll < 5)
    return random.chance(0.5) ? random.next() - 2 ** 31 : (random.fraction() - 0.5) * 10 ** random.below(20);
  if (roll < 6) return random.chance(0.5);
  if (roll < 9) return random.pick(random.pick(scalarPools));
  if (roll < 11) return random.times(random.below(6), () => randomValue(random, depth - 1));
  return randomAttributes(random, random.below(6), depth - 1);
}

const alphabets = [
  () => 'abcdefghijklmnopqrstuvwxyz /.-_0123456789',
  () => 'aàéîõüÿ¡¿ ',
  () => 'aλжא漢字 ',
  () => 'a🚀👩𝔘 é漢',
].map((make) => [...make()]);

function randomText(random, longest = 80) {
  const alphabet = random.pick(alphabets);
  return random.times(random.below(longest), () => random.pick(alphabet)).join('');
}

const keyNames = [
  'http.request.method',
  'http.route',
  'url.path',
  'db.query.text',
  'user.id',
  'ключ',
  'k',
  '',
  '7',
  '0',
];

function randomKey(random) {
  return random.chance(0.7) ? random.pick(keyNames) : randomText(random, 30);
}

function randomAttributes(random, count, depth = 3) {
  return Object.fromEntries(random.times(count, () => [randomKey(random), randomValue(random, depth)]));
}

function randomTime(random) {
  return [1_600_000_000 + random.below(200_000_000), random.below(1_000_000_000)];
}

/** `count` spans with everything drawn at random, over a few resources and scopes in mixed order. */
function randomSpans(seed, count) {
  const random = new Random(seed);
  const spans = new PlainSpans(seed + 1);
  const resources = random.times(3, (index) =>
    resource(randomAttributes(random, 4, 1), index === 1 ? 'https://schema/r' : undefined),
  );
  const scopes = random.times(4, (index) => {
    return {
      name: `scope ${index}`,
      version: index % 2 === 0 ? `${index}.0` : undefined,
      schemaUrl: index > 2 ? 'https://schema/s' : undefined,
    };
  });
  return random.times(count, () => {
    const context = { traceFlags: random.pick([0, 1, 1, 1, 3, 255]) };
    if (random.chance(0.2)) context.traceState = traceState(`vendor=${random.hex(8)}`);
    return spans.span({
      name: randomText(random, 40),
      kind: random.below(5),
      context,
      parentSpanContext: random.chance(0.6) ? spans.context({ isRemote: random.chance(0.3) }) : undefined,
      startTime: randomTime(random),
      endTime: randomTime(random),
      status: random.pick([{ code: 0 }, { code: 1 }, { code: 2, message: randomText(random) }]),
      attributes: randomAttributes(random, random.below(24)),
      events: random.times(random.below(4), () => ({
        name: randomText(random, 20),
        time: randomTime(random),
        attributes: random.chance(0.7) ? randomAttributes(random, random.below(5)) : undefined,
        droppedAttributesCount: random.below(3),
      })),
      links: random.times(random.below(3), () => ({
        context: spans.context({ isRemote: random.pick([true, false, undefined]) }),
        attributes: random.chance(0.7) ? randomAttributes(random, random.below(5)) : undefined,
        droppedAttributesCount: random.below(2),
      })),
      resource: random.pick(resources),
      instrumentationScope: random.pick(scopes),
      droppedAttributesCount: random.below(3),
      droppedEventsCount: random.below(2),
      droppedLinksCount: random.below(2),
    });
  });
}

module.exports = { PlainSpans, asLine1, asLine2, viewForLine1, randomSpans, resource, scope, traceState };
