'use strict';
// Owns matching names as the rules of `process` match them (src/process/glob.rs): exact, with `*` for any run and `?` for one
// character, and `**.` in front for the rest behind any dot. Refuses to take more than a moment: what is longer than any name
// and any route is not compared, and so not met.

const MAX_UNITS = 1024; // of a text
const MAX_PATTERN_UNITS = 256;
const STAR = '*';

/** @returns {(text: string) => boolean} */
function globOf(pattern) {
  const isDeep = pattern.startsWith('**.');
  const rest = isDeep ? pattern.slice(3) : pattern;
  if (!isDeep && !/[*?]/.test(rest)) return (text) => text === pattern;
  return (text) => {
    if (text.length > MAX_UNITS) return false;
    if (runs(rest, text)) return true;
    for (let at = isDeep ? text.indexOf('.') : -1; at !== -1; at = text.indexOf('.', at + 1))
      if (runs(rest, text.slice(at + 1))) return true;
    return false;
  };
}

/** Goes back to the last `*` only: its time is the product of both lengths at most. */
function runs(pattern, text) {
  let [at, read, star, from] = [0, 0, -1, 0];
  while (read < text.length) {
    const wanted = pattern[at];
    if (wanted === STAR) {
      star = at++;
      from = read;
    } else if (wanted === '?') {
      at += 1;
      read += text.codePointAt(read) > 0xffff ? 2 : 1;
    } else if (wanted === text[read]) {
      at += 1;
      read += 1;
    } else if (star !== -1) {
      at = star + 1;
      read = ++from;
    } else return false;
  }
  while (pattern[at] === STAR) at += 1;
  return at === pattern.length;
}

module.exports = { globOf, MAX_PATTERN_UNITS };
