'use strict';

/** A seeded generator (xorshift32): the same seed gives the same corpus on every machine and Node version. */
class Random {
  #state;

  constructor(seed) {
    this.#state = seed >>> 0 || 1;
  }

  /** 0 … 2^32 - 1 */
  next() {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state;
  }

  /** 0 … limit - 1 */
  below(limit) {
    return this.next() % limit;
  }

  /** 0 … 1 */
  fraction() {
    return this.next() / 2 ** 32;
  }

  chance(probability) {
    return this.fraction() < probability;
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  hex(digits) {
    let text = '';
    while (text.length < digits) text += this.next().toString(16).padStart(8, '0');
    return text.slice(0, digits);
  }

  times(count, make) {
    return Array.from({ length: count }, (_, index) => make(index));
  }
}

module.exports = { Random };
