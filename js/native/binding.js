'use strict';
// Owns loading the native addon, once.
// Refuses to fall back: whoever wants a substitute decides that elsewhere (stock_fallback.js).

const { describeLoadFailure } = require('./load_failure.js');

let binding;

/** @throws {Error} with `code` ERR_OFFLOOP_BINDING, one sentence that says what to do, and the loader's error as `cause` */
function loadBinding() {
  if (binding === undefined) {
    try {
      binding = require('../../addon/index.js');
    } catch (error) {
      const explained = new Error(describeLoadFailure(error), { cause: error });
      explained.code = 'ERR_OFFLOOP_BINDING';
      throw explained;
    }
  }
  return binding;
}

/** Whether the addon loads. */
function hasBinding() {
  try {
    loadBinding();
    return true;
  } catch {
    return false;
  }
}

module.exports = { hasBinding, loadBinding };
