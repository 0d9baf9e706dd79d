// Owns the committed defects as data: reading them, and saying what is wrong with them without running anything.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../build/project.mjs';

const FOLDER = 'tests/defects';
const FIELDS = ['defect', 'fails', 'file', 'find', 'replace', 'run'];

/** All defects. `find` and `replace` are texts here; in the files a text of several lines is an array of its lines. */
export function readDefects() {
  return roomFiles().flatMap((room) => parse(read(room), room));
}

function roomFiles() {
  const names = readdirSync(path.join(root, FOLDER)).filter((name) => name.endsWith('.json'));
  return names.sort().map((name) => `${FOLDER}/${name}`);
}

function parse(text, room) {
  const joined = (lines) => (Array.isArray(lines) ? lines.join('\n') : lines);
  return JSON.parse(text).map((entry) => ({
    ...entry,
    room,
    find: joined(entry.find),
    replace: joined(entry.replace),
  }));
}

/** What would keep the defects from being applied, or from being noticed, in one sentence each. */
export function check(defects) {
  const seen = new Set();
  return defects.flatMap((entry) => {
    const problem = fieldProblem(entry) ?? sourceProblem(entry) ?? testProblem(entry);
    const isTwin = seen.has(entry.defect);
    seen.add(entry.defect);
    const problems = [problem, isTwin ? 'another defect has the same description' : undefined];
    return problems.filter((text) => text !== undefined).map((text) => `${entry.room}, "${entry.defect}": ${text}`);
  });
}

function fieldProblem({ room: _, ...entry }) {
  const names = Object.keys(entry).sort();
  if (names.join() !== FIELDS.join()) return `the fields are ${names.join(', ')} instead of ${FIELDS.join(', ')}`;
  const other = FIELDS.find((name) => typeof entry[name] !== 'string');
  if (other !== undefined) return `${other} is not a text`;
  return entry.find === entry.replace ? 'find and replace are the same' : undefined;
}

function sourceProblem({ file, find }) {
  if (!existsSync(path.join(root, file))) return `${file} does not exist`;
  const times = read(file).split(find).length - 1;
  return times === 1 ? undefined : `what it looks for occurs ${times} times in ${file} instead of once`;
}

function testProblem({ run, fails }) {
  const [, script] = /^node --test (__test__\/\S+)$/.exec(run) ?? [];
  if (script !== undefined) {
    const text = existsSync(path.join(root, script)) ? read(script) : '';
    const isThere = text.includes(`'${fails}'`) || text.includes(`"${fails}"`);
    return isThere ? undefined : `${script} has no test '${fails}'`;
  }
  const [, viewer, isLibrary, name] = /^cargo test (-p offloop-viewer )?(?:(--lib)|--test (\w+))$/.exec(run) ?? [];
  if (isLibrary === undefined && name === undefined) return `"${run}" is no known way to run a test`;
  const crate = viewer === undefined ? '' : 'viewer/';
  const files = (isLibrary === undefined ? [`tests/${name}.rs`] : filesOfModule(fails)).map((file) => crate + file);
  const test = new RegExp(`\\bfn ${fails.split('::').at(-1)}\\(`);
  const isThere = files.some((file) => existsSync(path.join(root, file)) && test.test(read(file)));
  return isThere ? undefined : `there is no test ${fails}`;
}

/** The files that may hold the test `a::b::tests::c`: those of the modules around it, and `a/b_tests.rs`. */
function filesOfModule(test) {
  const modules = test.split('::').slice(0, -1);
  const paths = modules.map((_, depth) => modules.slice(0, depth + 1).join('/'));
  return [...paths, modules.join('/').replace(/\/tests$/, '_tests')].map((module) => `src/${module}.rs`);
}

/** A filter for the defects that were not as they are now where this branch left `ref`, or whose source file was not. */
export function whatChanged(ref) {
  const git = (...args) => spawnSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
  const { status, stdout: base, stderr } = git('merge-base', ref, 'HEAD');
  if (status !== 0) throw new Error(`git merge-base ${ref} HEAD: ${stderr}`);
  const diff = git('diff', '--name-only', base.trim());
  const files = new Set(diff.stdout.split('\n'));
  const before = roomFiles().flatMap((room) => {
    const { status, stdout } = git('show', `${base.trim()}:${room}`);
    return status === 0 ? parse(stdout, room) : [];
  });
  const known = new Set(before.map((entry) => JSON.stringify(entry)));
  return (entry) => files.has(entry.file) || !known.has(JSON.stringify(entry));
}

function read(file) {
  return readFileSync(path.join(root, file), 'utf8');
}
