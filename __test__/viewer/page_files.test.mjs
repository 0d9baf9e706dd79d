// The files of the page: what the check of `npm run lint` finds in one that is not as it should be, and that ours are.

import assert from 'node:assert';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { findPageProblems, LIMITS } from '../../scripts/test/page.mjs';

const page = fileURLToPath(new URL('../../viewer/page', import.meta.url));

test('the page is served as it stands: its modules, bytes and imports are within limits (V89)', () => {
  assert.deepStrictEqual(findPageProblems(), []);
  assert.strictEqual(findPageProblems(page, { ...LIMITS, bytes: 1000, gzipBytes: 1000, modules: 3 }).length, 3);
});

test('whatever could turn a text into markup or script is found in the sources (V74)', (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'offloop-page-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  cpSync(page, directory, { recursive: true });
  const lines = [
    `element.innerHTML = text;`,
    `element.insertAdjacentHTML('beforeend', text);`,
    `document.write(text);`,
    `eval(text);`,
    `new Function(text)();`,
    `element.setAttribute('style', text);`,
    `h('p', { style: 'color: red' });`,
    `import x from 'https://example.com/x.js';`,
  ];
  for (const line of lines) {
    writeFileSync(path.join(directory, 'route.js'), `${line}\n`);
    assert.strictEqual(findPageProblems(directory).length, 1, line);
  }
  for (const markup of [
    `<p onclick="x()">`,
    `<p style="color:red">`,
    `<script>x()</script>`,
    `<img src="//example.com/x.png">`,
  ]) {
    writeFileSync(path.join(directory, 'index.html'), markup);
    assert.ok(
      findPageProblems(directory).some((problem) => problem.startsWith('index.html')),
      markup,
    );
  }
});
