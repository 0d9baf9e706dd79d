'use strict';
// Owns switching the event-loop monitor on for a program that does not know it: OFFLOOP_EVENT_LOOP_MONITOR=on, with
// OFFLOOP_EVENT_LOOP_THRESHOLD_MILLIS beside it. Its spans go to the first exporter that the program makes.
// Refuses to do so unasked, and to stand in the way of a monitor of the program's own.

const { nameOf } = require('../exporter/exporter_lines.js');
const { decided } = require('../otel/decisions.js');
const { diag } = require('../otel/diag.js');
const { readVariable } = require('../config/options/read.js');
const { OPTIONS } = require('../config/options/table.js');

const SWITCH = 'OFFLOOP_EVENT_LOOP_MONITOR';
const THRESHOLD = 'OFFLOOP_EVENT_LOOP_THRESHOLD_MILLIS';

let isDone = false;

/** Call with each exporter of ours that a program gets; the first one counts. */
function watchFor(exporter) {
  if (isDone || !isWanted()) return;
  isDone = true;
  try {
    const { EventLoopMonitor } = require('../monitor/event_loop_monitor.js');
    const thresholdMillis = readVariable(THRESHOLD) ?? OPTIONS.EventLoopMonitor.thresholdMillis.fallback;
    const isOn = new EventLoopMonitor({ exporter, thresholdMillis, isAutomatic: true }).enable();
    const how = `on, threshold ${thresholdMillis} ms, spans to ${nameOf(exporter)}`;
    decided(`event-loop monitor: ${isOn ? how : 'off'}`);
  } catch (error) {
    decided(`event-loop monitor: off: ${error.message}`, 'warn');
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
