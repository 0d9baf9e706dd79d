// `npm version <new> --no-git-tag-version` runs this as the script `version`: what package.json says by then is written
// wherever else the version stands. Owns the list of those places; `--check` writes nothing and fails where one differs,
// `--dry-run` writes nothing and names the files that would change.
// It refuses to commit, to tag, and to go on where it does not find the version at all.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../build/project.mjs';

const { version } = JSON.parse(read('package.json'));
const isCheck = process.argv.includes('--check');
const isDryRun = process.argv.includes('--dry-run');

/** Files, and in each the expressions whose first part stands before a version. */
const PLACES = {
  'package-lock.json': [
    /^(\{\s+"name": "offloop",\s+"version": ")[^"]+/,
    /("": \{\s+"name": "offloop",\s+"version": ")[^"]+/,
  ],
  'Cargo.toml': [/(\[workspace\.package\]\nversion = ")[^"]+/],
  'Cargo.lock': [/(name = "offloop(?:-\w+)?"\nversion = ")[^"]+/g],
  'addon/index.js': [/(bindingPackageVersion !== ')[^']+/g, /(mismatch, expected )\S+/g],
  'docs/migration.md': [/(file:offloop-exporter-trace-otlp-[a-z]+-)[\w.-]+(?=\.tgz)/g],
};
for (const file of manifestsIn('npm')) PLACES[file] = [/(\n {2}"version": ")[^"]+/];
for (const file of manifestsIn('shims')) PLACES[file] = [/(\n {2}"version": ")[^"]+/, /("offloop": ")[^"]+/];

let stale = 0;
for (const [file, expressions] of Object.entries(PLACES)) {
  const before = read(file);
  let after = before;
  for (const expression of expressions) {
    if (before.search(expression) === -1) throw new Error(`${file} has no version where ${expression} looks for it`);
    after = after.replace(expression, (_, head) => `${head}${version}`);
  }
  if (after === before) continue;
  stale += 1;
  if (isCheck) console.log(`✖ ${file}`);
  else if (isDryRun) console.log(`would change ${file}`);
  else writeFileSync(path.join(root, file), after);
}
const count = Object.keys(PLACES).length;
const verdict = isDryRun ? `would say ${version}` : `say ${version} now`;
console.log(isCheck ? `${count - stale} of ${count} files say ${version}` : `${stale} files ${verdict}`);
if (isCheck && stale > 0) process.exitCode = 1;

function manifestsIn(folder) {
  const homes = readdirSync(path.join(root, folder), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return homes.map(({ name }) => `${folder}/${name}/package.json`);
}

function read(file) {
  return readFileSync(path.join(root, file), 'utf8').replace(/\r\n/g, '\n');
}
