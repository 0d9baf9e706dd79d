'use strict';
// Owns the rule for code that calls back: an exporter does one thing after the other. What user code asks of it while it
// reads a batch (getters of spans, lists and headers) waits in line until that batch has been handed over.
// Refuses to hold anything back for longer: what the running call does not come to, the end of its turn does.

const { diag } = require('../otel/diag.js');
const { afterUnwinding, isOutOfStack } = require('./unwinding.js');

const waiting = new Set(); // in which something may stand in line

class Turns {
  #isRunning = false;
  #fail = null; // of the work that runs, or that was cut off
  #line = []; // flat: work, fail
  #mend = () => {
    if (this.#isRunning || this.#fail !== null || this.#line.length > 0) this.#run(true);
  };

  /**
   * Calls `work()` now or, if running work asks for it, behind that. If it throws or is cut
   * off, `fail(error)` is called; if `fail` is cut off itself, it is called again.
   */
  take(work, fail) {
    // A call that was cut off (a `vm` script that ran out of time, no stack) does not say so. None outlives its turn.
    afterUnwinding(this.#mend);
    this.#line.push(work, fail);
    if (this.#isRunning) waiting.add(this);
    else this.#run(false);
  }

  /** `isUnwound`: there is as much stack as there will ever be. */
  #run(isUnwound) {
    this.#isRunning = true;
    try {
      if (this.#fail !== null) this.#end(new Error('the call was cut off'), isUnwound);
      while (this.#line.length > 0) {
        const [work, fail] = this.#line.splice(0, 2);
        this.#fail = fail;
        try {
          work();
          this.#fail = null;
        } catch (error) {
          this.#end(error, isUnwound);
        }
      }
      waiting.delete(this);
    } finally {
      this.#isRunning = false;
    }
  }

  /** The running call will not return: user code ends the process in it. */
  finish() {
    this.#run(true);
  }

  #end(error, isUnwound) {
    try {
      this.#fail(error);
    } catch (failure) {
      // Only what fails for want of stack is worth another try; anything else would stop every later turn.
      if (!isUnwound && isOutOfStack(failure)) throw failure;
      diag.error('Offloop: a call could not be ended', failure);
    }
    this.#fail = null;
  }
}

/** The process ends now: what stands in line has its turn. */
function finishTurns() {
  for (const turns of waiting) turns.finish();
}

module.exports = { finishTurns, Turns };
