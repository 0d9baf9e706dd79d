'use strict';
// Owns the timers and the clock that we use: Node's own, as they were when the library was loaded or, if something had
// replaced them by then, as far as they can still be reached. What replaces the global ones (fake timers of a test, the
// timers of a simulated browser) stops or changes the application's time, not ours.
// Refuses to rely on what they return: it may be no object of Node's.

const timers = require('node:timers');
const { performance } = require('node:perf_hooks');
const { contained, ignore } = require('./user_code.js');

const LONGEST_MILLIS = 2 ** 31 - 1;
const SOON_MILLIS = 1; // in place of an immediate

/** Milliseconds on a clock that never goes back. What an object carries itself may be somebody else's. */
const now = clockOf(readerOf(performance));

const { clearTimeout, setImmediate, setTimeout } = genuineTimers();

const settled = Promise.resolve();
const { then } = Promise.prototype;

/** Calls `callback()`, which must not throw, when the running code has returned. */
function soon(callback) {
  then.call(settled, callback);
}

/** Half a module of Node's, which a load that was cut off has left behind, has no clock. */
function readerOf(clock) {
  if (clock === undefined) return () => Number(process.hrtime.bigint()) / 1e6;
  return Object.getPrototypeOf(clock)?.now ?? clock.now;
}

function clockOf(read) {
  let latest = 0;
  return () => {
    const time = read.call(performance);
    if (time > latest) latest = time;
    return latest;
  };
}

/** All of one kind: a test may have replaced one of them alone. */
function genuineTimers() {
  try {
    return areGenuine() ? timers : timersOf(timeoutClass());
  } catch {
    return tamed(timers); // of another runtime, or beyond reach: the native clock ends every wait all the same
  }
}

/** Node's own say that they have ended; what stands in for them does not. */
function areGenuine() {
  const pairs = [
    [timers.setTimeout, timers.clearTimeout],
    [timers.setImmediate, timers.clearImmediate],
  ];
  return pairs.every(([set, clear]) => {
    try {
      const timer = set(ignore, SOON_MILLIS); // soon over, should it be real and have no name
      clear(timer);
      return timer._destroyed === true;
    } catch {
      return false;
    }
  });
}

/** The class of Node's timers: a socket takes its own from inside of Node, where nothing is replaced. */
function timeoutClass() {
  const { Socket } = require('./built_in.js').builtIn('node:net');
  const socket = new Socket();
  socket.setTimeout(LONGEST_MILLIS);
  const timer = Object.getOwnPropertySymbols(socket)
    .map((key) => socket[key])
    .find((value) => value?._idleTimeout === LONGEST_MILLIS);
  socket.setTimeout(0);
  return timer.constructor;
}

function timersOf(Timeout) {
  const start = (callback, millis) => new Timeout(callback, millis, undefined, false, true).refresh();
  const stop = (timer) => timer?.close();
  stop(start(ignore, SOON_MILLIS)); // throws where it is not the class that we know
  return {
    clearTimeout: stop,
    setImmediate: (callback) => start(callback, SOON_MILLIS),
    setTimeout: start,
  };
}

/** The same functions, which do nothing where they would throw. */
function tamed(functions) {
  const tame =
    (name) =>
    (...args) =>
      contained(ignore, functions[name], ...args);
  return { clearTimeout: tame('clearTimeout'), setImmediate: tame('setImmediate'), setTimeout: tame('setTimeout') };
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

module.exports = { clearTimeout, now, ref, setImmediate, setTimeout, soon, unref };
