'use strict';

const { test } = require('node:test');
const { subjectName } = require('../helpers/subject.js');
const { badValues, thrower } = require('../helpers/bad_values.js');
const { assertOutcome } = require('../helpers/conservation.js');
const { PlainSpans } = require('../helpers/plain_spans.js');
const { Random } = require('../helpers/random.js');
const { Ward } = require('../helpers/ward.js');

// Random shapes where spans should be (F45): good spans among them arrive unharmed, every span is accounted for.

const options = { skip: subjectName === 'stock' && 'the stock exporter throws' };
const plain = new PlainSpans(47);
const fields = Object.keys(plain.span());

test('10,000 fuzzed shapes', options, async (t) => {
  for (const [protocol, seed] of [
    ['http/protobuf', 1_111],
    ['http/json', 2_222],
  ]) {
    const ward = await Ward.open(t, protocol, { queue: { maxSpans: 100_000 } });
    const random = new Random(seed);
    const cheap = Object.values(badValues).filter((make) => make !== badValues.longText);
    const pickBad = () => random.pick(cheap)();
    for (let shapes = 0; shapes < 5_000; ) {
      const batch = [];
      const goods = [];
      while (batch.length < 100) {
        if (random.chance(0.2)) {
          goods.push(ward.good());
          batch.push(goods.at(-1));
        } else {
          batch.push(fuzzedSpan(random, pickBad));
          shapes += 1;
        }
      }
      const outcome = await ward.exporter.exportSpans(batch);
      assertOutcome(outcome, batch.length);
      ward.assertArrived(`seed ${seed}, after ${shapes} shapes`, goods, ward.take());
    }
    await ward.close();
  }
});

/** A span in which a few things are replaced by bad ones, or which is bad itself. */
function fuzzedSpan(random, pickBad) {
  if (random.chance(0.03)) return pickBad();
  const span = plain.span({
    attributes: fuzzedAttributes(random, pickBad),
    context: random.chance(0.1) ? { traceId: pickBad() } : {},
  });
  for (let nth = random.below(4); nth > 0; nth--) {
    const field = random.pick(fields);
    if (random.chance(0.3)) Object.defineProperty(span, field, { get: thrower, configurable: true, enumerable: true });
    else Object.defineProperty(span, field, { value: pickBad(), configurable: true, enumerable: true });
  }
  if (random.chance(0.3)) {
    const events = random.times(3, () =>
      random.chance(0.3)
        ? pickBad()
        : { name: 'e', time: [1, pickBad()], attributes: fuzzedAttributes(random, pickBad) },
    );
    Object.defineProperty(span, 'events', { value: events, configurable: true });
  }
  if (random.chance(0.2)) {
    const links = random.times(2, () => ({
      context: random.chance(0.5) ? pickBad() : plain.context(),
      attributes: fuzzedAttributes(random, pickBad),
    }));
    Object.defineProperty(span, 'links', { value: links, configurable: true });
  }
  return random.chance(0.05)
    ? new Proxy(span, { get: (target, key) => (random.chance(0.1) ? thrower() : Reflect.get(target, key)) })
    : span;
}

function fuzzedAttributes(random, pickBad) {
  return Object.fromEntries(
    random.times(random.below(6), (nth) => [
      random.chance(0.1) ? '\udc00' : `key ${nth}`,
      random.chance(0.5) ? pickBad() : nth,
    ]),
  );
}
