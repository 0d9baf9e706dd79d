'use strict';

/** Turns the 'data' events of a socket into awaited reads; null means that the peer is gone. */
class SocketReader {
  #chunks = [];
  #length = 0;
  #ended = false;
  #wake = null;

  constructor(socket) {
    socket.on('data', (chunk) => {
      this.#chunks.push(chunk);
      this.#length += chunk.length;
      this.#wake?.();
    });
    const end = () => {
      this.#ended = true;
      this.#wake?.();
    };
    socket.on('end', end);
    socket.on('close', end);
  }

  /** Bytes up to and including `delimiter`, at most `limit`. */
  async until(delimiter, limit = 1 << 20) {
    for (;;) {
      const joined = this.#join();
      const at = joined.indexOf(delimiter);
      if (at >= 0) return this.#take(at + delimiter.length);
      if (joined.length > limit) throw new Error(`no ${JSON.stringify(delimiter)} within ${limit} bytes`);
      if (!(await this.#more())) return null;
    }
  }

  /** Exactly `length` bytes. */
  async exactly(length) {
    while (this.#length < length) {
      if (!(await this.#more())) return null;
    }
    return this.#take(length);
  }

  /** Throws away `length` bytes as they come, without keeping them. */
  async skip(length) {
    let left = length;
    while (left > 0) {
      if (this.#length === 0 && !(await this.#more())) return null;
      left -= this.#take(Math.min(left, this.#length)).length;
    }
    return length;
  }

  #join() {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] ?? Buffer.alloc(0);
  }

  #take(length) {
    const joined = this.#join();
    const rest = joined.subarray(length);
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#length = rest.length;
    return joined.subarray(0, length);
  }

  async #more() {
    if (this.#ended) return false;
    await new Promise((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = null;
    return true;
  }
}

module.exports = { SocketReader };
