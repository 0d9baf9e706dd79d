// `node scripts/test/check_jobs.mjs`: every file under __test__/, bench/ and examples/ is run by some job of the workflows.
// Owns following the commands of the workflows through package.json and the scripts to the files that they reach: those
// they name, those whose folder they read, those that these load or start in turn. It refuses to run anything.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../build/project.mjs';

const WATCHED = ['__test__/', 'bench/', 'examples/'];
const CODE = /\.(?:[cm]?js|ts|mts|cts|rs)$/;

const { stdout } = spawnSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' });
const files = stdout.split('\n').filter((name) => CODE.test(name) && !name.endsWith('.rs'));
const { scripts } = JSON.parse(read('package.json'));

const reached = new Set();
const waiting = [];
for (const command of workflowCommands()) followCommand(command);
while (waiting.length > 0) followFile(waiting.pop());

const orphans = files.filter((name) => WATCHED.some((folder) => name.startsWith(folder)) && !reached.has(name));
for (const name of orphans) console.log(`✖ no job runs ${name}`);
if (orphans.length === 0) {
  const watched = [...reached].filter((name) => WATCHED.some((folder) => name.startsWith(folder)));
  console.log(`✔ ${watched.length} files under ${WATCHED.join(', ')} are run by the workflows`);
}
process.exitCode = orphans.length === 0 ? 0 : 1;

function workflowCommands() {
  const directory = path.join(root, '.github', 'workflows');
  return readdirSync(directory).flatMap((name) => {
    const text = readFileSync(path.join(directory, name), 'utf8');
    // Comments and names run nothing.
    return text.split('\n').filter((line) => !/^\s*(?:#|- name:|name:)/.test(line));
  });
}

function followCommand(command) {
  for (const [, name] of command.matchAll(/npm (?:run (?:--silent )?)?([\w:]+)/g)) {
    if (scripts[name] !== undefined && !reached.has(`npm run ${name}`)) {
      reached.add(`npm run ${name}`);
      followCommand(scripts[name]);
    }
  }
  for (const [word] of command.matchAll(/[\w./@-]+\.(?:[cm]?js|ts)\b/g)) reach(word.replace(/^\.\//, ''));
}

function reach(name) {
  if (reached.has(name) || !files.includes(name)) return;
  reached.add(name);
  waiting.push(name);
}

/** Files that `name` loads, starts or lists. */
function followFile(name) {
  const text = read(name);
  const directory = path.posix.dirname(name);
  for (const [, , word] of text.matchAll(/(['"`])\/?((?:[\w.@$-]+\/)*[\w.@-]+\.(?:[cm]?js|ts))\1/g))
    mention(directory, word);
  // A test runner takes what has the name of a test in the folder that it lists.
  if (text.includes('readdirSync') && text.includes("'__test__'"))
    for (const file of files) if (/^__test__\/[^/]+\.test\.m?js$/.test(file)) reach(file);
  // Examples are copied as whole folders.
  if (text.includes("'examples'"))
    for (const file of files) {
      const [, folder] = /^examples\/([^/]+)\//.exec(file) ?? [];
      if (folder !== undefined && new RegExp(`^ +'?${folder}'?: \\{`, 'm').test(text)) reach(file);
    }
  if (text.includes('__test__/*.test-d.ts'))
    for (const file of files) if (/^__test__\/[^/]+\.test-d\.ts$/.test(file)) reach(file);
}

/** A path in a string: beside the file, from the root, or the end of a path put together from parts. */
function mention(directory, word) {
  const relative = path.posix.normalize(path.posix.join(directory, word));
  const fromRoot = path.posix.normalize(word);
  if (files.includes(relative)) return reach(relative);
  if (files.includes(fromRoot)) return reach(fromRoot);
  const matches = files.filter((file) => file.endsWith(`/${fromRoot.replace(/^(\.\.\/)+/, '')}`));
  if (matches.length > 0 && matches.length <= 3) for (const file of matches) reach(file);
}

function read(name) {
  return readFileSync(path.join(root, name), 'utf8');
}
