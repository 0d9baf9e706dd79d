'use strict';
// Owns cutting what the engine writes into frames: a header, which is one line of JSON, and as many bytes as it names.
// It refuses to know what a frame is for.

const NEWLINE = 10;
const LONGEST_HEADER = 4096;
// The largest answer is a piece of an export: a line has 128 MiB at most, and there is less than that before it.
const LARGEST_BODY = 256 * 1024 * 1024;
const EMPTY = Buffer.alloc(0);

class FrameReader {
  #onFrame;
  #header = null;
  #pieces = [];
  #length = 0;

  /** @param {(header: object, body: Buffer) => void} onFrame */
  constructor(onFrame) {
    this.#onFrame = onFrame;
  }

  /** @throws {Error} if the bytes are no frames */
  push(chunk) {
    let rest = chunk;
    while (rest.length > 0) rest = this.#header === null ? this.#readHeader(rest) : this.#readBody(rest);
  }

  #readHeader(bytes) {
    const end = bytes.indexOf(NEWLINE);
    this.#keep(end === -1 ? bytes : bytes.subarray(0, end));
    if (this.#length > LONGEST_HEADER) throw new Error('a header is too long');
    if (end === -1) return EMPTY;
    const header = headerOf(this.#take());
    if (header.bytes === 0) this.#onFrame(header, EMPTY);
    else this.#header = header;
    return bytes.subarray(end + 1);
  }

  #readBody(bytes) {
    const header = this.#header;
    const piece = bytes.subarray(0, header.bytes - this.#length);
    this.#keep(piece);
    if (this.#length === header.bytes) {
      this.#header = null;
      this.#onFrame(header, this.#take());
    }
    return bytes.subarray(piece.length);
  }

  #keep(piece) {
    this.#pieces.push(piece);
    this.#length += piece.length;
  }

  #take() {
    const all = this.#pieces.length === 1 ? this.#pieces[0] : Buffer.concat(this.#pieces, this.#length);
    this.#pieces = [];
    this.#length = 0;
    return all;
  }
}

function headerOf(line) {
  const header = JSON.parse(line.toString('utf8'));
  const { bytes } = Object(header);
  if (!Number.isSafeInteger(bytes) || bytes < 0 || bytes > LARGEST_BODY) throw new Error('a header names no length');
  return header;
}

module.exports = { FrameReader, LARGEST_BODY, LONGEST_HEADER };
