'use strict';
// Owns the road to OpenTelemetry's diagnostic logger, which is optional and looked for at the first line.
// It refuses to print by itself: without a registered logger every line goes nowhere, as in the stock exporter.

const { isShortOfDescriptors } = require('../native/shortage.js');
const { isOutOfStack } = require('../guards/unwinding.js');
const { contained, ignore } = require('../guards/user_code.js');

const API_GLOBAL = Symbol.for('opentelemetry.js.api.1');
const LEVELS = ['verbose', 'debug', 'info', 'warn', 'error'];

let api; // undefined: not looked for yet; null: not installed beside us

function loadApi() {
  if (api === undefined) {
    try {
      api = require('@opentelemetry/api');
    } catch (error) {
      if (isOutOfStack(error) || isShortOfDescriptors()) return null; // says nothing about what is installed
      api = null;
    }
  }
  return api;
}

/**
 * What the application has registered as its `name` (`diag`, `context`, `trace`), whichever copy of the API it did that with:
 * all copies keep it here, and ours may be another (a linked checkout, a monorepo), newer than that, or hidden from us.
 */
function registered(name) {
  return globalThis[API_GLOBAL]?.[name];
}

function currentLogger() {
  return registered('diag') ?? loadApi()?.diag;
}

/** A logger that throws or rejects is the application's; it must not cost a span. */
function log(level, args) {
  contained(ignore, () => currentLogger()?.[level](...args));
}

function createLogger(prefix) {
  const logger = {};
  for (const level of LEVELS) logger[level] = (...args) => log(level, [...prefix, ...args]);
  return Object.freeze(logger);
}

/** Logger without a namespace, as the stock configuration and retry code use it. */
const diag = createLogger([]);

/** Logger that puts `namespace` in front of every line. */
function createComponentLogger(namespace) {
  return createLogger([namespace]);
}

/** The namespace of the lines `items to be sent` and `shutdown started`. */
const exportDelegateLogger = createComponentLogger('OTLPExportDelegate');

/** An error that no code of the application has caused. */
function tellBug(error) {
  diag.error('Offloop: internal error', error);
}

module.exports = { createComponentLogger, diag, exportDelegateLogger, loadApi, registered, tellBug };
