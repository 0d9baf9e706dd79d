'use strict';
// The statements of docs/scale.md, run by DuckDB, and what `offloop stats` says about the same files. The first block of
// the page makes the view, the others ask.

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const test = require('node:test');
const { gzipSync } = require('node:zlib');
const { DuckDBInstance } = require('@duckdb/node-api');

const root = path.resolve(__dirname, '..', '..');
const page = readFileSync(path.join(root, 'docs', 'scale.md'), 'utf8');
const blocks = (language) =>
  page
    .split(`\`\`\`${language}\n`)
    .slice(1)
    .map((block) => block.slice(0, block.indexOf('```')));
const name = process.platform === 'win32' ? 'offloop-viewer.exe' : 'offloop-viewer';
const viewer = ['debug', 'release'].map((profile) => path.join(root, 'target', profile, name)).find(existsSync);
const skip = viewer === undefined ? 'cargo build -p offloop-viewer has not been run' : false;

/** A directory with `spans`: the documented examples, the Collector's flavour, and both compressions. */
async function makeSpans(t) {
  const directory = mkdtempSync(path.join(tmpdir(), 'offloop-scale-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const spans = path.join(directory, 'spans');
  mkdirSync(spans);
  const fixtures = path.join(root, 'viewer', 'tests', 'fixtures', 'spans', 'traces-1.jsonl');
  copyFileSync(fixtures, path.join(spans, 'traces-1.jsonl'));
  const { makeLines } = await import('../../viewer/bench/make_spans.mjs');
  const lines = (options) => `${[...makeLines(options)].join('\n')}\n`;
  writeFileSync(path.join(spans, 'traces-2.jsonl'), lines({ spans: 2000, flavour: 'collector', seed: 2 }));
  writeFileSync(path.join(spans, 'traces-3.jsonl.gz'), gzipSync(lines({ spans: 1500, seed: 3 })));
  return directory;
}

async function connect(t, directory) {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  t.after(() => {
    connection.closeSync();
    instance.closeSync();
  });
  // The statements name paths as somebody does who stands in the directory.
  const here = (statement) =>
    statement.replace(/'(spans|archive)\b/g, (_, first) => `'${path.join(directory, first).replaceAll('\\', '/')}`);
  return async (statement) => {
    const result = await connection.runAndReadAll(here(statement));
    return result.getRowObjects().map((row) => {
      const plain = ([key, value]) => [key, typeof value === 'bigint' ? Number(value) : value];
      return Object.fromEntries(Object.entries(row).map(plain));
    });
  };
}

function stats(directory, ...words) {
  const { status, stdout, stderr } = spawnSync(viewer, ['stats', '--json', '--strict', ...words, 'spans'], {
    cwd: directory,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  assert.strictEqual(status, 0, stderr);
  return JSON.parse(stdout);
}

const byText = (rows, text) => rows.toSorted((one, other) => (text(one) < text(other) ? -1 : 1));

test('the statements of the page say what offloop stats says, from files and from Parquet (V98)', {
  skip,
}, async (t) => {
  const directory = await makeSpans(t);
  const ask = await connect(t, directory);
  const [view, operations, routes, blocked, copy, archived, ...rest] = blocks('sql');
  assert.deepStrictEqual(rest, []);
  // A file with zstd, made by DuckDB, which is another's encoder.
  await ask(`COPY (SELECT line FROM read_csv('spans/traces-1.jsonl', columns = {line: 'VARCHAR'}, delim = '\\x01', quote = '', escape = '', header = false))
    TO 'spans/traces-4.jsonl.zst' (FORMAT csv, DELIMITER '\\x01', QUOTE '', ESCAPE '', HEADER false, COMPRESSION zstd)`);
  rmSync(path.join(directory, 'spans', 'traces-1.jsonl'));
  await ask(view);

  const { groups, blocks: lines, files } = stats(directory);
  assert.strictEqual(files.length, 3);
  const operation = ({ service, name: operationName }) => `${service} ${operationName}`;
  const expected = groups.map((group) => ({
    service: group.service,
    name: group.name,
    spans: group.count,
    errors: group.errors,
    p95_ns: group.p95,
    longest_ns: group.longest,
  }));
  assert.ok(expected.length > 60, `${expected.length} operations`);
  assert.ok(expected.some(({ errors }) => errors > 0));
  const found = await ask(operations);
  assert.deepStrictEqual(byText(found, operation), byText(expected, operation));

  const ofRoutes = stats(directory, '--by', 'http.route').groups;
  assert.deepStrictEqual(
    byText(await ask(routes), ({ route }) => route),
    byText(
      ofRoutes.map((group) => ({ route: group.name, spans: group.count, errors: group.errors })),
      ({ route }) => route,
    ),
  );

  assert.deepStrictEqual(
    await ask(blocked),
    lines.map((line) => ({
      function: line.function,
      place: line.place,
      cause: line.cause,
      blocks: line.count,
      total_ns: line.total,
      longest_ns: line.longest,
    })),
  );
  assert.strictEqual(lines.length, 1);

  await ask(copy);
  assert.deepStrictEqual(readdirSync(path.join(directory, 'archive')), ['day=2026-11-21']);
  const inArchive = expected.map(({ service, name: operationName, spans, p95_ns }) => ({
    service,
    name: operationName,
    spans,
    p95_ns,
  }));
  assert.deepStrictEqual(byText(await ask(archived), operation), byText(inArchive, operation));
  await ask(copy);
  const [{ spans }] = await ask(archived);
  assert.strictEqual(spans % 2, 0, 'a second copy adds the spans a second time, as the page says');
});

test('half a line at the end of a file is left out by DuckDB, and counted by offloop stats (V17)', {
  skip,
}, async (t) => {
  const directory = await makeSpans(t);
  const file = path.join(directory, 'spans', 'traces-2.jsonl');
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.slice(0, text.length - 40));
  const { status, stdout } = spawnSync(viewer, ['stats', '--json', '--strict', 'spans/traces-2.jsonl'], {
    cwd: directory,
    encoding: 'utf8',
  });
  assert.strictEqual(status, 3, 'something was skipped');
  const [account] = JSON.parse(stdout).files;
  assert.strictEqual(account.skipped.cut, 1);
  const ask = await connect(t, directory);
  await ask(blocks('sql')[0].replace("'spans/traces-*.jsonl*'", "'spans/traces-2.jsonl'"));
  const [{ spans }] = await ask('SELECT count(*) AS spans FROM spans');
  const whole = text.trimEnd().split('\n').slice(0, -1);
  const written = whole.flatMap((line) => JSON.parse(line).resourceSpans).flatMap(({ scopeSpans }) => scopeSpans);
  assert.strictEqual(spans, written.flatMap((scope) => scope.spans).length);
  assert.ok(account.shown > spans, 'offloop stats shows the whole spans of that line');
});

test('the configurations on the page are the files that the Collector validates', () => {
  const files = ['collector-agent.yaml', 'collector-gateway.yaml'];
  const texts = files.map((file) => readFileSync(path.join(root, 'docs', 'scale', file), 'utf8'));
  assert.deepStrictEqual(
    texts.map((text) => text.slice(text.indexOf('\n') + 1)),
    blocks('yaml'),
  );
  for (const file of files) assert.ok(page.includes(`](scale/${file})`), file);
});
