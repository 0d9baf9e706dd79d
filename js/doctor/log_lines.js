'use strict';
// Owns what the package tells its diagnostic logger while the command runs: the lines become findings.
// It refuses to load `@opentelemetry/api`: all copies of it look for their logger in the same place.

const { format } = require('node:util');
const { foreign } = require('./secrets.js');

const API_GLOBAL = Symbol.for('opentelemetry.js.api.1');
const LEVELS = ['info', 'warn', 'error'];
const OF_EVERY_EXPORT =
  /^(?:Dropped \d+ spans|Export (?:failed|retry)|OTLPExportDelegate)|does not take spans|^process: /;

let lines = [];
const told = new Set();

/** From now on; a logger that a preloaded SDK has set hears nothing any more. */
function record() {
  const logger = { verbose() {}, debug() {} };
  for (const level of LEVELS) logger[level] = (...words) => lines.push({ level, text: foreign(format(...words)) });
  globalThis[API_GLOBAL] ??= { version: '1.3.0' };
  globalThis[API_GLOBAL].diag = logger;
}

/** Lines since the last call, each one once in the whole report, without those of any failed export. */
function takeLines() {
  const taken = lines.filter(({ text }) => !told.has(text) && !OF_EVERY_EXPORT.test(text));
  for (const { text } of taken) told.add(text);
  lines = [];
  return taken;
}

/** Makes findings of the lines since the last call: warnings, unless they are about something that is not meant. */
function findLines(section, isMeant = true) {
  for (const { level, text } of takeLines())
    section.find(level === 'info' || !isMeant ? 'note' : 'warning', 'log_line', text);
}

/** What `read()` gives; its lines count for nothing. */
function silently(read) {
  const before = lines;
  lines = [];
  try {
    return read();
  } finally {
    lines = before;
  }
}

module.exports = { findLines, record, silently };
