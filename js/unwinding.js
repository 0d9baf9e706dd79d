'use strict';
// Owns the moment at which no call is under way any more, and how a call that ran out of stack shows.
// Refuses to know what such calls leave behind.

const { isNativeError } = require('node:util/types');

const unwound = Promise.resolve();
const { then } = Promise.prototype;

/**
 * Calls `callback` when the stack has unwound: whatever call is under way now has returned, has thrown, or was cut off by
 * then (a `vm` script that ran out of time runs no `finally`). `callback` must not throw.
 */
function afterUnwinding(callback) {
  then.call(unwound, callback);
}

/** Whether `error` says that no stack was left, which says nothing about what was called. */
function isOutOfStack(error) {
  if (!isNativeError(error)) return false; // a Proxy would throw where it is looked at
  const message = Object.getOwnPropertyDescriptor(error, 'message')?.value;
  return message === 'Maximum call stack size exceeded';
}

module.exports = { afterUnwinding, isOutOfStack };
