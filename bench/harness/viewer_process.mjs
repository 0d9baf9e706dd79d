// What a command of the viewer costs as a process: CPU of all its threads, and the most that was resident.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, readFileSync } from 'node:fs';

const EVERY_MILLIS = 10;

/**
 * Runs a program to its end. `inputs` are files that it gets through a pipe, one after the other. The peak is what Linux
 * says of the process for the last time while it lives.
 */
export async function runMeasured(program, words, { inputs } = {}) {
  // The shell tells the time of its children; a process of its own would need a native call.
  const script = 'TIMEFORMAT="cpu %U %S"; time "$0" "$@"';
  const child = spawn('bash', ['-c', script, program, ...words], {
    stdio: [inputs === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C' },
  });
  let [output, errors, peakKiB] = ['', '', 0];
  child.stdout.on('data', (text) => {
    output += text;
  });
  child.stderr.on('data', (text) => {
    errors += text;
  });
  const watch = setInterval(() => {
    peakKiB = Math.max(peakKiB, peakOf(child.pid));
  }, EVERY_MILLIS);
  const ended = new Promise((settle, reject) => {
    child.on('error', reject);
    child.on('close', settle);
  });
  for (const input of inputs ?? []) {
    for await (const chunk of createReadStream(input)) if (!child.stdin.write(chunk)) await once(child.stdin, 'drain');
  }
  child.stdin?.end();
  const code = await ended;
  clearInterval(watch);
  const times = /cpu ([\d.]+) ([\d.]+)\n$/.exec(errors);
  if (code !== 0 || times === null) throw new Error(`${program} ended with ${code}: ${errors}`);
  return { output, cpuSeconds: Number(times[1]) + Number(times[2]), peakBytes: peakKiB * 1024 };
}

/** Of the process and its children, in KiB. */
function peakOf(pid) {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
    return Math.max(0, ...children.map((child) => peakKiB(child)));
  } catch {
    return 0; // it has just ended, or this is not Linux
  }
}

function peakKiB(pid) {
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
}
