'use strict';
// Owns the options of the event-loop monitor: those of the table, and two that only this library sets.
// Refuses two destinations: a span that arrives twice would count twice.

const { readOptions } = require('../config/options/read.js');
const { OPTIONS } = require('../config/options/table.js');

/** @throws {Error} naming the option */
function resolveMonitorOptions(config) {
  const { isAutomatic = false, heartbeatOnly = false } = config ?? {};
  const options = readOptions(OPTIONS.EventLoopMonitor, config ?? {});
  if (options.exporter !== undefined && options.processor !== undefined) {
    throw new Error('Configuration: exporter and processor exclude each other');
  }
  return { ...options, isAutomatic, heartbeatOnly };
}

module.exports = { resolveMonitorOptions };
