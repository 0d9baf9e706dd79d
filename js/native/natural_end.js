'use strict';
// Owns the natural end of this thread's JavaScript: the loop has run dry, `beforeExit` comes, and spans are waited for.
// Refuses to have that event come again and again: a drain makes the loop turn, and so each needs a reason of its own.

const { isMainThread } = require('node:worker_threads');
const { diag } = require('../otel/diag.js');
const { quietly } = require('../guards/quietly.js');
const { now } = require('../guards/timers.js');
const { contained } = require('../guards/user_code.js');

const tell = (error) => diag.debug('Offloop: draining failed', error);

class NaturalEnd {
  /** The last drain has left spans: there is no time for another one. */
  isGivenUp = false;
  #members; // of the copies of this module: js/native/exit.js
  #startedAt = null; // of a drain under way
  #drainedMillis = 0; // of all rounds together
  #hasDrained = false;
  #hasWork = false; // when `beforeExit` came, there were spans that no listener of it has ended

  /** @param members the set of them, which changes */
  constructor(members) {
    this.#members = members;
  }

  /** Our listeners become the first and, which matters more, the last. */
  listen() {
    process.off('beforeExit', this.#onBeforeExit);
    process.on('beforeExit', this.#onBeforeExit);
    this.#listenFirst();
  }

  #listenFirst() {
    process.off('beforeExit', this.#beforeOthers);
    process.prependListener('beforeExit', this.#beforeOthers);
  }

  unlisten() {
    process.off('beforeExit', this.#beforeOthers);
    process.off('beforeExit', this.#onBeforeExit);
  }

  /** The process goes on: its next end has all the time, and may drain once more. */
  reopen() {
    this.#hasDrained = false;
    this.#begin();
  }

  /** `wholeProcess`: the batches of workers too, which hear of no end. */
  handOverAll(wholeProcess) {
    for (const member of [...this.#members]) contained(tell, () => member.handOver(wholeProcess));
  }

  /** `done` is called when every member has drained, or after `millis`. */
  drain(millis, done) {
    const members = [...this.#members];
    let waiting = members.length;
    let undelivered = 0;
    for (const member of members) {
      member.drain(millis, isMainThread, (left) => {
        undelivered += left;
        waiting -= 1;
        if (waiting > 0) return;
        this.isGivenUp = undelivered > 0;
        done();
      });
    }
  }

  /** Whoever listens to `beforeExit` may end spans there, each time. */
  #beforeOthers = () => {
    this.#hasWork = this.#hasOwnSpans();
    if (!this.#hasWork && this.#isAllOver()) this.#begin();
  };

  /**
   * Spans that have ended in the loop are waited for each time; those of the event's own listeners once. Later ones leave
   * with the `exit` event.
   */
  #onBeforeExit = () => {
    try {
      this.#stopClock();
      quietly(() => this.#listenFirst()); // somebody else may have come before us
      // Once: workers that go on making spans must not keep the process.
      this.handOverAll(isMainThread && this.#drainedMillis === 0);
      if (this.#isAllOver()) this.#begin();
      else if (this.#hasWork || !this.#hasDrained) this.#drainOnce(() => this.#drainRest());
    } catch (error) {
      tell(error);
    }
  };

  /** Drains the spans that ended during the drain or in later listeners, without another `beforeExit`. */
  #drainRest() {
    if (!this.#hasOwnSpans()) return;
    this.handOverAll(false);
    if (!this.#isAllOver()) this.#drainOnce(() => {});
  }

  #drainOnce(done) {
    this.#hasDrained = true;
    let longest = 0;
    for (const member of this.#members) longest = Math.max(longest, member.longest('drainMillis'));
    const left = longest - this.#drainedMillis;
    this.isGivenUp = left <= 0;
    if (this.isGivenUp) return;
    this.#startedAt = now();
    this.drain(left, () => {
      this.#stopClock();
      done();
    });
  }

  #stopClock() {
    if (this.#startedAt !== null) this.#drainedMillis += now() - this.#startedAt;
    this.#startedAt = null;
  }

  #begin() {
    this.#drainedMillis = 0;
    this.isGivenUp = false;
  }

  #isAllOver() {
    return [...this.#members].every((member) => member.pending(isMainThread) === 0);
  }

  #hasOwnSpans() {
    return [...this.#members].some((member) => member.queued > 0 || member.pending(false) > 0);
  }
}

module.exports = { NaturalEnd };
