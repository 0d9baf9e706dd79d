'use strict';
// R105: programs in README.md and docs/ print what stands below them, against a collector that counts their spans.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } = require('node:fs');
const http = require('node:http');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const zlib = require('node:zlib');
const { countSpans } = require('./helpers/otlp_decoder.js');

const root = path.resolve(__dirname, '..');
const pages = ['README.md', ...readdirSync(path.join(root, 'docs')).map((name) => `docs/${name}`)].filter((name) =>
  name.endsWith('.md'),
);
/** Spans that a program must have delivered, by a word that it alone holds. */
const DELIVERIES = { 'last words': 300, 'GET /orders': 1 };

function programsOf(page) {
  const text = readFileSync(path.join(root, page), 'utf8');
  const blocks = text.matchAll(/```js\n([\s\S]*?)```\n\n```text\n([\s\S]*?)```/g);
  return [...blocks].map(([, program, expected], index) => ({
    name: `${page}, program ${index + 1}`,
    program,
    expected,
  }));
}

const programs = pages.flatMap(programsOf);

test('there are programs to run', () => assert.ok(programs.length >= 3, `${programs.length}`));

for (const { name, program, expected } of programs) {
  test(name, async () => {
    const project = mkdtempSync(path.join(tmpdir(), 'offloop-docs-'));
    mkdirSync(path.join(project, 'node_modules'));
    symlinkSync(root, path.join(project, 'node_modules', 'offloop'), 'junction');
    const opentelemetry = path.join(root, 'node_modules', '@opentelemetry');
    symlinkSync(opentelemetry, path.join(project, 'node_modules', '@opentelemetry'), 'junction');
    let spans = 0;
    const collector = http.createServer((request, response) => {
      const chunks = [];
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks);
        const isPacked = request.headers['content-encoding'] === 'gzip';
        spans += countSpans(isPacked ? zlib.gunzipSync(body) : body, request.headers['content-type']);
        response.end();
      });
    });
    await new Promise((resolve) => collector.listen(0, '127.0.0.1', resolve));
    try {
      const endpoint = `http://127.0.0.1:${collector.address().port}`;
      const env = { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint };
      assert.deepEqual(await run(program, project, env), { stdout: expected, stderr: '' });
      for (const [word, count] of Object.entries(DELIVERIES))
        if (program.includes(word)) assert.equal(spans, count, `${word}: spans at the collector`);
    } finally {
      collector.close();
      rmSync(project, { recursive: true, force: true });
    }
  });
}

function run(program, cwd, env) {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, ['-e', program], { cwd, env, timeout: 30_000 }, (error, stdout, stderr) =>
      error ? reject(new Error(`${error.message}\n${stderr}`)) : resolve({ stdout, stderr }),
    );
  });
}

test('no page refers to a file or a heading that is not there', () => {
  const slugs = (text) =>
    [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    );
  for (const page of [...pages, 'SECURITY.md', 'CHANGELOG.md']) {
    const text = readFileSync(path.join(root, page), 'utf8');
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [file, heading] = target.split('#');
      const absolute = file === '' ? path.join(root, page) : path.resolve(root, path.dirname(page), file);
      assert.ok(existsSync(absolute), `${page} refers to ${target}`);
      if (heading) assert.ok(slugs(readFileSync(absolute, 'utf8')).includes(heading), `${page} refers to ${target}`);
    }
  }
});
