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
  CHUNK_UNITS,
  ONE_WRITE_UNITS,
  MAX_WIDE_RUN,
} = require('./layout.js');

/**
 * Whether a text fits one byte per unit. Of a string that V8 keeps in one byte per unit it knows without looking at it:
 * the expression compiled for those can never match (docs/performance.md).
 */
const BEYOND_LATIN1 = /[\u0100-\uffff]/;

/**
 * A stream of records over native blocks. Two of them serve an exporter: one for spans, one for the long strings that
 * are copied in later turns.
 */
class RecordStream {
  /** @param memory the environment's blocks (memory.js) */
  constructor(memory) {
    this.memory = memory;
    this.block = null; // { id, f64, i32, bytes }
    this.full = []; // blocks that hold segments not yet submitted and will not be written any more
    this.f64 = null;
    this.bytes = null;
    this.position = 0; // next free word
    this.limit = 0; // words in the block
    this.segmentStart = 0;
    this.segments = []; // flat: block id, first word, end word
    this.wide = new WideRun();
    this.copy = new TextCopy();
  }

  /** Makes room for at least `words` more words, in a new block if need be. */
  ensure(words) {
    if (this.limit - this.position >= words) return;
    this.nextBlock(words);
  }

  nextBlock(words) {
    const block = this.memory.acquireBlock((words + BLOCK_HEADER_WORDS) * 8);
    if (this.block !== null) {
      this.closeSegment();
      this.full.push(this.block);
    }
    this.block = block;
    this.f64 = block.f64;
    this.bytes = block.bytes;
    this.limit = block.f64.length;
    this.position = BLOCK_HEADER_WORDS;
    this.segmentStart = BLOCK_HEADER_WORDS;
  }

  /** Publishes everything up to the current position: a reader in another thread may take it from here on. */
  commit() {
    Atomics.store(this.block.i32, 0, this.position);
  }

