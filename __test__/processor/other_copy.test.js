'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { copyPackage } = require('../helpers/package_copy.js');
const { runProgram } = require('../helpers/child.js');
const { startReceiverProcess } = require('../helpers/receiver_process.js');

// A processor of one copy of the module over an exporter of another.

test('it is told once which copies they are, and what that means', async (t) => {
  const place = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-copy-')));
  t.after(() => fs.rmSync(place, { recursive: true }));
  copyPackage(place);
  const receiver = await startReceiverProcess({}, t);
  const { stdout, stderr } = await runProgram(
    `const { diag, DiagLogLevel } = require('@opentelemetry/api');
     const lines = [];
     const keep = (...args) => lines.push(args.join(' '));
     diag.setLogger({ verbose() {}, debug() {}, info() {}, warn: keep, error: keep }, DiagLogLevel.ALL);
     const ours = require('.');
     const other = require(${JSON.stringify(place)});
     const exporters = [new other.OTLPTraceExporter({ url }), new other.FileSpanExporter({ directory: ${JSON.stringify(place)} })];
     const processors = exporters.map((exporter) => new ours.BatchSpanProcessor(exporter));
     // These are of one copy, or wrapped.
     new ours.BatchSpanProcessor(new ours.OTLPTraceExporter({ url }));
     new ours.BatchSpanProcessor(new Proxy(new ours.OTLPTraceExporter({ url }), {}));
     new other.BatchSpanProcessor(exporters[0]);
     processors[0].onEnd(makeSpans(1)[0]);
     processors[0].forceFlush().then(() => console.log(JSON.stringify({ lines, stats: exporters[0].stats() })));`,
    { url: receiver.url },
  );
  assert.equal(stderr, '');
  const { lines, stats } = JSON.parse(stdout);
  assert.equal(stats.delivered, 1);
  assert.equal(lines.length, 1, lines.join('\n'));
  const root = path.join(__dirname, '..', '..');
  for (const part of [root, place, 'another copy', 'maxQueueSize', '2048']) {
    assert.ok(lines[0].includes(part), `${part}: ${lines[0]}`);
  }
});
