'use strict';
// Owns the async context of one `export()` call, in which everything of the user that belongs to it has to run: the
// result callback, a `headers` function, an agent factory, a request through Node's http.
// It refuses to outlive its call: it is made in `export()` and let go with the result.

const { AsyncResource } = require('node:async_hooks');

/** Remembers the context it is constructed in. Without it, work that native threads wake would run in no context. */
class ExportContext {
  #resource = new AsyncResource('OFFLOOP_EXPORT', { requireManualDestroy: true });

  /** Calls `callback(...args)` in the remembered context and returns what it returns; what it throws passes through. */
  run(callback, ...args) {
    return this.#resource.runInAsyncScope(callback, undefined, ...args);
  }
}

module.exports = { ExportContext };
