'use strict';
// Owns "did you mean": which known word a mistyped one is nearest to.

const MOST_EDITS = 3;

/** The word of `known` that is few edits away from `word`, or null. */
function nearest(word, known) {
  let best = null;
  let fewest = Math.min(MOST_EDITS, Math.ceil(word.length / 3)) + 1;
  for (const each of known) {
    const edits = distance(word.toUpperCase(), each.toUpperCase());
    if (edits < fewest) [best, fewest] = [each, edits];
  }
  return best;
}

/** Letters inserted, left out, replaced or swapped with the next one. */
function distance(from, to) {
  let beforeLast = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const isSame = from[row - 1] === to[column - 1];
      current[column] = Math.min(last[column] + 1, current[column - 1] + 1, last[column - 1] + (isSame ? 0 : 1));
      const isSwapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      if (isSwapped) current[column] = Math.min(current[column], beforeLast[column - 2] + 1);
    }
    [beforeLast, last] = [last, current];
  }
  return last[to.length];
}

module.exports = { nearest };
