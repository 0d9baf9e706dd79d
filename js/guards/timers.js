'use strict';
// Owns the timers and the clock that we use: Node's own, as they were when the library was loaded. What replaces the global
// ones later (fake timers of a test, the timers of a simulated browser) stops or changes the application's time, not ours.
// Refuses to rely on what they return, or on what replaced them before: that may never come, and hold nothing.

const timers = require('node:timers');
const { performance } = require('node:perf_hooks');
const { MessageChannel } = require('node:worker_threads');

const LONG_MILLIS = 2 ** 31 - 1;
const { clearInterval, clearTimeout, setInterval, setTimeout } = timers;
const hasTimeouts = isKnown('Timeout', () => setTimeout(() => {}, LONG_MILLIS), clearTimeout);
const hasImmediates = isKnown('Immediate', () => timers.setImmediate(() => {}), timers.clearImmediate);
const setImmediate = hasImmediates ? timers.setImmediate : runByMessage;

/** Milliseconds on a monotonic clock. */
const now = performance.now.bind(performance);
const soon = globalThis.queueMicrotask;

/** Whether the event loop knows of what `start` makes. */
function isKnown(name, start, clear) {
  const { bun, deno } = process.versions;
  if (bun !== undefined || deno !== undefined) return true; // nothing tells there
  try {
    const held = () => process.getActiveResourcesInfo().filter((each) => each === name).length;
    const before = held();
    const timer = start();
    const isHeld = held() > before;
    clear(timer);
    return isHeld;
  } catch {
    return false;
  }
}

/** Calls `callback` in a later turn; what it answers can be `unref`ed. */
function runByMessage(callback) {
  const { port1, port2 } = new MessageChannel();
  port1.once('message', () => {
    port1.close();
    callback();
  });
  port2.postMessage(null);
  return port1;
}

const holders = new Set();
let held = null; // what holds the loop in the place of timers

/** `holder` holds the process as a timer would, until it is released. Does nothing where timers do. */
function holdLoop(holder) {
  if (hasTimeouts) return;
  holders.add(holder);
  if (held !== null) return;
  held = new MessageChannel();
  held.port1.ref();
}

function releaseLoop(holder) {
  if (!holders.delete(holder) || holders.size > 0) return;
  held.port1.close();
  held = null;
}

/** `timer`, which holds the process no longer. */
function unref(timer) {
  timer?.unref?.();
  return timer;
}

/** `timer`, which holds the process again. */
function ref(timer) {
  timer?.ref?.();
  return timer;
}

module.exports = {
  clearInterval,
  clearTimeout,
  hasTimeouts,
  holdLoop,
  now,
  ref,
  releaseLoop,
  setImmediate,
  setInterval,
  setTimeout,
  soon,
  unref,
};
