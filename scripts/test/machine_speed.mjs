// Owns the control measurement that time limits of the test commands are scaled by: how long this machine takes, now,
// for work of a known size.

import { spawn } from 'node:child_process';

const QUIET_MILLIS = 100; // what the control takes on the two quiet cores that the limits were chosen on
const ROUNDS = 3;
const CONTROL = `
  const { createHash } = require('node:crypto');
  const block = Buffer.alloc(1 << 16, 7);
  let text = '';
  for (let i = 0; i < 60; i++) text = createHash('sha512').update(block).update(text).digest('hex');
  for (let i = 0, spans = []; i < 40000; i++) spans.push(JSON.stringify({ name: text, at: i }).length);
`;

/** How many times slower than a quiet machine this one is at the moment: the median of three controls, 1 at least. */
export async function slowness() {
  const times = [];
  for (let round = 0; round < ROUNDS; round++) times.push(await controlMillis());
  times.sort((a, b) => a - b);
  return Math.max(1, times[ROUNDS >> 1] / QUIET_MILLIS);
}

/** A process is started for it, because starting processes is most of what the test files do. */
function controlMillis() {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['-e', CONTROL], { stdio: 'ignore' });
    child.once('error', reject);
    child.once('close', () => resolve(performance.now() - started));
  });
}
