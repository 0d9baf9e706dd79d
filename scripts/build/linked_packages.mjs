// Owns the list of crates that end up in the addon or in the program that reads span files: normal dependencies, no build scripts, no macros, no tests.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './project.mjs';

/**
 * Packages of `cargo metadata`, for one target or for all, each with `checksum`, `isDirect` and `dependencies` besides, that
 * the packages `roots` of this repository link. Those of this repository are left out.
 */
export function linkedPackages(target, roots = ['offloop-addon', 'offloop-viewer']) {
  const words = ['metadata', '--format-version', '1', '--locked'];
  if (target) words.push('--filter-platform', target);
  const { status, stdout, stderr } = spawnSync('cargo', words, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(stderr);
  const { packages, resolve } = JSON.parse(stdout);
  const nodes = new Map(resolve.nodes.map((node) => [node.id, node]));
  const byId = new Map(packages.map((entry) => [entry.id, entry]));
  const isMacro = (id) => byId.get(id).targets.some(({ kind }) => kind.includes('proc-macro'));
  const linked = (id) =>
    nodes
      .get(id)
      .deps.filter(({ pkg, dep_kinds: kinds }) => kinds.some(({ kind }) => kind === null) && !isMacro(pkg))
      .map(({ pkg }) => pkg);
  const seen = new Set();
  const visit = (id) => {
    if (seen.has(id)) return;
    seen.add(id);
    for (const dependency of linked(id)) visit(dependency);
  };
  for (const { id, name } of packages) if (roots.includes(name)) visit(id);
  const isForeign = (id) => byId.get(id).source !== null;
  const direct = new Set([...seen].filter((id) => !isForeign(id)).flatMap(linked));
  const checksums = readChecksums();
  return [...seen]
    .filter(isForeign)
    .map((id) => {
      const entry = byId.get(id);
      const checksum = checksums.get(`${entry.name} ${entry.version}`);
      return { ...entry, checksum, isDirect: direct.has(id), dependencies: linked(id).map((other) => byId.get(other)) };
    })
    .sort((a, b) => a.name.localeCompare(b.name) || a.version.localeCompare(b.version));
}

function readChecksums() {
  const lock = readFileSync(path.join(root, 'Cargo.lock'), 'utf8');
  const entries = lock.matchAll(/name = "([^"]+)"\nversion = "([^"]+)"\nsource = "[^"]+"\nchecksum = "([0-9a-f]+)"/g);
  return new Map([...entries].map(([, name, version, checksum]) => [`${name} ${version}`, checksum]));
}
