'use strict';
// What `node scripts/test/rows.mjs`, a part of `npm run lint`, finds wrong in a small repository.

const assert = require('node:assert/strict');
const { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { test } = require('node:test');

// What this repository does not have, put together so that it is not found in this file.
const id = (number) => `Q${number}`;
const GONE = ['gone', 'md'].join('.');

const SOUND = {
  'docs/spec/README.md': '# Requirements\n',
  'docs/spec/queue.md': [
    '# The queue',
    '',
    `### ${id(1)}`,
    '',
    'The queue is bounded.',
    '',
    `- [src/queue.rs](../../src/queue.rs): \`q1_a_bound\``,
    '',
    `### ${id(2)}`,
    '',
    'A refusal is counted.',
    '',
    `- [test/queue.test.js](../../test/queue.test.js): \`\`${id(2)}: a refusal\`s count\`\``,
    '- [test/queue.test.js](../../test/queue.test.js): `what has no id`',
    '',
  ].join('\n'),
  'src/queue.rs': `/// A bound (${id(1)}).\nstruct Queue;\n#[test]\nfn q1_a_bound() {}\n`,
  'test/queue.test.js': `test('${id(2)}: a refusal\`s count', () => {});\nit("what has no id", () => {});\n`,
};

/** The problems of the sound repository after `changes`, a text or a function of the text for each file. */
async function problemsAfter(t, changes) {
  const root = mkdtempSync(path.join(tmpdir(), 'offloop-rows-'));
  t.after(() => rmSync(root, { recursive: true }));
  const texts = { ...SOUND };
  for (const [file, change] of Object.entries(changes))
    texts[file] = typeof change === 'string' ? change : change(texts[file]);
  for (const [file, text] of Object.entries(texts)) {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  }
  const { findProblems, write } = await import('../../scripts/test/rows.mjs');
  const of = { root, files: Object.keys(texts) };
  const found = findProblems(of);
  return {
    problems: found.problems,
    afterWriting() {
      write({ root, ...found });
      return { problems: findProblems(of).problems, page: readFileSync(path.join(root, 'docs/spec/queue.md'), 'utf8') };
    },
  };
}

test('a repository whose ids resolve and whose requirements have tests has no problems', async (t) => {
  const { problems, afterWriting } = await problemsAfter(t, {});
  assert.deepEqual(problems, []);
  assert.equal(afterWriting().page, SOUND['docs/spec/queue.md'], 'nothing to write');
});

const DEFECTS = {
  'an id in a comment that no page has': {
    changes: { 'src/queue.rs': (text) => text.replace(`(${id(1)})`, `(${id(7)})`) },
    problem: `src/queue.rs:1: ${id(7)} is not in docs/spec`,
  },
  'an id in a document, a script or a configuration': {
    changes: { 'docs/tuning.md': `See ${id(8)}.\n`, 'scripts/a.mjs': `// ${id(8)}\n`, 'a.toml': `a = 1 # ${id(8)}\n` },
    problem: `docs/tuning.md:1: ${id(8)} is not in docs/spec`,
    count: 3,
  },
  'a requirement without a test': {
    changes: { 'docs/spec/queue.md': (text) => text.replace(/- \[src.*\n/, ''), 'src/queue.rs': 'struct Queue;\n' },
    problem: `docs/spec/queue.md:3: no test proves ${id(1)}`,
  },
  'a test that is gone': {
    changes: { 'test/queue.test.js': (text) => text.replace('what has no id', 'renamed') },
    problem: 'docs/spec/queue.md:14: test/queue.test.js has no test “what has no id”',
  },
  'a file of tests that is gone': {
    changes: { 'docs/spec/queue.md': (text) => text.replace(/\(.*queue\.rs\)/, '(../../src/gone.rs)') },
    problem: 'docs/spec/queue.md:7: src/gone.rs has no test “q1_a_bound”',
    count: 2,
  },
  'a test that its requirement does not list': {
    changes: { 'src/queue.rs': (text) => `${text}#[test]\n#[cfg(unix)]\nfn q2_q1_both() {}\n` },
    problem: `docs/spec/queue.md:9: ${id(2)} does not list the test “q2_q1_both” of src/queue.rs`,
    count: 2,
  },
  'a test that names what no page has': {
    changes: { 'src/queue.rs': (text) => `${text}#[test]\nfn q9_else() {}\n` },
    problem: `src/queue.rs: the test “q9_else” names ${id(9)}, which docs/spec does not have`,
  },
  'a requirement that says nothing': {
    changes: { 'docs/spec/queue.md': (text) => text.replace('The queue is bounded.', '') },
    problem: `docs/spec/queue.md:3: ${id(1)} says nothing`,
  },
  'the same id twice': {
    changes: { 'docs/spec/again.md': SOUND['docs/spec/queue.md'] },
    problem: `docs/spec/again.md:3: ${id(1)} is also in docs/spec/queue.md`,
    count: 2,
  },
  'a page that is not there': {
    changes: { 'src/queue.rs': (text) => `//! See ${GONE}.\n${text}` },
    problem: `src/queue.rs:1: ${GONE} is not in the repository`,
  },
  'a section of nobody knows what': {
    changes: { 'src/queue.rs': (text) => `//! As ${'\u00a7'}3 says.\n${text}` },
    problem: `src/queue.rs:1: “${'\u00a7'}3” is a section of a page that is not named: link the page and its heading`,
  },
  'a number of a list': {
    changes: { 'src/queue.rs': (text) => `//! As in ${'case'} 22.\n${text}` },
    problem: `src/queue.rs:1: “${'case'} 22” is a number of a list that is not named`,
  },
};

for (const [name, { changes, problem, count = 1 }] of Object.entries(DEFECTS)) {
  test(`${name} is a problem`, async (t) => {
    const { problems } = await problemsAfter(t, changes);
    assert.ok(problems.includes(problem), problems.join('\n'));
    assert.equal(problems.length, count, problems.join('\n'));
  });
}

test('words of the field, escapes and sections of an RFC are none', async (t) => {
  const text = `//! V8, X509, RFC 9110 ${'\u00a7'}10.2.3, U+E000, %C3%A9, \\u00E9, 0xA0, switch { case 5: }\n`;
  assert.deepEqual((await problemsAfter(t, { 'src/words.rs': text })).problems, []);
});

test('--write lists new tests, follows those that have moved and takes out those that are gone', async (t) => {
  const { problems, afterWriting } = await problemsAfter(t, {
    'src/queue.rs': '#[test]\nfn q1_another() {}\n',
    'test/queue.test.js': '',
    'test/rooms/queue.test.js': SOUND['test/queue.test.js'],
  });
  assert.ok(problems.length >= 4, problems.join('\n'));
  const { problems: left, page } = afterWriting();
  assert.deepEqual(left, []);
  assert.match(page, /- \[src\/queue\.rs\]\(\.\.\/\.\.\/src\/queue\.rs\): `q1_another`\n/);
  assert.match(
    page,
    /- \[test\/rooms\/queue\.test\.js\]\(\.\.\/\.\.\/test\/rooms\/queue\.test\.js\): `what has no id`\n/,
  );
  assert.ok(!page.includes('q1_a_bound'));
});
