'use strict';
// Owns records in blocks: where they lie, how texts and bytes get there, what a reader may already take.
// Refuses to know what a span is.

const {
  KIND_BULK,
  ENCODING_LATIN1,
  ENCODING_UTF16,
  ENCODING_BYTES,
  BLOCK_HEADER_WORDS,
  BULK_HEADER_WORDS,
  COUNT_AT,
  MIN_FREE_WORDS,
  ONE_WRITE_UNITS,
  MOST_TEXTS,
  STEP_WORDS,
} = require('./layout.js');
const { isKeptNarrow, isNarrow, WideRun } = require('./narrow_text.js');
const { TextCopy } = require('./text_copy.js');

const FULL_BEFORE_LARGE = 4;
const LARGE_BLOCK_BYTES = 1 << 20;
const ORDINARY_BLOCK_BYTES = 1 << 18; // as in src/handoff/pool.rs

/**
 * A stream of records over native blocks. Two of them serve an exporter: one for spans, one for the long strings that
 * are copied in later turns. Between batches it holds no block: there may be thousands of exporters.
 */
class RecordStream {
  /** @param memory the environment's blocks (memory.js) */
  constructor(memory) {
    this.memory = memory;
    this.block = null; // { id, f64, i32, bytes, writeTexts }
    this.full = []; // blocks that hold segments not yet submitted and will not be written any more
    this.f64 = null;
    this.bytes = null;
    this.position = 0; // next free word
    this.limit = 0; // words in the block
    this.segmentStart = 0;
    this.segments = []; // flat: block id, first word, end word
    this.wide = new WideRun();
    this.copy = new TextCopy();
    this.copiedUnits = 0; // cost of the bulk texts so far
  }

  /**
   * Starts a batch behind all that was written before. Whatever an earlier one has left here is nobody's: it was handed over,
   * or the call that wrote it was cut off.
   */
  begin() {
    this.releaseFull();
    this.segments = [];
    this.segmentStart = this.position;
  }

  /** Makes room for at least `words` more words, in a new block if need be. */
  ensure(words) {
    if (this.limit - this.position >= words) return;
    this.nextBlock(words);
  }

  nextBlock(words) {
    // A batch that has filled some blocks goes on in larger ones: each is some calls of the main thread.
    const least = this.full.length < FULL_BEFORE_LARGE ? 0 : LARGE_BLOCK_BYTES;
    if (this.block === null) {
      if (this.takeSpare(words)) return;
    } else {
      this.closeSegment();
    }
    const block = this.memory.acquireBlock(Math.max(least, (words + BLOCK_HEADER_WORDS) * 8));
    const limit = block.f64.length;
    // No call from here on: a stack that is exhausted or a `vm` script that is out of time can cut off only at a call.
    if (this.block !== null) this.full[this.full.length] = this.block;
    this.block = block;
    this.f64 = block.f64;
    this.bytes = block.bytes;
    this.limit = limit;
    this.position = BLOCK_HEADER_WORDS;
    this.segmentStart = BLOCK_HEADER_WORDS;
  }

  /** Goes on where the last batch of this environment has ended, if there is room for `words`. */
  takeSpare(words) {
    const { spare } = this.memory;
    const { block, position } = spare;
    if (block === null) return false;
    const { bytes, f64 } = block;
    const limit = f64.length;
    if (limit - position < words) return false;
    // No call from here on, as above.
    spare.block = null;
    this.block = block;
    this.f64 = f64;
    this.bytes = bytes;
    this.limit = limit;
    this.position = position;
    this.segmentStart = position;
    return true;
  }

  /** Publishes everything up to the current position: a reader in another thread may take it from here on. */
  commit() {
    Atomics.store(this.block.i32, 0, this.position);
  }

  closeSegment() {
    if (this.position > this.segmentStart) {
      // A span may end in this block while its long texts go on in the next one.
      this.commit();
      const { segments } = this;
      const at = segments.length;
      // No call between these lines, as above.
      segments[at] = this.block.id;
      segments[at + 1] = this.segmentStart;
      segments[at + 2] = this.position;
      this.segmentStart = this.position;
    }
  }

  /** Segments written since the last call. Submit them, then call `releaseFull`. */
  takeSegments() {
    this.closeSegment();
    const segments = this.segments;
    this.segments = [];
    return segments;
  }

  /** Lets go of the blocks whose segments have all been submitted. */
  releaseFull() {
    const { full } = this;
    while (full.length > 0) {
      this.memory.releaseBlock(full[full.length - 1]);
      full.length -= 1; // right behind the call: a block that is released twice might be somebody else's by then
    }
  }

