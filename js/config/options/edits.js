'use strict';
// Owns how far a mistyped word is from a known one.

/** Letters inserted, left out, replaced or swapped with the next one. */
function editsBetween(from, to) {
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

module.exports = { editsBetween };
