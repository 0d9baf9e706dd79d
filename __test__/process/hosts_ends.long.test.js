'use strict';
// This file measures time, so it runs alone.
// The end of the process beside other listeners, and with several copies of the module: what has ended is delivered, within
// one deadline, and what nobody uses any more is let go.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { promisify } = require('node:util');
const { execFile } = require('node:child_process');
const { describe, test } = require('node:test');
const { runProgram } = require('../helpers/child.js');
const { copyPackage } = require('../helpers/package_copy.js');
const { startReceiverProcess } = require('../helpers/receiver_process.js');

const run = promisify(execFile);
const isLong = process.env.OFFLOOP_TEST_LONG === '1';
const unix = { skip: process.platform === 'win32' && 'nobody waits there below JavaScript' };

const first = `
  const { BatchSpanProcessor } = require('.');
  const [span, ...others] = makeSpans(6);
  const processor = () => new BatchSpanProcessor(new OTLPTraceExporter({ url, exit: { blockMillis: 1500 } }));`;
const ended = 'const p = processor(); for (const each of others) p.onEnd(each);';

/** How a program ends in which somebody else's listener comes before ours, or instead of it. */
const ends = {
  'an earlier exit listener exits': [`process.on('exit', () => process.exit(3)); ${ended} process.exit(1);`, 3, 5],
  'an earlier exit listener exits, in a later turn': [
    `process.on('exit', () => process.exit(3)); ${ended} setTimeout(() => process.exit(1), 20);`,
    3,
    5,
  ],
  'an earlier exit listener exits, at a natural end': [
    `process.on('exit', () => process.exit(3)); ${ended} process.on('beforeExit', () => process.exit(1));`,
    3,
    5,
  ],
  'an earlier exit listener throws': [
    `process.on('exit', () => { throw new Error('x'); }); ${ended} process.exit(1);`,
    1,
    5,
  ],
  'an earlier exit listener ends a span and exits': [
    `process.on('exit', () => { p.onEnd(span); process.exit(3); }); ${ended} process.exit(1);`,
    3,
    6,
  ],
  'an earlier exit listener with the first span of all, and exits': [
    `process.on('exit', () => { processor().onEnd(span); process.exit(3); }); process.exit(1);`,
    3,
    1,
  ],
  'an earlier beforeExit listener exits': [`process.on('beforeExit', () => process.exit(4)); ${ended}`, 4, 5],
  'an error that nobody handles, and an earlier exit listener exits': [
    `process.on('exit', () => process.exit(3)); ${ended} throw new Error('x');`,
    3,
    5,
  ],
  'a later exit listener exits': [`${ended} process.on('exit', () => process.exit(3)); process.exit(1);`, 3, 5],
  'a later exit listener ends a span and throws': [
    `${ended} process.on('exit', () => { p.onEnd(span); throw new Error('x'); }); process.exit(1);`,
    1,
    6,
  ],
  'process.reallyExit()': [`${ended} setTimeout(() => process.reallyExit(5), 20);`, 5, 5],
  'somebody removes every exit listener': [`${ended} process.removeAllListeners('exit'); process.exit(6);`, 6, 5],
  'somebody answers process.emit': [`${ended} process.emit = () => false; process.exit(6);`, 6, 5],
};

describe('another end of the process', { concurrency: 3, ...unix }, () => {
  for (const [name, [source, code, spans]] of Object.entries(ends)) {
    test(name, async (t) => {
      const receiver = await startReceiverProcess({ otherwise: { delayMillis: 150 } }, t);
      const result = await runProgram(`${first}${source}`, { url: receiver.url });
      const { spans: arrived } = await receiver.counts();
      const shown = JSON.stringify(result);
      assert.deepEqual({ code: result.code, arrived }, { code, arrived: spans }, shown);
    });
  }
});

const reload = `
  const path = require('node:path');
  const here = path.join(process.cwd(), path.sep);
  const forget = () => {
    for (const file of Object.keys(require.cache)) {
      if (file.startsWith(here) && !file.endsWith('.node') && !file.includes('node_modules')) delete require.cache[file];
    }
  };
  const fresh = () => { forget(); return require('.'); };
  const watched = ['exit', 'beforeExit', 'SIGTERM'];
  const listeners = () => watched.map((name) => process.listenerCount(name)).join();`;

const RELOADS = isLong ? 200 : 20;

