// Owns the Node.js tests on Windows: which files are run, one after the other, which of them once more, and the verdict:
// what has passed, failed and been skipped, and whether a failure is one of those that known.mjs explains.
//
// A busy machine makes tests fail that measure time, and no control tells how busy it is. So a file in which something fails
// is run once more when all the others are done, ahead of whatever else the machine does, and a test counts as failed only
// if it has not passed in either run.

import { allTestFiles, isOfSecondStage } from '../../test/node_tests.mjs';
import { runFile } from './file.mjs';
import { FAILURES, NOT_RUN } from './known.mjs';

/** The files of the first stage whose path contains one of `parts`; one with `.long.` in it finds those of the second. */
export function suiteFiles(parts = ['']) {
  return allTestFiles().filter((file) =>
    parts.some((part) => file.includes(part) && (!isOfSecondStage(file) || part.includes('.long.'))),
  );
}

/** Runs files on one Node.js; the verdict as a step returns it. After `limitMillis` no further file is begun. */
export async function runSuite(node, files, { limitMillis }) {
  const stale = Object.keys({ ...FAILURES, ...NOT_RUN }).filter((file) => !allTestFiles().includes(file));
  if (stale.length > 0) throw new Error(`known.mjs names what is no test file: ${stale.join(', ')}`);
  const until = performance.now() + limitMillis;
  const results = new Map();
  for (const file of files.filter(isRun)) {
    if (performance.now() > until) break;
    results.set(file, await runFile(node, file));
    show(results.get(file));
  }
  const again = [...results.values()].filter(hasFailed);
  if (again.length > 0)
    process.stdout.write(`\n  once more, ahead of everything else, what has failed (${again.length} files):\n`);
  for (const first of again) {
    if (performance.now() > until) break;
    const second = await runFile(node, first.file, { isAhead: true });
    show(second);
    results.set(first.file, ofBoth(first, second));
  }
  return verdict(
    [...results.values()],
    files.filter((file) => NOT_RUN[file] === undefined && !results.has(file)),
  );
}

function isRun(file) {
  if (NOT_RUN[file] !== undefined) process.stdout.write(`  ﹣ ${file}: not run, ${NOT_RUN[file]}\n`);
  return NOT_RUN[file] === undefined;
}

function hasFailed({ tests, trouble }) {
  return trouble !== undefined || tests.some(({ outcome }) => outcome === 'failed');
}

/** What two runs of a file say together: a test passes that has passed once. */
function ofBoth(first, second) {
  const [counted, other] = second.trouble === undefined ? [second, first] : [first, second];
  const passed = new Set(other.tests.filter(({ outcome }) => outcome === 'passed').map(({ name }) => name));
  const tests = counted.tests.map((test) =>
    test.outcome === 'failed' && passed.has(test.name) ? { ...test, outcome: 'passed' } : test,
  );
  const failedOnce = (run) => run.tests.filter(({ outcome }) => outcome === 'failed').map(({ name }) => name);
  const failed = new Set(failedOnce({ tests }));
  const passedOnce = [...new Set([first, second].flatMap(failedOnce))].filter((name) => !failed.has(name));
  const trouble = first.trouble === undefined ? undefined : second.trouble;
  for (const { trouble: once } of [first, second])
    if (once !== undefined && trouble === undefined) passedOnce.push(once);
  return { ...counted, tests, trouble, passedOnce };
}

function show({ file, seconds, tests, trouble }) {
  const sign = hasFailed({ tests, trouble }) ? '✖' : '✔';
  const text = Object.entries(countsOf(tests)).map(([outcome, count]) => `${count} ${outcome}`);
  process.stdout.write(`  ${sign} ${file.padEnd(56)} ${seconds.toFixed(1).padStart(6)} s   ${text.join(', ')}\n`);
  if (tests.length === 0 && trouble === undefined) process.stdout.write('      it defines no test on this machine\n');
  if (trouble !== undefined) process.stdout.write(`      ✖ ${trouble}\n`);
  for (const { name, reason } of tests.filter(({ outcome }) => outcome === 'failed'))
    process.stdout.write(`      ✖ ${name}\n${reason.replace(/^/gm, '          ')}\n`);
}

function countsOf(tests) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { outcome } of tests) counts[outcome]++;
  return counts;
}

/** Tells what passed only once, what known.mjs explains, what it need not explain, and what is left. */
function verdict(results, notBegun) {
  process.stdout.write('\n');
  const say = (text) => process.stdout.write(`  ${text}\n`);
  let explained = 0;
  const red = [];
  for (const { file, tests, trouble, passedOnce = [] } of results) {
    for (const name of passedOnce) say(`passed in one of two runs: ${file}: ${name}`);
    const known = Object.entries(FAILURES[file] ?? {});
    const failed = tests.filter(({ outcome }) => outcome === 'failed');
    for (const [pattern] of known)
      if (!failed.some(({ name }) => name.includes(pattern))) say(`known to fail, and passed: ${file}: ${pattern}`);
    let isRed = trouble !== undefined;
    for (const { name } of failed) {
      const [, reason] = known.find(([pattern]) => name.includes(pattern)) ?? [];
      say(reason === undefined ? `FAILED: ${file}: ${name}` : `explained: ${file}: ${name}: ${reason}`);
      if (reason === undefined) isRed = true;
      else explained += 1;
    }
    if (trouble !== undefined) say(`FAILED: ${file}: ${trouble}`);
    if (isRed) red.push(file);
  }
  if (notBegun.length > 0) red.push(`out of time before ${notBegun[0]} and ${notBegun.length - 1} more`);
  const counts = countsOf(results.flatMap(({ tests }) => tests));
  const note = [`${results.length} files`, ...Object.entries(counts).map(([outcome, count]) => `${count} ${outcome}`)];
  const unsteady = results.filter(({ passedOnce = [] }) => passedOnce.length > 0).length;
  if (unsteady > 0) note.push(`${unsteady} files needed both runs`);
  if (explained > 0) note.push(`${explained} of the failures explained`);
  if (red.length > 0) note.push(`red: ${red.join(', ')}`);
  return { ok: red.length === 0 && counts.passed > 0, note: note.join(', ') };
}
