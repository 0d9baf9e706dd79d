'use strict';
// Owns how many questions are under way at a time; the others wait for their turn, in the order in which they came.

const MOST_QUESTIONS = 64;
const MOST_WAITING = 1024;

class Turns {
  #free = MOST_QUESTIONS;
  #waiting = new Set();

  /**
   * Calls `begin(leave)` when it is its turn; `leave` gives the turn back.
   * @returns {(() => void) | null} takes the wish back, whether it waits or has its turn; null if too many wait
   */
  enter(begin) {
    if (this.#waiting.size >= MOST_WAITING) return null;
    let isOver = false;
    const turn = () => {
      this.#free -= 1;
      begin(leave);
    };
    const leave = () => {
      if (isOver) return;
      isOver = true;
      if (this.#waiting.delete(turn)) return;
      this.#free += 1;
      this.#callNext();
    };
    this.#waiting.add(turn);
    this.#callNext();
    return leave;
  }

  #callNext() {
    const [next] = this.#waiting;
    if (next === undefined || this.#free === 0) return;
    this.#waiting.delete(next);
    next();
  }
}

module.exports = { MOST_QUESTIONS, MOST_WAITING, Turns };
