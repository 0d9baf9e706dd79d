'use strict';
// What an application makes of an object: a Proxy, an object created from it, a copy of its properties, a subclass.

/** Names of the methods that objects of `Class` have, inherited ones included. */
function methodNames(Class) {
  const names = new Set();
  for (let type = Class.prototype; type !== Object.prototype; type = Object.getPrototypeOf(type)) {
    if (type === Error.prototype) break;
    for (const name of Object.getOwnPropertyNames(type)) if (name !== 'constructor') names.add(name);
  }
  return [...names].sort();
}

/** The methods of `object`, by name, as an application that copies by hand lists them. */
const methodsOf = (object) => Object.fromEntries(methodNames(object.constructor).map((name) => [name, object[name]]));

/** Each answers what stands in for the object of `Class` that `args` make. */
const standIns = {
  itself: (Class, args) => new Class(...args),
  'a Proxy without traps': (Class, args) => new Proxy(new Class(...args), {}),
  'a Proxy of a Proxy': (Class, args) => new Proxy(new Proxy(new Class(...args), {}), {}),
  'a Proxy that binds methods': (Class, args) =>
    new Proxy(new Class(...args), {
      get: (target, name) => {
        const value = target[name];
        return typeof value === 'function' ? value.bind(target) : value;
      },
    }),
  'a Proxy that meters': (Class, args) =>
    new Proxy(new Class(...args), {
      get(target, name, receiver_) {
        const value = Reflect.get(target, name, receiver_);
        if (typeof value !== 'function') return value;
        return function metered(...rest) {
          return Reflect.apply(value, this, rest);
        };
      },
    }),
  'a Proxy whose calls come with itself': (Class, args) =>
    new Proxy(new Class(...args), { get: (target, name, self) => Reflect.get(target, name, self) }),
  'Object.create': (Class, args) => Object.create(new Class(...args)),
  'Object.create with a method': (Class, args) => {
    const object = new Class(...args);
    const method = ['export', 'onEnd'].find((name) => name in object) ?? methodNames(Class)[0];
    const called = function called(...rest) {
      return object[method](...rest);
    };
    return Object.create(object, { [method]: { value: called } });
  },
  'a copy of its properties and methods': (Class, args) => {
    const object = new Class(...args);
    return { ...object, ...methodsOf(object) };
  },
  'a copy with its prototype': (Class, args) => {
    const object = new Class(...args);
    return Object.assign(Object.create(Object.getPrototypeOf(object)), object);
  },
  'a copy by descriptors': (Class, args) => {
    const object = new Class(...args);
    return Object.create(Object.getPrototypeOf(object), Object.getOwnPropertyDescriptors(object));
  },
  'a copy of a copy': (Class, args) => {
    const object = new Class(...args);
    const copy = { ...object, ...methodsOf(object) };
    return { ...copy };
  },
  'a subclass': (Class, args) => new (class Mine extends Class {})(...args),
  'a Proxy of the class': (Class, args) => new new Proxy(Class, {})(...args),
  'a frozen object': (Class, args) => Object.freeze(new Class(...args)),
  'an object under another prototype': (Class, args) => {
    const object = new Class(...args);
    return Object.setPrototypeOf(object, Object.create(Object.getPrototypeOf(object)));
  },
};

module.exports = { methodNames, standIns };
