'use strict';
// Owns keeping the process alive while a caller waits, until that caller's deadline.
// Refuses to know what the caller waits for.

const { inRootContext } = require('../otel/root_context.js');
const { clearTimeout, now, ref, setTimeout, unref } = require('../guards/timers.js');

const MAX_TIMER_MILLIS = 2 ** 31 - 1;

class Hold {
  #waiting = new Map(); // who waits -> until when; one that was cut off is forgotten then
  #timer = null;
  #alarmAt = 0; // of the timer: the first of the deadlines, or a time before it
  #isArming = false;

  /** `waiter` is any value that nobody else uses; it waits until it is released, `millis` at most. */
  acquire(waiter, millis) {
    const deadline = now() + Math.min(millis, MAX_TIMER_MILLIS);
    this.#waiting.set(waiter, deadline);
    if (this.#timer === null || deadline < this.#alarmAt) this.#armSoon();
    else if (this.#waiting.size === 1) ref(this.#timer);
  }

  release(waiter) {
    this.#waiting.delete(waiter);
    if (this.#waiting.size === 0) unref(this.#timer);
  }

  /** If nobody waits, nothing refers to this any more. */
  rest() {
    if (this.#waiting.size > 0) return;
    this.#disarm();
  }

  /** The timer stays for who waits next, and must not hold what belongs to this call. */
  #armSoon() {
    if (this.#isArming) return;
    inRootContext(() => {
      this.#isArming = false;
      this.#arm();
    });
    this.#isArming = true; // last: a call that was cut off before has asked for nothing
  }

  #arm() {
    this.#disarm();
    if (this.#waiting.size === 0) return;
    const alarmAt = Math.min(...this.#waiting.values());
    this.#alarmAt = alarmAt;
    const millis = Math.max(1, alarmAt - now());
    const isOver = () => {
      this.#disarm();
      const time = now();
      for (const [waiter, deadline] of this.#waiting) if (deadline <= time) this.#waiting.delete(waiter);
      this.#arm();
    };
    this.#timer = setTimeout(isOver, millis);
  }

  #disarm() {
    clearTimeout(this.#timer);
    this.#timer = null;
  }
}

module.exports = { Hold };
