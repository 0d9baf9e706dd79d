// Owns what the test commands share: steps with a name and a time, bounded child processes, the summary at the end.
// It refuses to know what is tested.

import { spawn } from 'node:child_process';
import path from 'node:path';
import { root } from './build.mjs';

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

/** Runs test files of __test__/ on the Node.js `command`; the verdict as a step returns it. */
export async function runNodeTests(command, files, { limitMillis, env }) {
  const args = [
    '--test',
    // A path that starts with a letter would be taken for a package name.
    '--test-reporter=./scripts/test_reporter.mjs',
    '--test-reporter-destination=stdout',
    ...files.map((name) => path.join('__test__', name)),
  ];
  const { code, output } = await run(command, args, { limitMillis, env, hide: /^TOTALS .*\n/m });
  const totals = JSON.parse(/^TOTALS (.*)$/m.exec(output)?.[1] ?? '{}');
  const note = Object.entries(totals).filter(([name, count]) => count > 0 || name === 'passed');
  // A run that passed nothing proves nothing.
  const ok = code === 0 && totals.passed > 0;
  return { ok, note: `${note.map(([name, count]) => `${count} ${name}`).join(', ')}${exitNote(code)}` };
}

/** Runs a command with its output shown as it comes; one that outlives its limit is killed with all its children. */
export function run(command, args, { limitMillis, hide, env = {} }) {
  return new Promise((resolve, reject) => {
    const ownGroup = process.platform !== 'win32';
    const child = spawn(command, args, {
      cwd: root,
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
    const show = (stream) => (chunk) => {
      output += chunk;
      stream.write(hide ? String(chunk).replace(hide, '') : chunk);
    };
    child.stdout.setEncoding('utf8').on('data', show(process.stdout));
    child.stderr.setEncoding('utf8').on('data', show(process.stderr));
    const timer = setTimeout(() => {
      process.stderr.write(`\n${path.basename(command)} ${args[0]} ran for ${limitMillis / 1000} s and was stopped.\n`);
      stop();
    }, limitMillis);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      process.off('SIGINT', interrupted);
      process.off('SIGTERM', interrupted);
      resolve({ code: code ?? signal, output });
    });
  });
}

/** The tests set what they need; what the developer's shell says about OpenTelemetry must not reach them. */
function testEnvironment() {
  const entries = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('OTEL_') && !/^(https?|all|no)_proxy$/i.test(name),
  );
  return Object.fromEntries(entries);
}
