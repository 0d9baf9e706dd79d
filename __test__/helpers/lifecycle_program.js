'use strict';
// A process in which the lives of several exporters overlap at random. `argv`: the first seed, how many schedules, the
// receiver's origin. Prints a line of JSON for each schedule: what innocent exporters were given, and what went wrong.
// Refuses to judge what arrived: that is the receiver's.

const fs = require('node:fs');
const path = require('node:path');
const { Worker } = require('node:worker_threads');
const { BatchSpanProcessor, OTLPTraceExporter } = require('../..');
const { PlainSpans } = require('./plain_spans.js');
const { Random } = require('./random.js');

const [firstSeed, schedules, origin] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4]];
const root = path.join(__dirname, '..', '..');
const RESTART_MILLIS = 80;
const LONG_UNITS = [20_000, 400_000, 2_000_000];
const ANSWER_MILLIS = 15_000;
const MANNERS = ['healthy', 'healthy', 'healthy', 'node', 'refusing', 'failing', 'hanging'];

const problems = [];
for (const event of ['uncaughtException', 'unhandledRejection']) {
  process.on(event, (error) => problems.push(`${event}: ${error?.stack ?? error}`));
}

const turn = () => new Promise(setImmediate);
const sleep = (millis) => new Promise((resolve) => setTimeout(resolve, millis));
const total = (counts) => Object.values(counts).reduce((sum, count) => sum + count, 0);

