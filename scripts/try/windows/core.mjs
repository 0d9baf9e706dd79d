// Owns the core's tests, compiled for Windows and run there, one program after the other.

import { copyFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { rustTotals } from '../../test/steps.mjs';
import { buildCoreTests } from './build.mjs';
import { CORE_FAILURES } from './known.mjs';
import { linkSourcePath, tree } from './tree.mjs';
import { inWine, windowsPath, work } from './wine.mjs';

const PROGRAM_LIMIT_MILLIS = 300_000;

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
    const started = performance.now();
    const result = await inWine([windowsPath(file)], { limitMillis: PROGRAM_LIMIT_MILLIS, directory: tree });
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    output += result.stdout;
    const failed = [...result.stdout.matchAll(/^test (\S+).* \.\.\. FAILED$/gm)].map(([, test]) => test);
    const known = CORE_FAILURES[name] ?? {};
    const unexplained = failed.filter((test) => known[test] === undefined);
    if (result.isStopped) unexplained.push(`stopped after ${seconds} s: ${result.stdout.trim().split('\n').at(-1)}`);
    else if (result.code !== 0 && failed.length === 0) unexplained.push(`ended with ${result.code}: ${result.stderr}`);
    const sign = unexplained.length === 0 ? '✔' : '✖';
    process.stdout.write(`  ${sign} ${name.padEnd(30)} ${seconds.padStart(6)} s   ${rustTotals(result.stdout)}\n`);
    for (const test of failed.filter((test) => known[test] !== undefined))
      process.stdout.write(`      explained: ${test}: ${known[test]}\n`);
    if (unexplained.length === 0) continue;
    red.push(name);
    process.stdout.write(`${unexplained.map((test) => `      ✖ ${test}\n`).join('')}${failuresOf(result.stdout)}\n`);
  }
  const note = `${rustTotals(output)} in ${programs.length} programs`;
  return {
    ok: red.length === 0 && programs.length > 0,
    note: red.length === 0 ? note : `${note}; red: ${red.join(', ')}`,
  };
}

function failuresOf(output) {
  const at = output.indexOf('\nfailures:\n');
  return at === -1 ? '' : output.slice(at, at + 6000);
}
