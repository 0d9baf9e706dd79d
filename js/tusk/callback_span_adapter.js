'use strict';
// Owns handing clean spans to a function.
// Refuses to let its errors go further than the result.

const { diag } = require('../otel/diag.js');
const { StandIns } = require('../guards/stand_ins.js');
const { FAILED, SUCCESS } = require('./vocabulary.js');

const standIns = new StandIns('adapter');
let callbackOf;

class CallbackSpanAdapter {
  static {
    callbackOf = (adapter) => (#callback in adapter ? adapter : standIns.originalOf(adapter)).#callback;
  }

  name = 'callback';
  #callback;

  /** @param {(spans: object[]) => void | Promise<void>} callback */
  constructor(callback) {
    this.#callback = callback;
    standIns.sign(this);
  }

  async exportSpans(spans) {
    const callback = callbackOf(this);
    try {
      await callback.call(this, spans);
      return { code: SUCCESS };
    } catch (error) {
      diag.error('Error in callback span export:', error);
      return { code: FAILED, error: isError(error) ? error : new Error('Callback export failed') };
    }
  }

  async shutdown() {}
}

/** What user code throws may be a Proxy that cannot be looked at. */
function isError(error) {
  try {
    return error instanceof Error;
  } catch {
    return false;
  }
}

module.exports = { CallbackSpanAdapter };
