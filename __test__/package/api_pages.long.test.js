'use strict';
// `npm run docs:api` makes a page for every class and every interface of the declaration files, with the comments of their members.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { it } = require('node:test');
const typescript = require('typescript');
const manifest = require('../../package.json');

const root = path.resolve(__dirname, '..', '..');
const FOLDERS = new Map([
  [typescript.SyntaxKind.ClassDeclaration, 'classes'],
  [typescript.SyntaxKind.InterfaceDeclaration, 'interfaces'],
]);

function declarationsOf(file) {
  const source = typescript.createSourceFile(file, readFileSync(path.join(root, file), 'utf8'), 99, true);
  const isExported = ({ modifiers }) => modifiers?.some(({ kind }) => kind === typescript.SyntaxKind.ExportKeyword);
  return source.statements.filter((statement) => FOLDERS.has(statement.kind) && isExported(statement));
}

it('the reference has a page for every exported class and interface, with defaults and without a warning', (t) => {
  const out = mkdtempSync(path.join(tmpdir(), 'offloop-api-'));
  t.after(() => rmSync(out, { recursive: true, force: true }));
  const cli = path.join(root, 'node_modules', 'typedoc', 'bin', 'typedoc');
  const words = [cli, '--options', 'docs/api/typedoc.json', '--out', out];
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { cwd: root, encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);

  const files = [...new Set(Object.values(manifest.exports).flatMap(({ types }) => types ?? []))];
  const pages = new Set(['classes', 'interfaces'].flatMap((folder) => readdirSync(path.join(out, folder))));
  for (const file of files) {
    const module = path.basename(file, '.d.ts');
    for (const { name } of declarationsOf(file))
      assert.ok(
        [...pages].some((page) => page.endsWith(`.${name.text}.html`) && page.includes(module)),
        `${file}: ${name.text}`,
      );
  }
  const queue = readFileSync(path.join(out, 'interfaces', 'index.QueueOptions.html'), 'utf8');
  assert.match(queue, /Default 16384/);
  assert.ok(existsSync(path.join(out, 'index.html')));
});
