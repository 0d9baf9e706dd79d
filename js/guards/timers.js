'use strict';
// Owns the timers and the clock that we use: Node's own, as they were when the library was loaded. What replaces the global
// ones later (fake timers of a test, the timers of a simulated browser) stops or changes the application's time, not ours.
// Refuses to rely on what they return: it may be no object of Node's.

const timers = require('node:timers');
const { performance } = require('node:perf_hooks');

const { clearInterval, clearTimeout, setImmediate, setInterval, setTimeout } = timers;

/** Milliseconds on a monotonic clock. */
const now = performance.now.bind(performance);
const soon = globalThis.queueMicrotask;

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

module.exports = { clearInterval, clearTimeout, now, ref, setImmediate, setInterval, setTimeout, soon, unref };
