'use strict';
// Owns the readers of `/api/live`: each gets what is new, four lines a second at most. For one that reads slowly, or
// has had its line, what comes meanwhile becomes one line.

const { begin } = require('./answers.js');
const { clearTimeout, now, setTimeout } = require('../guards/timers.js');

const INTERVAL_MILLIS = 250;
const MOST_CHANGED = 100;
const MOST_READERS = 64;

class Live {
  #readers = new Set();
  #newest = null;

  /** @returns {boolean} false if there are too many already */
  add(response) {
    if (this.#readers.size >= MOST_READERS) return false;
    begin(response, 200, { 'Content-Type': 'application/x-ndjson; charset=utf-8' });
    response.flushHeaders();
    const reader = new Reader(response);
    this.#readers.add(reader);
    response.once('close', () => {
      this.#readers.delete(reader);
      reader.close();
    });
    if (this.#newest !== null) reader.tell({ ...this.#newest, changed: [], changedCount: 0 });
    return true;
  }

  /** @param {object} news a line of the engine, parsed */
  tell(news) {
    this.#newest = news;
    for (const reader of this.#readers) reader.tell(news);
  }

  /** Ends all of them. */
  close() {
    for (const reader of this.#readers) reader.end();
  }
}

class Reader {
  #response;
  #pending = null;
  #isFull = false;
  #sentAt = Number.NEGATIVE_INFINITY;
  #timer = null;

  constructor(response) {
    this.#response = response;
    response.on('drain', () => {
      this.#isFull = false;
      this.#send();
    });
  }

  tell(news) {
    this.#pending = this.#pending === null ? news : merged(this.#pending, news);
    this.#send();
  }

  end() {
    this.#response.end();
  }

  close() {
    clearTimeout(this.#timer);
    this.#pending = null;
  }

  #send() {
    if (this.#pending === null || this.#isFull || this.#timer !== null) return;
    const wait = this.#sentAt + INTERVAL_MILLIS - now();
    if (wait > 0) {
      this.#timer = setTimeout(() => {
        this.#timer = null;
        this.#send();
      }, wait);
      return;
    }
    const line = `${JSON.stringify(this.#pending)}\n`;
    this.#pending = null;
    this.#sentAt = now();
    this.#isFull = !this.#response.write(line);
  }
}

/** One line that says what two said. `changedCount` may count a trace twice. */
function merged(older, newer) {
  const changed = [...new Set([...(older.changed ?? []), ...(newer.changed ?? [])])].slice(0, MOST_CHANGED);
  return { ...newer, changed, changedCount: (older.changedCount ?? 0) + (newer.changedCount ?? 0) };
}

module.exports = { INTERVAL_MILLIS, Live, MOST_READERS };
