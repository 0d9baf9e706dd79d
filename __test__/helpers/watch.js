'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { performance } = require('node:perf_hooks');

const LOOK_MILLIS = 2;
/** Linux tells how long threads waited for a processor. */
const TASKS = '/proc/self/task';
const isTold = process.platform === 'linux';

/**
 * A clock on the wall with a control beside it: how long the machine kept threads of this process waiting that were
 * ready to run (Linux tells), and how late this loop's own timer was.
 */
class Watch {
  #started = performance.now();
  #before = new Map();
  #seen = new Map();
  #lateMillis = 0;
  #last = this.#started;
  #timer;

  constructor() {
    look(this.#before);
    this.#timer = setInterval(() => {
      const now = performance.now();
      this.#lateMillis += Math.max(0, now - this.#last - 2 * LOOK_MILLIS);
      this.#last = now;
      look(this.#seen); // again and again: a thread that has ended takes its numbers with it
    }, LOOK_MILLIS);
  }

  /** `{ tookMillis, lateMillis }` */
  stop() {
    const tookMillis = performance.now() - this.#started;
    clearInterval(this.#timer);
    look(this.#seen);
    let waitedMillis = 0;
    for (const [task, millis] of this.#seen) waitedMillis += millis - (this.#before.get(task) ?? 0);
    return { tookMillis, lateMillis: Math.max(this.#lateMillis, waitedMillis) };
  }
}

function look(waits) {
  if (!isTold) return;
  let tasks = [];
  try {
    tasks = fs.readdirSync(TASKS);
  } catch {
    return; // not Linux
  }
  for (const task of tasks) {
    try {
      waits.set(task, Number(fs.readFileSync(`${TASKS}/${task}/schedstat`, 'latin1').split(' ')[1]) / 1e6);
    } catch {
      // it has ended
    }
  }
}

/**
 * Runs a measurement, again (three times at most) if the machine itself was late. `run` answers what `Watch.stop()` said.
 * More than `limitMillis` is a failure unless the machine took that time away; where the system does not tell, what is broken
 * takes too long each time.
 */
async function measured(limitMillis, run) {
  for (let attempt = 1; attempt <= 3; attempt++) {
    const { tookMillis, lateMillis } = await run();
    if (tookMillis <= limitMillis) return;
    if (!isTold && attempt < 3) continue;
    const own = tookMillis - lateMillis;
    assert.ok(own <= limitMillis, `took ${tookMillis} ms of ${limitMillis}, of which the machine took ${lateMillis}`);
  }
}

module.exports = { Watch, measured };