  /**
   * Holds no block until the next batch. Only where all that was written is with the native side: what is left of the last
   * block is for the next batch of this environment, whosever it is.
   */
  rest() {
    const { block, full, position } = this;
    const { spare } = this.memory;
    if (block !== null) {
      const isOrdinary = this.limit * 8 <= ORDINARY_BLOCK_BYTES && this.limit - position >= MIN_FREE_WORDS;
      // No call between these lines, as above: a block is always in one place.
      if (spare.block === null && isOrdinary && !(block.i32[COUNT_AT] > 0)) {
        spare.position = position;
        spare.block = block;
      } else {
        full[full.length] = block;
      }
      this.block = null;
      this.f64 = null; // views keep memory that the native side has let go of
      this.bytes = null;
      this.limit = 0;
      this.position = 0;
      this.segmentStart = 0;
    }
    this.releaseFull();
  }

  /** Lets go of every block, whatever was written; the stream can be written again afterwards. */
  release() {
    this.releaseFull();
    const { block } = this;
    if (block === null) return;
    this.memory.releaseBlock(block);
    this.block = null;
    this.limit = 0;
    this.position = 0;
    this.segmentStart = 0;
  }

  /** Writes a whole bulk text now, of any length. */
  bulkText(index, text) {
    this.copy.start(index, text);
    while (!this.copy.step(this));
  }

  /**
   * Writes texts of `values` (flat: index, value) from `from` on: as many as fit into one native call, then at most one that
   * needs UTF-16. It stops before a value that is no string or is longer than ONE_WRITE_UNITS; the caller sees to it that
   * the first one is neither.
   * @returns {number} where in `values` it stopped
   */
  bulkTexts(values, from) {
    // A loop of nothing but this lets the processor fetch the heads of many texts at once.
    const last = Math.min(values.length, from + 2 * MOST_TEXTS);
    const room = Math.min(this.limit - this.position, STEP_WORDS);
    let to = from;
    let words = 0;
    while (to < last) {
      const text = values[to + 1];
      if (typeof text !== 'string' || text.length > ONE_WRITE_UNITS) break;
      // With the zero that Node-API writes behind a text, and a byte more, which tells that it was the whole text.
      const needed = words + BULK_HEADER_WORDS + ((text.length + 9) >>> 3);
      if (needed > room && to > from) break;
      words = needed;
      to += 2;
    }
    let end = from;
    while (end < to && this.isNarrow(values[end + 1])) end += 2;
    if (end > from) this.narrowTexts(values, from, end, words);
    if (end === to) return end;
    this.wideText(values[end], values[end + 1]);
    return end + 2;
  }

  narrowTexts(values, from, end, words) {
    this.ensure(words);
    const taken = end - from === values.length ? values : values.slice(from, end);
    const position = this.block.writeTexts(this.position, ...taken);
    if (position < 0) {
      // Never, if `words` are right: each by itself, in whatever room there is.
      for (let i = from; i < end; i += 2) this.bulkText(values[i], values[i + 1]);
      return;
    }
    this.copiedUnits += (position - this.position) << 3; // heads and padding included
    this.position = position;
  }

  isNarrow(text) {
    if (isKeptNarrow(text)) return true;
    if (!this.wide.mayBeNarrow()) return false;
    const answer = isNarrow(text);
    this.wide.note(answer);
    return answer;
  }

  wideText(index, text) {
    const units = text.length;
    const words = BULK_HEADER_WORDS + ((2 * units + 7) >>> 3);
    this.ensure(words);
    const base = this.position;
    this.bytes.ucs2Write(text, (base + BULK_HEADER_WORDS) << 3);
    this.bulkHeader(base, words, index, ENCODING_UTF16, units);
    this.noteCopied(units, ENCODING_UTF16);
  }

  noteCopied(units, encoding) {
    this.copiedUnits += copyCost(units, encoding);
  }

  /** Writes the bytes of a Uint8Array now: they may change after this turn. */
  bulkBytes(index, bytes) {
    const length = byteLengthOf(bytes);
    const words = BULK_HEADER_WORDS + ((length + 7) >>> 3);
    this.ensure(words);
    const base = this.position;
    let copied = length;
    try {
      this.bytes.set(bytes, (base + BULK_HEADER_WORDS) << 3);
    } catch {
      copied = 0; // detached, or made larger by another thread meanwhile
    }
    this.bulkHeader(base, words, index, ENCODING_BYTES, copied);
  }

  bulkHeader(base, words, index, encoding, units) {
    const f64 = this.f64;
    f64[base] = KIND_BULK;
    f64[base + 1] = words;
    f64[base + 2] = index;
    f64[base + 3] = encoding;
    f64[base + 4] = units;
    this.position = base + words;
  }
}

/** What copying `units` counts for: other texts than Latin-1 take three times as long. */
function copyCost(units, encoding) {
  return encoding === ENCODING_LATIN1 ? units : units * 3;
}

// Through the intrinsic getter: a subclass may shadow `byteLength`.
const typedArrayByteLength = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  'byteLength',
).get;

function byteLengthOf(bytes) {
  return typedArrayByteLength.call(bytes);
}

module.exports = { RecordStream, byteLengthOf, copyCost };
