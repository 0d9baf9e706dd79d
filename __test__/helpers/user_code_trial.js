'use strict';

const assert = require('node:assert/strict');
const { setTimeout: sleep } = require('node:timers/promises');
const { BatchSpanProcessor, OTLPTraceExporter } = require('./subject.js');
const { assertOutcome, assertSettled, sum } = require('./conservation.js');
const { PlainSpans, resource } = require('./plain_spans.js');

const ANSWER_MILLIS = 15_000; // nothing here takes a second; the machine may be busy
const SHORT_MILLIS = 300; // deadline of what never comes
const plain = new PlainSpans(16);

/** What `promise` settles with; fails if that takes too long. */
async function inTime(what, promise) {
  let timer;
  const timeout = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new assert.AssertionError({ message: `${what} hangs` })), ANSWER_MILLIS);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * One hook, one action, one way in: a batch is exported while code of the application does at the hook what the action says,
 * and an innocent exporter exports beside it. `collector` is `{ url, refusingUrl, received(id) }`.
 */
class Trial {
  url;
  refusingUrl;
  resource = resource();

  #collector;
  #id;
  #hook;
  #action;
  #way;
  #react;
  #count = 0;
  #given = 0;
  #answers = [];
  #complaints = [];
  #hasActed = false;
  #isInstalled = false; // what installs a hook of the process may call it
  #isReached = false;
  #isDown = false; // the processor: spans that end later are nobody's, as in the SDK
  #exporter;
  #processor;
  #taken = new Map(); // by somebody else's exporter: name -> times
  #processed = 0; // as the processor tells its meter

  constructor(collector, id, { hook, action, way }) {
    this.#collector = collector;
    this.#id = id;
    this.#hook = hook;
    this.#action = action;
    this.#way = way;
    this.url = collector.url;
    this.refusingUrl = collector.refusingUrl;
    this.#react = (normal) => {
      if (!this.#isInstalled || (hook.isQuietAtFirst && this.#processor === undefined)) return normal;
      this.#isReached = true;
      if (action.kind !== 'call') return action.react(this);
      if (this.#hasActed) return normal;
      this.#hasActed = true;
      if (this.#processor === undefined)
        queueMicrotask(() => action.react(this)); // there is nothing to call yet
      else action.react(this);
      return normal;
    };
  }

  /** Rejects with what was wrong. */
  async run() {
    const takeBack = this.#hook.install?.(this.#react);
    this.#isInstalled = true;
    let bystander;
    try {
      this.#make();
      bystander = new OTLPTraceExporter({ url: this.url });
      const innocent = bystander.exportSpans([this.span('innocent')]);
      this.#send();
      assert.equal((await inTime('an innocent export', innocent)).delivered, 1, 'an innocent export');
      await this.#settle();
    } finally {
      this.#isInstalled = false;
      takeBack?.();
      bystander?.shutdown();
    }
    this.#judge();
  }

  context(overrides) {
    return plain.context(overrides);
  }

  span(name) {
    return plain.span({ name: `${this.#id}/${name} ${this.#count++}`, resource: this.resource });
  }

  end(span) {
    if (!this.#isDown || this.#way !== 'queue') this.#given += 1; // ours counts those that come too late
    this.#guarded('onEnd()', () => this.#processor.onEnd(span));
  }

  export(spans, list = spans) {
    if (this.#way === 'queue') return; // that is between the application and its exporter
    this.#given += spans.length;
    let answered = 0;
    const answer = new Promise((resolve) => {
      const callback = (result) => {
        answered += 1;
        if (answered > 1 || (result.code !== 0 && result.code !== 1)) this.#complaints.push('a wrong answer');
        resolve();
        return this.#hook.callback?.(this.#react);
      };
      this.#guarded('export()', () => this.#exporter.export(list, callback));
    });
    this.#await('export()', answer);
  }

  exportSpans(spans) {
    if (this.#way === 'queue') return;
    this.#given += spans.length;
    this.#guarded('exportSpans()', () => {
      const answer = this.#exporter.exportSpans(spans).then((outcome) => assertOutcome(outcome, spans.length));
      this.#await('exportSpans()', answer);
    });
  }

  flush() {
    this.#guarded('forceFlush()', () => {
      this.#await('processor.forceFlush()', this.#processor.forceFlush().catch(this.#note));
      if (this.#way !== 'queue') this.#await('forceFlush()', this.#exporter.forceFlush());
    });
  }

  shutdown() {
    this.#guarded('shutdown()', () => {
      if (this.#way === 'exporter') {
        this.#await('shutdown()', this.#exporter.shutdown());
        return;
      }
      this.#isDown = true;
      this.#await('processor.shutdown()', this.#processor.shutdown().catch(this.#note));
    });
  }

  #note = () => {}; // a rejection is an answer: the SDK's processor rejects with the first failure

