'use strict';
// Owns the one way in which code that is not ours is called where its answer does not matter to us: callbacks, meters,
// loggers, error handlers. It may throw, answer a promise that rejects, or call back into us.
// Refuses to judge what such code says, and to wait for it.

const { isPromise } = require('node:util/types');

const MAX_TIMER_MILLIS = 2 ** 31 - 1;

/**
 * Calls `callback(...args)` and returns what it returns. What it throws goes to `onError`, and so does what a promise that
 * it returns rejects with: nobody else would handle that, and it would end the process.
 */
function contained(onError, callback, ...args) {
  try {
    const result = callback(...args);
    if (isPromise(result)) Promise.prototype.then.call(result, undefined, onError);
    return result;
  } catch (error) {
    onError(error);
    return undefined;
  }
}

/** `callback` for code that may call it more than once or too late: only the first call counts. */
function once(callback) {
  let isCalled = false;
  return (...args) => {
    if (isCalled) return;
    isCalled = true;
    callback(...args);
  };
}

const ignore = () => {};

/** As setTimeout takes it, without its warning. */
function timerMillis(millis) {
  return millis >= 1 ? Math.min(millis, MAX_TIMER_MILLIS) : 1;
}

module.exports = { contained, ignore, once, timerMillis };
