'use strict';
// Owns what we share with the application's OpenTelemetry SDK without importing it: the mark that suppresses tracing and
// the global error handler. It refuses to depend on either: without them it does what the SDK does by default.

const { createRequire } = require('node:module');
const path = require('node:path');
const { diag, loadApi } = require('./diag.js');

// The key that every line of the SDK uses; the API makes a registered symbol of the description.
const SUPPRESS_TRACING = 'OpenTelemetry SDK Context Key SUPPRESS_TRACING';

/** Calls `callback()` in a context in which nothing is traced. */
function withoutTracing(callback) {
  const api = loadApi();
  if (api === null) return callback();
  const { context, createContextKey } = api;
  return context.with(context.active().setValue(createContextKey(SUPPRESS_TRACING), true), callback);
}

let core; // undefined: not looked for yet

/** The copy of `@opentelemetry/core` in which the application can have set its handler. */
function loadCore() {
  if (core === undefined) {
    const application = createRequire(path.join(process.cwd(), 'offloop.js'));
    core = tryLoad(application) ?? tryLoad(require) ?? loadedCore() ?? null;
  }
  return core;
}

function tryLoad(from) {
  try {
    return from('@opentelemetry/core');
  } catch {
    return undefined; // not installed there
  }
}

/** One that somebody else has loaded: strict package managers hide it from us. */
function loadedCore() {
  const names = Object.keys(require.cache).filter((name) => /[\\/]@opentelemetry[\\/]core[\\/]/.test(name));
  return names.map((name) => require.cache[name].exports).find((exports) => exports?.globalErrorHandler);
}

/** Reports an error that nobody waits for, as the SDK's own processors do. */
function reportError(error) {
  try {
    const { globalErrorHandler } = loadCore() ?? {};
    if (globalErrorHandler !== undefined) globalErrorHandler(error);
    else diag.error(String(error?.stack ?? error));
  } catch {
    // A handler that throws is the application's.
  }
}

module.exports = { reportError, withoutTracing };
