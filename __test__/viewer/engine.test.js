'use strict';
// The conversation with the program that holds the index: frames, answers that never come, come late or are none.

const assert = require('node:assert');
const net = require('node:net');
const test = require('node:test');
const { FrameReader, LARGEST_BODY, LONGEST_HEADER } = require('../../js/viewer/frames.js');
const { ask, readLog, requestText, startScripted, until } = require('../helpers/viewer/running_view.js');
const { scratchDirectory } = require('../helpers/viewer/scratch.js');

const isWindows = process.platform === 'win32';

test('frames are the same wherever the bytes are cut (V77)', () => {
  const bodies = [Buffer.alloc(0), Buffer.from('{"a":"\u00e9\\n"}'), Buffer.from('\n\n{'), Buffer.alloc(9000, 10)];
  const frames = bodies.map((body, id) => ({ header: { id, bytes: body.length }, body }));
  const bytes = Buffer.concat(frames.flatMap(({ header, body }) => [Buffer.from(`${JSON.stringify(header)}\n`), body]));
  for (const step of [1, 2, 3, 7, 64, 1000, bytes.length]) {
    const read = [];
    const reader = new FrameReader((header, body) => read.push({ header, body: Buffer.from(body) }));
    for (let at = 0; at < bytes.length; at += step) reader.push(bytes.subarray(at, at + step));
    assert.deepStrictEqual(read, frames, `pieces of ${step}`);
  }
});

test('what is no frame is an error, and nothing of it is kept for ever (V77)', () => {
  const wrong = [
    'garbage\n',
    '\n',
    'null\n',
    '[]\n',
    '{}\n',
    '{"bytes":-1}\n',
    '{"bytes":1.5}\n',
    '{"bytes":"1"}\n',
    `{"bytes":${LARGEST_BODY + 1}}\n`,
    'x'.repeat(LONGEST_HEADER + 1),
  ];
  for (const text of wrong) {
    const reader = new FrameReader(() => assert.fail('a frame'));
    assert.throws(() => reader.push(Buffer.from(text)), text.slice(0, 40));
  }
});

test('an engine that ends, breaks or is killed: every waiting request gets one sentence, the command ends with 1 (V77)', async (t) => {
  const ways = [
    ['act=die&code=0', 'exit code 0', 'has ended'],
    ['act=die&code=7', 'exit code 7', 'has ended'],
    ...(isWindows ? [] : [['act=kill', 'SIGKILL', 'has ended']]),
    [`act=text&text=${encodeURIComponent('garbage\n')}`, '.+', 'answered with something that is no answer'],
    [
      `act=text&text=${encodeURIComponent('{"id":99,"status":200,"type":"json","bytes":0}\n')}`,
      '.+',
      'answered with .*',
    ],
    [
      `act=text&text=${encodeURIComponent('{"id":2,"status":302,"type":"json","bytes":0}\n')}`,
      '.+',
      'answered with .*',
    ],
    [
      `act=text&text=${encodeURIComponent('{"id":2,"status":200,"type":"html","bytes":0}\n')}`,
      '.+',
      'answered with .*',
    ],
    [`act=text&text=${encodeURIComponent('{"live":true,"bytes":1}\nx')}`, '.+', 'answered with .*'],
  ];
  for (const [query, how, what] of ways) {
    const view = startScripted(t, ['docs']);
    const address = await view.address();
    const waiting = Array.from({ length: 60 }, () => ask(address, { url: '/api/traces?act=silence' }));
    await Promise.all(
      [...waiting, ask(address, { url: `/api/blocks?${query}` })].map(async (promise) => {
        const { status, body } = await promise;
        assert.strictEqual(status, 502, query);
        assert.match(JSON.parse(body).error, new RegExp(`^The program that reads the files ${what}\\.$`));
      }),
    );
    assert.deepStrictEqual(await view.end, { code: 1, signal: null }, query);
    assert.match(view.err, new RegExp(`^offloop view: the program that reads the files ${what} \\(${how}\\)\\.\n$`));
  }
});

test('what the engine says of its end is what the command says (V77)', async (t) => {
  const view = startScripted(t, ['docs']);
  const address = await view.address();
  const { status } = await ask(address, { url: '/api/traces?act=complain' });
  assert.strictEqual(status, 502);
  assert.deepStrictEqual(await view.end, { code: 1, signal: null });
  assert.strictEqual(view.err, 'offloop: the memory is gone\n');
});

test('an answer that nobody waits for any more, or that comes twice, harms nothing (V77)', async (t) => {
  const log = scratchDirectory(t, 'log');
  const address = await startScripted(t, ['docs'], { log }).address();
  const socket = net.connect(address.port, '127.0.0.1');
  socket.write(requestText(address, { url: '/api/traces?act=wait&gate=g' }));
  await until(() => readLog(log).some((message) => message.with?.act === 'wait'));
  socket.destroy();
  await until(() => readLog(log).some((message) => message.cancel !== undefined));
  const opened = await ask(address, { url: '/api/blocks?act=open&gate=g' }); // sends the late answer first
  assert.strictEqual(opened.body.toString(), 'done');
  assert.strictEqual((await ask(address, { url: '/api/blocks?act=twice' })).body.toString(), 'first');
  assert.strictEqual((await ask(address, { url: '/api/blocks' })).status, 200);
});

test('a long answer waits for its reader: the engine is asked for the next piece when the last one is taken (V77)', async (t) => {
  const log = scratchDirectory(t, 'log');
  const address = await startScripted(t, ['docs'], { log }).address();
  const size = 1024 * 1024;
  const count = 100;
  const asked = () => readLog(log).filter((message) => message.next !== undefined).length;
  const socket = net.connect(address.port, '127.0.0.1');
  t.after(() => socket.destroy());
  socket.pause();
  const headers = { Connection: 'close' };
  socket.write(requestText(address, { url: `/api/export?act=pieces&count=${count}&size=${size}`, headers }));
  await until(() => asked() >= 1);
  // What the system holds of a connection is a few MiB; this server adds one piece.
  let before = -1;
  await until(async () => {
    const now = asked();
    const isStill = now === before;
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 300));
    return isStill;
  });
  assert.ok(before < count / 2, `${before} of ${count} pieces were fetched for a reader that reads nothing`);
  let bytes = 0;
  socket.on('data', (chunk) => {
    bytes += chunk.length;
  });
  socket.resume();
  await new Promise((resolve) => socket.once('close', resolve));
  assert.ok(bytes > count * size, 'all of it came in the end');
  assert.strictEqual(asked(), count - 1);
});

test('an export whose reader goes away is cancelled, one whose engine ends is broken off (V77)', async (t) => {
  const log = scratchDirectory(t, 'log');
  const view = startScripted(t, ['docs'], { log });
  const address = await view.address();
  const url = '/api/export?act=pieces&count=1000000&size=1000';
  const begin = () => {
    const socket = net.connect(address.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(requestText(address, { url }));
    return socket;
  };
  const first = begin();
  await new Promise((resolve) => first.once('data', resolve));
  first.destroy();
  await until(() => readLog(log).some((message) => message.cancel !== undefined));
  const second = begin();
  let text = '';
  second.setEncoding('latin1').on('data', (chunk) => {
    text += chunk;
  });
  await new Promise((resolve) => second.once('data', resolve));
  const closed = new Promise((resolve) => second.once('close', resolve));
  await ask(address, { url: '/api/blocks?act=die&code=1' });
  await closed;
  assert.ok(!text.endsWith('\r\n0\r\n\r\n'), 'it does not look whole');
});
