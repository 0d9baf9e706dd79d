'use strict';
// This file measures time, so it runs alone.

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const { runProgram } = require('../helpers/child.js');
const { decodeRequest } = require('../helpers/otlp_decoder.js');
const { startReceiver } = require('../helpers/receiver.js');

// Our processor in processes of their own: what it delivers at their end, and while their loop is blocked (F57 to F59, F70).

const isLong = process.env.OFFLOOP_TEST_LONG === '1';
const BLOCK_MILLIS = isLong ? 8000 : 1500;
const DELAY_MILLIS = 300;
const SLACK_MILLIS = 200;

const setUp = (config = '{}', exporterConfig = '') => `
  const { BatchSpanProcessor } = subject;
  const exporter = new OTLPTraceExporter({ url, ${exporterConfig} });
  const processor = new BatchSpanProcessor(exporter, ${config});
  const end = (count) => { for (const span of makeSpans(count)) processor.onEnd(span); };`;

/** A receiver that notes when, by the wall clock, spans arrived: `[millis, name]`. */
async function notingReceiver(t, options = {}) {
  const arrivals = [];
  const onRequest = ({ body, headers }) => {
    const now = Date.now();
    for (const { scopes } of decodeRequest(body, headers['content-type'])) {
      for (const { spans } of scopes) for (const { name } of spans) arrivals.push([now, name]);
    }
  };
  const receiver = await startReceiver({ ...options, onRequest }, t);
  return { url: receiver.url, arrivals };
}

test('spans whose resource is still being detected survive process.exit()', async (t) => {
  const { url, arrivals } = await notingReceiver(t);
  const { code } = await runProgram(
    `${setUp()}
     const resource = { attributes: { early: 1 }, asyncAttributesPending: true, waitForAsyncAttributes: () => new Promise(() => {}) };
     for (const span of makeSpans(7)) processor.onEnd({ ...span, resource });
     process.exit(0);`,
    { url },
  );
  assert.deepEqual({ code, spans: arrivals.length }, { code: 0, spans: 7 });
});

test('spans that an exit handler ends survive', async (t) => {
  const { url, arrivals } = await notingReceiver(t);
  await runProgram(
    `${setUp()} process.on('exit', () => end(3)); end(1); process.on('exit', () => end(4)); process.exit(0);`,
    { url },
  );
  assert.equal(arrivals.length, 8);
});

test('an endpoint that refuses connections does not hold the natural end', async () => {
  const source = `${setUp('{}', 'exit: { drainMillis: 5000, blockMillis: 5000 }')} end(3);`;
  const { code, millis, stderr } = await runProgram(source, { url: 'http://127.0.0.1:9/v1/traces' });
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  assert.ok(millis < 3000, `${millis} ms`);
});

test('an idle processor does not hold the process', async (t) => {
  const { url, arrivals } = await notingReceiver(t);
  const { code, millis } = await runProgram(
    `${setUp('{ scheduledDelayMillis: 10 }')} end(1); setTimeout(() => {}, 300);`,
    {
      url,
    },
  );
  assert.equal(code, 0);
  assert.equal(arrivals.length, 1);
  assert.ok(millis < 3000, `${millis} ms`);
});

