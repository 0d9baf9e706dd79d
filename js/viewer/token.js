'use strict';
// Owns the secrets of a run: the token that every question carries, and codes that are changed for it once.

const { createHash, randomBytes, timingSafeEqual } = require('node:crypto');
const { now } = require('../guards/timers.js');

const SECRET_BYTES = 32;
/** How long a browser may take from its start to its first request. */
const CODE_MILLIS = 10_000;

function newSecret() {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

/** In a time that does not depend on where they differ. */
function isEqual(one, other) {
  const digest = (text) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}

class Secrets {
  /** What the address that is printed carries. */
  token = newSecret();
  #code = null;
  #clock;

  /** @param {() => number} [clock] milliseconds */
  constructor(clock = now) {
    this.#clock = clock;
  }

  /** A code for the arguments of a browser, which everybody on the machine can read. There is one at a time. */
  newCode() {
    const code = newSecret();
    this.#code = { code, until: this.#clock() + CODE_MILLIS };
    return code;
  }

  /** The token for a code, once; null for any other text. */
  tokenFor(code) {
    const known = this.#code;
    if (known === null || !isEqual(known.code, code)) return null;
    this.#code = null;
    return this.#clock() > known.until ? null : this.token;
  }

  /** @param {string | undefined} header `Authorization` as it came */
  admits(header) {
    return header?.startsWith('Bearer ') === true && isEqual(header.slice('Bearer '.length), this.token);
  }
}

module.exports = { CODE_MILLIS, Secrets };
