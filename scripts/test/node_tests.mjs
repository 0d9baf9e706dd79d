// Owns how the files of __test__/*/ are run: each in a Node.js of its own, with a time limit of its own. Files that measure
// no time run two at a time. Those that do run alone, at the end, because a neighbour would falsify what they measure.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../build/project.mjs';
import { slowness } from './machine_speed.mjs';
import { run } from './steps.mjs';

/** A file that asserts how long something takes says so with this comment. */
const MEASURES_TIME = '// This file measures time, so it runs alone.';
const AT_A_TIME = 2;
const testDirectory = path.join(root, '__test__');

/** The test files (`room/name.test.js`) whose name, or with a `/` whose path, contains one of `parts`, or all of them. */
export function testFiles(parts = []) {
  const isWanted = (file) =>
    parts.length === 0 || parts.some((part) => (part.includes('/') ? file : path.basename(file)).includes(part));
  return readdirSync(testDirectory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name: room }) => readdirSync(path.join(testDirectory, room)).map((name) => `${room}/${name}`))
    .filter((file) => /\.test\.m?js$/.test(file) && isWanted(file));
}

export function sourceOf(name, directory = testDirectory) {
  return readFileSync(path.join(directory, name), 'utf8');
}

/**
 * Runs test files on the Node.js `command`; the verdict as a step returns it. A file that takes longer than
 * `limitMillis`, multiplied by how much slower than a quiet machine this one is at that moment, is stopped and named.
 */
export async function runNodeTests(command, files, { limitMillis, env, directory = testDirectory }) {
  const together = files.filter((name) => !sourceOf(name, directory).includes(MEASURES_TIME));
  const alone = files.filter((name) => !together.includes(name));
  const totals = { passed: 0, failed: 0, skipped: 0, todo: 0 };
  const broken = [];
  const runOne = async (name) => {
    const result = await runFile(command, path.join(directory, name), { limitMillis, env });
    for (const [outcome, count] of Object.entries(result.totals)) totals[outcome] += count;
    if (!result.ok) broken.push(name);
  };
  await eachOf(together, AT_A_TIME, runOne);
  await eachOf(alone, 1, runOne);
  const counts = Object.entries(totals).filter(([outcome, count]) => count > 0 || outcome === 'passed');
  const note = counts.map(([outcome, count]) => `${count} ${outcome}`).join(', ');
  // A run that passed nothing proves nothing.
  const ok = broken.length === 0 && totals.passed > 0;
  return { ok, note: broken.length === 0 ? note : `${note}; red: ${broken.join(', ')}` };
}

async function eachOf(names, atATime, work) {
  const waiting = [...names];
  const workers = Array.from({ length: atATime }, async () => {
    while (waiting.length > 0) await work(waiting.shift());
  });
  await Promise.all(workers);
}

async function runFile(command, file, { limitMillis, env }) {
  const args = [
    '--test',
    // A path that starts with a letter would be taken for a package name.
    '--test-reporter=./scripts/test/reporter.mjs',
    '--test-reporter-destination=stdout',
    path.relative(root, file),
  ];
  const name = path.basename(file);
  const started = performance.now();
  const moreTime = async () => limitMillis * (await slowness()) - (performance.now() - started);
  const { code, output, isStopped } = await run(command, args, { limitMillis, moreTime, env, isShownAtEnd: true });
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  process.stdout.write(output.replace(/^TOTALS .*\n/m, ''));
  if (isStopped)
    process.stdout.write(`  ✖ ${name} was stopped after ${seconds} s; its limit is ${limitMillis / 1000} s\n`);
  const totals = JSON.parse(/^TOTALS (.*)$/m.exec(output)?.[1] ?? '{}');
  // A file that ends before its reporter has counted anything would otherwise be red without a word.
  if (code !== 0 && !isStopped && !(totals.failed > 0)) process.stdout.write(`  ✖ ${name} ended with ${code}\n`);
  return { ok: code === 0 && !isStopped, totals };
}
