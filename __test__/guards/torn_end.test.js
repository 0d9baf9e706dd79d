'use strict';
// `span.end()` where next to no stack is left throws nothing, as with the stock processor, and its span arrives: it is taken
// when the stack has unwound. Without V8's compilers every function that has not been called yet wants 40 KiB of stack.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { BatchSpanProcessor, OTLPTraceExporter } = require('../..');
const { runProgram } = require('../helpers/child.js');
const { PlainSpans } = require('../helpers/plain_spans.js');
const { startReceiver } = require('../helpers/receiver.js');

if (process.env.OFFLOOP_TEST_DEEP_ENDS !== undefined) {
  deepEnds(process.env.OFFLOOP_TEST_DEEP_ENDS).then((result) => console.log(JSON.stringify(result)));
} else {
  for (const flags of [[], ['--no-opt', '--no-sparkplug']]) {
    test(`end() at the end of the stack, flags: ${flags.join(' ') || 'none'}`, async (t) => {
      const receiver = await startReceiver();
      t.after(() => receiver.close());
      const env = { OFFLOOP_TEST_DEEP_ENDS: receiver.url };
      const { stdout, stderr } = await runProgram(`require(${JSON.stringify(__filename)})`, {
        env,
        nodeArguments: flags,
      });
      assert.match(stdout, /^{/, stderr);
      const { ended, threw, stats } = JSON.parse(stdout);
      assert.ok(threw <= 5, `${threw} of ${ended} calls threw`);
      assert.equal(stats.offered, ended - threw);
      assert.equal(stats.delivered, ended - threw);
    });
  }
}

/** Ends a span in each of many depths, from the last one that can be reached. */
async function deepEnds(url) {
  const exporter = new OTLPTraceExporter({ url });
  const processor = new BatchSpanProcessor(exporter);
  const plain = new PlainSpans(3);
  const endLater = () => {
    const span = plain.span();
    return () => processor.onEnd(span);
  };
  for (let n = 0; n < 3; n++) endLater()();
  const deep = (frames, act) => (frames > 0 ? deep(frames - 1, act) : act());
  const nothing = () => {};
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
  let ended = 3;
  let threw = 0;
  for (let less = 0; less < 600; less += 5) {
    const end = endLater();
    ended += 1;
    try {
      deep(reached - less, end);
    } catch {
      threw += 1;
    }
  }
  await processor.forceFlush();
  const { offered, delivered } = exporter.stats();
  await processor.shutdown();
  return { ended, threw, stats: { offered, delivered } };
}
