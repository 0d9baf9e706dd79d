'use strict';
// Owns the async context of one `export()` call, in which everything of the user that belongs to it has to run: the
// result callback, a `headers` function, an agent factory, a request through Node's http.
// It refuses to outlive its call: it is made in `export()` and ends with the result.

const { AsyncResource } = require('node:async_hooks');

/**
 * Remembers the context it is constructed in. Without it, work that native threads wake would run in no context. Context
 * managers that follow async hooks keep something for it until it is destroyed, so that `end()` belongs to it.
 */
class ExportContext {
  #resource = new AsyncResource('OFFLOOP_EXPORT'); // one that nobody ends is destroyed when it is collected

  /** The call has its answer. */
  end() {
    this.#resource.emitDestroy();
  }

  /** Calls `callback(...args)` in the remembered context and returns what it returns; what it throws passes through. */
  run(callback, ...args) {
    return this.#resource.runInAsyncScope(callback, undefined, ...args);
  }
}

module.exports = { ExportContext };
