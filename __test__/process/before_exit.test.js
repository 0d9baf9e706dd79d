'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { describe, test } = require('node:test');
const { runProgram } = require('../helpers/child.js');
const { startReceiverProcess } = require('../helpers/receiver_process.js');

// `beforeExit` comes again after whatever has made the loop turn. What has nothing to wait for does not.

const LIMIT = 5; // rounds; what goes on for ever has thousands
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-before-exit-'));
process.on('exit', () => fs.rmSync(directory, { recursive: true }));

const PROCESSOR = `
  const exporter = new OTLPTraceExporter({ url });
  const processor = new subject.BatchSpanProcessor(exporter);
  const end = (count) => { for (const span of makeSpans(count)) processor.onEnd(span); };
  end(3);`;
const NODE = PROCESSOR.replace('{ url }', "{ url, transport: 'node' }");
const TUSK = `const tusk = require('./js/entries/tusk.js');`;
const RECORDER = `${TUSK}
  const exporter = new tusk.TdSpanExporter({ mode: 'RECORD', baseDirectory: ${JSON.stringify(directory)} });
  const config = { maxQueueSize: 100, maxExportBatchSize: 10, scheduledDelayMillis: 1000 };
  const processor = new tusk.DriftBatchSpanProcessor({ exporter, config, mode: 'RECORD' });
  const answer = exporter.getAdapters()[0].exportSpans([{ traceId: '0af7651916cd43dd8448eb211c80319c', kind: 1 }]);
  answer.then(({ code }) => code === 0 || process.exit(9));`;
const files = (more) => `
  const exporter = new subject.FileSpanExporter({ directory: ${JSON.stringify(directory)} });
  ${more}`;

/** The listener is called at each round; the process prints how many there were. */
async function rounds(t, before, listener) {
  const receiver = await startReceiverProcess({}, t);
  const source = `${before}
    let round = 0;
    process.on('beforeExit', ${listener.startsWith('async') ? 'async ' : ''}() => {
      round += 1;
      if (round > 3000) process.exit();
      ${listener.replace(/^async /, '')}
    });
    process.on('exit', () => console.log(round));`;
  const { code, signal, stdout, stderr } = await runProgram(source, { url: receiver.url });
  assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
  return { rounds: Number(stdout), ...(await receiver.counts()) };
}

describe('a listener that asks for what is over already', { concurrency: 3 }, () => {
  for (const [name, before, listener] of [
    ['processor.forceFlush()', PROCESSOR, 'processor.forceFlush();'],
    ['the same, awaited', PROCESSOR, 'async await processor.forceFlush();'],
    ['exporter.forceFlush()', PROCESSOR, 'exporter.forceFlush({ timeoutMillis: 10000 });'],
    ["exporter.forceFlush({ mode: 'attempt' })", PROCESSOR, "exporter.forceFlush({ mode: 'attempt' });"],
    ["transport: 'node'", NODE, 'processor.forceFlush();'],
    ['a batch of nothing', PROCESSOR, 'exporter.export([], () => {}); exporter.exportSpans([]);'],
    ['all of it', PROCESSOR, 'exporter.exportSpans([]); processor.forceFlush(); exporter.forceFlush();'],
    ['shutdown()', PROCESSOR, 'processor.shutdown(); exporter.shutdown(); exporter.forceFlush();'],
    ['stats()', PROCESSOR, 'exporter.stats();'],
    ['FileSpanExporter', files('exporter.export(makeSpans(3), () => {});'), 'exporter.forceFlush();'],
    ['an exporter without spans', files(''), 'exporter.forceFlush(); exporter.exportSpans([]);'],
    ['the recorder', RECORDER, 'exporter.forceFlush(); processor.forceFlush();'],
    [
      'a monitor',
      `${PROCESSOR} const monitor = new subject.EventLoopMonitor({ processor }); monitor.enable();`,
      'processor.forceFlush(); monitor.stats();',
    ],
  ]) {
    test(name, async (t) => {
      const ended = await rounds(t, before, listener);
      assert.ok(ended.rounds >= 1 && ended.rounds <= LIMIT, `${ended.rounds} rounds`);
    });
  }
});

describe('a listener that ends spans', { concurrency: 3 }, () => {
  for (const [name, before, listener, delivered] of [
    ['one each time', PROCESSOR, 'end(1);'],
    ['behind it, each time', PROCESSOR, 'async await undefined; end(1);'],
    ['nothing before it', PROCESSOR.replace('end(3);', ''), 'end(1);', 0],
    ['in front of ours', `${PROCESSOR} process.prependListener('beforeExit', () => end(1));`, ';'],
    ['first of all', `process.on('beforeExit', () => end(1)); ${PROCESSOR}`, ';'],
    ['and flushes', PROCESSOR, 'if (round === 1) end(1); processor.forceFlush();', 4],
  ]) {
    test(name, async (t) => {
      const ended = await rounds(t, before, listener);
      assert.ok(ended.rounds <= LIMIT, `${ended.rounds} rounds`);
      if (delivered === undefined) assert.equal(ended.spans, 3 + ended.rounds);
      else assert.ok(ended.spans >= delivered);
      assert.ok(ended.requests <= LIMIT, `${ended.requests} requests`);
    });
  }

  test("transport: 'node', once: nothing is left for the exit event", async (t) => {
    const ended = await rounds(t, NODE, 'if (round === 1) end(1);');
    assert.equal(ended.spans, 4);
  });
});

test('work that listeners give to the loop is waited for in each round', async (t) => {
  const ended = await rounds(t, NODE, 'if (round < 5) setTimeout(() => end(1), 5);');
  assert.equal(ended.spans, 7);
});

test('all rounds share one budget', async (t) => {
  const receiver = await startReceiverProcess({ otherwise: { stall: 'response' } }, t);
  const source = `${PROCESSOR.replace('{ url }', '{ url, exit: { drainMillis: 500 } }')}
    const started = performance.now();
    process.on('beforeExit', () => setTimeout(() => end(1), 1));
    process.on('beforeExit', () => { if (performance.now() - started > 5000) process.exit(1); });
    process.on('beforeExit', () => { if (performance.now() - started > 900) process.exit(); });
    process.on('exit', () => console.log(performance.now() - started));`;
  const { code, stdout } = await runProgram(source, { url: receiver.url });
  assert.equal(code, 0);
  assert.ok(Number(stdout) < 1300, `${stdout} ms`);
});
