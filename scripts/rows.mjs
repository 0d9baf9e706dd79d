// Prints the rows of the requirements on pipeline and life cycle that no test names, and fails if there is one.
// A Rust test names rows at the start of its name (`r19_f55_timers_…`), a JavaScript test anywhere in its title (`R19`).
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const ROWS = [
  'R1 R5 R8-R14 R17-R64 R66-R84 R88-R100 R102-R103 R107-R112',
  'F1-F37 F39-F42 F51-F59 F61-F62 F64-F67 F72-F80',
].join(' ');

const NOT_APPLICABLE = {
  R36: 'OTLP has no send-time stamp',
  R37: 'OTLP has no send-time stamp',
  R39: 'no user code runs on native threads',
  R108: 'no user code runs on native threads',
};

function expand(text) {
  return text.split(' ').flatMap((range) => {
    const [from, to = from] = range.split('-');
    const first = Number(from.slice(1));
    const count = Number(to.slice(1)) - first + 1;
    return Array.from({ length: count }, (_, index) => `${from[0]}${first + index}`);
  });
}

function files(folder, ending) {
  let entries = [];
  try {
    entries = readdirSync(join(root, folder), { withFileTypes: true });
  } catch {
    return [];
  }
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : files(path, ending);
    return ending.test(entry.name) ? [path] : [];
  });
}

const tests = new Map();
function add(row, test) {
  tests.set(row, [...(tests.get(row) ?? []), test]);
}

for (const file of [...files('src', /\.rs$/), ...files('tests', /\.rs$/), ...files('addon/src', /\.rs$/)]) {
  const text = readFileSync(join(root, file), 'utf8');
  for (const [, name] of text.matchAll(/#\[test\]\s*(?:#\[[^\]]*\]\s*)*fn (\w+)/g)) {
    const [rows] = /^(?:[rf]\d+_)*/.exec(name);
    for (const row of rows.split('_').filter(Boolean)) add(row.toUpperCase(), `${relative('.', file)} ${name}`);
  }
}
for (const file of [...files('__test__', /\.(js|mjs|cjs|ts)$/), ...files('scripts', /\.test\.mjs$/)]) {
  const text = readFileSync(join(root, file), 'utf8');
  for (const [, , title] of text.matchAll(/\b(?:test|it|describe)(?:\.\w+)?\(\s*(['"`])(.*?)\1/gs)) {
    for (const [row] of title.matchAll(/\b[RF]\d+\b/g)) add(row, `${file} ${title}`);
  }
}

const missing = [];
let proven = 0;
for (const row of expand(ROWS)) {
  if (row in NOT_APPLICABLE) continue;
  const of = tests.get(row);
  if (of) proven += 1;
  else missing.push(row);
  if (of && process.argv.includes('--all')) console.log(`${row.padEnd(5)} ${of.join('\n      ')}`);
}
for (const row of missing) console.log(`${row}: no test`);
console.log(
  `${proven} rows have a test, ${missing.length} have none, ${Object.keys(NOT_APPLICABLE).length} do not apply`,
);
process.exit(missing.length === 0 ? 0 : 1);
