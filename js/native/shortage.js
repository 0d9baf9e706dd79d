'use strict';
// Owns the question whether the process can open files at this moment.
// Refuses to wait until it can.

const fs = require('node:fs');

/** Whether no descriptor is free: then a module that is not found says nothing about what is installed. */
function isShortOfDescriptors() {
  try {
    fs.closeSync(fs.openSync(process.execPath, 'r'));
    return false;
  } catch {
    return true;
  }
}

module.exports = { isShortOfDescriptors };
