// `node scripts/try/zero_code.mjs [part of a name …]`: what people run without changing code, each combination in a project of
// its own, with the packages as they are published, beside the same project without Offloop. Owns the order, and a line about
// each: which instances run, that the spans are stock's, and that standard error says what is the case.

import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { currentNode, isAtLeast, nodeOfMajor } from '../build/node_binaries.mjs';
import { ensureAddon, ensureDependencies, root } from '../build/project.mjs';

const require = createRequire(import.meta.url);
const { check } = require('../../__test__/helpers/zero_code/check.js');
const { COMBINATIONS } = require('../../__test__/helpers/zero_code/combinations.js');
const { pack } = require('../../__test__/helpers/zero_code/packages.js');

const parts = process.argv.slice(2);
const wanted = COMBINATIONS.filter(({ name }) => parts.length === 0 || parts.some((part) => name.includes(part)));

await ensureDependencies();
await ensureAddon();
const cache = path.join(root, '.cache', 'zero-code');
mkdirSync(cache, { recursive: true });
// On the file system of what is installed: trees of tens of thousands of files are linked.
const directory = mkdtempSync(path.join(cache, 'projects-'));
let failed = 0;
try {
  const packed = await pack(path.join(directory, 'packages'));
  for (const [nth, combination] of wanted.entries())
    await tryOne(combination, packed, path.join(directory, String(nth)));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
console.log(`${wanted.length - failed} passed, ${failed} failed`);
if (failed > 0 || wanted.length === 0) process.exitCode = 1;

async function tryOne(combination, packed, place) {
  const { name, installed, node = [0, 0] } = combination;
  const started = performance.now();
  try {
    for (const folder of installed) await ensureIn(path.join(root, '__test__', folder));
    const { command, version } = isAtLeast(currentNode().version, node) ? currentNode() : nodeOfMajor(node[0]);
    const told = await check(combination, { directory: place, packed, command });
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    console.log(`✔ ${name}, Node.js ${version}, ${seconds} s: ${told.join('; ')}`);
  } catch (error) {
    failed += 1;
    console.log(`✖ ${name}: ${error.stack}`);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** What another package manager installs is installed by it, in each project. */
async function ensureIn(folder) {
  const isOfNpm = existsSync(path.join(folder, 'package-lock.json'));
  if (isOfNpm) await ensureDependencies({ directory: folder });
}
