'use strict';

const { AsyncLocalStorage } = require('node:async_hooks');
const { ROOT_CONTEXT } = require('@opentelemetry/api');

/** The SDK's context manager, as far as tests need one. */
class AsyncLocalStorageContextManager {
  #storage = new AsyncLocalStorage();

  active() {
    return this.#storage.getStore() ?? ROOT_CONTEXT;
  }

  with(context, callback, thisArg, ...args) {
    return this.#storage.run(context, () => callback.apply(thisArg, args));
  }

  bind(context, target) {
    if (typeof target !== 'function') return target;
    return (...args) => this.with(context, () => target(...args));
  }

  enable() {
    return this;
  }

  disable() {
    this.#storage.disable();
    return this;
  }
}

module.exports = { AsyncLocalStorageContextManager };