  #guarded(what, work) {
    try {
      work();
    } catch (error) {
      this.#complaints.push(`${what} threw ${String(error?.stack)}`);
    }
  }

  #await(what, answer) {
    this.#answers.push(inTime(what, answer).catch((error) => this.#complaints.push(error.message)));
  }

  get #misbehaves() {
    return this.#action.kind !== 'call';
  }

  /** Its deadline is short, and the machine may be busy. */
  get #mayBeLate() {
    return this.#hook.costs === 'its batch' && this.#misbehaves;
  }

  #make() {
    const { config, options, foreign } = this.#hook;
    const millis = this.#misbehaves ? SHORT_MILLIS : ANSWER_MILLIS;
    if (this.#way === 'queue') {
      this.#exporter = { ...this.#foreign(), ...foreign?.(this.#react) };
    } else {
      const given = config?.(this.#react, this);
      const timeoutMillis = this.#hook.costs === 'its batch' ? millis : ANSWER_MILLIS;
      this.#exporter = new OTLPTraceExporter({ url: this.url, timeoutMillis, ...given });
    }
    this.#processor = new BatchSpanProcessor(this.#exporter, {
      scheduledDelayMillis: 20,
      exportTimeoutMillis: this.#hook.costs === 'its batch' ? ANSWER_MILLIS : millis,
      selfObsMeterProvider: this.#way === 'queue' ? this.#counting() : undefined,
      ...options?.(this.#react),
    });
  }

  #foreign() {
    return {
      take: (spans) => {
        for (const { name } of spans) this.#taken.set(name, (this.#taken.get(name) ?? 0) + 1);
      },
      export(spans, callback) {
        this.take(spans);
        setImmediate(() => callback({ code: 0 }));
      },
      forceFlush: async () => {},
      shutdown: async () => {},
    };
  }

  #counting() {
    const silent = { add() {}, addCallback() {}, removeCallback() {} };
    const counter = {
      add: (count) => {
        this.#processed += count;
      },
    };
    const createCounter = () => counter;
    const create = () => silent;
    const meter = { createCounter, createUpDownCounter: create, createObservableUpDownCounter: create };
    return { getMeter: () => meter };
  }

  #send() {
    const spans = [this.span('first'), this.#hooked(), this.span('last')];
    if (this.#way === 'exporter') {
      this.export(spans, this.#hook.list?.(spans, this.#react));
      this.exportSpans([this.span('second export')]);
    } else {
      for (const span of spans) this.end(span);
      if (!this.#hook.isUnflushed) this.flush();
    }
  }

  /** With the getters of the overrides, which a copy would have called. */
  #hooked() {
    const overrides = this.#hook.overrides?.(this.#react, this) ?? {};
    return Object.defineProperties(this.span('hooked'), Object.getOwnPropertyDescriptors(overrides));
  }

  /** Waits for what was asked, also by the hook and later; ends both, which is asked for too. */
  async #settle() {
    const { isUnflushed } = this.#hook;
    for (let looks = 0; isUnflushed && !this.#isReached && looks < 1000; looks += 1) await sleep(10);
    await this.#answered();
    this.flush();
    await this.#answered();
    this.#isDown = true;
    await inTime('processor.shutdown()', this.#processor.shutdown().catch(this.#note));
    if (this.#way !== 'queue') await inTime('shutdown()', this.#exporter.shutdown());
    await this.#answered();
  }

  async #answered() {
    for (let seen = -1; seen < this.#answers.length; ) {
      seen = this.#answers.length;
      await Promise.all(this.#answers);
      await new Promise(setImmediate);
    }
  }

  #judge() {
    assert.deepEqual(this.#complaints, []);
    assert.ok(this.#isReached || this.#mayBeLate, 'the hook was not reached');
    if (this.#way === 'queue') this.#judgeForeign();
    else this.#judgeOurs();
  }

  #judgeForeign() {
    for (const [name, times] of this.#taken) assert.equal(times, 1, `${name} was exported ${times} times`);
    if (this.#hook.costsInQueue === undefined || !this.#misbehaves) {
      assert.equal(this.#taken.size, this.#given, 'spans exported');
    }
    const { foreign, options, costsInQueue } = this.#hook;
    if (foreign === undefined && options === undefined && costsInQueue === undefined) {
      assert.equal(this.#processed, this.#given, 'spans counted by the meter');
    }
  }

  #judgeOurs() {
    const stats = this.#exporter.stats();
    const account = JSON.stringify(stats);
    assertSettled(stats);
    const received = this.#collector.received(this.#id);
    for (const [name, times] of received) assert.equal(times, 1, `${name} arrived ${times} times: ${account}`);
    const refusedWhole = this.#hook.isRefusedWhole && this.#misbehaves ? 3 : 0; // it was no list
    const given = this.#given - refusedWhole;
    const isIgnored = this.#hook.isSampledToo && this.#misbehaves && this.#way === 'processor';
    if (!isIgnored || stats.offered !== given - 1) {
      assert.equal(stats.offered, given, `${this.#given} spans were given: ${account}`);
    }
    if (this.#hook.costs === 'refused') return;
    const arrived = received.size - 1; // the innocent one
    if (!this.#mayBeLate || arrived < stats.delivered) {
      assert.equal(arrived, stats.delivered, `${arrived} spans arrived: ${account}`);
    }
    const lost = { ...stats.refused, ...stats.dropped };
    if (!this.#misbehaves) {
      if (this.#action.call === 'shutdown') delete lost.after_shutdown;
      assert.deepEqual(lost, {}, 'what calls back costs nothing');
    } else if (this.#hook.costs === 'its span') {
      const count = sum(lost);
      assert.ok(count === 0 || (count === 1 && lost.invalid === 1), `more than its span: ${account}`);
    } else if (this.#hook.costs !== 'its batch') {
      assert.deepEqual(lost, {}, 'what misbehaves here costs nothing');
    }
  }
}

module.exports = { Trial };
