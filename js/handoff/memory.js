'use strict';
// Owns this environment's views of the native blocks, by block number.
// Refuses to recycle: a block comes back when Rust has let go of it.

const { KIND_BULK, ENCODING_LATIN1, BULK_HEADER_WORDS } = require('./layout.js');

/** Blocks that Rust owns and JavaScript writes through external ArrayBuffers. */
class NativeMemory {
  #environment;
  #blocks = new Map();

  /** `first` has been asked for its buffer already: a block may have only one. */
  constructor(environment, first) {
    this.#environment = environment;
    this.#blocks.set(first.id, first);
  }

  /** A block of at least `minBytes`; `previous` will not be written any more. */
  acquireBlock(minBytes) {
    const id = this.#environment.acquireBlock(minBytes);
    let block = this.#blocks.get(id);
    if (block === undefined) {
      block = withWriters(this.#environment, viewsOf(id, this.#environment.blockBuffer(id)));
      this.#blocks.set(id, block);
    }
    return block;
  }

  releaseBlock(block) {
    this.#environment.releaseBlock(block.id);
  }

  /** What `Lane.submit` takes for flat segments. */
  segmentsForSubmit(segments) {
    return Uint32Array.from(segments);
  }
}

/** The same where the runtime forbids memory that is not its own (Electron): Rust copies each batch once. */
class CopiedMemory {
  #free = [];
  #blocks = new Map();
  #nextId = 0;

  acquireBlock(minBytes) {
    const index = this.#free.findIndex((block) => block.bytes.length >= minBytes);
    if (index !== -1) return this.#free.splice(index, 1)[0];
    const id = this.#nextId++;
    const block = viewsOf(id, new ArrayBuffer(Math.max(minBytes, 256 * 1024)));
    block.writeTexts = (word, ...values) => writeTexts(block, word, values);
    block.writeText = (byte, text) => block.bytes.latin1Write(text, byte);
    this.#blocks.set(id, block);
    return block;
  }

  releaseBlock(block) {
    if (this.#free.length < 16) this.#free.push(block);
    else this.#blocks.delete(block.id);
  }

  segmentsForSubmit(segments) {
    const parts = [];
    for (let i = 0; i < segments.length; i += 3) {
      const { bytes } = this.#blocks.get(segments[i]);
      parts.push(bytes.subarray(segments[i + 1] * 8, segments[i + 2] * 8));
    }
    return parts;
  }
}

function viewsOf(id, buffer) {
  return { id, f64: new Float64Array(buffer), i32: new Int32Array(buffer), bytes: Buffer.from(buffer) };
}

/**
 * Gives a block functions that write texts of one byte per unit: `writeTexts(word, number, text, …)`, MOST_TEXTS at the
 * most, as bulk records from `word` on, returns the word behind them; `writeText(byte, text)` returns the bytes. -1: no room.
 */
function withWriters(environment, block) {
  block.writeTexts = environment.bulkWriter(block.id);
  block.writeText = environment.textWriter(block.id);
  return block;
}

/** What native code does for its own blocks (addon/src/text_writer.rs). */
function writeTexts({ f64, bytes }, word, values) {
  let base = word;
  for (let i = 0; i < values.length; i += 2) {
    const units = bytes.latin1Write(values[i + 1], (base + BULK_HEADER_WORDS) << 3);
    const words = BULK_HEADER_WORDS + ((units + 7) >>> 3);
    f64[base] = KIND_BULK;
    f64[base + 1] = words;
    f64[base + 2] = values[i];
    f64[base + 3] = ENCODING_LATIN1;
    f64[base + 4] = units;
    base += words;
  }
  return base;
}

/** Whether the runtime lets native memory be written by JavaScript is known only by trying. */
function createMemory(environment) {
  const id = environment.acquireBlock(1);
  try {
    const first = sharedViews(environment, id);
    return first === null ? new CopiedMemory() : new NativeMemory(environment, withWriters(environment, first));
  } finally {
    environment.releaseBlock(id);
  }
}

function sharedViews(environment, id) {
  try {
    return viewsOf(id, environment.blockBuffer(id));
  } catch {
    return null;
  }
}

module.exports = { CopiedMemory, createMemory, NativeMemory };
