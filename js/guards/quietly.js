'use strict';
// Owns adding listeners to `process` beside those of the application.
// Refuses to be noticed there.

const { afterUnwinding } = require('./unwinding.js');

/** Adds listeners without the warning about too many of them: an application that is near its limit is not leaking. */
function quietly(add) {
  const limit = process._maxListeners; // undefined where the application has set none: then it follows the default of all emitters
  const restore = () => {
    if (process._maxListeners === 0) process._maxListeners = limit; // another number is the application's, set meanwhile
  };
  afterUnwinding(restore); // a call that is cut off runs no `finally`
  process.setMaxListeners(0);
  try {
    add();
  } finally {
    restore();
  }
}

module.exports = { quietly };
