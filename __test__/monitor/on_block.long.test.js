'use strict';
// This file measures time, so it runs alone.
// The callback `onBlock`: what it is told, by whichever exporter, and that it may do anything.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { describe, test } = require('node:test');
const { EventLoopMonitor } = require('../..');
const { finalBlocksIn, noStacks, patiently } = require('../helpers/blocks.js');
const { runProgram } = require('../helpers/child.js');
const { ODD_VALUES } = require('../helpers/odd_values.js');

/** Where the spans go. `directory` is there for those that write files. */
const outlets = {
  'without an exporter': '{}',
  'over an exporter of ours': '{ exporter: new FileSpanExporter({ directory: process.env.DIRECTORY }) }',
  "over somebody else's": '{ exporter: { export: (spans, done) => done({ code: 0 }), shutdown: async () => {} } }',
};

// Blocks are known by their functions: a machine under load may add others.
const preamble = (outlet, options) => `
  const { EventLoopMonitor, FileSpanExporter } = require(process.cwd());
  const { diag } = require('@opentelemetry/api');
  const cpu = require(process.cwd() + '/js/native/binding.js').loadBinding().threadCpuMicros;
  const sleep = (millis) => new Promise((resolve) => setTimeout(resolve, millis));
  function spinFirst() { const until = cpu() + 60_000; while (cpu() < until); }
  function spinSecond() { const until = cpu() + 60_000; while (cpu() < until); }
  const errors = [];
  diag.setLogger({ verbose() {}, debug() {}, info() {}, warn() {}, error: (...words) => errors.push(words.map(String).join(' ')) });
  const calls = [];
  const own = (name) => calls.filter((call) => call.function === name).length;
  const options = { thresholdMillis: 30, ...${outlet}, ...(${options}) };
  /** A block in a turn of its own. */
  const block = async (spin) => { await sleep(5); await new Promise((resolve) => setTimeout(() => { spin(); resolve(); }, 5)); await sleep(30); };
  const say = (words) => console.log(JSON.stringify(words));`;

const inWorker = (source) => `
  const { Worker } = require('node:worker_threads');
  new Worker(${JSON.stringify(source)}, { eval: true });`;

/** What the program says, and how many spans with the name of a function its files have. */
async function run(t, source, { outlet = 'over an exporter of ours', options = '{}', thread = 'main' } = {}) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-on-block-'));
  t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
  const whole = `{ ${preamble(outlets[outlet], options)} ${source} }`;
  const program = thread === 'worker' ? inWorker(whole) : whole;
  const { code, stdout, stderr } = await runProgram(program, { env: { DIRECTORY: directory }, limitMillis: 110_000 });
  assert.equal(stderr, '');
  const finals = finalBlocksIn(directory);
  const spansOf = (name) => finals.filter((attributes) => attributes['code.function.name'] === name).length;
  return {
    code,
    said: stdout
      .trim()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line)),
    spansOf,
  };
}