/** Everything with an answer must have it in time. */
async function answered(what, promise) {
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(() => {
      problems.push(`${what} has no answer`);
      resolve(undefined);
    }, ANSWER_MILLIS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function urlOf(manner) {
  return manner === 'refusing' ? 'http://127.0.0.1:1/v1/traces' : `${origin}/${manner}`;
}

class Life {
  constructor(seed) {
    this.seed = seed;
    this.random = new Random(seed + 1);
    this.plain = new PlainSpans(seed + 1);
    this.owners = [];
    this.made = 0;
    this.harms = 0; // shortages so far: what overlaps one may be lost
    this.isShort = false;
    this.promised = []; // names of spans that must arrive
    this.waits = [];
  }

  construct() {
    const manner = this.random.pick(MANNERS);
    const isInnocent = manner === 'healthy' || manner === 'node';
    const config = { url: urlOf(manner), timeoutMillis: isInnocent ? 10_000 : 200 };
    if (manner === 'node') config.transport = 'node';
    const exporter = this.make(config);
    if (exporter === null) return;
    const processor = new BatchSpanProcessor(exporter, { scheduledDelayMillis: this.random.pick([5, 60, 5_000]) });
    this.owners.push({ name: `${this.seed}.${this.made++}`, exporter, processor, isInnocent, spans: 0, ended: [] });
  }

  /** The addon itself cannot be loaded without a descriptor: the constructor says so, and the next one tries again. */
  make(config) {
    try {
      return new OTLPTraceExporter(config);
    } catch (error) {
      if (!this.isShort || error.code !== 'ERR_OFFLOOP_BINDING') throw error;
      return null;
    }
  }

  span(owner, units = 0) {
    const name = `${owner.name}.${owner.spans++}`;
    const attributes = { a: 1 };
    // One text of one character, different for each span: a block that somebody else writes to shows.
    const unit = String.fromCharCode(65 + this.random.below(26));
    if (units > 0) attributes.long = `${unit}${unit.repeat(units)}`;
    return this.plain.span({ name, attributes });
  }

  export(owner, units) {
    const spans = Array.from({ length: 1 + this.random.below(4) }, () => this.span(owner, units));
    const before = this.harms;
    const mayLose = this.isShort || owner.isShutDown || !owner.isInnocent;
    const outcome = answered(`export of ${owner.name}`, owner.exporter.exportSpans(spans)).then((result) => {
      if (result === undefined) return;
      const counted = result.delivered + result.rejected + total(result.dropped);
      if (counted !== spans.length) problems.push(`${counted} of ${spans.length}: ${JSON.stringify(result)}`);
      if (mayLose || owner.isShutDown || before !== this.harms) return;
      if (result.delivered !== spans.length) problems.push(`${owner.name} lost: ${JSON.stringify(result)}`);
      this.promised.push(...spans.map(({ name }) => name));
    });
    this.waits.push(outcome);
  }

  end(owner) {
    const span = this.span(owner);
    owner.processor.onEnd(span);
    if (!this.isShort && !owner.isShutDown && owner.isInnocent)
      owner.ended.push({ name: span.name, harms: this.harms });
  }

  async shutdown(owner) {
    if (this.random.chance(0.4)) {
      this.export(owner, LONG_UNITS.at(-1)); // whose texts are being copied meanwhile
      for (let n = this.random.below(3); n > 0; n -= 1) await turn();
    }
    const timeoutMillis = this.random.pick([0, 0, 30, 2_000]);
    owner.isShutDown = true;
    const stopped = this.random.chance(0.7)
      ? owner.exporter.shutdown({ timeoutMillis })
      : owner.processor.shutdown().catch(() => {});
    this.waits.push(answered(`shutdown of ${owner.name}`, stopped));
  }

  flush(owner) {
    const flushed = this.random.chance(0.5)
      ? owner.exporter.forceFlush({
          timeoutMillis: this.random.pick([0, 40, 3_000]),
          mode: this.random.pick(['attempt', 'terminal']),
        })
      : owner.processor.forceFlush().catch(() => {});
    this.waits.push(answered(`flush of ${owner.name}`, flushed));
  }

  /** Nobody holds the exporter any more. What it was given is delivered all the same. */
  collect(owner) {
    this.owners.splice(this.owners.indexOf(owner), 1);
    if (!owner.isShutDown) this.left ??= [];
    if (!owner.isShutDown) this.left.push(...owner.ended);
    global.gc?.();
  }

  worker() {
    const program = `
      const { workerData: { root, url, name } } = require('node:worker_threads');
      const { OTLPTraceExporter } = require(root);
      const { PlainSpans } = require(root + '/__test__/helpers/plain_spans.js');
      const plain = new PlainSpans(7), exporter = new OTLPTraceExporter({ url });
      exporter.export([plain.span({ name: name + '.long', attributes: { long: 'x'.repeat(3e6) } })], () => {});
      exporter.export([plain.span({ name: name + '.short' })], () => {});
      require('node:worker_threads').parentPort.postMessage('exported');
      setInterval(() => {}, 1000);`;
    const name = `${this.seed}.worker${this.made++}`;
    const workerData = { root, url: urlOf('healthy'), name };
    const worker = new Worker(program, { eval: true, workerData });
    worker.on('error', (error) => {
      if (this.harms === 0) problems.push(`worker: ${error.stack}`);
    });
    const over = new Promise((resolve) => {
      worker.once('message', async () => {
        await worker.terminate();
        resolve();
      });
      worker.once('exit', resolve);
    });
    this.waits.push(answered('worker', over));
  }

  /** No descriptor is free for a few turns. */
  async shortage() {
    if (process.platform === 'win32') return;
    this.harms += 1;
    this.isShort = true;
    const taken = [];
    try {
      for (;;) taken.push(fs.openSync('/dev/null'));
    } catch {
      // That was the last one.
    }
    for (let n = this.random.below(6); n >= 0; n -= 1) {
      await this.step(0.5);
      await turn();
    }
    for (const descriptor of taken) fs.closeSync(descriptor);
    // Threads that could not be started are tried again after a pause of 50 ms, and exports until then are refused.
    await new Promise((resolve) => setTimeout(resolve, RESTART_MILLIS));
    this.isShort = false;
    this.harms += 1;
  }

  async step(mostKind = 1) {
    if (this.owners.length < 2 || (this.owners.length < 5 && this.random.chance(0.08))) this.construct();
    if (this.owners.length === 0) return;
    const owner = this.random.pick(this.owners);
    const kind = this.random.fraction() * mostKind;
    if (kind < 0.16) this.export(owner, 0);
    else if (kind < 0.28) this.export(owner, this.random.pick(LONG_UNITS));
    else if (kind < 0.46) this.end(owner);
    else if (kind < 0.54) await this.shutdown(owner);
    else if (kind < 0.62) this.flush(owner);
    else if (kind < 0.68) this.collect(owner);
    else if (kind < 0.69) this.worker();
    else if (kind < 0.72) await this.shortage();
    else if (kind < 0.92) await turn();
    else await sleep(this.random.below(12));
  }

  async run() {
    const steps = 15 + this.random.below(35);
    // No exporter has a thread yet.
    if (this.random.chance(0.2)) await this.shortage();
    for (let n = 0; n < steps; n += 1) await this.step();
    for (const owner of this.owners) {
      if (owner.isShutDown || !owner.isInnocent) continue;
      this.export(owner, 0); // whatever has happened to others: it works
      await answered(
        `last flush of ${owner.name}`,
        owner.processor.forceFlush().catch(() => {}),
      );
      this.left = [...(this.left ?? []), ...owner.ended];
    }
    await Promise.all(this.waits);
    for (const { name, exporter } of this.owners) {
      const { offered, accepted, refused, delivered, rejected, dropped, pending } = exporter.stats();
      if (offered !== accepted + total(refused) || accepted !== delivered + rejected + total(dropped) + pending) {
        problems.push(`${name}: ${JSON.stringify(exporter.stats())}`);
      }
    }
    await Promise.all(
      this.owners.map(({ exporter }) => answered('the end', exporter.shutdown({ timeoutMillis: 1_000 }))),
    );
    const ended = (this.left ?? []).filter(({ harms }) => harms === this.harms).map(({ name }) => name);
    return [...this.promised, ...ended];
  }
}

(async () => {
  for (let seed = firstSeed; seed < firstSeed + schedules; seed += 1) {
    const promised = await new Life(seed).run();
    process.stdout.write(`${JSON.stringify({ seed, promised, problems: problems.splice(0) })}\n`);
  }
  // Spans of exporters that were garbage-collected, and are still on their way, are delivered when the process ends.
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
