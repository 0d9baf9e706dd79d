'use strict';
// Owns the native lane of one exporter, made at its first use, and what comes and goes with it: the writer, its blocks, a
// place in the end of the process.
// Refuses to close the lane: a shutdown has an answer, and that is the exporter's.

const { SpanWriter } = require('../handoff/span_writer.js');
const { HandOvers } = require('../handoff/hand_over.js');
const { getEngine } = require('../native/engine.js');

const DEFAULT_MAX_SPAN_BYTES = 16 << 20;

class LazyLane {
  #settings;
  #calls;
  #native = null;
  #writer = null;
  #handOvers = null;
  #heldHelp = null; // native code holds it weakly
  #isEnlisted = false;

  /** @param settings of the exporter (lane_exporter.js); `calls` are its calls without an answer */
  constructor(settings, calls) {
    this.#settings = settings;
    this.#calls = calls;
  }

  /** What native code made; null before the first use. */
  get native() {
    return this.#native;
  }

  get writer() {
    return this.#writer;
  }

  /** Null before the first use. */
  get handOvers() {
    return this.#handOvers;
  }

  get limits() {
    const { maxSpanBytes = DEFAULT_MAX_SPAN_BYTES, maxAttributeBytes } = this.#settings.limits;
    return { maxSpanBytes, maxAttributeBytes, readsTexts: this.#settings.process != null };
  }

  /** The lane comes last: what was cut off before is made again. */
  open() {
    if (this.#native === null) {
      const engine = getEngine();
      const { native, exit, process } = this.#settings;
      const rules = process == null ? {} : { process: process.words, processKey: process.key };
      this.#heldHelp = this.#calls.help();
      const lane = engine.createLane({ ...native, ...rules, exitMillis: exit.blockMillis }, this.#heldHelp);
      const createWriter = this.#settings.createWriter ?? ((...args) => new SpanWriter(...args));
      const writer = createWriter(engine.memory, this.limits, true);
      const handOvers = new HandOvers(engine, writer);
      engine.onCollected(this, () => {
        handOvers.release();
        engine.exit.dismiss(exit);
      });
      this.#settings.onOpen?.(lane);
      this.#settings.credentials?.attach(lane);
      this.#writer = writer;
      this.#handOvers = handOvers;
      this.#native = lane;
    }
    return this.#native;
  }

  /** The end of the process waits for its spans from now on. */
  enlist() {
    if (this.#isEnlisted) return;
    getEngine().exit.enlist(this.#settings.exit);
    this.#isEnlisted = true;
  }
}

module.exports = { LazyLane };
