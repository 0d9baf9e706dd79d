'use strict';
// The stream of `/api/live`: how many lines a reader gets, and what becomes of those that it does not take.

const assert = require('node:assert');
const { EventEmitter } = require('node:events');
const net = require('node:net');
const test = require('node:test');
const { INTERVAL_MILLIS, Live, MOST_READERS } = require('../../js/viewer/live.js');
const { ask, requestText, startScripted } = require('../helpers/viewer/running_view.js');

/** A response whose reader is as slow as the test wants. */
class SlowResponse extends EventEmitter {
  lines = [];
  takes = true;

  writeHead() {}
  flushHeaders() {}
  end() {
    this.emit('close');
  }
  write(line) {
    this.lines.push(JSON.parse(line));
    return this.takes;
  }
}

const news = (generation, ...changed) => ({ generation, spans: generation, changed, changedCount: changed.length });

test('a reader that takes nothing is held one line, which says what all of them said (V95)', async () => {
  const live = new Live();
  const slow = new SlowResponse();
  slow.takes = false;
  assert.ok(live.add(slow));
  live.tell(news(1, 'a'));
  assert.deepStrictEqual(slow.lines, [news(1, 'a')]);
  for (let turn = 2; turn <= 10_000; turn += 1) live.tell(news(turn, `t${turn % 300}`, 'a'));
  assert.strictEqual(slow.lines.length, 1, 'the reader has not taken the first one');
  await new Promise((resolve) => setTimeout(resolve, INTERVAL_MILLIS + 20));
  assert.strictEqual(slow.lines.length, 1, 'nor after its time');
  slow.takes = true;
  slow.emit('drain');
  assert.strictEqual(slow.lines.length, 2);
  const [, { changed, ...rest }] = slow.lines;
  assert.deepStrictEqual(rest, { generation: 10_000, spans: 10_000, changedCount: 2 * 9_999 });
  assert.deepStrictEqual([changed.length, new Set(changed).size, changed.includes('a')], [100, 100, true]);
  slow.emit('close');
  live.tell(news(10_001));
  assert.strictEqual(slow.lines.length, 2, 'it is gone');
});

test('a quick reader gets four lines a second at most (V95)', async () => {
  const live = new Live();
  const response = new SlowResponse();
  live.add(response);
  const started = performance.now();
  for (let turn = 1; performance.now() - started < 1100; turn += 1) {
    live.tell(news(turn, `t${turn}`));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const elapsed = performance.now() - started;
  assert.ok(response.lines.length >= 2, 'there are lines');
  assert.ok(response.lines.length <= 1 + elapsed / INTERVAL_MILLIS, `${response.lines.length} in ${elapsed} ms`);
  response.end();
});

test('what was told last is told at once to who comes later, and the number of readers has an end (V95)', () => {
  const live = new Live();
  live.tell(news(7, 'a', 'b'));
  const responses = Array.from({ length: MOST_READERS }, () => new SlowResponse());
  for (const response of responses) assert.ok(live.add(response));
  for (const { lines } of responses) assert.deepStrictEqual(lines, [news(7)]);
  assert.strictEqual(live.add(new SlowResponse()), false);
  responses[0].end();
  assert.ok(live.add(new SlowResponse()));
  live.close();
});

test('over HTTP it is lines of JSON that go on until the reader leaves (V95)', async (t) => {
  const address = await startScripted(t, ['docs']).address();
  const socket = net.connect(address.port, '127.0.0.1');
  t.after(() => socket.destroy());
  socket.write(requestText(address, { url: '/api/live' }));
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  const until = (pattern) =>
    new Promise((resolve) => {
      const look = () => pattern.test(text) && resolve();
      socket.on('data', look);
      look();
    });
  await until(/\r\n\r\n/);
  assert.match(text, /^HTTP\/1\.1 200 OK\r\n.*content-type: application\/x-ndjson; charset=utf-8\r\n/is);
  await ask(address, { url: '/api/blocks?act=live&count=50&changed=aa,bb' });
  await until(/"generation":50,/);
  const lines = text.split('\r\n').filter((line) => line.startsWith('{'));
  assert.deepStrictEqual(lines.length, 2, 'the first one, and what became of the others');
  const last = JSON.parse(lines[1]);
  assert.deepStrictEqual(last, { generation: 50, spans: 50, traces: 1, changed: ['aa', 'bb'], changedCount: 49 });
});
