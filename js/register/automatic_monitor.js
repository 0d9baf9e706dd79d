'use strict';
// Owns switching the event-loop monitor on for a program that does not know it: OFFLOOP_EVENT_LOOP_MONITOR=on, with
// OFFLOOP_EVENT_LOOP_THRESHOLD_MILLIS beside it. Its spans go to the first exporter that the program makes.
// Refuses to do so unasked, and to stand in the way of a monitor of the program's own.

const { diag } = require('../otel/diag.js');
const { readVariable } = require('../config/options/read.js');

const SWITCH = 'OFFLOOP_EVENT_LOOP_MONITOR';
const THRESHOLD = 'OFFLOOP_EVENT_LOOP_THRESHOLD_MILLIS';

let isDone = false;

/** Call with each exporter of ours that a program gets; the first one counts. */
function watchFor(exporter) {
  if (isDone || !isWanted()) return;
  isDone = true;
  try {
    const { EventLoopMonitor } = require('../monitor/event_loop_monitor.js');
    new EventLoopMonitor({ exporter, thresholdMillis: readVariable(THRESHOLD), isAutomatic: true }).enable();
    diag.debug('Offloop watches the event loop of this thread');
  } catch (error) {
    diag.warn(`Offloop: ${error.message}`);
  }
}

function isWanted() {
  const text = process.env[SWITCH]?.trim().toLowerCase();
  if (text === undefined || text === '' || text === 'off') return false;
  if (text === 'on') return true;
  diag.warn(`Unknown value '${text}' for ${SWITCH}, expected 'on' or 'off', using defaults`);
  return false;
}

module.exports = { watchFor };
