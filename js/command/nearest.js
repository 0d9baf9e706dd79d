'use strict';
// Owns "did you mean": which known word a mistyped one is nearest to.

const { editsBetween } = require('../config/options/edits.js');

const MOST_EDITS = 3;

/** The word of `known` that is few edits away from `word`, or null. */
function nearest(word, known) {
  let best = null;
  let fewest = Math.min(MOST_EDITS, Math.ceil(word.length / 3)) + 1;
  for (const each of known) {
    const edits = editsBetween(word.toUpperCase(), each.toUpperCase());
    if (edits < fewest) [best, fewest] = [each, edits];
  }
  return best;
}

module.exports = { nearest };
