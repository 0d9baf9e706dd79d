// `node scripts/release/third_party_licenses.mjs [--target <triple>] [--check] > THIRD-PARTY-LICENSES.txt`: what is linked into
// the binaries of a platform and under which terms. Owns reading licences from the sources that were built; refuses a licence that
// deny.toml does not allow and a package without a text.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../build/project.mjs';
import { linkedPackages } from '../build/linked_packages.mjs';

const LICENCE_FILE = /^(licen[cs]e|copying|notice|unlicense)/i;
/** Sources that a crate carries of somebody else, with the file that says so. */
const BUNDLED = {
  'libdeflate-sys': ['libdeflate/COPYING'],
  'zstd-sys': ['zstd/LICENSE'],
  ring: ['third_party/fiat/LICENSE'],
};

const { values } = parseArgs({
  options: { target: { type: 'string' }, check: { type: 'boolean', default: false } },
});

/** The licences that deny.toml allows. */
function allowedLicences() {
  const text = readFileSync(path.join(root, 'deny.toml'), 'utf8');
  const list = /\[licenses\][\s\S]*?allow = \[([\s\S]*?)\]/.exec(text)?.[1];
  if (list === undefined) throw new Error('deny.toml allows no licence');
  return new Set([...list.matchAll(/"([^"]+)"/g)].map(([, name]) => name));
}

/** Whether the terms can be met with allowed licences: one of each `OR`, all of each `AND`. */
function isAllowed(expression, allowed) {
  const text = expression.replaceAll('/', ' OR ').replace(/[()]/g, ' $& ');
  const words = text.trim().split(/\s+/);
  let at = 0;
  const factor = () => {
    const word = words[at++];
    if (word !== '(') {
      if (words[at] !== 'WITH') return allowed.has(word);
      at += 2;
      return allowed.has(`${word} WITH ${words[at - 1]}`) || allowed.has(word);
    }
    const value = either();
    at += 1;
    return value;
  };
  const both = () => {
    let value = factor();
    while (words[at] === 'AND') {
      at += 1;
      value = factor() && value;
    }
    return value;
  };
  const either = () => {
    let value = both();
    while (words[at] === 'OR') {
      at += 1;
      value = both() || value;
    }
    return value;
  };
  return either();
}

function textsOf({ name, manifest_path: manifest }) {
  const directory = path.dirname(manifest);
  const files = readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isFile() && LICENCE_FILE.test(entry.name))
    .map((entry) => entry.name);
  return [...files, ...(BUNDLED[name] ?? [])].map((file) => ({
    file,
    text: readFileSync(path.join(directory, file), 'utf8').trim().replaceAll('\r\n', '\n'),
  }));
}

const allowed = allowedLicences();
const packages = linkedPackages(values.target);
const problems = [];
const texts = new Map(); // words, however they are laid out -> the text and who ships it
for (const entry of packages) {
  const { name, version, license } = entry;
  if (license === null || !isAllowed(license, allowed)) problems.push(`${name} ${version}: ${license ?? 'no licence'}`);
  for (const { text } of textsOf(entry)) {
    const words = text.replace(/\s+/g, ' ');
    const { holders } = texts.get(words) ?? texts.set(words, { text, holders: new Set() }).get(words);
    holders.add(`${name} ${version}`);
  }
}
if (problems.length > 0) throw new Error(`not allowed by deny.toml:\n  ${problems.join('\n  ')}`);

if (values.check) {
  console.log(`${packages.length} linked packages, all under licences that deny.toml allows.`);
} else {
  const rule = '-'.repeat(80);
  console.log(`The compiled addon of Offloop and its reader of span files contain the following software, besides Rust's standard
library (MIT or Apache-2.0, The Rust Project Developers).\n`);
  for (const { name, version, license, authors, repository } of packages) {
    const by = authors.length > 0 ? `, ${authors.map((author) => author.replace(/ <.*/, '')).join(', ')}` : '';
    console.log(`${name} ${version}: ${license}${by}${repository ? `, ${repository}` : ''}`);
  }
  // Sorted, so that variants of one licence stand together: gzip looks back 32 KB, and three Apache-2.0 fill those.
  for (const { text, holders } of [...texts.values()].sort((a, b) => (a.text < b.text ? -1 : 1)))
    console.log(`\n${rule}\n${[...holders].join(', ')}\n${rule}\n\n${text}`);
}
