// Finds import circles among the Rust modules of `src/`, `addon/src/` and `viewer/src/`, as part of `npm run lint`, and names the imports
// that close them. A module and those inside it may import each other; every other circle fails. Test code does not count.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const USE = /\buse\s+([^;]+);/g;
const PATH = /(?<![\w:])\w+(?:::\w+)+/g;
/** An item of tests alone: a module in another file or in place, an import, a function. */
const TEST_ITEM = /#\[cfg\(test\)\]\s*(?:#\[[^\]]*\]\s*)*(?:pub(?:\([^)]*\))?\s+)?(?:async\s+)?(mod|use|fn) (\w+)(;?)/g;

/** The module of a file: `['sink', 'http']` for `sink/http.rs`, `[]` for the root of the crate. */
function moduleOf(file) {
  const segments = file.replace(/\.rs$/, '').split(path.sep);
  return ['lib', 'mod'].includes(segments.at(-1)) ? segments.slice(0, -1) : segments;
}

/** The code without comments and test items, and the names of modules in other files that only tests have. */
function withoutTests(source) {
  let code = source.replace(/\/\/[^\n]*/g, '');
  const testModules = [];
  for (let match = TEST_ITEM.exec(code); match; match = TEST_ITEM.exec(code)) {
    const [item, kind, name, end] = match;
    const behind = match.index + item.length;
    if (end) testModules.push(name);
    code = code.slice(0, match.index) + code.slice(end ? behind : endOfItem(code, behind, kind));
    TEST_ITEM.lastIndex = match.index;
  }
  return { code, testModules };
}

/** Behind the `;` that ends an item, or behind the brace that closes its body. */
function endOfItem(code, start, kind) {
  for (let at = start, depth = 0; at < code.length; at++) {
    if (code[at] === ';' && depth === 0) return at + 1;
    if (code[at] === '{') depth++;
    if (code[at] === '}' && --depth === 0 && kind !== 'use') return at + 1;
  }
  return code.length;
}

/** `crate::{a::B, c}` as `['crate', 'a', 'B']` and `['crate', 'c']`. */
function expand(tree, prefix = []) {
  const brace = tree.indexOf('{');
  const head = (brace === -1 ? tree.replace(/\s+as\s+\w+/, '') : tree.slice(0, brace)).split('::');
  const segments = [...prefix, ...head.map((segment) => segment.trim()).filter((segment) => /^\w/.test(segment))];
  if (brace === -1) return [segments];
  const paths = [];
  let [depth, start] = [0, brace + 1];
  for (let at = start; at < tree.length; at++) {
    if (depth === 0 && ',}'.includes(tree[at])) {
      if (tree.slice(start, at).trim()) paths.push(...expand(tree.slice(start, at), segments));
      start = at + 1;
    }
    depth += tree[at] === '{' ? 1 : tree[at] === '}' ? -1 : 0;
  }
  return paths;
}

/** The modules of a crate by name, each with the modules that it imports. */
function importsOf(folder) {
  const files = readdirSync(folder, { recursive: true }).filter((file) => file.endsWith('.rs'));
  const modules = new Map(
    files.map((file) => [moduleOf(file).join('::'), withoutTests(readFileSync(path.join(folder, file), 'utf8'))]),
  );
  for (const [name, { testModules }] of modules) {
    const ofTests = testModules.map((test) => (name ? `${name}::${test}` : test));
    const isOfTests = (other) => ofTests.some((test) => `${other}::`.startsWith(`${test}::`));
    for (const other of [...modules.keys()].filter(isOfTests)) modules.delete(other);
  }
  const imports = new Map();
  for (const [name, { code }] of modules) {
    const uses = [...code.matchAll(USE)].flatMap(([, tree]) => expand(tree));
    const paths = [...code.replace(USE, '').matchAll(PATH)].map(([found]) => found.split('::'));
    const targets = [...uses, ...paths].map((segments) => target(name ? name.split('::') : [], segments, modules));
    imports.set(name, new Set(targets.filter((found) => found && found !== name)));
  }
  return imports;
}

/** The innermost module that `segments` lead to, seen from the module `own`. */
function target(own, segments, modules) {
  const ups = segments.filter((segment) => segment === 'super').length;
  let found;
  if (segments[0] === 'crate') found = segments.slice(1);
  else if (segments[0] === 'self') found = [...own, ...segments.slice(1)];
  else if (ups > 0) found = [...own.slice(0, own.length - ups), ...segments.slice(ups)];
  else if (modules.has([...own, segments[0]].join('::'))) found = [...own, ...segments];
  while (found && !modules.has(found.join('::'))) found.pop();
  return found?.join('::');
}

/** Sets of modules that reach each other by the imports that `counts` accepts. */
function circles(imports, counts) {
  const reached = new Map();
  for (const from of imports.keys()) {
    const seen = new Set([from]);
    for (const at of seen) for (const to of imports.get(at)) if (counts(at, to)) seen.add(to);
    reached.set(from, seen);
  }
  const rings = [...reached].map(([from, seen]) => [...seen].filter((to) => reached.get(to).has(from)).sort());
  return [...new Map(rings.filter((ring) => ring.length > 1).map((ring) => [ring.join(), ring])).values()];
}

const contains = (outer, inner) => inner.startsWith(`${outer}::`);
const areFamily = (one, other) => contains(one, other) || contains(other, one);
const isFamily = (ring) => ring.some((outer) => ring.every((one) => one === outer || contains(outer, one)));
for (const folder of ['src', 'addon/src', 'viewer/src']) {
  const imports = importsOf(path.join(root, folder));
  const among = circles(imports, (one, other) => one && other && !areFamily(one, other));
  const any = circles(imports, (one, other) => one && other);
  const isNew = (ring) => !isFamily(ring) && !among.some((known) => known.every((one) => ring.includes(one)));
  for (const ring of [...among, ...any.filter(isNew)]) {
    const edges = ring.flatMap((one) =>
      ring.filter((to) => imports.get(one).has(to)).map((to) => `${one} imports ${to}`),
    );
    process.stderr.write(
      `✖ ${folder}: ${ring.length} modules import each other in a circle\n  ${edges.join('\n  ')}\n`,
    );
    process.exitCode = 1;
  }
}
if (!process.exitCode) process.stdout.write('✔ no import circle among the Rust modules\n');
