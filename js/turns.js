'use strict';
// Owns the rule for code that calls back: an exporter does one thing after the other. What user code asks of it while it
// reads a batch (getters of spans, lists and headers) waits in line until that batch has been handed over.
// Refuses to hold anything back for longer: what the running call does not come to, the end of its turn does.

class Turns {
  #isRunning = false;
  #line = []; // flat: work, fail

  /** Calls `work()` now or, if running work asks for it, behind that. What it throws goes to `fail(error)`. */
  take(work, fail) {
    this.#line.push(work, fail);
    if (!this.#isRunning) {
      this.#run();
    } else if (this.#line.length === 2) {
      // A call that was cut off (a `vm` script that ran out of time) does not say so. No call outlives its turn.
      queueMicrotask(() => {
        if (this.#line.length > 0) this.#run();
      });
    }
  }

  #run() {
    this.#isRunning = true;
    while (this.#line.length > 0) {
      const [work, fail] = this.#line.splice(0, 2);
      try {
        work();
      } catch (error) {
        fail(error);
      }
    }
    this.#isRunning = false;
  }
}

module.exports = { Turns };
