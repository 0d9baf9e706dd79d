'use strict';
// Owns the limit of concurrent exports of one exporter (`concurrencyLimit`): which of them count against it, and how one
// that finds it reached is refused.
// Refuses to tell a caller anything itself.

const { NOTHING_SENT } = require('./export_outcome.js');
const { refuse } = require('../handoff/span_reading.js');
const { afterUnwinding, isOutOfStack } = require('../guards/unwinding.js');
const { contained, ignore } = require('../guards/user_code.js');
const { tellBug } = require('../otel/diag.js');

// Of a batch, as its `limitState`.
const NOT_COUNTED = 0;
const COUNTED = 1;
const OVER = 2;

class ConcurrencyLimit {
  #limit;
  #underWay = 0;

  /** @param limit how many exports may be under way; undefined: any number */
  constructor(limit) {
    this.#limit = limit;
  }

  get isReached() {
    return this.#limit !== undefined && this.#underWay >= this.#limit;
  }

  /** Not before the answer of `batch` is certain: a call may be cut off anywhere. */
  count(batch) {
    if (batch.limitState !== NOT_COUNTED) return;
    this.#underWay += 1;
    batch.limitState = COUNTED;
  }

  /** `batch` has its answer. One that was refused has no place to give back. */
  release(batch) {
    if (batch.limitState === COUNTED) this.#underWay -= 1;
    batch.limitState = OVER;
  }

  /**
   * Counts and answers in the same turn, as the stock exporter does. That is no turn of ours, because the callback may
   * export again at once; so what a call that is cut off has not come to is done when the stack has unwound. `answer(native)`
   * says in `batch.isAnswered` that the answer was given. The call runs in its own context: to enter it again would have
   * Node.js end the process where that is cut off.
   */
  refuse(batch, openLane, answer) {
    const settleNow = () => {
      if (batch.isAnswered) return;
      countRefused(batch, openLane);
      answer({ ...NOTHING_SENT, error: { __proto__: null, kind: 'limit' } });
    };
    afterUnwinding(() => contained(tellBug, settleNow));
    contained(ignore, settleNow);
  }
}

function countRefused(batch, openLane) {
  if (batch.refused.queue_full !== undefined) return;
  const detail = 'the limit of concurrent exports (concurrencyLimit) is reached';
  try {
    refuse(openLane(), batch, 'queue_full', batch.spans, detail);
  } catch (error) {
    if (isOutOfStack(error)) throw error;
    tellBug(error); // no memory for a lane
    batch.refused.queue_full = batch.spans;
  }
}

module.exports = { ConcurrencyLimit, NOT_COUNTED };
