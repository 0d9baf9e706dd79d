'use strict';
// Owns the way from what stands in for an object of ours to that object: private state belongs to the object that a
// constructor made, and an application may hold a Proxy of it, an object created from it, or a copy of its properties.
// Refuses to hold state itself: what such a copy carries is a token that shows nothing and leads only in here.

/** Shown by util.inspect in place of all that it leads to. */
class Token {}

class StandIns {
  #what;
  #key;
  #originals = new WeakMap(); // token -> object

  /** @param {string} what the objects are, as messages say it. The property that leads to one is a symbol of our own. */
  constructor(what) {
    this.#what = what;
    this.#key = Symbol(`offloop.${what}`);
  }

  /** To be called by the constructor of `object`. */
  sign(object) {
    const token = Object.freeze(new Token());
    this.#originals.set(token, object);
    // Spread copies what is enumerable; keys, JSON and loops know no symbols.
    Object.defineProperty(object, this.#key, { value: token, enumerable: true });
  }

  /**
   * The signed object that `standIn` stands in for: a stand-in has its methods, and none of its state.
   * @throws {TypeError} on any other value; what a Proxy throws
   */
  originalOf(standIn) {
    const original = this.#originals.get(Object(standIn)[this.#key]);
    if (original === undefined)
      throw new TypeError(`Offloop: a method of the ${this.#what} was called on something else`);
    return original;
  }
}

module.exports = { StandIns };
