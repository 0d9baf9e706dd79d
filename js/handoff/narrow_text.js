'use strict';
// Owns the question whether a text fits one byte per unit, and how often a program is asked whose texts do not.
// Refuses to write anything.

const { isStringOneByteRepresentation } = require('node:v8');
const { MAX_WIDE_RUN } = require('./layout.js');

/**
 * Of a string that V8 keeps in one byte per unit it knows without looking at it: the expression compiled for those can
 * never match (docs/performance.md). It makes one string of a rope, though.
 */
const BEYOND_LATIN1 = /[\u0100-\uffff]/;

/** Whether V8 keeps `text` in one byte per unit; never where it cannot be asked (before Node.js 22.15, other runtimes). */
const isKeptNarrow = answers(isStringOneByteRepresentation) ? isStringOneByteRepresentation : () => false;

/** Whether every unit of `text` is below 256. */
function isNarrow(text) {
  return !BEYOND_LATIN1.test(text);
}

function answers(question) {
  try {
    return question('a') === true && question('\u0100') === false;
  } catch {
    return false; // not there, or there and not implemented
  }
}

/** Remembers that texts needed two bytes per unit of late: such programs pay for the attempt once in a while only. */
class WideRun {
  constructor() {
    this.length = 0; // attempts in a row that failed
    this.left = 0; // texts to write as UTF-16 without trying
  }

  mayBeNarrow() {
    if (this.left === 0) return true;
    this.left -= 1;
    return false;
  }

  note(wasNarrow) {
    if (wasNarrow) this.length = 0;
    else this.left = Math.min(this.length++ * 4, MAX_WIDE_RUN);
  }
}

module.exports = { isKeptNarrow, isNarrow, WideRun };
