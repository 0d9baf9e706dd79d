'use strict';
// Owns this environment's views of the native blocks, by block number, and the one block that the next writer goes on in.
// Refuses to recycle: a block comes back when Rust has let go of it.

const { KIND_BULK, ENCODING_LATIN1, BULK_HEADER_WORDS } = require('./layout.js');

const NONE = -1;
const FORBIDDEN = 'external memory is forbidden'; // as addon/src/environment/blocks.rs says it

/** Blocks that Rust owns and JavaScript writes through external ArrayBuffers. */
class NativeMemory {
  #environment;
  #blocks = new Map();
  #buffers;
  #acquired = NONE; // number of a block that no caller has yet
  /** Where the next writer goes on; RecordStream alone takes it and puts it there. */
  spare = newSpare();

  /** @param {Map<number, { buffer: ArrayBuffer | null }>} buffers of blocks that have been asked for theirs: a block may have only one */
  constructor(environment, buffers) {
    this.#environment = environment;
    this.#buffers = buffers;
  }

  /** A block of at least `minBytes`. The caller has it when this call returns, and not before. */
  acquireBlock(minBytes) {
    if (this.#acquired === NONE) this.#acquired = this.#environment.acquireBlock(minBytes);
    let block = this.#viewsOf(this.#acquired);
    if (block.bytes.length < minBytes) {
      // A call that was cut off wanted a smaller one.
      this.#environment.releaseBlock(this.#acquired);
      this.#acquired = NONE;
      this.#acquired = this.#environment.acquireBlock(minBytes);
      block = this.#viewsOf(this.#acquired);
    }
    this.#acquired = NONE;
    return block;
  }

  #viewsOf(id) {
    let block = this.#blocks.get(id);
    if (block === undefined) {
      block = withWriters(this.#environment, viewsOf(id, bufferOf(this.#environment, this.#buffers, id)));
      this.#blocks.set(id, block);
    }
    return block;
  }

  releaseBlock(block) {
    this.#environment.releaseBlock(block.id);
  }

  /** Flat segments as `Lane.admit` and `Lane.complete` take them. */
  segmentsForSubmit(segments) {
    return Uint32Array.from(segments);
  }

  /** Whether there are no blocks, free or not. */
  get isEmpty() {
    return this.#buffers.size === 0;
  }

  /** No writer holds a block, and none is read: all of them are idle at once. */
  noteIdle() {
    releaseSpare(this);
    this.#environment.noteIdleBlocks();
  }

  /**
   * Returns up to `mostBytes` to the system, from blocks that nobody has used since the last complete round, and forgets
   * blocks that have returned all their memory. Returns whether there may be more.
   */
  giveBack(mostBytes) {
    releaseSpare(this); // it counts as needed, like everything else that came back since
    const isMore = this.#environment.releaseIdlePages(mostBytes);
    for (const id of this.#environment.forgetIdleBlocks()) {
      this.#blocks.delete(id);
      this.#buffers.delete(id);
    }
    return isMore;
  }
}

/** The same where the runtime forbids memory that is not its own (Electron): Rust copies each batch once. */
class CopiedMemory {
  #free = [];
  #blocks = new Map();
  #nextId = 0;
  spare = newSpare();

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

  get isEmpty() {
    return this.#blocks.size === 0;
  }

  noteIdle() {
    releaseSpare(this);
  }

  /** The garbage collector frees it. */
  giveBack() {
    for (const { id } of this.#free.splice(0)) this.#blocks.delete(id);
    releaseSpare(this);
    return false;
  }
}

/** What is left of a block that nobody writes to, from word `position` on. */
function newSpare() {
  return { block: null, position: 0 };
}

function releaseSpare(memory) {
  const { block } = memory.spare;
  memory.spare.block = null; // first: where the call below is cut off, a block is lost, and not in two hands
  if (block !== null) memory.releaseBlock(block);
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

/** The buffer of a block; it is kept before anything else is done with it. */
function bufferOf(environment, buffers, id) {
  const entry = buffers.get(id) ?? { buffer: null };
  buffers.set(id, entry);
  entry.buffer ??= environment.blockBuffer(id);
  return entry.buffer;
}

/** Whether the runtime lets native memory be written by JavaScript is known only by trying. */
function createMemory(environment) {
  const buffers = new Map();
  const id = environment.acquireBlock(1);
  try {
    bufferOf(environment, buffers, id);
    return new NativeMemory(environment, buffers);
  } catch (error) {
    // Any other failure is one of this moment, and says nothing about the runtime.
    if (error?.message !== FORBIDDEN) throw error;
    return new CopiedMemory();
  } finally {
    environment.releaseBlock(id);
  }
}

module.exports = { CopiedMemory, createMemory, NativeMemory };
