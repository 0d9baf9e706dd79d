'use strict';
// Owns which options somebody has given that do not exist. Refuses to read their values: a getter is not called.

const MOST_OWNERS = 16;

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

/** Of all that `given` inherits from, too, up to what every object has. */
function namesAboutIn(rows, given, also) {
  const names = namesUnknownIn(rows, given, also);
  if (typeof given !== 'object' || given === null || isPlainObject(given)) return names;
  const known = new Set([...also, ...Object.keys(rows).map((name) => name.split('.')[0]), 'constructor']);
  for (const owner of inherited(given))
    names.push(...Object.getOwnPropertyNames(owner).filter((name) => !known.has(name)));
  return names;
}

/** What `given` inherits from, without what ends every chain. */
function inherited(given) {
  const owners = [];
  let owner = Object.getPrototypeOf(given);
  for (let nth = 0; nth < MOST_OWNERS && owner !== null; nth++) {
    const next = Object.getPrototypeOf(owner);
    if (next !== null) owners.push(owner);
    owner = next;
  }
  return owners;
}

/** Whether it belongs to no class: made by `{}` or by `Object.create()`. */
function isOfNoClass(given) {
  return isPlainObject(given) || !inherited(given).some((owner) => Object.hasOwn(owner, 'constructor'));
}

/** Made by `{}`, in whatever realm. */
function isPlainObject(value) {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

module.exports = { isOfNoClass, isPlainObject, namesAboutIn, namesUnknownIn, unknownIn };
