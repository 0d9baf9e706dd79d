'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { exportOnce, protocols, subjectName } = require('../helpers/subject.js');
const { badValues, hostileThrowables, nested, thrower } = require('../helpers/bad_values.js');
const { assertOutcome } = require('../helpers/conservation.js');
const { PlainSpans, resource } = require('../helpers/plain_spans.js');
const { Ward } = require('../helpers/ward.js');

// Spans that cannot be read (X16; F45 to F50): the host never sees an exception, a bad span never
// costs its neighbours, and every span is accounted for. The stock exporter throws here; there is nothing to compare with.

const options = { skip: subjectName === 'stock' && 'a rule of ours' };
const plain = new PlainSpans(45);

const fields = Object.keys(plain.span());

function withGetter(field, get) {
  return Object.defineProperty(plain.span({ name: `bad ${field}` }), field, {
    get,
    enumerable: true,
    configurable: true,
  });
}

for (const protocol of protocols) {
  test(`${protocol}: every field throws`, options, async (t) => {
    const ward = await Ward.open(t, protocol);
    for (const field of fields) {
      await ward.check(field, [withGetter(field, thrower)]);
      for (const [name, thrown] of Object.entries(hostileThrowables)) {
        await ward.check(`${field} throws ${name}`, [
          withGetter(field, () => {
            throw thrown;
          }),
        ]);
      }
    }
    await ward.close();
  });

  test(`${protocol}: every field holds every bad value`, options, async (t) => {
    const ward = await Ward.open(t, protocol);
    for (const [name, make] of Object.entries(badValues)) {
      await ward.checkAll(
        `the value ${name}`,
        fields.map((field) => [field, plain.span({ [field]: make() })]),
      );
    }
    await ward.close();
  });

  test(`${protocol}: a bad value in every place of a span`, options, async (t) => {
    const ward = await Ward.open(t, protocol);
    const time = [1, 1];
    const places = {
      attribute: (value) => ({ attributes: { before: 1, bad: value, after: 2 } }),
      'attribute in an array': (value) => ({ attributes: { list: [1, value, 2] } }),
      'attribute in a map': (value) => ({ attributes: { map: { before: 1, bad: value, after: 2 } } }),
      event: (value) => ({ events: [{ name: 'e', time }, value, { name: 'f', time }] }),
      'event name': (value) => ({ events: [{ name: value, time }] }),
      'event time': (value) => ({ events: [{ name: 'e', time: value }] }),
      'event attributes': (value) => ({ events: [{ name: 'e', time, attributes: value }] }),
      'event attribute': (value) => ({ events: [{ name: 'e', time, attributes: { bad: value } }] }),
      'event count': (value) => ({ events: [{ name: 'e', time, droppedAttributesCount: value }] }),
      link: (value) => ({ links: [{ context: plain.context() }, value] }),
      'link context': (value) => ({ links: [{ context: value }] }),
      'link attributes': (value) => ({ links: [{ context: plain.context(), attributes: value }] }),
      'trace id': (value) => ({ context: { traceId: value } }),
      'span id': (value) => ({ context: { spanId: value } }),
      'trace flags': (value) => ({ context: { traceFlags: value } }),
      'trace state': (value) => ({ context: { traceState: value } }),
      'serialized trace state': (value) => ({ context: { traceState: { serialize: () => value } } }),
      'parent id': (value) => ({ parentSpanContext: { spanId: value, isRemote: value } }),
      'span context': (value) => ({ spanContext: () => value }),
      'status code': (value) => ({ status: { code: value } }),
      'status message': (value) => ({ status: { code: 2, message: value } }),
      seconds: (value) => ({ startTime: [value, 1] }),
      nanoseconds: (value) => ({ endTime: [1, value] }),
      'resource attributes': (value) => ({ resource: resource(value) }),
      'resource attribute': (value) => ({ resource: resource({ bad: value }) }),
      'resource schema URL': (value) => ({ resource: resource({}, value) }),
      'scope name': (value) => ({ instrumentationScope: { name: value } }),
      'scope version': (value) => ({ instrumentationScope: { name: 's', version: value, schemaUrl: value } }),
      'scope attributes': (value) => ({
        instrumentationScope: { name: 's', attributes: value, droppedAttributesCount: value },
      }),
    };
    for (const [name, makeValue] of Object.entries(badValues)) {
      const bads = Object.entries(places).map(([place, make]) => {
        return [place, plain.span({ name: `bad ${place}`, ...make(makeValue()) })];
      });
      await ward.checkAll(`the value ${name}`, bads);
    }
    await ward.close();
  });

  test(`${protocol}: a batch of nothing but what is not a span`, options, async (t) => {
    const ward = await Ward.open(t, protocol);
    await ward.check(
      'no spans',
      Object.values(badValues).map((make) => make()),
    );
    const outcome = await ward.exporter.exportSpans([null, undefined, 1, {}, Symbol('span')]);
    assert.deepEqual([outcome.delivered, outcome.dropped], [0, { invalid: 5 }]);
    assert.deepEqual(outcome.error, { code: 'invalid', message: 'Export failed: no span could be read' });
    const { code, error } = await exportOnce(ward.exporter, [null]);
    assert.deepEqual([code, error.code], [1, 'invalid']);
    // Something was left of it: no failure.
    assert.equal((await exportOnce(ward.exporter, [null, ward.good()])).code, 0);
    await ward.close();
  });
}

