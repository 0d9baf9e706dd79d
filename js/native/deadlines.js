'use strict';
// Owns deadlines that end somebody's wait. Each fires by a timer or by the native clock, whichever comes first: a timer that
// never comes (a test loaded us while it had replaced the timers) costs punctuality, and nobody waits for ever.
// Refuses to fire twice.

const { clearTimeout, now, setImmediate, setTimeout, unref } = require('../guards/timers.js');
const { needStack } = require('../guards/unwinding.js');
const { contained, ignore, timerMillis } = require('../guards/user_code.js');

const waiting = new Set();
const CLOCKS_DIFFER_MILLIS = 2; // ours and the native one, which counts in milliseconds
let wakeIn = () => false; // `(millis) => boolean`, whether the native clock will call
let alarmMillis = Number.POSITIVE_INFINITY; // when it calls

class Deadline {
  #callback;
  #timer;

  /** Calls `callback()` once, after `millis` (a second or a month, NaN is at once) or later, unless it is cancelled. */
  constructor(callback, millis) {
    this.#callback = callback;
    if (millis !== undefined) this.start(millis);
  }

  /**
   * Where it was made without a time. Whoever keeps it before that can cancel it, even if the call that starts it is cut off.
   */
  start(millis) {
    needStack(); // cut off inside Node's `setTimeout`, its count of timers would be wrong, and the process held for ever
    const delay = timerMillis(millis);
    this.at = now() + delay;
    waiting.add(this);
    this.#timer = setTimeout(() => this.fire(), delay);
    setAlarm(this.at);
    return this;
  }

  fire() {
    if (!waiting.has(this)) return;
    this.cancel();
    this.#callback();
  }

  cancel() {
    waiting.delete(this);
    clearTimeout(this.#timer);
  }

  /** It does not hold the process. */
  unref() {
    unref(this.#timer);
    return this;
  }
}

function setAlarm(at) {
  if (at < alarmMillis && wakeIn(at - now())) alarmMillis = at;
}

/** The native clock is asked by `ask(millis)`; false: the threads that keep it do not run. */
function useNativeClock(ask) {
  wakeIn = ask;
}

/** The native clock runs now, if it has not before. */
function noteNativeClock() {
  if (alarmMillis === Number.POSITIVE_INFINITY) setNextAlarm();
}

/** Fires what is overdue; called whenever native code calls. */
function checkDeadlines() {
  if (waiting.size === 0) return;
  const time = now() + CLOCKS_DIFFER_MILLIS;
  if (alarmMillis < Number.POSITIVE_INFINITY && time < alarmMillis) return;
  alarmMillis = Number.POSITIVE_INFINITY;
  for (const deadline of [...waiting]) if (deadline.at <= time) contained(ignore, () => deadline.fire());
  setNextAlarm();
}

function setNextAlarm() {
  let next = Number.POSITIVE_INFINITY;
  for (const { at } of waiting) next = Math.min(next, at);
  if (next < Number.POSITIVE_INFINITY) setAlarm(next);
}

/**
 * Resolves when `promise` has settled or `millis` have passed, whichever comes first; never rejects. `promise` may be
 * anything, a thenable that never calls back included. What it rejects with goes to `onError`.
 */
function settledWithin(promise, millis, onError) {
  return new Promise((resolve) => {
    const timer = new Deadline(resolve, millis).unref();
    const finish = (then) => (value) => {
      timer.cancel();
      then(value);
      resolve();
    };
    new Promise((adopt) => adopt(promise)).then(finish(ignore), finish(onError));
  });
}

/**
 * What `promise` settles with, or a rejection with `Error('Timeout')` after `millis`. `promise` may be anything.
 * `lastLook` is called when the time is over: what settles because of it still counts.
 */
function within(promise, millis, lastLook = ignore) {
  let late;
  const timeout = new Promise((_, reject) => {
    late = () => reject(new Error('Timeout'));
  });
  const timer = new Deadline(() => {
    contained(ignore, lastLook);
    setImmediate(late);
  });
  const settled = Promise.race([new Promise((adopt) => adopt(promise)), timeout]).finally(() => timer.cancel());
  settled.catch(ignore); // for a caller that is cut off before it can listen
  timer.start(millis);
  return settled;
}

module.exports = { checkDeadlines, Deadline, noteNativeClock, settledWithin, useNativeClock, within };
