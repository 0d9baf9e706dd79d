'use strict';
// `span.end()` where next to no stack is left throws nothing, as with the stock processor, and its span arrives: it is taken
// when the stack has unwound. Without V8's compilers every function that has not been called yet wants 40 KiB of stack.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { BatchSpanProcessor, OTLPTraceExporter } = require('../..');
const { runProgram } = require('../helpers/child.js');
const { PlainSpans } = require('../helpers/plain_spans.js');
const { startReceiver } = require('../helpers/receiver.js');

const HELD_MILLIS = 10_000; // timers whose making was cut off inside Node hold the process for 30 s

if (process.env.OFFLOOP_TEST_DEEP_ENDS !== undefined) {
  const endedAt = deepEnds(JSON.parse(process.env.OFFLOOP_TEST_DEEP_ENDS)).then((result) => {
    console.log(JSON.stringify(result));
    return performance.now();
  });
  endedAt.then((at) => {
    process.on('exit', () => {
      if (performance.now() - at > HELD_MILLIS) process.exitCode = 3;
    });
  });
} else {
  const ways = [
    { flags: [] },
    { flags: ['--no-opt', '--no-sparkplug'] },
    { flags: [], options: { concurrencyLimit: 1 } }, // batches as the SDK's
  ];
  for (const { flags, options } of ways) {
    const name = `end() at the end of the stack, flags: ${flags.join(' ') || 'none'}, ${JSON.stringify(options ?? {})}`;
    test(name, async (t) => {
      const receiver = await startReceiver();
      t.after(() => receiver.close());
      const env = { OFFLOOP_TEST_DEEP_ENDS: JSON.stringify({ url: receiver.url, ...options }) };
      const { stdout, stderr, code } = await runProgram(`require(${JSON.stringify(__filename)})`, {
        env,
        nodeArguments: flags,
      });
      assert.match(stdout, /^{/, stderr);
      assert.equal(stderr, '');
      assert.equal(code, 0, 'the process was held');
      const { ended, threw, stats, late } = JSON.parse(stdout);
      assert.equal(ended, 123);
      assert.equal(late.ended, 120);
      assert.ok(threw <= 5, `${threw} of ${ended} calls threw`);
      assert.equal(stats.offered, ended - threw);
      assert.equal(stats.delivered, ended - threw);
      assert.ok(late.threw <= 5, `${late.threw} of ${late.ended} calls behind the shutdown threw`);
      assert.equal(late.counted, late.ended - late.threw);
    });
  }
}

/** Ends a span in each of many depths, from the last one that can be reached. */
async function deepEnds(options) {
  const exporter = new OTLPTraceExporter(options);
  const processor = new BatchSpanProcessor(exporter);
  const plain = new PlainSpans(3);
  let isReached = false;
  const endLater = () => {
    const span = plain.span();
    return () => {
      isReached = true;
      processor.onEnd(span);
    };
  };
  for (let n = 0; n < 3; n++) endLater()();
  const deep = (frames, act) => (frames > 0 ? deep(frames - 1, act) : act());
  const nothing = () => {};
  const depth = () => {
    let reached = 100;
    for (let tooDeep = 60_000; tooDeep - reached > 1; ) {
      const middle = (reached + tooDeep) >> 1;
      try {
        deep(middle, nothing);
        reached = middle;
      } catch {
        tooDeep = middle;
      }
    }
    return reached;
  };
  const endAll = () => {
    const reached = depth(); // behind an await it is another one
    const result = { ended: 0, threw: 0 };
    // V8 may give `deep` larger frames after `depth()`. Then the stack ends before `end` is called, which says nothing about it.
    for (let less = 0; result.ended < 120 && less < reached; less += 5) {
      const end = endLater();
      isReached = false;
      try {
        deep(reached - less, end);
      } catch {
        if (isReached) result.threw += 1;
      }
      if (isReached) result.ended += 1;
    }
    return result;
  };
  const { ended, threw } = endAll();
  await processor.forceFlush();
  const { offered, delivered } = exporter.stats();
  await processor.shutdown();
  const late = endAll();
  await undefined;
  late.counted = exporter.stats().refused.after_shutdown;
  return { ended: ended + 3, threw, stats: { offered, delivered }, late };
}