// They mostly wait, and the control of each tells where they were in each other's way.
describe('while the loop is blocked or the process is frozen', { concurrency: 3 }, () => {
  const block = `const until = Date.now() + ${BLOCK_MILLIS}; while (Date.now() < until);`;

  for (const [name, fill, count] of [
    ['in a block of memory that is half full', 'end(20);', 20],
    [
      'in several blocks, some texts of the last span in the next one',
      "for (const [nth, span] of makeSpans(40).entries()) processor.onEnd({ ...span, attributes: { text: 'x'.repeat(nth * 3000) } });",
      40,
    ],
  ]) {
    test(`spans that ended before a long block arrive during it: ${name}`, async (t) => {
      // Late because of this machine? The control tells: a timer of this very process (at most three tries).
      for (let attempt = 1; ; attempt++) {
        const { url, arrivals } = await notingReceiver(t);
        let lateness = 0;
        let last = performance.now();
        const control = setInterval(() => {
          lateness = Math.max(lateness, performance.now() - last - 5);
          last = performance.now();
        }, 5);
        const { stdout, code } = await runProgram(
          `${setUp(`{ scheduledDelayMillis: ${DELAY_MILLIS} }`)}
         end(1); processor.forceFlush().then(() => {
           ${fill}
           console.log(Date.now());
           ${block}
           end(5);
           console.log(Date.now());
         });`,
          { url, limitMillis: 30_000 },
        );
        clearInterval(control);
        const [ended, unblocked] = stdout.trim().split('\n').map(Number);
        assert.equal(code, 0);
        assert.equal(arrivals.length, 1 + count + 5, 'every span, once');
        const during = arrivals.slice(1).filter(([at]) => at < unblocked);
        const worst = during.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...during.map(([at]) => at - ended));
        const isInTime = during.length === count && worst <= DELAY_MILLIS + SLACK_MILLIS;
        if (!isInTime && lateness > 50 && attempt < 3) continue;
        assert.equal(during.length, count);
        assert.ok(worst <= DELAY_MILLIS + SLACK_MILLIS, `${worst} ms, control late by ${lateness} ms`);
        return;
      }
    });
  }

  const noSignals = { skip: process.platform === 'win32' && 'no SIGSTOP on Windows' };

  test('R110: after a freeze there is one flush, on a fresh connection', noSignals, async (t) => {
    const frozenMillis = isLong ? 60_000 : 2500;
    // The connection is closed, without a word, while nobody is there to see it.
    const receiver = await startReceiver({ otherwise: { status: 200, closeAfterMillis: 400 } }, t);
    const pause = (millis) => new Promise((resolve) => setTimeout(resolve, millis));
    let thawed;
    const { code, stdout } = await runProgram(
      `${setUp('{ scheduledDelayMillis: 1000 }')}
     end(5);
     processor.forceFlush().then(() => {
       end(7);
       console.log('ready');
       const alive = setInterval(() => {}, 100);
       process.once('SIGUSR2', () => { clearInterval(alive); console.log(JSON.stringify(exporter.stats())); });
     });`,
      {
        url: receiver.url,
        limitMillis: frozenMillis + 20_000,
        onStart(child) {
          child.stdout.once('data', async () => {
            child.kill('SIGSTOP');
            await pause(frozenMillis);
            assert.equal(receiver.completed.length, 1);
            child.kill('SIGCONT');
            thawed = performance.now();
            await receiver.waitForRequests(2);
            thawed = performance.now() - thawed;
            await pause(1200); // another schedule delay
            child.kill('SIGUSR2');
          });
        },
      },
    );
    assert.equal(code, 0);
    const { delivered, pending } = JSON.parse(stdout.split('\n')[1]);
    assert.deepEqual({ delivered, pending }, { delivered: 12, pending: 0 });
    assert.equal(receiver.completed.length, 2, 'no burst of what was missed');
    assert.equal(receiver.connections.length, 2);
    assert.ok(thawed < 1000, `${thawed} ms`);
  });
});

test('spans that end while batches are being taken are all there, once', async (t) => {
  const { url, arrivals } = await notingReceiver(t);
  const count = isLong ? 200_000 : 20_000;
  const { code, stdout } = await runProgram(
    `${setUp('{ scheduledDelayMillis: 1 }', 'queue: { maxSpans: 1000000 }')}
     const spans = new PlainSpans(5);
     let left = ${count};
     const some = () => {
       for (let nth = 0; nth < 500 && left > 0; nth++) {
         const text = left % 50 === 0 ? 'y'.repeat(5000 + (left % 400) * 100) : 'short';
         processor.onEnd(spans.span({ name: String(left--), attributes: { text } }));
         if (left % 10 === 0) for (const until = performance.now() + 0.2; performance.now() < until;);
       }
       if (left > 0) setImmediate(some);
       else processor.forceFlush().then(() => console.log(JSON.stringify(exporter.stats())));
     };
     some();`,
    { url, limitMillis: 60_000 },
  );
  assert.equal(code, 0);
  const { offered, accepted, delivered, pending } = JSON.parse(stdout);
  assert.deepEqual(
    { offered, accepted, delivered, pending },
    { offered: count, accepted: count, delivered: count, pending: 0 },
  );
  assert.equal(arrivals.length, count);
  assert.equal(new Set(arrivals.map(([, name]) => name)).size, count);
});
