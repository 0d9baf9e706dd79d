'use strict';
// Owns the question whether a text fits one byte per unit, and how often a program is asked whose texts do not.
// Refuses to write anything.

const { MAX_WIDE_RUN } = require('./layout.js');

/**
 * Of a string that V8 keeps in one byte per unit it knows without looking at it: the expression compiled for those can
 * never match (docs/performance.md). It makes one string of a rope, though.
 */
const BEYOND_LATIN1 = /[\u0100-\uffff]/;

/** Whether V8 keeps `text` in one byte per unit; never where it cannot be asked (before Node.js 22.15, other runtimes). */
const isKeptNarrow = question() ?? (() => false);

/** Whether every unit of `text` is below 256. */
function isNarrow(text) {
  return !BEYOND_LATIN1.test(text);
}

function question() {
  // Of an older Node.js, `node:v8` would be loaded for nothing.
  if (Number.parseInt(process.versions.node, 10) < 22) return null;
  const { isStringOneByteRepresentation: ask } = require('node:v8');
  try {
    return ask('a') === true && ask('\u0100') === false ? ask : null;
  } catch {
    return null; // not there, or there and not implemented
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
