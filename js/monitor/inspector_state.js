'use strict';
// Owns knowing whether a debugger can be attached to this thread: only then can a pause be one.
// Refuses to open a session.

let inspector; // undefined: not looked for yet

/** Whether the inspector listens. */
function isListening() {
  try {
    inspector ??= require('node:inspector');
    return inspector.url() !== undefined;
  } catch {
    return false; // a build without it
  }
}

module.exports = { isListening };
