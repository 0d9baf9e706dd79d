// Owns how the files of __test__/*/ are run: each in a Node.js of its own, with a time limit of its own, and one line about
// each that is green. Files that measure no time run side by side. Those that do run alone, at the end, because a neighbour
// would falsify what they measure.

import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { root } from '../build/project.mjs';
import { slowness } from './machine_speed.mjs';
import { run } from './steps.mjs';

/** A file that asserts how long something takes says so with this comment. */
const MEASURES_TIME = /^\/\/ This file measures time, so it runs alone\.$/m;
/** Files wait more than they compute, so there is one more of them than cores. */
const AT_A_TIME = Math.min(availableParallelism(), 4) + 1;
/** How the files of the second stage end: the longest forms, which `npm test` leaves to `.ci/run` and `npm run test:long`. */
const SECOND_STAGE = '.long.test.js';
/** Where the reporter repeats the failures, after everything else. */
const FAILING = '\n✖ failing tests:';
const testDirectory = path.join(root, '__test__');

/** Every test file, as `room/name.test.js`. */
export function allTestFiles() {
  return readdirSync(testDirectory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name: room }) => readdirSync(path.join(testDirectory, room)).map((name) => `${room}/${name}`))
    .filter((file) => /\.test\.m?js$/.test(file));
}

export function isOfSecondStage(file) {
  return file.endsWith(SECOND_STAGE);
}

/** The files whose name, or with a `/` whose path, contains one of `parts`; without parts all of the first stage. */
export function testFiles(parts = [], files = allTestFiles()) {
  if (parts.length === 0) return files.filter((file) => !isOfSecondStage(file));
  return files.filter((file) => parts.some((part) => (part.includes('/') ? file : path.basename(file)).includes(part)));
}

export function sourceOf(name, directory = testDirectory) {
  return readFileSync(path.join(directory, name), 'utf8');
}

/**
 * Runs test files on the Node.js `command`; the verdict as a step returns it. A file that takes longer than
 * `limitMillis`, multiplied by how much slower than a quiet machine this one is at that moment, is stopped and named.
 */
export async function runNodeTests(command, files, { limitMillis, env, directory = testDirectory }) {
  const together = files.filter((name) => !MEASURES_TIME.test(sourceOf(name, directory)));
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
  const note = textOf(totals);
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
  // A path that starts with a letter would be taken for a package name.
  const args = ['--test', '--test-reporter=spec', '--test-reporter-destination=stdout', path.relative(root, file)];
  const name = path.basename(file);
  const started = performance.now();
  const moreTime = async () => limitMillis * (await slowness()) - (performance.now() - started);
  const { code, output, isStopped } = await run(command, args, { limitMillis, moreTime, env, isShownAtEnd: true });
  const seconds = (performance.now() - started) / 1000;
  const totals = totalsOf(output);
  const ok = code === 0 && !isStopped;
  if (!ok) process.stdout.write(`\n${output.slice(output.indexOf(FAILING) + 1).trim()}\n\n`);
  const counts = textOf(totals);
  process.stdout.write(`  ${ok ? '✔' : '✖'} ${name.padEnd(44)} ${seconds.toFixed(1).padStart(6)} s   ${counts}\n`);
  for (const figure of figures(output)) process.stdout.write(`      ${figure}\n`);
  for (const [reason, times] of skips(output)) process.stdout.write(`      skipped ${times}: ${reason}\n`);
  if (isStopped) {
    const limit = limitMillis / 1000;
    process.stdout.write(`  ✖ ${name} was stopped after ${seconds.toFixed(0)} s; its limit is ${limit} s\n`);
  }
  // A file that ends before anything was counted would otherwise be red without a word.
  if (code !== 0 && !isStopped && totals.failed === 0) process.stdout.write(`  ✖ ${name} ended with ${code}\n`);
  return { ok, totals };
}

/** What Node's `spec` reporter counted at the end; nothing where the file did not get there. */
function totalsOf(output) {
  const count = (word) => Number(new RegExp(`^ℹ ${word} (\\d+)$`, 'm').exec(output)?.[1] ?? 0);
  const failed = count('fail') + count('cancelled');
  return { passed: count('pass'), failed, skipped: count('skipped'), todo: count('todo') };
}

function textOf(totals) {
  const counts = Object.entries(totals).filter(([outcome, count]) => count > 0 || outcome === 'passed');
  return counts.map(([outcome, count]) => `${count} ${outcome}`).join(', ');
}

/** What the tests that are in no suite tell about themselves. */
function figures(output) {
  const counted = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/;
  return [...output.matchAll(/^ℹ (.+)$/gm)].map(([, text]) => text).filter((text) => !counted.test(text));
}

/** Why tests were skipped, and how many of them for each reason. */
function skips(output) {
  const reasons = new Map();
  for (const [, reason] of output.matchAll(/^ *﹣ .*?\([\d.]+ms\) # (.+)$/gm))
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  return reasons;
}