  closeSegment() {
    if (this.position > this.segmentStart) {
      // A span may end in this block while its long texts go on in the next one.
      this.commit();
      this.segments.push(this.block.id, this.segmentStart, this.position);
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
    for (const block of this.full) this.memory.releaseBlock(block);
    this.full.length = 0;
  }

  /** Lets go of every block; the stream can be written again afterwards. */
  release() {
    this.releaseFull();
    if (this.block !== null) this.memory.releaseBlock(this.block);
    this.block = null;
    this.limit = 0;
    this.position = 0;
    this.segmentStart = 0;
  }

  /**
   * Writes a whole bulk text now.
   * @returns its encoding
   */
  bulkText(index, text) {
    if (text.length <= ONE_WRITE_UNITS) return this.shortBulkText(index, text);
    this.copy.start(index, text);
    while (!this.copy.step(this));
    return this.copy.encoding;
  }

  shortBulkText(index, text) {
    const units = text.length;
    this.ensure(BULK_HEADER_WORDS + ((2 * units + 11) >>> 3));
    const base = this.position;
    const at = (base + BULK_HEADER_WORDS) << 3;
    if (this.wide.mayBeNarrow()) {
      const isNarrow = !BEYOND_LATIN1.test(text);
      this.wide.note(isNarrow);
      if (isNarrow) {
        this.bytes.latin1Write(text, at);
        this.bulkHeader(base, BULK_HEADER_WORDS + ((units + 7) >>> 3), index, ENCODING_LATIN1, units);
        return ENCODING_LATIN1;
      }
    }
    this.bytes.ucs2Write(text, at);
    this.bulkHeader(base, BULK_HEADER_WORDS + ((2 * units + 7) >>> 3), index, ENCODING_UTF16, units);
    return ENCODING_UTF16;
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

/** Remembers that texts needed two bytes per unit of late: such programs pay for the attempt once in a while only. */
class WideRun {
  constructor() {
    this.length = 0; // attempts in a row that failed
    this.left = 0; // texts to write as UTF-16 without trying
  }

  mayBeNarrow() {
    if (this.left === 0) return true;
    this.left -= 1;
    return false;
  }

  note(isNarrow) {
    if (isNarrow) this.length = 0;
    else this.left = Math.min(this.length++ * 4, MAX_WIDE_RUN);
  }
}

/** Copies one long text in steps of at most 64 Ki units, so that no step takes longer than some ten microseconds. */
class TextCopy {
  constructor() {
    this.index = -1;
    this.text = '';
    this.offset = 0;
    this.encoding = ENCODING_LATIN1;
    this.base = -1; // first word of the open record
    this.units = 0; // units in the open record
  }

  start(index, text) {
    this.index = index;
    this.text = text;
    this.offset = 0;
    this.encoding = ENCODING_LATIN1;
    this.base = -1;
    this.units = 0;
  }

  /** @returns {boolean} true when the whole text has been written */
  step(stream) {
    const { text } = this;
    const left = text.length - this.offset;
    if (this.base === -1) {
      if (this.offset === 0 && this.encoding === ENCODING_LATIN1 && !stream.wide.mayBeNarrow())
        this.encoding = ENCODING_UTF16;
      this.open(stream, left);
    }
    const unitBytes = this.encoding === ENCODING_LATIN1 ? 1 : 2;
    const at = ((this.base + BULK_HEADER_WORDS) << 3) + this.units * unitBytes;
    let units = Math.min(left, CHUNK_UNITS, Math.floor((stream.bytes.length - at) / unitBytes));
    if (this.encoding === ENCODING_LATIN1) {
      const part = this.part(units);
      const isNarrow = !BEYOND_LATIN1.test(part);
      if (this.offset === 0 || !isNarrow) stream.wide.note(isNarrow);
      if (!isNarrow) {
        this.close(stream);
        this.encoding = ENCODING_UTF16;
        return false;
      }
      stream.bytes.latin1Write(part, at);
    } else {
      if (units < left && isHighSurrogate(text.charCodeAt(this.offset + units - 1))) units -= 1;
      stream.bytes.ucs2Write(this.part(units), at);
    }
    this.offset += units;
    this.units += units;
    if (this.offset === text.length) {
      this.close(stream);
      this.text = ''; // holds no user's text longer than needed
      return true;
    }
    if ((stream.bytes.length - at) / unitBytes - units < 64) this.close(stream);
    return false;
  }

  part(units) {
    return units === this.text.length ? this.text : this.text.substring(this.offset, this.offset + units);
  }

  open(stream, left) {
    const wanted = Math.min(left, CHUNK_UNITS) * (this.encoding === ENCODING_LATIN1 ? 1 : 2);
    stream.ensure(BULK_HEADER_WORDS + ((wanted + 15) >>> 3));
    this.base = stream.position;
    this.units = 0;
  }

  close(stream) {
    if (this.units > 0) {
      const bytes = this.encoding === ENCODING_LATIN1 ? this.units : this.units * 2;
      const words = BULK_HEADER_WORDS + ((bytes + 7) >>> 3);
      stream.bulkHeader(this.base, words, this.index, this.encoding, this.units);
    }
    this.base = -1;
  }
}

/** Texts of one batch that were kept by reference. */
class DeferredTexts {
  constructor() {
    this.texts = []; // flat: index, text
    this.copy = null; // of a text that is copied in steps
    this.isCopying = false;
  }

  /** Not 0 until the last one is written. */
  get length() {
    return this.texts.length + (this.isCopying ? 1 : 0);
  }

  /** Lets go of what has not been written. */
  clear() {
    this.texts.length = 0;
    this.isCopying = false;
    this.copy = null;
  }

  /** Writes a text, or at most 64 Ki units of a long one. */
  step(stream) {
    if (!this.isCopying) {
      const text = this.texts.pop();
      const index = this.texts.pop();
      if (text.length <= ONE_WRITE_UNITS) {
        stream.shortBulkText(index, text);
        return;
      }
      this.copy ??= new TextCopy();
      this.copy.start(index, text);
      this.isCopying = true;
    }
    this.isCopying = !this.copy.step(stream);
  }
}

function isHighSurrogate(unit) {
  return (unit & 0xfc00) === 0xd800;
}

// Through the intrinsic getter: a subclass may shadow `byteLength`.
const typedArrayByteLength = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  'byteLength',
).get;

function byteLengthOf(bytes) {
  return typedArrayByteLength.call(bytes);
}

module.exports = { DeferredTexts, RecordStream, WideRun, byteLengthOf };
