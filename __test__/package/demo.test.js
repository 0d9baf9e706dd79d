'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const { mkdtempSync, readFileSync, readdirSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');
const { ProtobufTraceSerializer } = require('@opentelemetry/otlp-transformer');
const { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-base');
const { forEachSpanId } = require('../../demo/span_ids.js');

const root = path.resolve(__dirname, '..', '..');
const script = path.join(root, 'demo', 'start.mjs');

function start(env) {
  const inherited = { ...process.env };
  for (const name of Object.keys(inherited))
    if (name.startsWith('OTEL_') || name === 'NODE_TEST_CONTEXT') delete inherited[name];
  return spawnSync(process.execPath, [script], { encoding: 'utf8', env: { ...inherited, ...env }, timeout: 600_000 });
}

function spanIdsInFiles(directory) {
  const ids = [];
  for (const name of readdirSync(directory)) {
    for (const line of readFileSync(path.join(directory, name), 'utf8').split('\n').filter(Boolean)) {
      for (const { scopeSpans } of JSON.parse(line).resourceSpans) {
        for (const { spans } of scopeSpans) ids.push(...spans.map((span) => span.spanId));
      }
    }
  }
  return ids;
}

describe('npm start, with phases of one second', () => {
  let output;
  let run;
  let result;
  let rows;
  let report;

  before(() => {
    output = mkdtempSync(path.join(tmpdir(), 'offloop-demo-'));
    run = start({ OFFLOOP_DEMO_SECONDS: '1', OFFLOOP_DEMO_DIRECTORY: output });
    assert.equal(run.status, 0, run.stdout + run.stderr);
    result = JSON.parse(readFileSync(path.join(output, 'result.json'), 'utf8'));
    rows = Object.fromEntries(result.rows.map((row) => [row.id, row]));
    report = readFileSync(path.join(output, 'report.html'), 'utf8');
  });

  after(() => rmSync(output, { recursive: true, force: true }));

  test('runs the four phases under the same load, and every request is answered', () => {
    assert.deepEqual(Object.keys(rows), ['none', 'stock', 'offloop-http', 'offloop-file']);
    for (const row of Object.values(rows)) {
      assert.equal(row.requestErrors, 0, row.title);
      assert.ok(row.requests > 20 && row.requestsPerSecond > 20, `${row.title}: ${row.requestsPerSecond} requests/s`);
      assert.equal(row.ended, row.served * 4, `${row.title}: four spans per request`);
    }
  });

  test('measures delays, blocks and CPU that hang together', () => {
    for (const row of Object.values(rows)) {
      assert.ok(row.delayP50Millis <= row.delayP99Millis && row.delayP99Millis <= row.delayMaxMillis, row.title);
      assert.ok(row.longestBlockMillis > 0 && row.longestBlockMillis < 10_000, row.title);
      assert.ok(row.mainThreadPercent > 0 && row.mainThreadPercent <= 101, row.title);
      assert.ok(row.processMillisPerRequest >= row.mainThreadMillisPerRequest * 0.9, row.title);
    }
    for (const { service } of result.results) {
      assert.ok(service.timelineMillis.length >= 10, 'a step for each tenth of a second');
      assert.equal(Math.max(...service.timelineMillis), Math.round(service.longestBlock.millis * 10) / 10);
    }
  });

  test('Offloop delivers every span that ended, once, over HTTP and to files', () => {
    for (const id of ['offloop-http', 'offloop-file']) {
      const row = rows[id];
      assert.equal(row.delivered, row.ended, row.title);
      assert.equal(row.duplicates, 0, row.title);
      assert.equal(row.undecodable, 0, row.title);
    }
    const ids = spanIdsInFiles(path.join(output, 'spans'));
    assert.equal(ids.length, rows['offloop-file'].ended);
    assert.equal(new Set(ids).size, ids.length);
  });

  test('every phase has the exporter it says, and Offloop is silent and lets the process end', () => {
    const [none, stock, http, file] = result.results;
    assert.equal(none.service.exporterName, 'none');
    assert.match(stock.service.exporterName, /^@opentelemetry\/exporter-trace-otlp-proto 0\.223\.1$/);
    assert.match(http.service.exporterName, /^offloop .* OTLPTraceExporter$/);
    assert.match(file.service.exporterName, /^offloop .* FileSpanExporter$/);
    assert.ok(rows.stock.delivered > 0 && rows.stock.delivered <= rows.stock.ended);
    for (const phase of [http, file]) {
      assert.equal(phase.endedByItself, true, phase.title);
      assert.equal(phase.serviceOutput, '', phase.title);
      assert.equal(phase.service.flush.outcome, 'done', phase.title);
      assert.equal(phase.service.shutdown.outcome, 'done', phase.title);
      const stats = phase.service.exporterStats;
      assert.deepEqual(
        [stats.offered, stats.accepted, stats.delivered, stats.pending],
        [phase.service.ended, phase.service.ended, phase.service.ended, 0],
        phase.title,
      );
    }
  });

  test('prints one table with the numbers of the result', () => {
    for (const row of Object.values(rows)) {
      const line = run.stdout.split('\n').find((text) => text.startsWith(row.title) && text.includes('%'));
      assert.ok(line, `a line for ${row.title}`);
      const cells = line
        .slice(row.title.length)
        .trim()
        .split(/\s{2,}/);
      assert.equal(cells[0], row.requestsPerSecond.toFixed(0));
      assert.equal(cells[5], row.longestBlockMillis.toFixed(1));
      assert.equal(cells[8], row.ended.toLocaleString('en-US'));
      assert.equal(cells[9], row.delivered === null ? '–' : row.delivered.toLocaleString('en-US'));
    }
  });

  const noStacks = process.platform === 'win32' && 'no stacks there';
  test('shows who blocked the loop of a service: the function, its line and the request it was in', {
    skip: noStacks,
  }, () => {
    const file = path.join(__dirname, '..', '..', 'demo', 'blocked_service.js');
    const lines = readFileSync(file, 'utf8').split('\n');
    const from = lines.findIndex((line) => line.startsWith('function monthlyReport'));
    const to = lines.indexOf('}', from);
    const { attributes, parentName } = result.block;
    assert.equal(attributes['code.function.name'], 'monthlyReport');
    assert.equal(attributes['code.file.path'], file);
    const line = Number(attributes['code.line.number']);
    assert.ok(line > from + 1 && line <= to, `line ${line}`);
    assert.equal(parentName, 'GET /report');
    assert.ok(attributes['event_loop.block.duration_ms'] >= 1000);
    const sentence = run.stdout.split('\n').find((text) => text.startsWith('A handler blocked the loop'));
    assert.match(sentence, new RegExp(`monthlyReport \\(.*blocked_service\\.js:${line}\\), in GET /report`));
    assert.ok(report.includes('Who blocked the loop?') && report.includes(`at monthlyReport (${file}:`));
  });

  test('ends with the command that opens its spans, and that shows its block (V123)', { skip: noStacks }, () => {
    const words = run.stdout.trimEnd().split('\n').at(-1);
    const [, command] = /^Look at the spans: npx --no-install offloop (view .*)$/.exec(words);
    const [, ...directories] = command.split(' ');
    const blocks = spawnSync(
      process.execPath,
      [path.join(root, 'bin/offloop.js'), 'blocks', '--json', ...directories],
      {
        cwd: root,
        encoding: 'utf8',
      },
    );
    assert.equal(blocks.status, 0, blocks.stderr);
    const { blocks: lines, spans } = JSON.parse(blocks.stdout);
    assert.equal(lines[0].function, 'monthlyReport');
    assert.equal(lines[0].routes[0].route, 'GET /report');
    assert.ok(spans >= rows['offloop-file'].delivered);
  });

  test('writes a self-contained report for both colour schemes', () => {
    assert.doesNotMatch(report, /<script|<link|<img|<iframe|@import|\bsrc=|\burl\(|https?:\/\//i);
    assert.match(report, /prefers-color-scheme: dark/);
    assert.equal(report.match(/<svg [^>]*aria-label="Event-loop delay over time/g).length, 4);
    assert.match(report, new RegExp(`Node\\.js ${process.version.replaceAll('.', '\\.')}`));
    for (const row of Object.values(rows)) {
      assert.ok(report.includes(`<td>${row.title}</td>`), row.title);
      assert.ok(report.includes(`<td>${row.longestBlockMillis.toFixed(1)}</td>`), row.title);
    }
  });
});

test('a length that makes no sense is refused in one sentence', () => {
  for (const seconds of ['0', 'long', '-3', '1e9']) {
    const { status, stderr } = start({ OFFLOOP_DEMO_SECONDS: seconds });
    assert.equal(status, 1);
    assert.match(stderr.trim(), /^OFFLOOP_DEMO_SECONDS is the length of a phase, .*'\.$/);
  }
});

test('the receiver finds the ids that the stock serializer wrote, and refuses what is cut or bent', () => {
  const memory = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(memory)] });
  for (let index = 0; index < 50; index++) {
    const span = provider
      .getTracer(`scope-${index % 3}`)
      .startSpan('x', { attributes: { text: 'é'.repeat(index * 40), number: -index } });
    span.addEvent('event', { index });
    span.end();
  }
  const spans = memory.getFinishedSpans();
  const body = Buffer.from(ProtobufTraceSerializer.serializeRequest(spans));
  const found = [];
  forEachSpanId(body, (id) => found.push(id));
  assert.deepEqual(found.sort(), spans.map((span) => span.spanContext().spanId).sort());

  for (let length = 1; length < body.length; length += 97) {
    assert.throws(() => forEachSpanId(body.subarray(0, length), () => {}), Error, `cut to ${length} bytes`);
  }
  assert.throws(() => forEachSpanId(Buffer.from('{"resourceSpans":[]}'), () => {}));
});
