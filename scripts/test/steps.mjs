// Owns what the test commands share: steps with a name and a time, bounded child processes, the summary at the end.
// It refuses to know what is tested.

import { spawn } from 'node:child_process';
import path from 'node:path';
import { root } from '../build/project.mjs';

const results = [];

/** Runs a step; `{ ok, note }` is its verdict, anything else counts as green. A step that throws ends the command. */
export async function timed(name, step) {
  process.stdout.write(`\n── ${name}\n`);
  const started = Date.now();
  const result = await step();
  const outcome = result?.ok === undefined ? { ok: true, note: '' } : result;
  results.push({ name, seconds: (Date.now() - started) / 1000, ...outcome });
  return result;
}

/** Prints a line per step and the verdict, which becomes the exit code. */
export function summarize() {
  process.stdout.write('\n── summary\n');
  const width = Math.max(28, ...results.map(({ name }) => name.length));
  for (const { name, seconds, ok, note } of results) {
    process.stdout.write(`  ${ok ? '✔' : '✖'} ${name.padEnd(width)} ${seconds.toFixed(1).padStart(7)} s   ${note}\n`);
  }
  const failed = results.filter(({ ok }) => !ok);
  process.stdout.write(
    failed.length === 0 ? 'All green.\n' : `FAILED: ${failed.map(({ name }) => name).join(', ')}.\n`,
  );
  if (failed.length > 0) process.exitCode = 1;
}

/** What goes behind the note of a step whose command ended with `code`. */
export function exitNote(code) {
  return code === 0 ? '' : `, ended with ${code}`;
}

/** What `cargo test` says about all its binaries together. */
export function rustTotals(output) {
  const count = (what) =>
    [...output.matchAll(new RegExp(`(\\d+) ${what}`, 'g'))].reduce((total, [, number]) => total + Number(number), 0);
  const [passed, failed] = [count('passed'), count('failed')];
  return `${passed} passed${failed > 0 ? `, ${failed} failed` : ''}`;
}

/**
 * Runs a command. Its output is shown as it comes, or left to the caller with `isShownAtEnd`. A command that outlives
 * `limitMillis` is killed with all its children, unless `moreTime` then grants more milliseconds.
 */
export function run(
  command,
  args,
  { limitMillis, moreTime = async () => 0, cwd = root, env = {}, isShownAtEnd = false },
) {
  return new Promise((resolve, reject) => {
    const ownGroup = process.platform !== 'win32';
    const child = spawn(command, args, {
      cwd,
      env: { ...testEnvironment(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: ownGroup,
    });
    const stop = () => (ownGroup ? process.kill(-child.pid, 'SIGKILL') : child.kill('SIGKILL'));
    const interrupted = () => {
      stop();
      process.exit(130);
    };
    process.once('SIGINT', interrupted);
    process.once('SIGTERM', interrupted);
    let output = '';
    let isStopped = false;
    let isOver = false;
    const take = (stream) => (chunk) => {
      output += chunk;
      if (!isShownAtEnd) stream.write(chunk);
    };
    child.stdout.setEncoding('utf8').on('data', take(process.stdout));
    child.stderr.setEncoding('utf8').on('data', take(process.stderr));
    const atLimit = async () => {
      const millis = await moreTime();
      if (isOver) return;
      if (millis > 0) {
        timer = setTimeout(atLimit, millis);
        return;
      }
      isStopped = true;
      if (!isShownAtEnd) {
        const name = `${path.basename(command)} ${args[0]}`;
        process.stderr.write(`\n${name} ran for ${limitMillis / 1000} s and was stopped.\n`);
      }
      stop();
    };
    let timer = setTimeout(atLimit, limitMillis);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      isOver = true;
      clearTimeout(timer);
      process.off('SIGINT', interrupted);
      process.off('SIGTERM', interrupted);
      resolve({ code: code ?? signal, output, isStopped });
    });
  });
}

/**
 * The tests set what they need; what the developer's shell says about OpenTelemetry must not reach them. Nor must
 * NODE_TEST_CONTEXT, with which Node.js marks a test file: a test runner that is started by a test would run nothing.
 */
function testEnvironment() {
  const entries = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('OTEL_') && name !== 'NODE_TEST_CONTEXT' && !/^(https?|all|no)_proxy$/i.test(name),
  );
  return Object.fromEntries(entries);
}
