'use strict';

// What the programs of the monitor's tests have at hand: blocks whose truth is written down, measured in CPU time so
// that a starved machine changes nothing, and a control watchdog of their own.

const { Worker } = require('node:worker_threads');
const { threadCpuMicros } = require('../../js/native/engine.js');

const wall = () => performance.timeOrigin + performance.now();
const sleep = (millis) => new Promise((resolve) => setTimeout(resolve, millis));

/** Computes for `millis` of CPU time, with few looks at its clock: where that is slow to answer, the thread waits for it. */
function busy(millis) {
  const until = threadCpuMicros() + millis * 1000;
  while (threadCpuMicros() < until) for (const next = performance.now() + 0.5; performance.now() < next; );
}

/** What really happened: `{ name, start, end, late }` in milliseconds since the epoch. */
const truth = [];

function begin(name) {
  truth.push({ name, start: wall(), end: 0, late: 0 });
}

function end() {
  truth.at(-1).end = wall();
}

function block(name, millis) {
  begin(name);
  busy(millis);
  end();
}

/** A thread that wants to run every few milliseconds and writes down how late it was at worst. */
class Control {
  #worst = new Int32Array(new SharedArrayBuffer(8));

  constructor() {
    const source = `
      const { workerData: worst } = require('node:worker_threads');
      for (let due = performance.now() + 5; worst[1] === 0; due = performance.now() + 5) {
        Atomics.wait(worst, 1, 0, 5);
        worst[0] = Math.max(worst[0], performance.now() - due);
      }`;
    this.worker = new Worker(source, { eval: true, workerData: this.#worst });
    this.worker.unref();
  }

  /** The worst lateness since the last call, in milliseconds. */
  take() {
    return Atomics.exchange(this.#worst, 0, 0);
  }

  end() {
    Atomics.store(this.#worst, 1, 1);
    Atomics.notify(this.#worst, 1);
  }
}

module.exports = { begin, block, busy, Control, end, sleep, threadCpuMicros, truth, wall };
