'use strict';

// Owns the demo's context propagation: the part of the SDK's Node package that a small service needs, over
// AsyncLocalStorage. It does not patch event emitters; the handlers here only await.

const { AsyncLocalStorage } = require('node:async_hooks');
const { ROOT_CONTEXT } = require('@opentelemetry/api');

class AsyncLocalContextManager {
  #storage = new AsyncLocalStorage();

  active() {
    return this.#storage.getStore() ?? ROOT_CONTEXT;
  }

  with(context, fn, thisArg, ...args) {
    return this.#storage.run(context, () => fn.apply(thisArg, args));
  }

  bind(context, target) {
    if (typeof target !== 'function') return target;
    const manager = this;
    return function bound(...args) {
      return manager.with(context, target, this, ...args);
    };
  }

  enable() {
    return this;
  }

  disable() {
    this.#storage.disable();
    return this;
  }
}

module.exports = { AsyncLocalContextManager };
