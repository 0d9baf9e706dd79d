'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const { mkdtempSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { test } = require('node:test');

const root = path.resolve(__dirname, '..', '..');
const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
const differences = readFileSync(path.join(root, 'docs/differences.md'), 'utf8');
const MOST_LINES = 140;

test('the first-span program of the README runs as it stands in a project that installed the folder', () => {
  const program = readme.match(/## First span[\s\S]*?```js\n([\s\S]*?)```/)[1];
  const project = mkdtempSync(path.join(tmpdir(), 'offloop-readme-'));
  try {
    mkdirSync(path.join(project, 'node_modules'));
    symlinkSync(root, path.join(project, 'node_modules', 'offloop'), 'junction');
    symlinkSync(
      path.join(root, 'node_modules', '@opentelemetry'),
      path.join(project, 'node_modules', '@opentelemetry'),
      'junction',
    );
    const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', program], {
      cwd: project,
      encoding: 'utf8',
      timeout: 30_000,
    });
    assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '1 span in ./spans\n', stderr: '' });

    const files = readdirSync(path.join(project, 'spans'));
    assert.equal(files.length, 1);
    const lines = readFileSync(path.join(project, 'spans', files[0]), 'utf8')
      .trim()
      .split('\n');
    assert.equal(lines.length, 1);
    const [span] = JSON.parse(lines[0]).resourceSpans[0].scopeSpans[0].spans;
    assert.equal(span.name, 'first span');
    assert.deepEqual(span.attributes, [{ key: 'answer', value: { intValue: 42 } }]);
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
});

test('the deliberate differences are listed without a gap, one for each of docs/spec/otlp.md', () => {
  const numbers = [...differences.matchAll(/^\| (\d+) \|/gm)].map(([, number]) => Number(number));
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => index + 1),
  );
  const requirements = readFileSync(path.join(root, 'docs/spec/otlp.md'), 'utf8').matchAll(/^### X(\d+)$/gm);
  assert.deepEqual(
    [...requirements].map(([, number]) => Number(number)),
    numbers,
  );
});

test('the README can be read in a few minutes', () => {
  const lines = readme.trimEnd().split('\n').length;
  assert.ok(lines <= MOST_LINES, `${lines} lines`);
});
