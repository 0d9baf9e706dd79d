// Owns the core's tests, compiled for Windows and run there, one program after the other.

import { copyFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { rustTotals } from '../../test/steps.mjs';
import { buildCoreTests } from './build.mjs';
import { CORE_FAILURES } from './known.mjs';
import { linkSourcePath, tree } from './tree.mjs';
import { inWine, windowsPath, work } from './wine.mjs';

const limitMillis = 300_000;

export async function runCoreTests() {
  const programs = await buildCoreTests();
  linkSourcePath();
  const directory = path.join(work, 'core');
  mkdirSync(directory, { recursive: true });
  const red = [];
  let output = '';
  for (const { name, executable } of programs) {
    const file = path.join(directory, `${name}.exe`);
    copyFileSync(executable, file);
    let result = await runProgram(file);
    if (result.unexplained.length > 0) {
      // As with the test files: once more, ahead of whatever else the machine does; what fails twice has failed.
      const first = result;
      result = await runProgram(file, { isAhead: true });
      const once = first.unexplained.filter((test) => !result.unexplained.includes(test));
      for (const test of once) process.stdout.write(`      passed in one of two runs: ${name}: ${test}\n`);
      result.unexplained = result.unexplained.filter((test) => first.unexplained.includes(test));
    }
    const { explained, stdout, unexplained } = result;
    const seconds = result.seconds.toFixed(1);
    output += stdout;
    const sign = unexplained.length === 0 ? '✔' : '✖';
    process.stdout.write(`  ${sign} ${name.padEnd(30)} ${seconds.padStart(6)} s   ${rustTotals(stdout)}\n`);
    for (const test of explained) process.stdout.write(`      explained: ${test}: ${CORE_FAILURES[name][test]}\n`);
    if (unexplained.length === 0) continue;
    red.push(name);
    process.stdout.write(`${unexplained.map((test) => `      ✖ ${test}\n`).join('')}${failuresOf(stdout)}\n`);
  }
  const note = `${rustTotals(output)} in ${programs.length} programs`;
  return {
    ok: red.length === 0 && programs.length > 0,
    note: red.length === 0 ? note : `${note}; red: ${red.join(', ')}`,
  };
}

async function runProgram(file, { isAhead = false } = {}) {
  const started = performance.now();
  const words = [windowsPath(file)];
  const { code, isStopped, stdout, stderr } = await inWine(words, { limitMillis, directory: tree, isAhead });
  const failed = [...stdout.matchAll(/^test (\S+).* \.\.\. FAILED$/gm)].map(([, test]) => test);
  const known = CORE_FAILURES[path.basename(file, '.exe')] ?? {};
  const unexplained = failed.filter((test) => known[test] === undefined);
  if (isStopped) unexplained.push(`stopped: ${stdout.trim().split('\n').at(-1)}`);
  else if (code !== 0 && failed.length === 0) unexplained.push(`ended with ${code}: ${stderr}`);
  const explained = failed.filter((test) => known[test] !== undefined);
  return { explained, seconds: (performance.now() - started) / 1000, stdout, unexplained };
}

function failuresOf(output) {
  const at = output.indexOf('\nfailures:\n');
  return at === -1 ? '' : output.slice(at, at + 6000);
}
