'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { JsonTraceSerializer } = require('@opentelemetry/otlp-transformer');
const { FileSpanExporter, exportOnce, subjectName } = require('../helpers/subject.js');
const { runProgram } = require('../helpers/child.js');
const { assertSettled } = require('../helpers/conservation.js');
const { asLine2, randomSpans, PlainSpans } = require('../helpers/plain_spans.js');

// FileSpanExporter: one OTLP/JSON line per batch, as the Collector's file receiver reads it.

const options = { skip: subjectName === 'stock' && 'a class of ours' };

function temporaryDirectory(t) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-test-'));
  t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function linesIn(directory) {
  return fs
    .readdirSync(directory)
    .sort()
    .flatMap((name) => {
      const text = fs.readFileSync(path.join(directory, name), 'utf8');
      assert.ok(text.endsWith('\n'), `${name} ends with a whole line`);
      return text.slice(0, -1).split('\n');
    });
}

test('a line per batch, equal to the stock JSON', options, async (t) => {
  const directory = path.join(temporaryDirectory(t), 'made', 'on demand');
  const exporter = new FileSpanExporter({ directory });
  const batches = Array.from({ length: 6 }, (_, nth) => randomSpans(900 + nth, 1 + nth * 20));
  for (const batch of batches) {
    assert.deepEqual(await exporter.exportSpans(batch), {
      delivered: batch.length,
      rejected: 0,
      dropped: {},
      attempts: 1,
    });
  }
  await exporter.shutdown();
  const expected = batches.map((batch) =>
    Buffer.from(JsonTraceSerializer.serializeRequest(batch.map(asLine2))).toString(),
  );
  const lines = linesIn(directory);
  assert.equal(lines.length, expected.length);
  lines.forEach((line, nth) => {
    assert.equal(JSON.parse(line).resourceSpans.length > 0, true);
    assert.ok(line === expected[nth], `line ${nth} differs from the stock JSON`);
  });
  assertSettled(exporter.stats());
});

test('line breaks and every other character stay within their line', options, async (t) => {
  const directory = temporaryDirectory(t);
  const exporter = new FileSpanExporter({ directory, format: 'otlp-json' });
  const text = 'a\nb\r\nc\u2028d\u2029e\0f\ud800g🚀"\\';
  const readable = text.replace('\ud800', '\ufffd'); // half a surrogate pair is no text to other readers
  assert.deepEqual(await exportOnce(exporter, [new PlainSpans(1).span({ name: text })]), { code: 0 });
  await exporter.forceFlush();
  const [line, ...others] = linesIn(directory);
  assert.deepEqual(others, []);
  assert.equal(JSON.parse(line).resourceSpans[0].scopeSpans[0].spans[0].name, readable);
  await exporter.shutdown();
});

test('the file name, and one file for many batches', options, async (t) => {
  const directory = temporaryDirectory(t);
  const exporter = new FileSpanExporter({ directory });
  const plain = new PlainSpans(2);
  await Promise.all(Array.from({ length: 20 }, () => exporter.exportSpans([plain.span()])));
  await exporter.shutdown();
  const names = fs.readdirSync(directory);
  assert.equal(names.length, 1);
  assert.match(names[0], new RegExp(`^traces-\\d{4}-?\\d{2}-?\\d{2}T[0-9.:-]+Z-${process.pid}-\\d+\\.jsonl$`));
  assert.equal(linesIn(directory).length, 20);
});

test('an empty batch writes nothing', options, async (t) => {
  const directory = temporaryDirectory(t);
  const exporter = new FileSpanExporter({ directory });
  assert.deepEqual(await exportOnce(exporter, []), { code: 0 });
  await exporter.shutdown();
  assert.equal(linesIn(directory).length, 0);
});

test('a directory that cannot be made fails the export, not the host', options, async (t) => {
  const file = path.join(temporaryDirectory(t), 'a file');
  fs.writeFileSync(file, 'in the way');
  const exporter = new FileSpanExporter({ directory: path.join(file, 'below') });
  const { code, error } = await exportOnce(exporter, [new PlainSpans(3).span()]);
  assert.equal(code, 1);
  assert.match(String(error.code), /^(ENOTDIR|EEXIST)$/);
  const outcome = await exporter.exportSpans([new PlainSpans(3).span()]);
  assert.equal(outcome.delivered, 0);
  await exporter.shutdown();
  assertSettled(exporter.stats());
});

test('the constructor demands a directory', options, () => {
  for (const config of [undefined, {}, { directory: '' }, { directory: 5 }])
    assert.throws(() => new FileSpanExporter(config));
});

test('the natural end of a process writes what was exported', options, async (t) => {
  const directory = temporaryDirectory(t);
  const source = `new subject.FileSpanExporter({ directory: ${JSON.stringify(directory)} }).export(makeSpans(300), ({ code }) => console.log('code', code));`;
  const ended = await runProgram(source);
  assert.equal(ended.stdout, 'code 0\n', ended.stderr);
  assert.equal(JSON.parse(linesIn(directory)[0]).resourceSpans[0].scopeSpans[0].spans.length, 300);
});

test('maxFiles counts the files of exporters that ended before', options, async (t) => {
  const directory = temporaryDirectory(t);
  const inUse = new FileSpanExporter({ directory, maxFiles: 3 });
  const [first, ...others] = randomSpans(77, 12);
  await inUse.exportSpans([first]);
  for (const span of others) {
    const exporter = new FileSpanExporter({ directory, maxFiles: 3 });
    assert.equal((await exporter.exportSpans([span])).delivered, 1);
    await exporter.shutdown();
  }
  assert.equal(fs.readdirSync(directory).length, 4, 'three, and the one in use');
  assert.equal((await inUse.exportSpans([first])).delivered, 1);
  assert.equal(fs.readdirSync(directory).length, 4, 'it was still there');
  await inUse.shutdown();
});
