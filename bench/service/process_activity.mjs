// Owns how often another process asks the kernel for something and how often its threads are woken, as Linux tells.
// Refuses to count system calls while anything else is measured: `strace` slows a process down.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Times that a thread of process `pid` has gone to sleep, and so was woken: of the main thread, and of all. */
export function wakeUpsOf(pid) {
  const ofTask = (task) =>
    Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/task/${task}/status`, 'utf8'))[1]);
  const all = readdirSync(`/proc/${pid}/task`).reduce((sum, task) => sum + ofTask(task), 0);
  return { main: ofTask(pid), process: all };
}

/** Why system calls cannot be counted here, or null. */
export function straceMissing() {
  if (process.platform !== 'linux') return 'system calls are counted on Linux only';
  return spawnSync('strace', ['-V'], { stdio: 'ignore' }).status === 0 ? null : 'strace is not installed';
}

/** Counts the system calls of all threads of `pid` until `stop()`, which resolves to their number. */
export async function countSystemCalls(pid) {
  const directory = mkdtempSync(join(tmpdir(), 'offloop-bench-'));
  const file = join(directory, 'calls');
  const tracer = spawn('strace', ['-c', '-f', '-o', file, '-p', String(pid)], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise((resolve) => tracer.on('close', resolve));
  await new Promise((resolve, reject) => {
    let text = '';
    tracer.stderr.on('data', (chunk) => {
      text += chunk;
      if (/attached/.test(text)) resolve();
    });
    tracer.on('error', reject);
    tracer.on('close', () => reject(new Error(`strace cannot attach: ${text.trim()}`)));
  });
  return {
    async stop() {
      tracer.kill('SIGINT');
      await ended;
      const calls = sumOfCalls(readFileSync(file, 'utf8'));
      rmSync(directory, { recursive: true, force: true });
      return calls;
    },
  };
}

/** Of lines as `  4.20    0.000123           3        41         2 futex`; the one of the sum is left out. */
function sumOfCalls(summary) {
  const lines = summary.split('\n').map((line) => line.trim().split(/\s+/));
  const ofCalls = lines.filter((words) => /^[\d.]+$/.test(words[0]) && words.at(-1) !== 'total');
  if (ofCalls.length === 0) throw new Error('strace has counted nothing');
  return ofCalls.reduce((sum, words) => sum + Number(words[3]), 0);
}
