'use strict';
// Owns asking for a module of Node's without anybody noticing. Refuses modules that are not Node's.

const Module = require('node:module');

/**
 * Past `require` and `process.getBuiltinModule`: instrumentations patch a module when somebody first asks for it there, and a
 * program that never asks for `dns` or `net` would make spans that it does not make with the stock exporter.
 */
function builtIn(name) {
  try {
    return Module._load(name, module, false);
  } catch {
    return require(name); // a runtime, or a test runner, with a loader of its own
  }
}

module.exports = { builtIn };
