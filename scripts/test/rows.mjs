// Checks the requirements in docs/spec against the repository, as part of `npm run lint`. It prints, and fails on:
//   - an id such as R22, wherever it is used, that no heading of docs/spec has;
//   - a requirement that no test proves, and a proof whose file has no test of that name;
//   - a test whose name holds an id, if the requirement does not list that test;
//   - a reference to something that a reader of this repository cannot open.
//
// `node scripts/test/rows.mjs --write` adds the tests that name a requirement to it, follows tests to the files they have moved
// to, and takes out the proofs that are gone.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, posix, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const SPEC = /^docs\/spec\/(?!README)[\w-]+\.md$/;
const TEXT = /\.(rs|[cm]?js|[cm]?ts|md|toml|ya?ml|sh)$|^\.ci\/|^tests\/defects\//;
// Texts of others, and what programs have written.
const FOREIGN = /^(docs\/benchmark\/|LICENSE|addon\/index\.(js|d\.ts)$|.*\/fixtures\/|.*package-lock\.json$)/;
const RUST_TESTS = /^(src|tests|addon\/src|viewer\/src|viewer\/tests)\/.*\.rs$/;
const SCRIPT_TESTS = /\.test\.[cm]?js$/;

const HEADING = /^### ([A-Z]\d+)$/;
const PROOF = /^- \[[^\]]+\]\(([^)]+)\): (`+) ?(.*?) ?\2$/;
/** One letter and a number, and not part of an escape, a colour or a longer word. */
const ID = /(?<![\w%+\\/#.:-])[A-Z]\d{1,3}(?!\w)/g;
/** Words of the field that look like an id. */
const WORDS = new Set(['A5', 'P50', 'P95', 'P99', 'V8', 'X509']);
const OUTSIDE = [
  [/(?<!RFC \d+ )§\s?\d/g, 'a section of a page that is not named: link the page and its heading'],
  [/(?<![\w./-])(?:\.\.\/)*(?:work\/)?shared\/(?:spec|cases|prototypes|vectors)\b/g, 'a folder outside the repository'],
  [/\bDESIGN\b/g, 'a page outside the repository'],
  [/\b(?:issue|case|row) #?\d+\b(?!\s*:)/gi, 'a number of a list that is not named'],
];

/** Every requirement by id: `{ id, page, line, text, proofs: [{ file, name, line }] }`, and what is wrong with the pages. */
function readSpec(pages) {
  const rows = new Map();
  const problems = [];
  for (const [page, text] of pages) {
    let row;
    for (const [index, line] of text.split('\n').entries()) {
      const id = HEADING.exec(line)?.[1];
      const proof = PROOF.exec(line);
      if (id) {
        if (rows.has(id)) problems.push(`${page}:${index + 1}: ${id} is also in ${rows.get(id).page}`);
        row = { id, page, line: index + 1, text: '', proofs: [] };
        rows.set(id, row);
      } else if (line.startsWith('#')) row = undefined;
      else if (row && proof)
        row.proofs.push({ file: posix.join(posix.dirname(page), proof[1]), name: proof[3], line: index + 1 });
      else if (row) row.text += line.trim();
    }
  }
  return { rows, problems };
}

/** The tests of a file: `{ name, ids }`. A Rust test names requirements at the start of its name, as in `r19_f55_…`. */
function testsOf(file, text) {
  if (RUST_TESTS.test(file)) {
    return [...text.matchAll(/#\[test\]\s*(?:#\[[^\]]*\]\s*)*fn (\w+)/g)].map(([, name]) => {
      const [prefix] = /^(?:[a-z]\d+_)*/.exec(name);
      return {
        name,
        ids: prefix
          .split('_')
          .filter(Boolean)
          .map((id) => id.toUpperCase()),
      };
    });
  }
  if (!SCRIPT_TESTS.test(file)) return [];
  const titles = text.matchAll(/\b(?:test|it|describe)(?:\.\w+)?\(\s*(['"`])((?:\\.|(?!\1)[^\n\\])*)\1/g);
  return [...titles].map(([, , name]) => ({ name, ids: name.match(ID) ?? [] }));
}

