'use strict';
// Owns the texts of a batch that were kept by reference, and writing them in steps that are short whatever their length.
// Refuses to know when a step is due (slices.js), and what the texts belong to.

const { MOST_TEXTS, ONE_WRITE_UNITS } = require('./layout.js');
const { append, mixedList } = require('./mixed_list.js');
const { TextCopy } = require('./text_copy.js');

// A list that grows is copied, and one of many thousand entries is not made among V8's young objects.
const LIST_ENTRIES = 2048;

/** Texts of one batch that were kept by reference, written in the order in which they came. */
class DeferredTexts {
  /** @param {number} joinedUnits of a list of values, texts up to this length are not meant */
  constructor(joinedUnits) {
    this.joinedUnits = joinedUnits;
    this.texts = mixedList(); // flat: number, text or list of values; what is being filled
    this.lists = []; // those before it
    this.at = 0; // how much of the first list has been taken
    this.taken = mixedList(); // flat: number, text; what is written next
    this.takenAt = 0;
    this.copy = null; // of a text that is copied in steps
    this.isCopying = false;
  }

  /** Called between spans: what a span adds is in one list, so that it can be taken back. */
  beginSpan() {
    if (this.texts.length < LIST_ENTRIES) return;
    const fresh = mixedList();
    this.lists[this.lists.length] = this.texts;
    this.texts = fresh;
  }

  /** Whether the last one is written. */
  get isEmpty() {
    return !this.isCopying && this.takenAt === this.taken.length && this.isTaken;
  }

  get isTaken() {
    return this.lists.length === 0 && this.at === this.texts.length;
  }

  /** Lets go of what has not been written. */
  clear() {
    this.texts = mixedList();
    this.lists.length = 0;
    this.at = 0;
    this.taken = mixedList();
    this.takenAt = 0;
    this.isCopying = false;
    this.copy = null;
  }

  /** Writes some short texts or one of some length, or at most 64 Ki units of a long one. */
  step(stream) {
    if (!this.isCopying) {
      if (this.takenAt === this.taken.length) this.take();
      const { taken, takenAt } = this;
      const text = taken[takenAt + 1];
      if (text.length <= ONE_WRITE_UNITS) {
        this.moveTo(stream.bulkTexts(taken, takenAt));
        return;
      }
      this.copy ??= new TextCopy();
      this.copy.start(taken[takenAt], text);
      this.isCopying = true;
      this.moveTo(takenAt + 2);
    }
    this.isCopying = !this.copy.step(stream);
  }

  /** Holds no user's text longer than needed: what waits for its answer may wait for hours. */
  moveTo(takenAt) {
    this.takenAt = takenAt;
    if (takenAt < this.taken.length) return;
    this.taken = mixedList();
    this.takenAt = 0;
  }

  /** Takes texts for the next steps. */
  take() {
    const taken = mixedList();
    while (taken.length < 2 * MOST_TEXTS && !this.isTaken) {
      const list = this.lists.length > 0 ? this.lists[0] : this.texts;
      const number = list[this.at];
      const value = list[this.at + 1];
      if (typeof value === 'string') append(taken, number, value);
      else this.takeLong(taken, number, value);
      this.at += 2;
      if (this.at === list.length) {
        this.at = 0;
        if (this.lists.length > 0) this.lists.shift();
        else this.texts = mixedList();
      }
    }
    this.taken = taken;
    this.takenAt = 0;
  }

  takeLong(taken, first, values) {
    let number = first;
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (typeof value === 'string' && value.length > this.joinedUnits) append(taken, number++, value);
    }
  }
}

module.exports = { DeferredTexts };
