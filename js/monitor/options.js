'use strict';
// Owns the options of the event-loop monitor: those of the table, and two that only this library sets.
// Refuses two destinations: a span that arrives twice would count twice.

const { configured, readOptions, refuseStrays, tellUnknown } = require('../config/options/read.js');
const { OPTIONS } = require('../config/options/table.js');

const OURS = ['isAutomatic', 'heartbeatOnly'];

/**
 * @param {boolean} isSubclass whether the options may be those of a class of the user's, too
 * @throws {Error} naming the option
 */
function resolveMonitorOptions(config, isSubclass) {
  const resolved = configured(() => {
    refuseStrays(OPTIONS.EventLoopMonitor, config, !isSubclass, OURS);
    const { isAutomatic = false, heartbeatOnly = false } = config ?? {};
    const options = readOptions(OPTIONS.EventLoopMonitor, config ?? {});
    if (options.exporter !== undefined && options.processor !== undefined) {
      throw new Error('Configuration: exporter and processor exclude each other');
    }
    return { ...options, isAutomatic, heartbeatOnly };
  });
  if (!isSubclass) tellUnknown(OPTIONS.EventLoopMonitor, config, OURS);
  return resolved;
}

module.exports = { resolveMonitorOptions };
