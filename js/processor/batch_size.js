'use strict';
// Owns how many spans the next batch takes. A batch costs the main thread some 200 µs beside its spans (a number, a clock, a
// promise, wake-ups), so a service that ends tens of thousands of spans in a second makes larger ones. A size grows only while
// filling it takes less than a tenth of a second: what a SIGKILL can lose stays small.

const BACKLOG_BATCHES = 4; // with so many on their way, larger ones are made
const BACKLOG_SPANS = 2048;
const MOST_SPANS = 4096;
const QUEUE_SHARE = 4; // of the queue at most this part is one batch
const QUICK_MILLIS = 100;
const SLOW_MILLIS = 400;

class BatchSize {
  #least;
  #most;
  #backlog;
  #spans;

  /** `spans` is the size that holds while few spans come; if it `isGiven` by the user it holds always. */
  constructor(spans, isGiven, queueSpans) {
    this.#least = spans;
    this.#most = isGiven ? spans : Math.max(spans, Math.min(MOST_SPANS, Math.floor(queueSpans / QUEUE_SHARE)));
    this.#backlog = isGiven ? spans : Math.max(spans, BACKLOG_SPANS);
    this.#spans = spans;
  }

  /** Spans with which the next batch leaves, while `underWay` batches have not been answered. */
  next(underWay) {
    return underWay >= BACKLOG_BATCHES ? Math.max(this.#backlog, this.#spans) : this.#spans;
  }

  /** A batch has left: full after `millis`, or by its clock, on demand or for its bytes. */
  noteLeft(isFull, millis) {
    if (isFull && millis < QUICK_MILLIS) this.#spans = Math.min(this.#most, this.#spans * 2);
    else if (!isFull || millis > SLOW_MILLIS) this.#spans = Math.max(this.#least, Math.floor(this.#spans / 2));
  }
}

module.exports = { BatchSize };