/** What is wrong with the repository at `root`, given the paths of its files. */
export function findProblems({ root, files }) {
  const texts = new Map();
  for (const file of files) {
    if (TEXT.test(file) && !FOREIGN.test(file) && existsSync(join(root, file)))
      texts.set(file, readFileSync(join(root, file), 'utf8'));
  }
  const { rows, problems } = readSpec([...texts].filter(([file]) => SPEC.test(file)));
  const tests = new Map([...texts].map(([file, text]) => [file, testsOf(file, text)]));

  for (const { id, page, line, text, proofs } of rows.values()) {
    if (!text) problems.push(`${page}:${line}: ${id} says nothing`);
    if (proofs.length === 0) problems.push(`${page}:${line}: no test proves ${id}`);
    for (const proof of proofs) {
      if (!tests.get(proof.file)?.some(({ name }) => name === proof.name))
        problems.push(`${page}:${proof.line}: ${proof.file} has no test “${proof.name}”`);
    }
  }
  for (const [file, named] of tests) {
    for (const { name, ids } of named) {
      for (const id of ids) {
        const row = rows.get(id);
        if (row?.proofs.some((proof) => proof.file === file && proof.name === name)) continue;
        if (row) problems.push(`${row.page}:${row.line}: ${id} does not list the test “${name}” of ${file}`);
        else if (!WORDS.has(id))
          problems.push(`${file}: the test “${name}” names ${id}, which docs/spec does not have`);
      }
    }
  }
  const pages = new Set(files.filter((file) => file.endsWith('.md')).map((file) => basename(file)));
  for (const [file, text] of texts) {
    for (const [index, line] of text.split('\n').entries()) {
      const complain = (what) => problems.push(`${file}:${index + 1}: ${what}`);
      for (const [id] of line.matchAll(ID)) {
        if (!rows.has(id) && !WORDS.has(id)) complain(`${id} is not in docs/spec`);
      }
      for (const [pattern, what] of OUTSIDE) {
        for (const [words] of line.matchAll(pattern)) complain(`“${words}” is ${what}`);
      }
      for (const [page] of line.matchAll(/(?<![\w/:.-])[\w-]+\.md\b/g)) {
        if (!pages.has(page)) complain(`${page} is not in the repository`);
      }
    }
  }
  return { problems, rows, tests };
}

/** Brings the proofs of every page up to date with the tests. */
export function write({ root, rows, tests }) {
  const places = new Map();
  for (const [file, named] of tests) {
    for (const { name } of named) places.set(name, [...(places.get(name) ?? []), file]);
  }
  const pages = new Map();
  for (const row of rows.values()) pages.set(row.page, [...(pages.get(row.page) ?? []), row]);
  for (const [page, of] of pages) {
    const lines = readFileSync(join(root, page), 'utf8').split('\n');
    for (const row of of.toReversed()) {
      const proofs = row.proofs.flatMap(({ file, name }) => {
        if (tests.get(file)?.some((test) => test.name === name)) return [{ file, name }];
        const [moved, another] = places.get(name) ?? [];
        return moved && !another ? [{ file: moved, name }] : [];
      });
      for (const [file, named] of tests) {
        for (const { name, ids } of named) {
          const isListed = proofs.some((proof) => proof.file === file && proof.name === name);
          if (ids.includes(row.id) && !isListed) proofs.push({ file, name });
        }
      }
      let end = row.line;
      while (end < lines.length && !lines[end].startsWith('#')) end += 1;
      const text = lines.slice(row.line, end).filter((line) => !PROOF.test(line));
      while (text.at(-1) === '') text.pop();
      while (text[0] === '') text.shift();
      const listed = proofs.map(({ file, name }) => {
        const fence = name.includes('`') ? '``' : '`';
        return `- [${file}](../../${file}): ${fence}${name}${fence}`;
      });
      lines.splice(row.line, end - row.line, '', ...text, '', ...listed, ...(end < lines.length ? [''] : ['']));
    }
    writeFileSync(join(root, page), `${lines.join('\n').trimEnd()}\n`);
  }
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
  // Files that are new count, too: git does not ignore them.
  const list = ['ls-files', '--cached', '--others', '--exclude-standard'];
  const files = execFileSync('git', list, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 })
    .split('\n')
    .filter(Boolean);
  if (process.argv.includes('--write')) write({ root, ...findProblems({ root, files }) });
  const { problems, rows } = findProblems({ root, files });
  for (const problem of problems) console.log(problem);
  console.log(`${rows.size} requirements, ${problems.length} problems`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
