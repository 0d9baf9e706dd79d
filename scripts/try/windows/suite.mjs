// Owns the Node.js tests on Windows: which files are run, one after the other, each with a time limit, what each has passed,
// failed and skipped, and whether a failure is one of those that known.mjs explains.

import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { allTestFiles, isOfSecondStage } from '../../test/node_tests.mjs';
import { slowness } from '../../test/machine_speed.mjs';
import { FAILURES, NOT_RUN } from './known.mjs';
import { tree } from './tree.mjs';
import { inWine, windowsPath } from './wine.mjs';

const FILE_LIMIT_MILLIS = 300_000;
const REPORTER = './scripts/try/windows/reporter.mjs';

/** The files of the first stage whose path contains one of `parts`. */
export function suiteFiles(parts = []) {
  const files = allTestFiles().filter((file) => !isOfSecondStage(file));
  return files.filter((file) => parts.length === 0 || parts.some((part) => file.includes(part)));
}

/** Runs files on one Node.js; the verdict as a step returns it. After `limitMillis` no further file is begun. */
export async function runSuite(node, files, { limitMillis }) {
  const until = performance.now() + limitMillis;
  const totals = { passed: 0, failed: 0, skipped: 0 };
  const explained = [];
  const red = [];
  for (const file of files) {
    if (NOT_RUN[file] !== undefined) {
      process.stdout.write(`  ﹣ ${file}: not run, ${NOT_RUN[file]}\n`);
      continue;
    }
    if (performance.now() > until) {
      red.push(`${file} and what follows it (out of time)`);
      break;
    }
    const result = await runFile(node, file);
    for (const outcome of Object.keys(totals)) totals[outcome] += result.counts[outcome];
    explained.push(...result.explained);
    if (result.red.length > 0) red.push(file);
  }
  const note = Object.entries(totals).map(([outcome, count]) => `${count} ${outcome}`);
  if (explained.length > 0) note.push(`${explained.length} of the failures explained`);
  if (red.length > 0) note.push(`red: ${red.join(', ')}`);
  return { ok: red.length === 0 && totals.passed > 0, note: note.join(', ') };
}

async function runFile(node, file) {
  const results = path.join(tree, 'results.jsonl');
  rmSync(results, { force: true });
  const words = [windowsPath(node.command), `--test-reporter=${REPORTER}`, '--test-reporter-destination=results.jsonl'];
  words.push(`__test__/${file}`);
  const started = performance.now();
  const { code, stdout, stderr, isStopped } = await inWine(words, {
    limitMillis: FILE_LIMIT_MILLIS,
    moreTime: async () => FILE_LIMIT_MILLIS * (await slowness()) - (performance.now() - started),
    directory: tree,
    nodeDirectory: node.directory,
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const tests = existsSync(results) ? readFileSync(results, 'utf8').split('\n').filter(isWhole).map(JSON.parse) : [];
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { outcome } of tests) counts[outcome]++;
  const failed = tests.filter(({ outcome }) => outcome === 'failed');
  const known = Object.entries(FAILURES[file] ?? {});
  const reasonOf = (name) => known.find(([pattern]) => name.includes(pattern))?.[1];
  const explained = failed.filter(({ name }) => reasonOf(name) !== undefined);
  const red = failed.filter(({ name }) => reasonOf(name) === undefined).map(({ name }) => name);
  if (isStopped) red.push(`stopped after ${seconds} s`);
  else if (code !== 0 && failed.length === 0) red.push(`ended with ${code}: ${`${stdout}${stderr}`.slice(-1500)}`);
  const text = Object.entries(counts).map(([outcome, count]) => `${count} ${outcome}`);
  process.stdout.write(
    `  ${red.length === 0 ? '✔' : '✖'} ${file.padEnd(56)} ${seconds.padStart(6)} s   ${text.join(', ')}\n`,
  );
  if (tests.length === 0 && red.length === 0) process.stdout.write('      it defines no test on this machine\n');
  for (const { name } of explained) process.stdout.write(`      explained: ${name}: ${reasonOf(name)}\n`);
  for (const name of red) {
    const reason = failed.find((one) => one.name === name)?.reason ?? '';
    process.stdout.write(`      ✖ ${name}\n${reason.replace(/^/gm, '          ')}\n`);
  }
  return { counts, explained, red };
}

/** A file that was stopped may have been in the middle of a line. */
function isWhole(line) {
  try {
    return typeof JSON.parse(line) === 'object';
  } catch {
    return false;
  }
}
