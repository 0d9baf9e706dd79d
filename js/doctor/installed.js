'use strict';
// Owns which packages a project has: every copy that is reached from its package.json by what packages ask for, as Node would
// find it from the place of the package that asks (links of pnpm and of workspaces included).
// It refuses to load any of them, and to look longer than a moment.

const fs = require('node:fs');
const path = require('node:path');
const { now } = require('../guards/timers.js');

const MOST_MILLIS = 3000;
const ASKED_BY_A_PACKAGE = ['dependencies', 'optionalDependencies', 'peerDependencies'];

/** The directory of the nearest package.json from `from` upwards, and what it says; `from` itself and nothing if there is none. */
function findProject(from) {
  for (let directory = from; ; directory = path.dirname(directory)) {
    const manifest = readManifest(directory);
    if (manifest !== null) return { directory, manifest };
    if (path.dirname(directory) === directory) return { directory: from, manifest: {} };
  }
}

function readManifest(directory) {
  try {
    const manifest = JSON.parse(fs.readFileSync(path.join(directory, 'package.json'), 'utf8'));
    return manifest !== null && typeof manifest === 'object' ? manifest : null;
  } catch {
    return null;
  }
}

/** The real directory of package `name` as seen from `from`, or null. */
function resolvePackage(name, from) {
  for (let directory = from; ; directory = path.dirname(directory)) {
    if (path.basename(directory) !== 'node_modules') {
      const place = path.join(directory, 'node_modules', name);
      if (fs.existsSync(path.join(place, 'package.json'))) return fs.realpathSync(place);
    }
    if (path.dirname(directory) === directory) return null;
  }
}

/**
 * Every copy of the packages `wanted` (name -> yes) in the project: name -> `[{ directory, version, name, askedBy }]`; `name` is what
 * its package.json says, which an alias changes.
 * @returns {{ copies: Map<string, object[]>, isComplete: boolean }}
 */
function findCopies({ directory, manifest }, wanted) {
  const deadline = now() + MOST_MILLIS;
  const copies = new Map();
  const seen = new Set();
  const waiting = [{ directory, manifest, isProject: true }];
  for (const each of waiting) {
    if (now() > deadline) return { copies, isComplete: false };
    for (const name of namesAskedBy(each)) {
      const place = resolvePackage(name, each.directory);
      if (place === null) continue;
      const isNew = !seen.has(place);
      seen.add(place);
      const found = isNew || wanted(name) ? readManifest(place) : null;
      if (found === null) continue;
      if (wanted(name)) note(copies, name, place, found, each.manifest.name ?? 'the project');
      if (isNew) waiting.push({ directory: place, manifest: found });
    }
  }
  return { copies, isComplete: true };
}

function namesAskedBy({ directory, manifest, isProject }) {
  const kinds = isProject ? [...ASKED_BY_A_PACKAGE, 'devDependencies'] : ASKED_BY_A_PACKAGE;
  const names = kinds.flatMap((kind) => Object.keys(Object(manifest[kind])));
  return new Set(isProject ? [...names, ...linksIn(path.join(directory, 'node_modules'))] : names);
}

/** Names of links in `node_modules`, workspaces for instance, and of everything of OpenTelemetry. */
function linksIn(modules) {
  const names = [];
  for (const entry of entriesOf(modules)) {
    if (entry.isSymbolicLink()) names.push(entry.name);
    if (!entry.name.startsWith('@')) continue;
    for (const inner of entriesOf(path.join(modules, entry.name)))
      if (inner.isSymbolicLink() || entry.name === '@opentelemetry') names.push(`${entry.name}/${inner.name}`);
  }
  return names;
}

function entriesOf(directory) {
  try {
    return fs.readdirSync(directory, { withFileTypes: true });
  } catch {
    return [];
  }
}

function note(copies, name, directory, manifest, asker) {
  if (!copies.has(name)) copies.set(name, []);
  const known = copies.get(name).find((copy) => copy.directory === directory);
  if (known !== undefined) known.askedBy.add(asker);
  else
    copies
      .get(name)
      .push({ directory, name: manifest.name, version: manifest.version ?? '?', askedBy: new Set([asker]) });
}

module.exports = { findCopies, findProject };
