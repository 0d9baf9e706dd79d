'use strict';
// Owns the count of spans in a batch that native threads may take while it is being filled (src/handoff/open_batch.rs).
// Refuses to write spans: it counts those that SpanWriter has written and committed.

const { COUNT_AT, MIN_FREE_WORDS } = require('./layout.js');

/** The batch that a RecordStream is in; made right behind its first span. */
class OpenBatch {
  #stream;
  #head;
  #known = new Set(); // blocks that the native side holds
  count = 1;

  constructor(stream) {
    this.#stream = stream;
    this.#head = stream.block;
    Atomics.store(this.#head.i32, COUNT_AT, 1);
  }

  /** Has `stream` go on in another block where its own is the head of a batch that nobody has taken: it counts there. */
  static leaveHead(stream) {
    if (stream.block !== null && Atomics.load(stream.block.i32, COUNT_AT) > 0) stream.nextBlock(MIN_FREE_WORDS);
  }

  get head() {
    return this.#head.id;
  }

  /** `flat` pairs of block and first word that the native side does not hold yet; `noteGiven` when it has got them. */
  newParts() {
    const { segments, block, segmentStart } = this.#stream;
    const known = new Set(this.#known);
    const flat = [];
    for (let at = 0; at <= segments.length; at += 3) {
      const [id, start] = at < segments.length ? [segments[at], segments[at + 1]] : [block.id, segmentStart];
      if (known.has(id)) continue;
      known.add(id);
      flat.push(id, start);
    }
    return { flat, known };
  }

  /** Apart from `newParts`: whoever is cut off in between gives the same parts again, which the native side knows. */
  noteGiven({ known }) {
    this.#known = known;
  }

  /** Whether the last span went on in blocks that the native side does not hold yet. */
  get hasGrown() {
    return !this.#known.has(this.#stream.block.id);
  }

  /** It will not be handed over: nothing is counted in its head any more. */
  discard() {
    Atomics.store(this.#head.i32, COUNT_AT, 0);
  }

  /** Counts one more span. False: the batch has been taken before, and the span is not in it. */
  add() {
    if (Atomics.compareExchange(this.#head.i32, COUNT_AT, this.count, this.count + 1) !== this.count) return false;
    this.count += 1;
    return true;
  }
}

module.exports = { OpenBatch };
