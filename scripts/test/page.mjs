// `node scripts/test/page.mjs`, a part of `npm run lint`: the page of `offloop view` is served as it stands in viewer/page, so what a
// build would look after is looked after here: size, number of modules, ways to turn text into markup, and types.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const PAGE = path.join(root, 'viewer', 'page');
export const LIMITS = { modules: 25, bytes: 195_000, gzipBytes: 54_000 };

/** What would turn a text of a span into markup or script, or needs more than the page's policy allows. */
const FORBIDDEN = [
  [/\b(inner|outer)HTML\b/, 'innerHTML and outerHTML'],
  [
    /\binsertAdjacentHTML\b|\bsetHTMLUnsafe\b|\bcreateContextualFragment\b|\bDOMParser\b|\bsrcdoc\b/,
    'parsing a text as markup',
  ],
  [/\bdocument\.write(ln)?\b/, 'document.write'],
  [/\beval\s*\(|\bnew Function\b|\bsetTimeout\(\s*['"`]/, 'a text as script'],
  [/setAttribute\(\s*['"]style['"]|[\s{]['"]?style['"]?:\s*['"`]/, 'an attribute for styles'],
];
const FORBIDDEN_IN_HTML = [
  [/\son\w+\s*=/i, 'a handler in the markup'],
  [/\sstyle\s*=/i, 'an attribute for styles'],
  [/<script(?![^>]*\ssrc=)/i, 'a script in the markup'],
  [/(src|href)\s*=\s*["'](https?:)?\/\//i, 'another origin'],
];

/** What is wrong with the page in `directory`, one text each. */
export function findPageProblems(directory = PAGE, limits = LIMITS) {
  const problems = [];
  const names = readdirSync(directory);
  const texts = new Map(names.map((name) => [name, readFileSync(path.join(directory, name), 'utf8')]));
  const all = [...texts.values()].join('');
  const limit = (what, value, most) => value > most && problems.push(`the page has ${value} ${what}, ${most} at most`);
  limit('modules', names.filter((name) => name.endsWith('.js')).length, limits.modules);
  limit('bytes', Buffer.byteLength(all), limits.bytes);
  limit('bytes as gzip', gzipSync(all, { level: 9 }).length, limits.gzipBytes);
  for (const [name, text] of texts) {
    const rules = name.endsWith('.html') ? FORBIDDEN_IN_HTML : name.endsWith('.js') ? FORBIDDEN : [];
    for (const [nth, line] of text.split('\n').entries()) {
      for (const [pattern, what] of rules) if (pattern.test(line)) problems.push(`${name}:${nth + 1}: ${what}`);
    }
    for (const [, imported] of text.matchAll(/^import .*?from '([^']+)'/gm)) {
      if (!/^\.\/[\w]+\.js$/.test(imported) || !texts.has(imported.slice(2)))
        problems.push(`${name}: ${imported} is no module of the page`);
    }
  }
  return problems;
}

/** What TypeScript says about the types in the comments. */
function typeProblems() {
  const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { stdout } = spawnSync(process.execPath, [tsc, '-p', path.join(root, 'viewer')], {
    encoding: 'utf8',
    cwd: root,
  });
  return stdout.split('\n').filter(Boolean);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problems = [...findPageProblems(), ...typeProblems()];
  for (const problem of problems) console.log(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
