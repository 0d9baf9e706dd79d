'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { runProgram } = require('../helpers/child.js');
const { temporaryDirectory } = require('../helpers/tusk_exporter.js');

// A lot of JSON in awaited batches: everything arrives, and what is in memory is bounded by what is on its way.

const isLong = process.env.OFFLOOP_TEST_LONG === '1';
const TOTAL_BYTES = isLong ? 5e9 : 4e8;
const SPANS_PER_BATCH = 512;
const PAYLOAD_BYTES = 64_000; // of one span, about
const TRACES_PER_BATCH = 8;

test(`R84 ${TOTAL_BYTES / 1e9} GB of JSON through files: nothing lost, memory bounded`, async (t) => {
  const directory = temporaryDirectory(t);
  const program = `
    const fs = require('node:fs');
    const path = require('node:path');
    const { TdSpanExporter } = require('./js/entries/tusk.js');
    const { exported, recordedSpan } = require('./__test__/helpers/tusk_exporter.js');
    const directory = ${JSON.stringify(directory)};
    const exporter = new TdSpanExporter({ mode: 'RECORD', baseDirectory: directory });
    const row = (id) => ({ id, name: 'row ' + id, total: id / 7, note: 'é "quoted"', tags: ['a', 'b'] });
    const one = JSON.stringify(Array.from({ length: 700 }, (_, id) => row(id))).slice(0, -1);
    const text = (nth) => one + ',' + JSON.stringify({ nth }) + ']';
    const batches = Math.ceil(${TOTAL_BYTES} / (${SPANS_PER_BATCH} * one.length));
    (async () => {
      let peak = 0;
      let settled = 0; // once blocks, heap and file names have been there
      let files = 0;
      let lines = 0;
      let bytes = 0;
      for (let batch = 0; batch < batches; batch++) {
        const spans = Array.from({ length: ${SPANS_PER_BATCH} }, (_, nth) => recordedSpan({
          traceId: (batch * ${TRACES_PER_BATCH} + (nth % ${TRACES_PER_BATCH})).toString(16).padStart(32, '0'),
          attributes: { 'td.outputValue': text(nth) },
        }));
        for (const span of spans) bytes += span.attributes['td.outputValue'].length;
        const { code } = await exported(exporter, spans);
        if (code !== 0) throw new Error('batch ' + batch + ' failed');
        // Counted and deleted, so that 5 GB need no 10 GB of disk.
        for (const name of fs.readdirSync(directory)) {
          const file = path.join(directory, name);
          const content = fs.readFileSync(file);
          files += 1;
          for (let at = content.indexOf(10); at !== -1; at = content.indexOf(10, at + 1)) lines += 1;
          if (content.at(-1) !== 10) throw new Error(name + ' ends within a line');
          fs.rmSync(file);
        }
        if (batch % 4 === 0) globalThis.gc();
        const { rss } = process.memoryUsage();
        peak = Math.max(peak, rss);
        if (batch === 5) settled = rss;
      }
      await exporter.shutdown();
      console.log(JSON.stringify({ batches, bytes, files, lines, peak, settled }));
    })();`;
  const { code, stdout, stderr } = await runProgram(program, {
    nodeArguments: ['--expose-gc'],
    limitMillis: isLong ? 900_000 : 120_000,
  });
  assert.equal(code, 0, stderr);
  const { batches, bytes, files, lines, peak, settled } = JSON.parse(stdout);
  t.diagnostic(`${bytes / 1e9} GB in ${batches} batches, peak ${peak >> 20} MiB, after 6 batches ${settled >> 20} MiB`);
  assert.ok(bytes >= TOTAL_BYTES);
  assert.equal(lines, batches * SPANS_PER_BATCH);
  assert.equal(files, batches * TRACES_PER_BATCH);
  // Some batches (as made, as handed over, as lines), however many there were.
  const batchBytes = SPANS_PER_BATCH * PAYLOAD_BYTES;
  assert.ok(peak < settled + 6 * batchBytes, `peak ${peak >> 20} MiB, settled ${settled >> 20} MiB`);
  assert.ok(peak < 600 << 20, `${peak >> 20} MiB`);
  assert.deepEqual(fs.readdirSync(path.join(directory)), []);
});
