// Owns one run of one test file on Windows, with a time limit: each test's name, outcome and reason, and what went wrong with
// the file as a whole.

import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { slowness } from '../../test/machine_speed.mjs';
import { tree } from './tree.mjs';
import { inWine, windowsPath } from './wine.mjs';

const LIMIT_MILLIS = 300_000;
/** A test may change the working directory, so that nothing is named relative to it; and a module is named by a URL. */
const REPORTER = `file:///${windowsPath(path.join(tree, 'scripts', 'try', 'windows', 'reporter.mjs')).replaceAll('\\', '/')}`;
const results = path.join(tree, 'results.jsonl');

/** `{ file, seconds, tests, trouble }`; `trouble` says what happened to a file that was stopped or ended by an error. */
export async function runFile(node, file, { isAhead = false } = {}) {
  rmSync(results, { force: true });
  const words = [windowsPath(node.command), `--test-reporter=${REPORTER}`];
  words.push(`--test-reporter-destination=${windowsPath(results)}`, `__test__/${file}`);
  const started = performance.now();
  const { code, stdout, stderr, isStopped } = await inWine(words, {
    limitMillis: LIMIT_MILLIS,
    moreTime: async () => LIMIT_MILLIS * (await slowness()) - (performance.now() - started),
    directory: tree,
    nodeDirectory: node.directory,
    isAhead,
  });
  const seconds = (performance.now() - started) / 1000;
  const tests = existsSync(results) ? readFileSync(results, 'utf8').split('\n').filter(isWhole).map(JSON.parse) : [];
  let trouble;
  if (isStopped) trouble = `stopped after ${seconds.toFixed(1)} s`;
  else if (code !== 0 && tests.every(({ outcome }) => outcome !== 'failed'))
    trouble = `ended with ${code}: ${`${stdout}${stderr}`.slice(-1500)}`;
  return { file, seconds, tests, trouble };
}

/** A file that was stopped may have been in the middle of a line. */
function isWhole(line) {
  try {
    return typeof JSON.parse(line) === 'object';
  } catch {
    return false;
  }
}
