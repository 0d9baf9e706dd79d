'use strict';
// What may become of spans around a call that was cut off: innocent ones arrive, once and whole; those of the call arrive
// once or not at all; the exporter's account says the same.

const assert = require('node:assert/strict');
const { decodeRequest } = require('./otlp_decoder.js');
const { assertConserved } = require('./conservation.js');

const id = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 };
const status = { code: 0 };
const noEvents = Object.freeze([]);
const scope = { name: 'torn', version: '1' };
const resource = { attributes: { 'service.name': 'torn' } };

function plainSpan(name, attributes, more) {
  return {
    name,
    kind: 1,
    spanContext: () => id,
    startTime: [1_700_000_000, 0],
    endTime: [1_700_000_000, 5_000_000],
    duration: [0, 5_000_000],
    ended: true,
    status,
    attributes: { id: name, ...attributes },
    events: noEvents,
    links: noEvents,
    resource,
    instrumentationScope: scope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
    ...more,
  };
}

class TornAccount {
  #receiver;
  #seenRequests = 0;
  #made = 0;
  #arrivedSoFar = 0;
  #lastTorn = [];
  innocent = new Set();
  torn = new Set();
  arrived = new Map();

  /** Of requests that come from now on. */
  constructor(receiver) {
    this.#receiver = receiver;
    this.#seenRequests = receiver.completed.length;
  }

  /** Every second one has the keys, the resource and the scope of one of the last spans that were cut off. */
  innocentSpan() {
    const name = `innocent ${this.#made++}`;
    this.innocent.add(name);
    const attributes = { shared: name.length, list: ['a', 'b'] };
    if (this.#made % 2 === 0 || this.#lastTorn.length === 0) return plainSpan(name, attributes);
    const some = this.#lastTorn[(this.#made >> 1) % this.#lastTorn.length];
    const { attributes: keys, resource, instrumentationScope } = some;
    for (const key of Object.keys(keys)) if (key !== 'id') attributes[key] = 'innocent';
    return plainSpan(name, attributes, { resource, instrumentationScope });
  }

  innocentSpans(count) {
    return Array.from({ length: count }, () => this.innocentSpan());
  }

  /** A span of many kinds of values, with keys, a resource and a scope that are its own. */
  tornSpan() {
    const number = this.#made++;
    const name = `torn ${number}`;
    this.torn.add(name);
    const keys = Array.from({ length: 12 }, (_, n) => [`key ${number} ${n}`, n % 2 === 0 ? [1, 'x'] : 'new']);
    const attributes = {
      ...Object.fromEntries(keys),
      shared: 1,
      nested: { [`inner ${number}`]: [1, 'two', { three: true }] },
      long: 'l'.repeat(500),
      longer: 'm'.repeat(6000),
      wide: 'ж'.repeat(300),
      bytes: new Uint8Array(40),
    };
    const events = [{ name: 'event', time: [1_700_000_000, 1], attributes: { [`event ${number}`]: 'x' } }];
    const links = [{ context: id, attributes: { link: number } }];
    const span = plainSpan(name, attributes, {
      events,
      links,
      resource: { attributes: { 'service.name': `torn ${number}` } },
      instrumentationScope: { name: `scope ${number}` },
    });
    this.#lastTorn.push(span);
    if (this.#lastTorn.length > 10) this.#lastTorn.shift();
    return span;
  }

  #read() {
    const { completed } = this.#receiver;
    for (const { body, headers } of completed.slice(this.#seenRequests)) {
      for (const { scopes } of decodeRequest(body, headers['content-type'])) {
        for (const { spans } of scopes) for (const span of spans) this.#note(span);
      }
    }
    this.#seenRequests = completed.length;
  }

  #note({ name, attributes }) {
    const times = (this.arrived.get(name) ?? 0) + 1;
    this.arrived.set(name, times);
    assert.equal(times, 1, `${name} arrived more than once`);
    assert.ok(this.innocent.has(name) || this.torn.has(name), `nobody made ${name}`);
    if (!this.innocent.has(name)) return;
    const own = attributes.find(([key]) => key === 'id');
    assert.deepEqual(own?.[1], ['string', name], `${name} arrived with the attributes of another`);
    assert.ok(attributes.length >= 3, `${name} lacks attributes`);
  }

  /** All is settled: what has arrived is compared with what was made, and with the sums of the exporters' `stats()`. */
  check(stats, context) {
    this.#read();
    const missing = [...this.innocent].filter((name) => !this.arrived.has(name));
    assert.deepEqual(missing.slice(0, 5), [], `${missing.length} innocent spans are missing ${context}`);
    let offered = 0;
    let delivered = 0;
    for (const each of stats) {
      assertConserved(each);
      assert.equal(each.pending, 0, `nothing is pending ${context}`);
      offered += each.offered;
      delivered += each.delivered;
    }
    this.#arrivedSoFar += this.arrived.size;
    assert.equal(delivered, this.#arrivedSoFar, `what arrived is what counts as delivered ${context}`);
    assert.ok(offered <= this.#made, `${offered} spans are counted, ${this.#made} were made ${context}`);
    // What comes again after this is nobody's.
    for (const names of [this.innocent, this.torn, this.arrived]) names.clear();
  }
}

module.exports = { TornAccount };
