'use strict';
// Owns which options somebody has given that do not exist. Refuses to read their values: a getter is not called.

/** Names of what a plain object has and `rows` do not; an instance of a class has members of its own, which are no options. */
function unknownIn(rows, given, also = []) {
  return isPlainObject(given) ? namesUnknownIn(rows, given, also) : [];
}

/** The same for any object. */
function namesUnknownIn(rows, given, also) {
  if (typeof given !== 'object' || given === null) return [];
  const known = new Set(also);
  for (const name of Object.keys(rows)) known.add(name.split('.')[0]);
  return Object.keys(given).filter((name) => !known.has(name));
}

/** Made by `{}`, in whatever realm. */
function isPlainObject(value) {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

module.exports = { isPlainObject, namesUnknownIn, unknownIn };
