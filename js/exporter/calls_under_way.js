'use strict';
// Owns the export calls of one exporter that have no answer yet, and what attempts ask of JavaScript on their behalf.
// Refuses to answer them.

const { diag } = require('../otel/diag.js');
const { reportFailure } = require('./export_outcome.js');

/** An export call: the context it was made in, and what user code threw while its batch was being sent. */
function newCall(context) {
  return { context, original: undefined, thrown: false };
}

class CallsUnderWay {
  #settings;
  #health;
  #calls = new Map(); // by number of the export

  /** @param settings of the exporter: its `help`, if it has any, `onError` and `endpoint`; `health` hears of its breaker */
  constructor(settings, health) {
    this.#settings = settings;
    this.#health = health;
  }

  /** Whether a call waits for its answer. */
  get isEmpty() {
    return this.#calls.size === 0;
  }

  add(id, call) {
    this.#calls.set(id, call);
  }

  delete(id) {
    this.#calls.delete(id);
  }

  /** What attempts need from JavaScript, each in the context of the export call it belongs to. */
  help() {
    const { help } = this.#settings;
    return {
      tell: (notice) => this.#tell(notice),
      send: async (id, ...args) => {
        const call = this.#calls.get(id);
        if (call === undefined) return null; // answered already
        const facts = await call.context.run(help.send, ...args);
        const error = facts?.error ?? facts?.bodyError;
        if (error) {
          call.original = error.original;
          delete error.original; // native code gets plain facts
        }
        call.thrown = error?.kind === 'unsendable';
        return facts;
      },
      readHeaders: async (id) => {
        const call = this.#calls.get(id);
        try {
          return await (call === undefined ? help.readHeaders() : call.context.run(help.readHeaders));
        } catch (error) {
          if (call !== undefined) Object.assign(call, { original: error, thrown: true });
          throw error;
        }
      },
    };
  }

  /** Lines for `diag`, losses for `onError` and the breaker, as the native side reports them. */
  #tell({ level, text, failed, breaker }) {
    if (failed != null) reportFailure(this.#settings, failed);
    else if (breaker != null) this.#health.told(breaker);
    else diag[level](text);
  }
}

module.exports = { CallsUnderWay, newCall };