describe('onBlock', { skip: noStacks }, () => {
  for (const outlet of Object.keys(outlets)) {
    for (const thread of ['main', 'worker']) {
      test(
        `is called once for each block that is over, ${outlet}, thread: ${thread} (R113)`,
        patiently(async (t) => {
          const source = `
          const monitor = new EventLoopMonitor({ ...options, onBlock: (block) => calls.push(block) });
          (async () => {
            monitor.enable();
            const began = Date.now();
            await block(spinFirst);
            await block(spinSecond);
            monitor.disable();
            await block(spinSecond);
            say({ calls: [own('spinFirst'), own('spinSecond')], first: calls.find((call) => call.function === 'spinFirst'), began });
          })();`;
          const { code, said } = await run(t, source, { outlet, thread });
          assert.equal(code, 0);
          const [{ calls, first, began }] = said;
          assert.deepEqual(calls, [1, 1]);
          assert.ok(Math.abs(Date.parse(first.start) - began) < 10_000, `${first.start}`);
          assert.ok(first.durationMillis >= 59 && first.durationMillis < 60_000, `${first.durationMillis}`);
          assert.ok(first.cpuMillis >= 45 && first.cpuMillis <= first.durationMillis + 1, `${first.cpuMillis}`);
          assert.deepEqual([first.cause, first.suppressed], ['cpu', 0]);
          assert.ok(first.severity === (first.durationMillis >= 1000 ? 'critical' : 'warning'));
          assert.ok(first.gcMillis >= 0 && first.pausedMillis >= 0);
          assert.match(first.stack, /spinFirst/);
          assert.ok(first.line > 0 && first.column > 0 && first.file !== '');
          assert.equal(first.threadId === 0, thread === 'main');
          assert.deepEqual([first.traceId, first.spanId, first.route], [undefined, undefined, undefined]);
        }),
      );
    }
  }

  const misbehaviour = {
    throws: '() => { throw new Error("of the application"); }',
    'throws null': '() => { throw null; }',
    'rejects a promise': 'async () => { throw new Error("of the application"); }',
    'throws what cannot be shown': '() => { throw { toString() { throw 1; } }; }',
  };
  for (const [what, callback] of Object.entries(misbehaviour)) {
    for (const outlet of Object.keys(outlets)) {
      test(
        `that ${what} is called again, and told to diag once, ${outlet} (R113)`,
        patiently(async (t) => {
          const source = `
          const rejections = [];
          process.on('unhandledRejection', (error) => rejections.push(String(error)));
          const callback = ${callback};
          diag.setLogger({ verbose() {}, debug() {}, info() {}, warn() {}, error: (words) => errors.push(String(words)) });
          const monitor = new EventLoopMonitor({ ...options, onBlock: (block) => { calls.push(block); return callback(block); } });
          (async () => {
            monitor.enable();
            for (let nth = 0; nth < 3; nth++) await block(spinFirst);
            say({ calls: own('spinFirst'), told: errors.filter((words) => words.includes('onBlock')).length, rejections });
            monitor.disable();
          })();`;
          const { code, said, spansOf } = await run(t, source, { outlet });
          assert.equal(code, 0);
          assert.deepEqual(said, [{ calls: 3, told: 1, rejections: [] }]);
          assert.equal(spansOf('spinFirst'), outlet === 'over an exporter of ours' ? 3 : 0);
        }),
      );
    }
  }

  for (const outlet of Object.keys(outlets)) {
    test(
      `that blocks the loop itself makes a span and no call, ${outlet} (R113)`,
      patiently(async (t) => {
        const source = `
        const monitor = new EventLoopMonitor({ ...options, onBlock: (block) => { calls.push(block); spinSecond(); } });
        (async () => {
          monitor.enable();
          for (let nth = 0; nth < 2; nth++) {
            await block(spinFirst);
            await sleep(400);
          }
          say({ calls: [own('spinFirst'), own('spinSecond')] });
          monitor.disable();
        })();`;
        const { code, said, spansOf } = await run(t, source, { outlet });
        assert.equal(code, 0);
        assert.deepEqual(said, [{ calls: [2, 0] }]);
        if (outlet === 'over an exporter of ours')
          assert.ok(spansOf('spinSecond') >= 2, 'they are blocks all the same');
      }),
    );

    test(
      `that disables the monitor is not called again before it is enabled, ${outlet} (R113)`,
      patiently(async (t) => {
        const source = `
        const answers = [];
        const monitor = new EventLoopMonitor({ ...options, onBlock: (block) => {
          calls.push(block);
          if (block.function !== 'spinFirst') return;
          answers.push(monitor.enable(), new EventLoopMonitor({ onBlock() { calls.push({ function: 'other' }); } }).enable());
          answers.push(typeof monitor.stats().blocks);
          monitor.disable();
        } });
        (async () => {
          monitor.enable();
          await block(spinFirst);
          await block(spinSecond);
          say({ calls: [own('spinFirst'), own('spinSecond'), own('other')], answers });
          monitor.enable();
          await block(spinSecond);
          monitor.disable();
          say({ calls: [own('spinFirst'), own('spinSecond'), own('other')], errors });
        })();`;
        const { code, said } = await run(t, source, { outlet });
        assert.equal(code, 0);
        assert.deepEqual(said, [
          { calls: [1, 0, 0], answers: [true, false, 'number'] },
          { calls: [1, 1, 0], errors: [] },
        ]);
      }),
    );

    test(
      `a block in front of disable() or process.exit() is told before the call returns, ${outlet} (R113)`,
      patiently(async (t) => {
        const source = `
        const monitor = new EventLoopMonitor({ ...options, onBlock: (block) => { calls.push(block); say(block.function); } });
        (async () => {
          monitor.enable();
          await sleep(20);
          await new Promise((resolve) => setTimeout(() => {
            spinFirst();
            process.nextTick(() => setImmediate(() => { monitor.disable(); say('disabled'); resolve(); }));
          }, 5));
          monitor.enable();
          setTimeout(() => { spinSecond(); process.exit(3); }, 20);
        })();`;
        const { code, said } = await run(t, source, { outlet });
        assert.equal(code, 3);
        const known = said.filter((name) => ['spinFirst', 'spinSecond', 'disabled'].includes(name));
        assert.deepEqual(known, ['spinFirst', 'disabled', 'spinSecond']);
      }),
    );
  }

  test(
    'that ends the process, shuts the exporter down or calls it does just that (R113)',
    patiently(async (t) => {
      const source = (body) => `
      const monitor = new EventLoopMonitor({ ...options, onBlock: (block) => {
        if (block.function !== 'spinFirst') return;
        say(block.function);
        ${body}
      } });
      monitor.enable();
      block(spinFirst).then(() => sleep(200));`;
      const ends = await run(t, source('process.exit(7);'));
      assert.deepEqual([ends.code, ends.said], [7, ['spinFirst']]);
      const shuts = await run(
        t,
        source(
          'options.exporter.forceFlush().then(() => options.exporter.shutdown()).then(() => { monitor.disable(); say("done"); });',
        ),
      );
      assert.deepEqual([shuts.code, shuts.said, shuts.spansOf('spinFirst')], [0, ['spinFirst', 'done'], 1]);
    }),
  );

  test(
    'does not hear of blocks beyond maxPerMinute, and is told their number (R113)',
    patiently(async (t) => {
      const source = `
      const monitor = new EventLoopMonitor({ ...options, onBlock: (block) => calls.push(block) });
      (async () => {
        monitor.enable();
        for (let nth = 0; nth < 4; nth++) await block(spinFirst);
        await block(spinSecond);
        const second = calls.find((call) => call.function === 'spinSecond');
        const sum = calls.reduce((sum, { suppressed }) => sum + suppressed, 0);
        say({ calls: own('spinFirst'), suppressed: second.suppressed, sum, stats: monitor.stats().suppressed });
        monitor.disable();
      })();`;
      const { code, said, spansOf } = await run(t, source, { options: '{ maxPerMinute: 1 }' });
      assert.equal(code, 0);
      const [{ calls, suppressed, sum, stats }] = said;
      assert.equal(calls, 1);
      assert.ok(suppressed >= 3, `${suppressed}`);
      assert.equal(sum, stats);
      assert.equal(spansOf('spinFirst'), 1);
    }),
  );
});

test('an onBlock that is no function is an error of the constructor; none means none (R113)', () => {
  for (const [what, make] of Object.entries(ODD_VALUES)) {
    const value = make();
    const construct = () => new EventLoopMonitor({ onBlock: value });
    if (value == null || typeof value === 'function') construct();
    else assert.throws(construct, { code: 'ERR_OFFLOOP_CONFIG' }, what);
  }
  assert.throws(
    () => new EventLoopMonitor({ onBlock: 'log' }),
    /onBlock is invalid, expected function \(actual: 'log'\)/,
  );
});
