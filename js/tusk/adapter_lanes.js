'use strict';
// Owns the native lanes of one built-in adapter: they come with the first span and go with `shutdown`, and come again
// if spans do. Refuses to know destinations: the adapter says how its lane is configured.

const { toNativeTls } = require('../config/tls.js');
const { TlsWatch } = require('../config/tls_watch.js');
const { OPTIONS } = require('../config/options/table.js');
const { LaneExporter } = require('../exporter/lane_exporter.js');
const { CleanSpanWriter } = require('./clean_span_writer.js');
const { postedBy } = require('./posted_attempt.js');
const { PreparedWriter } = require('./prepared_writer.js');
const { FAILED, SUCCESS } = require('./vocabulary.js');

/**
 * Key of the method that returns an adapter's native export function. It returns null if spans have to go through
 * `exportSpans`, for example where the application has overridden that method or wraps the adapter.
 */
const NATIVE = Symbol('offloop.tusk.native');

/** Second argument of an adapter's constructor: its options are the exporter's, which looks after unknown ones itself. */
const OF_EXPORTER = Symbol('offloop.tusk.ofExporter');

/** What the recorder's SDK has in one configuration: that of the exporter and of both adapters. */
const RECORDER = { ...OPTIONS.TdSpanExporter, ...OPTIONS.ApiSpanAdapter, ...OPTIONS.FilesystemSpanAdapter };

/** One lane per way of encoding: exporters that share an adapter may differ in it. */
class AdapterLanes {
  #settings;
  #lanes = new Map(); // what is asked of it, as JSON -> LaneExporter
  #opened = []; // native lanes in use, for their counters
  #rules = []; // that spans have gone through: a lane has one of them, or none
  #countsBefore = []; // of rules, in lanes that are gone
  #timeoutsBefore = 0; // of lanes that are gone

  /**
   * @param settings `{ native, tls, holdMillis, own, post, rules }`: what `Lane` takes, as `resolveTls` gives it or nothing, the
   *   options that every class with a lane has, how the user's code would make an attempt, and what `process` has asked for
   */
  constructor(settings) {
    this.#settings = settings;
  }

  /**
   * Reads `spans` before it returns. Resolves with the outcome; never rejects.
   * @param {object | null} rulesOfExporter those of an exporter, for an adapter that has none of its own
   */
  export(spans, encoding, rulesOfExporter) {
    return this.#lane({ encoding }, this.#settings.rules ?? rulesOfExporter ?? null).exportSpans(spans);
  }

  /**
   * The same for `{ traceId?, printed }`: what JavaScript has printed itself, because it had objects.
   * @param asked `output` of the lane, `isPosted` if a method of the user's makes its attempts, and `apiAttempts` where
   *   somebody else repeats and tells of losses
   */
  exportPrepared(items, { output, isPosted = false, apiAttempts }) {
    return this.#lane({ encoding: { output }, isPosted, apiAttempts }, null).exportSpans(items);
  }

  /** What rules have done; nothing without rules. */
  stats() {
    return sumOfRules([...this.#countsBefore, ...countsOf(this.#lanes.values())]);
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
    // As long as an export may take with all its attempts: a shutdown cancels none (T10).
    const timeoutMillis = this.#settings.holdMillis;
    await Promise.all(lanes.map((lane) => lane.shutdown({ timeoutMillis })));
    this.#countsBefore = Object.values(sumOfRules([...this.#countsBefore, ...countsOf(lanes)]));
    if (this.#lanes.size > 0) return; // in use again
    this.#timeoutsBefore = this.attemptTimeouts;
    this.#opened = [];
  }

  #lane(asked, rules) {
    if (rules !== null && !this.#rules.includes(rules)) this.#rules.push(rules);
    const key = JSON.stringify({ ...asked, rules: this.#rules.indexOf(rules) });
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = new LaneExporter(this.#laneSettings(asked, rules));
      this.#lanes.set(key, lane);
    }
    return lane;
  }

  #laneSettings({ encoding, isPosted = false, apiAttempts }, rules) {
    const { native, tls, holdMillis, own, post } = this.#settings;
    const tlsWatch = isPosted || !tls ? undefined : new TlsWatch(tls);
    const { queue, limits, exit, onError } = own;
    const isPrepared = encoding.output !== undefined;
    const Writer = isPrepared ? PreparedWriter : CleanSpanWriter;
    return {
      native: {
        ...native,
        url: isPosted ? undefined : native.url,
        protocol: 'clean-spans',
        compression: 'none',
        maxSpans: queue.maxSpans,
        maxBytes: queue.maxBytes,
        dropOldest: queue.overflow === 'drop-oldest',
        apiAttempts,
        drift: { ...native.drift, ...encoding },
        get tls() {
          return tlsWatch && toNativeTls(tls, tlsWatch);
        },
      },
      tlsWatch,
      holdMillis,
      help: isPosted ? { send: postedBy(post) } : undefined,
      limits: isPrepared ? { maxSpanBytes: limits.maxSpanBytes } : limits, // a line is no attribute
      onError: apiAttempts === undefined ? onError : undefined,
      endpoint: native.endpoint,
      process: rules,
      exit,
      createWriter: (...args) => new Writer(...args),
      onOpen: (lane) => this.#opened.push(lane),
    };
  }
}

/** What the rules of lanes have done, where there are any. */
function countsOf(lanes) {
  return [...lanes].map((lane) => lane.stats().process).filter((counts) => counts != null);
}

/** Sums of what several lanes count; `process` is absent if none of them has rules. */
function sumOfRules(all) {
  if (all.length === 0) return {};
  const sum = (member) => {
    const counts = new Map();
    for (const each of all)
      for (const [name, count] of Object.entries(each[member])) counts.set(name, (counts.get(name) ?? 0) + count);
    return Object.fromEntries(counts);
  };
  return { process: { rules: sum('rules'), failClosed: sum('failClosed') } };
}

/**
 * Why spans that come as objects are not recorded where rules are asked for: nothing has redacted them, and their hashes are those
 * of what the rules would take. Null without rules or spans.
 */
function refusalOf(rules, spans, whose) {
  if (rules === null || (Array.isArray(spans) && spans.length === 0)) return null;
  return errorOf({ code: UNREDACTED, message: `process asks for rules, and ${whose()} would get spans as they are` });
}

/** Code of that error. */
const UNREDACTED = 'ERR_OFFLOOP_UNREDACTED';

/** Code of the error of a batch of which no span could be read. */
const NOTHING_LEFT = 'invalid';

/** What an adapter answers for the outcome of a lane; `invalid` spans could not be read, here or before. */
function resultOf({ delivered, dropped, error: told }, invalidBefore = 0) {
  const invalid = (dropped.invalid ?? 0) + invalidBefore;
  if (told === undefined && (delivered > 0 || invalid === 0)) return { code: SUCCESS, invalid };
  return {
    code: FAILED,
    error: errorOf(told ?? { code: NOTHING_LEFT, message: 'Export failed: no span could be read' }),
    invalid,
  };
}

function errorOf({ code, message }) {
  return Object.assign(new Error(message), { code });
}

/** The result of a batch of which nothing was left to hand over. */
function nothingLeft(invalid) {
  return resultOf({ delivered: 0, dropped: {} }, invalid);
}

module.exports = {
  AdapterLanes,
  errorOf,
  NATIVE,
  NOTHING_LEFT,
  nothingLeft,
  OF_EXPORTER,
  RECORDER,
  refusalOf,
  resultOf,
};
