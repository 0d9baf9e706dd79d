'use strict';
// Owns the moment at which no call is under way any more, and how a call that ran out of stack shows.
// Refuses to know what such calls leave behind.

const { isNativeError } = require('node:util/types');

const WORDS = new Array(1024).fill(0); // 8 KiB of stack
const ignore = () => {};
const unwound = Promise.resolve();
const { then } = Promise.prototype;
const { push } = Array.prototype;
const { bind } = Function.prototype;
const OUT_OF_STACK = 'Maximum call stack size exceeded';

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
  return message === OUT_OF_STACK;
}

/**
 * Throws a RangeError where so little stack is left that a call would be cut off right after it has begun. Whoever makes
 * promises asks first: an executor that finds no stack leaves a promise without resolvers, which rejects by itself, and
 * Node.js then prints lines of its own.
 */
function needStack() {
  ignore.apply(undefined, WORDS);
}

/**
 * As Promise.withResolvers, for every version of Node.js. Throws where too little stack is left. The executor is a built-in
 * function: one of ours would have to be compiled at the first call, for which five times as much stack is needed.
 */
function withResolvers() {
  needStack();
  const pair = [];
  const promise = new Promise(bind.call(push, pair));
  if (pair.length !== 2) throw new RangeError(OUT_OF_STACK);
  return { promise, resolve: pair[0], reject: pair[1] };
}

module.exports = { afterUnwinding, isOutOfStack, needStack, withResolvers };