describe('one end for all, and nothing left before it', { concurrency: 3 }, () => {
  test('an earlier exit listener exits, the collector hangs: one blockMillis', unix, async (t) => {
    const receiver = await startReceiverProcess({ otherwise: { stall: 'response' } }, t);
    const time = `process.on('exit', () => { require('node:fs').writeSync(1, String(Date.now())); process.exit(3); });`;
    const { code, stdout } = await runProgram(`${first}${time}${ended} process.exit(1);`, { url: receiver.url });
    const millis = Date.now() - Number(stdout);
    assert.equal(code, 3);
    assert.ok(millis >= 1400 && millis < 3000, `${millis} ms`);
  });

  test('twelve copies of the module: one set of listeners, one deadline, no span lost', async (t) => {
    const receiver = await startReceiverProcess({ otherwise: { delayMillis: 100 } }, t);
    const hanging = await startReceiverProcess({ otherwise: { stall: 'response' } }, t);
    const use = `
      for (let n = 0; n < 12; n += 1) {
        const { BatchSpanProcessor, OTLPTraceExporter } = fresh();
        const exporter = new OTLPTraceExporter({ url, exit: { signals: ['SIGTERM'] } });
        new BatchSpanProcessor(exporter).onEnd(makeSpans(1)[0]);
      }
      require('node:fs').writeSync(1, listeners());`;
    const ending = `const began = Date.now(); process.on('exit', () => process._rawDebug(Date.now() - began)); process.exit(2);`;
    const one = await runProgram(`${reload}${use}${ending}`, { url: receiver.url });
    assert.deepEqual([one.code, one.stdout, (await receiver.counts()).spans], [2, '1,2,1', 12], JSON.stringify(one));
    const two = await runProgram(`${reload}${use}${ending}`, { url: hanging.url });
    assert.deepEqual([two.code, two.stdout], [2, '1,2,1']);
    const waited = Number(two.stderr);
    assert.ok(waited >= 450 && waited < 1200, `${waited} ms`);
    if (process.platform === 'win32') return; // no signals there
    const three = await runProgram(
      `${reload}${use} process.kill(process.pid, 'SIGTERM'); setInterval(() => {}, 1000);`,
      {
        url: receiver.url,
      },
    );
    assert.deepEqual([three.signal, (await receiver.counts()).spans], ['SIGTERM', 24]);
  });

  test('copies of the module at other places, each with its addon: one deadline', async (t) => {
    const place = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-copy-'));
    t.after(() => fs.rmSync(place, { recursive: true }));
    copyPackage(place);
    const hanging = await startReceiverProcess({ otherwise: { stall: 'response' } }, t);
    const receiver = await startReceiverProcess({}, t);
    const use = `
      for (const offloop of [require('.'), require(${JSON.stringify(place)})]) {
        new offloop.BatchSpanProcessor(new offloop.OTLPTraceExporter({ url })).onEnd(makeSpans(1)[0]);
      }
      const began = Date.now(); process.on('exit', () => process._rawDebug(Date.now() - began)); process.exit(2);`;
    const one = await runProgram(use, { url: receiver.url });
    assert.deepEqual([one.code, (await receiver.counts()).spans], [2, 2], JSON.stringify(one));
    const two = await runProgram(use, { url: hanging.url });
    assert.ok(Number(two.stderr) >= 450 && Number(two.stderr) < 900, JSON.stringify(two));
  });

  test('nothing is open: no listener is left, and a new exporter has them again', async (t) => {
    const receiver = await startReceiverProcess({}, t);
    const { code, stdout, stderr } = await runProgram(
      `${reload}
       const before = listeners();
       (async () => {
         const { BatchSpanProcessor, OTLPTraceExporter } = require('.');
         for (let n = 0; n < 3; n += 1) {
           const exporter = new OTLPTraceExporter({ url, exit: { signals: ['SIGTERM'] } });
           const processor = new BatchSpanProcessor(exporter);
           processor.onEnd(makeSpans(1)[0]);
           console.log(listeners());
           await processor.shutdown();
           await new Promise(setImmediate);
           console.log(listeners() === before);
           await exporter.forceFlush();
           console.log(exporter.stats().delivered, (await exporter.exportSpans(makeSpans(1))).delivered);
         }
       })();`,
      { url: receiver.url },
    );
    assert.deepEqual([code, stderr, stdout], [0, '', '1,2,1\ntrue\n1 0\n'.repeat(3)]);
  });

  for (const how of ['shutdown', 'abandon']) {
    test(`${RELOADS} reloads of the module, ${how}: memory is flat`, { timeout: 120_000 }, async (t) => {
      const receiver = await startReceiverProcess({}, t);
      const program = path.join(__dirname, '..', 'helpers', 'reloads_program.js');
      const { stdout } = await run(process.execPath, ['--expose-gc', program, receiver.url, String(RELOADS), how]);
      const { collected, grew, listeners } = JSON.parse(stdout);
      t.diagnostic(`${collected} copies collected, the heap grew by ${grew} bytes`);
      assert.ok(collected >= RELOADS, `${collected} of ${RELOADS + 5} copies were collected`);
      assert.ok(grew < 2e6, `the heap grew by ${grew} bytes`);
      assert.match(listeners, /^[01],[012],[01]$/);
    });
  }
});
