'use strict';
// Owns copying long texts in turns of at most a millisecond, one batch after the other.
// Refuses to read anything but strings: every property of a span was read before its export call returned.

const { now, setImmediate } = require('../guards/timers.js');

const SLICE_MILLIS = 1;

/** The unfinished hand-overs of one environment. */
class Slices {
  #jobs = [];
  #immediate = null;

  /**
   * @param {(deadline: number) => boolean} copy copies until `deadline` (performance.now); true when all is written
   * @param {() => void} done hands the batch over; must not throw
   * @returns what `remove` takes
   */
  add(copy, done) {
    const job = { copy, done };
    this.#jobs.push(job);
    this.#schedule();
    return job;
  }

  /** Nobody needs that batch any more. */
  remove(job) {
    const index = this.#jobs.indexOf(job);
    if (index !== -1) this.#jobs.splice(index, 1);
  }

  /** Nothing is waiting: a batch may copy in the turn of its export call. */
  isIdle() {
    return this.#jobs.length === 0;
  }

  /** Copies everything at once: the process is about to end. */
  finishAll() {
    this.#run(Number.POSITIVE_INFINITY);
  }

  #schedule() {
    this.#immediate ??= setImmediate(() => {
      this.#immediate = null;
      this.#run(now() + SLICE_MILLIS);
      if (this.#jobs.length > 0) this.#schedule();
    });
  }

  #run(deadline) {
    while (this.#jobs.length > 0) {
      const { copy, done } = this.#jobs[0];
      if (!copy(deadline)) return;
      this.#jobs.shift();
      done();
      if (now() >= deadline) return;
    }
  }
}

module.exports = { Slices, SLICE_MILLIS };
