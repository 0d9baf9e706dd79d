'use strict';

const assert = require('node:assert/strict');
const { OTLPTraceExporter } = require('./subject.js');
const { assertOutcome, assertSettled } = require('./conservation.js');
const { decodeRequest } = require('./otlp_decoder.js');
const { expectedRequest, firstDifference } = require('./expected_request.js');
const { PlainSpans } = require('./plain_spans.js');
const { startReceiver } = require('./receiver.js');

const plain = new PlainSpans(46);

/** Exports bad spans between good ones and demands that the good ones arrive unharmed. */
class Ward {
  static async open(t, protocol, config) {
    const receiver = await startReceiver({}, t);
    const exporter = new OTLPTraceExporter({ url: receiver.url, protocol, timeoutMillis: 30_000, ...config });
    t.after(() => exporter.shutdown({ timeoutMillis: 0 }));
    return new Ward(receiver, exporter, protocol);
  }

  #nth = 0;

  constructor(receiver, exporter, protocol) {
    this.receiver = receiver;
    this.exporter = exporter;
    this.protocol = protocol;
  }

  good() {
    return plain.span({ name: `good ${this.#nth++}`, attributes: { a: 1, text: 'neighbour é', list: [1, 'x'] } });
  }

  async check(label, bads) {
    const first = this.good();
    const last = this.good();
    const batch = [first, ...bads, last];
    let outcome;
    try {
      outcome = await this.exporter.exportSpans(batch);
    } catch (error) {
      assert.fail(`${label}: the host saw ${String(error?.stack ?? error)}`);
    }
    assertOutcome(outcome, batch.length);
    this.assertArrived(label, [first, last], this.take());
    return outcome;
  }

  /** All of `bads`, named spans, in one batch, a good span before each; if one comes to harm, the culprit is named. */
  async checkAll(label, bads) {
    const goods = bads.map(() => this.good());
    const batch = bads.flatMap(([, bad], nth) => [goods[nth], bad]);
    try {
      assertOutcome(await this.exporter.exportSpans(batch), batch.length);
      this.assertArrived(label, goods, this.take());
    } catch (error) {
      for (const [name, bad] of bads) await this.check(`${label}: ${name}`, [bad]);
      throw error;
    }
  }

  /** The spans received since the last call, by name. */
  take() {
    const spans = new Map();
    for (const request of this.receiver.completed) {
      for (const { scopes } of decodeRequest(request.body, request.headers['content-type'])) {
        for (const scope of scopes) for (const span of scope.spans) spans.set(span.name, span);
      }
    }
    this.receiver.requests.length = 0;
    return spans;
  }

  assertArrived(label, spans, received) {
    for (const span of spans) {
      const [{ scopes }] = expectedRequest([span], this.protocol === 'http/json' ? 'json' : 'protobuf');
      assert.ok(received.has(span.name), `${label}: ${span.name} is lost`);
      const difference = firstDifference(received.get(span.name), scopes[0].spans[0]);
      assert.equal(difference, null, `${label}: ${span.name} is spoiled: ${JSON.stringify(difference)}`);
    }
  }

  async close() {
    await this.exporter.forceFlush();
    assertSettled(this.exporter.stats());
  }
}

module.exports = { Ward };
