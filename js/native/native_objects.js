'use strict';
// Owns what plain objects look like on their way to native code and back: without a prototype, so that a property that
// somebody has given to Object.prototype is never taken for a field that is absent.
// Refuses to look at values: lists, bytes and the application's own objects stay as they are.

const PLAIN = Object.prototype;

function isPlain(value) {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === PLAIN;
}

/** A copy of `object`, which is ours, for native code. */
function forNative(object) {
  const copy = { __proto__: null };
  for (const [name, value] of Object.entries(object)) copy[name] = isPlain(value) ? forNative(value) : value;
  return copy;
}

/** `object`, which native code has just made. */
function fromNative(object) {
  for (const value of Object.values(object)) if (isPlain(value)) fromNative(value);
  return Object.setPrototypeOf(object, null);
}

module.exports = { forNative, fromNative };
