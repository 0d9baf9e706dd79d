'use strict';

// Owns the measurement of the service's main thread: event-loop delay, blocks and CPU time. It uses Node and the
// operating system only, nothing of any exporter's, and a phase cannot tell which exporter runs beside it.

const { openSync, readSync } = require('node:fs');
const { monitorEventLoopDelay, performance } = require('node:perf_hooks');

const RESOLUTION_MILLIS = 10;
const BUCKET_MILLIS = 100;

/** A clock of the main thread's CPU time: `micros()` reads it, `source` says how, `perThread` whether it is exact. */
function threadCpuClock() {
  if (typeof process.threadCpuUsage === 'function') {
    return {
      source: 'process.threadCpuUsage()',
      perThread: true,
      micros: () => {
        const { user, system } = process.threadCpuUsage();
        return user + system;
      },
    };
  }
  try {
    // Linux: the main thread's id is the process id, and the first field is its time on a processor in nanoseconds.
    const descriptor = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
    const text = Buffer.alloc(96);
    const micros = () => Number.parseInt(text.latin1Slice(0, readSync(descriptor, text, 0, 96, 0)), 10) / 1000;
    if (micros() > 0) return { source: '/proc/self/task/<main>/schedstat', perThread: true, micros };
  } catch {
    // Not Linux, or a kernel without schedstat.
  }
  try {
    const { threadCpuMicros } = require('../js/native/engine.js');
    if (threadCpuMicros() > 0)
      return { source: 'the thread clock of the addon', perThread: true, micros: threadCpuMicros };
  } catch {
    // No addon in this tree: the last resort below counts all threads.
  }
  return {
    source: 'process.cpuUsage(): all threads',
    perThread: false,
    micros: () => {
      const { user, system } = process.cpuUsage();
      return user + system;
    },
  };
}

class LoopWatch {
  #clock = threadCpuClock();
  #histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MILLIS });
  #interval;
  #startedAt = 0;
  #lastTickAt = 0;
  #lastTickCpu = 0;
  #startCpu = 0;
  #startProcessCpu;
  #buckets = [];
  #longest = { millis: 0, mostCpuMillis: 0 };
  #recentMax = 0;
  #load;

  /** Starts (or starts again) from zero. */
  begin() {
    clearInterval(this.#interval);
    this.#histogram.reset();
    this.#histogram.enable();
    this.#buckets = [];
    this.#longest = { millis: 0, mostCpuMillis: 0 };
    this.#load = undefined;
    this.#startedAt = this.#lastTickAt = performance.now();
    this.#startCpu = this.#lastTickCpu = this.#clock.micros();
    this.#startProcessCpu = process.cpuUsage();
    this.#interval = setInterval(() => this.#tick(), RESOLUTION_MILLIS);
  }

  /** Ends the window of the load: percentiles are taken here, so that an idle drain cannot dilute them. */
  endOfLoad() {
    this.#tick();
    this.#histogram.disable();
    const percentile = (p) => delayMillis(this.#histogram.percentile(p));
    this.#load = {
      seconds: (performance.now() - this.#startedAt) / 1000,
      delayMillis: { p50: percentile(50), p99: percentile(99), max: delayMillis(this.#histogram.max) },
    };
  }

  /** Ends the measurement; blocks, CPU and the timeline run until here, so that work put off to the end counts too. */
  end() {
    this.#tick();
    clearInterval(this.#interval);
    const { user, system } = process.cpuUsage(this.#startProcessCpu);
    return {
      ...this.#load,
      secondsWithDrain: (performance.now() - this.#startedAt) / 1000,
      longestBlock: this.#longest,
      mainThreadCpuMillis: (this.#clock.micros() - this.#startCpu) / 1000,
      mainThreadCpuSource: this.#clock.source,
      mainThreadCpuExact: this.#clock.perThread,
      processCpuMillis: (user + system) / 1000,
      peakMemoryMiB: process.resourceUsage().maxRSS / 1024,
      bucketMillis: BUCKET_MILLIS,
      timelineMillis: Array.from(this.#buckets, (millis) => Math.round((millis ?? 0) * 10) / 10),
    };
  }

  /** The longest delay since the last call, for the progress line. */
  takeRecentMaxMillis() {
    const max = this.#recentMax;
    this.#recentMax = 0;
    return max;
  }

  #tick() {
    const now = performance.now();
    const cpu = this.#clock.micros();
    const late = Math.max(0, now - this.#lastTickAt - RESOLUTION_MILLIS);
    this.#longest.millis = Math.max(this.#longest.millis, late);
    // The processor time between two ticks tells a block of the program's from a machine that was busy elsewhere.
    this.#longest.mostCpuMillis = Math.max(this.#longest.mostCpuMillis, (cpu - this.#lastTickCpu) / 1000);
    this.#recentMax = Math.max(this.#recentMax, late);
    // A block is drawn over every bucket that it touched.
    const first = Math.floor((this.#lastTickAt - this.#startedAt) / BUCKET_MILLIS);
    const last = Math.floor((now - this.#startedAt) / BUCKET_MILLIS);
    for (let bucket = first; bucket <= last; bucket++)
      this.#buckets[bucket] = Math.max(this.#buckets[bucket] ?? 0, late);
    this.#lastTickAt = now;
    this.#lastTickCpu = cpu;
  }
}

// The histogram holds the time between two firings of its timer; the delay is what exceeds the timer's own period.
function delayMillis(nanos) {
  return Math.max(0, nanos / 1e6 - RESOLUTION_MILLIS);
}

module.exports = { LoopWatch, threadCpuClock };
