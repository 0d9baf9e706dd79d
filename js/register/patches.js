'use strict';
// Owns what an application patches on the prototype of a stock class (redaction, wrappers of other tools): it holds for the
// instances of ours that take the place of that class, whether it comes before they are made or after.
// Refuses to guess what a patch of anything but the methods that both have needs: then the stock class is the right one.

const BASE = Object.prototype;
const NO_CLASS = Function.prototype;
const BASES = new Set(['OTLPExporterBase', 'OTLPExporterNodeBase', 'BatchSpanProcessorBase']);
const substitutes = new WeakSet(); // what stands in for stock classes
const entries = new WeakSet(); // of all classes: one may be another's base

class Patches {
  #stock;
  #methods;
  #entries = new Map(); // method -> what an application finds on the stock prototype, and a patch calls
  #known = new Map(); // prototype -> key -> value
  #bridge = null;

  #refuse;

  /**
   * @param stock a class as it was loaded  @param methods names of those that our instances take from it if patched
   * @param refuse `(method, args)`: whether a call of an instance of the stock class has been answered instead of made
   */
  constructor(stock, methods, refuse = () => false) {
    this.#stock = stock;
    this.#methods = methods;
    this.#refuse = refuse;
    for (const method of methods) this.#install(method);
    for (const prototype of chainOf(stock)) {
      const isBase = prototype !== stock.prototype;
      const values = [...valuesOf(prototype)].filter(([key, value]) => !isBase || isAsWritten(key, value));
      this.#known.set(prototype, new Map(values));
    }
  }

  /** `substitute` stands in for a stock class: others may extend it. */
  static noteSubstitute(substitute) {
    substitutes.add(substitute);
  }

  /** The key of a patch that ours cannot follow, or undefined. */
  get unknown() {
    if (isBaseReplaced(this.#stock)) return 'constructor';
    for (const prototype of chainOf(this.#stock)) {
      const known = this.#known.get(prototype);
      for (const [key, value] of valuesOf(prototype)) {
        const isFollowed = prototype === this.#stock.prototype && this.#entries.has(key);
        if (!isFollowed && known?.get(key) !== value) return key;
      }
    }
    return undefined;
  }

  /** An instance of `Ours` that has the patches of the stock class. */
  construct(Ours, args) {
    this.#bridge ??= this.#bridgeTo(Ours);
    return Reflect.construct(Ours, args, this.#bridge);
  }

  #bridgeTo(Ours) {
    const Bridge = class extends Ours {};
    delete Bridge.prototype.constructor; // that of ours shows
    for (const method of this.#methods) {
      const entry = this.#entries.get(method);
      if (entry === undefined) continue;
      const { prototype } = this.#stock;
      Object.defineProperty(Bridge.prototype, method, {
        configurable: true,
        get() {
          const current = prototype[method];
          return current === entry ? Ours.prototype[method] : current;
        },
        set(value) {
          Object.defineProperty(this, method, { value, writable: true, enumerable: true, configurable: true });
        },
      });
    }
    return Bridge;
  }

  /** A patch calls what it has found with an instance of either class. */
  #install(method) {
    const { prototype } = this.#stock;
    const own = Object.getOwnPropertyDescriptor(prototype, method)?.value;
    const bridge = () => this.#bridge;
    const refuse = this.#refuse;
    const entry = {
      [method](...args) {
        const Bridge = bridge();
        const isOurs = Bridge !== null && Object.prototype.isPrototypeOf.call(Bridge.prototype, this);
        if (!isOurs && refuse(method, args)) return undefined;
        const from = isOurs ? Object.getPrototypeOf(Bridge.prototype) : Object.getPrototypeOf(prototype);
        return Reflect.apply((!isOurs && own) || from[method], this, args);
      },
    }[method];
    entries.add(entry);
    const isInstalled = Reflect.defineProperty(prototype, method, { value: entry, writable: true, configurable: true });
    if (isInstalled) this.#entries.set(method, entry);
  }
}

/** Whether `stock` extends anything but the classes that it was written to extend. */
function isBaseReplaced(stock) {
  const names = new Set();
  let { prototype } = stock;
  for (let each = Object.getPrototypeOf(stock); each !== NO_CLASS; each = Object.getPrototypeOf(each)) {
    prototype = Object.getPrototypeOf(prototype);
    if (substitutes.has(each)) continue; // packages extend each other's classes
    const name = typeof each === 'function' ? each.name : '';
    // One that wraps it or extends it comes with a name of its own, a name twice, or another prototype.
    if (!BASES.has(name) || names.has(name) || prototype?.constructor !== each) return true;
    names.add(name);
  }
  return false;
}

function chainOf({ prototype }) {
  const chain = [];
  for (let each = prototype; each !== null && each !== BASE; each = Object.getPrototypeOf(each)) chain.push(each);
  return chain;
}

function valuesOf(prototype) {
  return new Map(
    Reflect.ownKeys(prototype).map((key) => {
      const { value, get } = Object.getOwnPropertyDescriptor(prototype, key);
      return [key, value ?? get];
    }),
  );
}

/** Whether a property of a base class, which was loaded before, is that class's method: a patch is another kind of function. */
function isAsWritten(key, value) {
  if (key === 'constructor' || entries.has(value)) return true;
  if (typeof value !== 'function') return false; // the prototypes of stock classes have nothing but methods
  const text = Function.prototype.toString.call(value);
  const [, name] = /^(?:async\s+|get\s+|\*\s*)*([\w$]+)\s*\(/.exec(text) ?? [];
  return name === key;
}

module.exports = { Patches };
