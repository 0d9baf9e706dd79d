// Owns the clock of this harness: CPU time of the calling thread, in microseconds.
import { closeSync, openSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

function fromAddon() {
  try {
    const { threadCpuMicros } = require('../../js/native/engine.js');
    const first = threadCpuMicros();
    return first > 0 ? { source: 'addon (thread CPU clock)', read: threadCpuMicros } : null;
  } catch {
    return null;
  }
}

function fromThreadCpuUsage() {
  if (typeof process.threadCpuUsage !== 'function') return null;
  // Linux brings the thread's run time up to date only when the whole process is asked; without the first call the
  // answer lags by up to one scheduler tick (4 ms).
  const read = () => {
    process.cpuUsage();
    const { user, system } = process.threadCpuUsage();
    return user + system;
  };
  return { source: 'process.threadCpuUsage()', read };
}

function fromSchedstat() {
  let file;
  try {
    file = openSync('/proc/thread-self/schedstat', 'r');
    const text = Buffer.alloc(96);
    const read = () => {
      process.cpuUsage(); // brings the figure up to date, as above
      readSync(file, text, 0, text.length, 0);
      return Number(text.latin1Slice(0, text.indexOf(0x20))) / 1000;
    };
    // On a busy machine the thread may get little of its first milliseconds: wait for the clock to move, not for time.
    const before = read();
    const until = performance.now() + 500;
    while (performance.now() < until)
      if (read() - before > 1000) return { source: '/proc/thread-self/schedstat', read };
    closeSync(file);
  } catch {
    // not Linux, or /proc is hidden
  }
  return null;
}

function fromProcess() {
  const read = () => {
    const { user, system } = process.cpuUsage();
    return user + system;
  };
  return { source: 'process.cpuUsage() (the WHOLE process: no per-thread clock here)', read };
}

const clock = fromAddon() ?? fromThreadCpuUsage() ?? fromSchedstat() ?? fromProcess();

/** Where the figures come from; printed with every run. */
export const cpuClockSource = clock.source;

/** CPU time that the calling thread has used, in microseconds. */
export const threadCpuMicros = clock.read;

/** Every clock that works here, for the self-check that compares them. */
export function allClocks() {
  return [fromAddon(), fromThreadCpuUsage(), fromSchedstat(), fromProcess()].filter(Boolean);
}

/** CPU time of all threads of this process, in microseconds. */
export function processCpuMicros() {
  const { user, system } = process.cpuUsage();
  return user + system;
}
