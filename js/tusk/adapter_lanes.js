'use strict';
// Owns the native lanes of one built-in adapter: they come with the first span and go with `shutdown`, and come again
// if spans do. Refuses to know destinations: the adapter says how its lane is configured.

const { LaneExporter } = require('../lane_exporter.js');
const { CleanSpanWriter } = require('./clean_span_writer.js');

/** Name of the method by which an adapter offers its native way; null from it: only `exportSpans` will do. */
const NATIVE = Symbol('offloop.tusk.native');

/** One lane per way of encoding: exporters that share an adapter may differ in it. */
class AdapterLanes {
  #settings;
  #lanes = new Map(); // encoding as JSON -> LaneExporter
  #opened = []; // native lanes in use, for their counters
  #timeoutsBefore = 0; // of lanes that are gone

  /** @param settings `{ native, holdMillis, own }`: what `Lane` takes, and the options that every class with a lane has */
  constructor(settings) {
    this.#settings = settings;
  }

  /** Reads `spans` before it returns. Resolves with the outcome; never rejects. */
  export(spans, encoding) {
    return this.#lane(encoding).exportSpans(spans);
  }

  /** Attempts that ran out of time, live. */
  get attemptTimeouts() {
    return this.#opened.reduce((sum, lane) => sum + lane.attemptTimeouts(), this.#timeoutsBefore);
  }

  async forceFlush() {
    const timeoutMillis = this.#settings.holdMillis;
    await Promise.all([...this.#lanes.values()].map((lane) => lane.forceFlush({ timeoutMillis })));
  }

  /** Delivers what is on its way and lets threads and connections go. */
  async shutdown() {
    const lanes = [...this.#lanes.values()];
    this.#lanes.clear();
    // As long as an export may take with all its attempts: a shutdown cancels none (tusk.md §10).
    const timeoutMillis = this.#settings.holdMillis;
    await Promise.all(lanes.map((lane) => lane.shutdown({ timeoutMillis })));
    if (this.#lanes.size > 0) return; // in use again
    this.#timeoutsBefore = this.attemptTimeouts;
    this.#opened = [];
  }

  #lane(encoding) {
    const key = JSON.stringify(encoding);
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = new LaneExporter(this.#laneSettings(encoding));
      this.#lanes.set(key, lane);
    }
    return lane;
  }

  #laneSettings(encoding) {
    const { native, holdMillis, own } = this.#settings;
    const { queue, limits, exit, onError } = own;
    return {
      native: {
        ...native,
        protocol: 'clean-spans',
        compression: 'none',
        maxSpans: queue.maxSpans,
        maxBytes: queue.maxBytes,
        dropOldest: queue.overflow === 'drop-oldest',
        drift: { ...native.drift, ...encoding },
      },
      holdMillis,
      limits,
      onError,
      endpoint: native.endpoint,
      exit,
      createWriter: (...args) => new CleanSpanWriter(...args),
      onOpen: (lane) => this.#opened.push(lane),
    };
  }
}

/** What an adapter answers for the outcome of a lane; `invalid` spans could not be read. */
function resultOf(outcome) {
  const invalid = outcome.dropped.invalid ?? 0;
  if (outcome.error === undefined) return { code: 0, invalid };
  const error = new Error(outcome.error.message);
  error.code = outcome.error.code;
  return { code: 1, error, invalid };
}

module.exports = { AdapterLanes, NATIVE, resultOf };
