'use strict';
// Owns what we share with the application's OpenTelemetry SDK without importing it: the mark that suppresses tracing and
// the global error handler. It refuses to depend on either: without them it does what the SDK does by default.

const { createRequire } = require('node:module');
const path = require('node:path');
const { diag, registered } = require('./diag.js');
const { isShortOfDescriptors } = require('../native/shortage.js');
const { shown } = require('../guards/shown.js');
const { isOutOfStack } = require('../guards/unwinding.js');
const { contained, ignore } = require('../guards/user_code.js');

// The key that every line of the SDK uses.
const SUPPRESS_TRACING = Symbol.for('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

/**
 * Calls `callback()` in a context in which nothing is traced, once and now. The context manager is the application's: one
 * that throws or does not call must not cost a batch.
 */
function withoutTracing(callback) {
  const manager = registered('context');
  if (manager === undefined) return callback(); // without one every copy of the API calls what it is given
  let outcome = null;
  const call = () => {
    outcome ??= outcomeOf(callback);
  };
  contained(tellManager, () => manager.with(manager.active().setValue(SUPPRESS_TRACING, true), call));
  call();
  if (outcome.hasThrown) throw outcome.value;
  return outcome.value;
}

function outcomeOf(callback) {
  try {
    return { hasThrown: false, value: callback() };
  } catch (value) {
    return { hasThrown: true, value };
  }
}

const tellManager = (error) => diag.error('Offloop: the context manager threw', error);

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
  } catch (error) {
    if (isOutOfStack(error) || isShortOfDescriptors()) throw error; // says nothing about what is installed
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
  // A handler that throws is the application's.
  contained(ignore, () => {
    const { globalErrorHandler } = loadCore() ?? {};
    if (globalErrorHandler !== undefined) return globalErrorHandler(error);
    return diag.error(shown(String(error?.stack ?? error)));
  });
}

module.exports = { reportError, withoutTracing };
