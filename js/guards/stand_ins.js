'use strict';
// Owns the way from what stands in for an object of ours to that object: private state belongs to the object that a
// constructor made, and an application may hold a Proxy of it, an object created from it, or a copy of its properties.
// Refuses to hold state itself: what such a copy carries is a token that shows nothing and leads only in here.

/** Shown by util.inspect in place of all that it leads to. */
class Token {}

class StandIns {
  #key;
  #originals = new WeakMap(); // token -> object

  /** @param {string} name of the property that leads to the object; a symbol that nobody else can name */
  constructor(name) {
    this.#key = Symbol(name);
  }

  /** To be called by the constructor of `object`. */
  sign(object) {
    const token = Object.freeze(new Token());
    this.#originals.set(token, object);
    // Spread copies what is enumerable; keys, JSON and loops know no symbols.
    Object.defineProperty(object, this.#key, { value: token, enumerable: true });
  }

  /** The signed object that `standIn` stands in for, undefined behind any other value. May throw where a Proxy does. */
  originalOf(standIn) {
    return this.#originals.get(Object(standIn)[this.#key]);
  }
}

module.exports = { StandIns };