test('a batch that lies about itself', options, async (t) => {
  const ward = await Ward.open(t, 'http/protobuf');
  const good = [ward.good(), ward.good()];
  const getter = [good[0], 0, good[1]];
  Object.defineProperty(getter, 1, { get: thrower, enumerable: true });
  const outcome = await ward.exporter.exportSpans(getter);
  assert.deepEqual([outcome.delivered, outcome.dropped], [2, { invalid: 1 }]);
  ward.assertArrived('a getter in the batch', good, ward.take());
  for (const batch of [new Array(4), Object.assign(new Array(3), { 1: ward.good() })]) {
    assertOutcome(await ward.exporter.exportSpans(batch), batch.length);
  }
  await ward.close();
});

test('spans exported while another one is being written', options, async (t) => {
  for (const protocol of protocols) {
    const ward = await Ward.open(t, protocol);
    const inner = [ward.good(), ward.good()];
    const answers = [];
    const nestedExport = () => {
      answers.push(
        exportOnce(ward.exporter, [inner[0]]),
        ward.exporter.exportSpans([inner[1]]),
        ward.exporter.forceFlush(),
      );
      return 'read';
    };
    const holders = [
      plain.span({
        name: 'good holder',
        attributes: Object.defineProperty({ a: 1 }, 'late', { get: nestedExport, enumerable: true }),
      }),
    ];
    const first = ward.good();
    const last = ward.good();
    const outcome = await ward.exporter.exportSpans([first, ...holders, last]);
    assert.equal(outcome.delivered, 3);
    const [callback, promise] = await Promise.all(answers);
    assert.deepEqual(callback, { code: 0 });
    assert.equal(promise.delivered, 1);
    const received = ward.take();
    ward.assertArrived('nested export', [first, last, ...inner], received);
    assert.deepEqual(received.get('good holder').attributes, [
      ['a', ['int', '1']],
      ['late', ['string', 'read']],
    ]);
    await ward.close();
  }
});

test('a nested export inside a getter that then throws', options, async (t) => {
  const ward = await Ward.open(t, 'http/protobuf');
  const inner = ward.good();
  let answer;
  const attributes = Object.defineProperty({}, 'bad', {
    enumerable: true,
    get() {
      answer = ward.exporter.exportSpans([inner]);
      return thrower();
    },
  });
  const first = ward.good();
  const last = ward.good();
  assertOutcome(await ward.exporter.exportSpans([first, plain.span({ attributes }), last]), 3);
  assert.equal((await answer).delivered, 1);
  ward.assertArrived('nested export, then a throw', [first, last, inner], ward.take());
  await ward.close();
});

test('a getter that shuts the exporter down', options, async (t) => {
  const ward = await Ward.open(t, 'http/protobuf');
  let down;
  const attributes = Object.defineProperty({}, 'down', {
    enumerable: true,
    get() {
      down = ward.exporter.shutdown();
      return 'shut down';
    },
  });
  assertOutcome(await ward.exporter.exportSpans([ward.good(), plain.span({ attributes }), ward.good()]), 3);
  await down;
  await ward.close();
});

