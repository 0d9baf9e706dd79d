'use strict';
// Owns the road to OpenTelemetry's diagnostic logger, which is optional and looked for at the first line, and what is kept for
// one that is registered later: programs make exporters before they set a logger.
// It refuses to print by itself: without a registered logger and without OFFLOOP_LOG every line goes nowhere, as in the stock
// exporter.

const { isShortOfDescriptors } = require('../native/shortage.js');
const { afterUnwinding, isOutOfStack } = require('../guards/unwinding.js');
const { contained, ignore } = require('../guards/user_code.js');

const API_GLOBAL = Symbol.for('opentelemetry.js.api.1');
const LEVELS = ['verbose', 'debug', 'info', 'warn', 'error'];
const KEPT_LEVELS = new Set(['info', 'warn', 'error']);
const MOST_KEPT = 64;

let api; // undefined: not looked for yet; null: not installed beside us
let kept = []; // flat: level, arguments
let notKept = 0; // for which there was no place in that list

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

/** Whether the application has a logger, so that somebody may hear of what is told. */
function hasLogger() {
  return registered('diag') !== undefined;
}

/** A logger that throws or rejects is the application's; it must not cost a span. */
function log(level, args) {
  toStderr(level, args);
  contained(ignore, () => {
    if (registered('diag') === undefined && KEPT_LEVELS.has(level)) keep(level, args);
    deliverKept();
    return (registered('diag') ?? loadApi()?.diag)?.[level](...args);
  });
}

/** As OFFLOOP_LOG asks, whatever logger there is. */
function toStderr(level, args) {
  contained(ignore, () => {
    if (process.env.OFFLOOP_LOG !== undefined) require('./stderr_lines.js').writeLine(level, args);
  });
}

function keep(level, args) {
  if (kept.length === 0) afterUnwinding(lookForLogger); // many programs set it a few lines further down
  if (kept.length < 2 * MOST_KEPT) kept.push(level, args);
  else notKept += 1;
}

const lookForLogger = () => contained(ignore, deliverKept);

function deliverKept() {
  if (kept.length === 0) return;
  const logger = registered('diag');
  if (logger === undefined) return;
  const lines = kept;
  const left = notKept;
  forgetKept(); // first: the logger may call back
  if (left > 0) lines.push('warn', [`Offloop: ${left} more lines came before this logger and were not kept`]);
  for (let nth = 0; nth < lines.length; nth += 2) contained(ignore, () => logger[lines[nth]](...lines[nth + 1]));
}

function forgetKept() {
  kept = [];
  notKept = 0;
}

/** An export begins, so the program has been put together: a logger gets what was kept, and nobody else will. */
function exportBegins() {
  if (kept.length === 0) return;
  contained(ignore, deliverKept);
  forgetKept();
}

/**
 * What Offloop has decided about itself, for the application's logger, now or later. The API is not loaded for it, which a
 * program without a logger may never do.
 */
function tellDecision(level, text) {
  contained(ignore, () => {
    deliverKept();
    const logger = registered('diag');
    if (logger === undefined) keep(level, [text]);
    else return logger[level](text);
  });
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

module.exports = {
  createComponentLogger,
  diag,
  exportBegins,
  exportDelegateLogger,
  hasLogger,
  loadApi,
  registered,
  tellBug,
  tellDecision,
};
