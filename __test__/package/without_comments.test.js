'use strict';
// The published JavaScript is the repository's without comments and indentation: the same tokens on the same lines.

const assert = require('node:assert/strict');
const { readdirSync, readFileSync } = require('node:fs');
const path = require('node:path');
const { before, test } = require('node:test');
const ts = require('typescript');

const root = path.resolve(__dirname, '..', '..');
let withoutComments;

before(async () => {
  ({ withoutComments } = await import('../../scripts/release/without_comments.mjs'));
});

/** A file as a compiler prints it. */
function printed(text, removeComments) {
  const file = ts.createSourceFile('file.js', text, ts.ScriptTarget.Latest, false, ts.ScriptKind.JS);
  assert.deepEqual(file.parseDiagnostics, []);
  return ts.createPrinter({ removeComments }).printFile(file);
}

test('every published file keeps its tokens and its lines, and loses its comments', () => {
  const names = readdirSync(path.join(root, 'js'), { recursive: true }).filter((name) => name.endsWith('.js'));
  assert.ok(names.length > 100, `${names.length} files`);
  for (const name of names) {
    const text = readFileSync(path.join(root, 'js', name), 'utf8');
    const result = withoutComments(text);
    assert.equal(printed(result, false), printed(text, true), name);
    assert.equal(result.split('\n').length, text.split('\n').length, name);
  }
});

for (const [what, text, expected] of [
  ['a comment in a text stays', "const a = '// no';\n", "const a = '// no';\n"],
  ['a template stays', `const a = \`/* no */ \${b /* yes */} // no\`;\n`, `const a = \`/* no */ \${b } // no\`;\n`],
  ['slashes of an expression stay', 'const a = /[/]\\/*x/; // yes\n', 'const a = /[/]\\/*x/;\n'],
  ['a line end in a comment still ends a statement', 'let a = b /*\n*/ ++c\n', 'let a = b\n++c\n'],
  ['words do not grow together', 'return/* x */1;', 'return 1;'],
  ['the first line of a program stays', '#!/usr/bin/env node\n// x\nlet a;\n', '#!/usr/bin/env node\n\nlet a;\n'],
  ['indentation goes', 'f(() => {\n  // x\n  g();\n  // y\n});\n', 'f(() => {\n\ng();\n\n});\n'],
])
  test(what, () => assert.equal(withoutComments(text), expected));