test('a getter that changes the batch and the spans under way', options, async (t) => {
  const ward = await Ward.open(t, 'http/protobuf');
  const batch = [ward.good()];
  const grow = () => {
    if (batch.length < 1000) batch.push(ward.good());
    return 'grown';
  };
  const shrinking = {
    attributes: {
      get a() {
        delete shrinking.attributes.c;
        shrinking.attributes.d = 4;
        return 1;
      },
      b: 2,
      c: 3,
    },
  };
  batch.push(
    plain.span({ attributes: Object.defineProperty({}, 'grow', { get: grow, enumerable: true }) }),
    plain.span(shrinking),
    ward.good(),
  );
  const given = [...batch];
  const outcome = await ward.exporter.exportSpans(batch);
  assert.ok(outcome.delivered >= 2);
  ward.assertArrived('a growing batch', [given[0], given[3]], ward.take());
  await ward.close();
});

test('F47: 100 MB in every place costs that span, and no copy', options, async (t) => {
  const ward = await Ward.open(t, 'http/protobuf');
  const size = 100 * 1024 * 1024;
  // A repeated string is a rope: as long as nobody reads its text it takes next to no memory.
  const huge = () => 'x'.repeat(size);
  const places = {
    attribute: { attributes: { huge: huge() } },
    name: { name: huge() },
    key: { attributes: { [huge()]: 1 } },
    'in an array': { attributes: { list: [1, huge()] } },
    'in a map': { attributes: { map: { deep: { huge: huge() } } } },
    'many large ones': { attributes: { list: Array.from({ length: 100 }, () => 'y'.repeat(1024 * 1024)) } },
    'status message': { status: { code: 2, message: huge() } },
    'trace state': { context: { traceState: { serialize: huge } } },
    event: { events: [{ name: huge(), time: [1, 1] }] },
    'scope name': { instrumentationScope: { name: huge() } },
    resource: { resource: resource({ huge: huge() }) },
    'trace id': { context: { traceId: huge() } },
    bytes: { attributes: { bytes: new Uint8Array(size) } },
  };
  const before = process.memoryUsage().rss;
  for (const [place, overrides] of Object.entries(places)) {
    const outcome = await ward.check(`100 MB as ${place}`, [plain.span(overrides)]);
    assert.equal(outcome.delivered, 2, place);
    assert.deepEqual(outcome.dropped, { too_large: 1 }, place);
  }
  const grown = (process.memoryUsage().rss - before) / 1024 / 1024;
  // The key alone must be flattened by the engine itself, once.
  assert.ok(grown < 250, `${Math.round(grown)} MiB`);
  await ward.close();
});

test('F48: 100,000 attributes, 100,000 events, an array of a million', options, async (t) => {
  const ward = await Ward.open(t, 'http/protobuf');
  const list = (length, make) => Array.from({ length }, (_, nth) => make(nth));
  const wide = plain.span({
    name: 'wide',
    attributes: Object.fromEntries(list(100_000, (nth) => [`key.${nth}`, nth])),
  });
  const busy = plain.span({ name: 'busy', events: list(100_000, (nth) => ({ name: 'e', time: [1, nth] })) });
  const long = plain.span({ name: 'long', attributes: { list: list(1_000_000, (nth) => nth) } });
  const outcome = await ward.check('large counts', [wide, busy, long]);
  assert.equal(outcome.delivered, 5);
  await ward.close();
});

test('F46: cycles and a nesting of 100,000 cost at most that span', options, async (t) => {
  for (const protocol of protocols) {
    const ward = await Ward.open(t, protocol);
    for (const depth of [500, 2000, 10_000, 100_000]) {
      await ward.check(`arrays nested ${depth} times`, [
        plain.span({ attributes: { deep: nested(depth, (value) => [value]) } }),
      ]);
      await ward.check(`maps nested ${depth} times`, [
        plain.span({ attributes: { deep: nested(depth, (value) => ({ value })) } }),
      ]);
    }
    // A getter that makes a new level each time it is read: endless, though without a cycle.
    const endless = () => Object.defineProperty({}, 'next', { get: endless, enumerable: true });
    await ward.check('endless getter', [plain.span({ attributes: { endless: endless() } })]);
    await ward.check('an endless proxy', [
      plain.span({
        attributes: new Proxy(
          {},
          {
            get: () => 1,
            ownKeys: () => ['a', 'b'],
            getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true, value: 1 }),
          },
        ),
      }),
    ]);
    await ward.close();
  }
});
