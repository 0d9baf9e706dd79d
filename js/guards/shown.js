'use strict';
// Owns how much of a text from outside is shown (src/shown.rs does the same for what native code hears).
// Refuses to know who said it.

const SHOWN_UNITS = 1024;

/** What user code, a peer or the environment says has no bound of its own: it is cut before anything is made of it. */
function shown(text) {
  return text.length > SHOWN_UNITS ? text.slice(0, SHOWN_UNITS) : text;
}

module.exports = { SHOWN_UNITS, shown };
