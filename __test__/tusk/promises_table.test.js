'use strict';
// What SECURITY.md and docs/record-replay.md promise of the network and of memory, over every public way in: promise × way.
// A promise that holds for the main way and not for a second one is a broken promise. Files: promises_table_files.test.js.

const assert = require('node:assert/strict');
const net = require('node:net');
const { describe, test } = require('node:test');
const { inspect } = require('node:util');
const { issue } = require('../helpers/config/certificates.js');
const { runProgram } = require('../helpers/child.js');
const { diagLines } = require('../helpers/diag_lines.js');
const { arrived, linesOf, made, receive, row, temporaryDirectory } = require('../helpers/promise_table.js');
const { acceptance, SENDING, WRITING } = require('../helpers/ways_in.js');

const isLong = process.env.OFFLOOP_TEST_LONG === '1';
const SECRET = 'PLANTED-SECRET-8d1f0c';
const MEBIBYTE = 1 << 20;
const ALL = { ...SENDING, ...WRITING };

for (const status of isLong ? [300, 301, 302, 303, 305, 307, 308] : [302, 308]) {
  row(`no redirect is followed, and it is a failure for good: ${status}`, SENDING, async (t, way) => {
    const elsewhere = await receive(t, way);
    const location = `${elsewhere.origin.replace('127.0.0.1', 'localhost')}/v1/traces`;
    const receiver = await receive(t, way, { otherwise: { status, headers: { location } } });
    const { ok, error } = await made(t, way, { origin: receiver.origin }).send([way.span()]);
    assert.deepEqual([ok, error instanceof Error], [false, true]);
    assert.deepEqual([receiver.requests.length, elsewhere.connections.length], [1, 0]);
  });
}

test('spans go to the endpoint, not to a proxy that the environment names', async (t) => {
  const proxy = await receive(t, {});
  const names = ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy'];
  const before = names.map((name) => process.env[name]);
  for (const name of names) process.env[name] = proxy.origin;
  t.after(() => {
    names.forEach((name, nth) => {
      if (before[nth] === undefined) delete process.env[name];
      else process.env[name] = before[nth];
    });
  });
  for (const [name, way] of Object.entries(SENDING)) {
    const receiver = await receive(t, way);
    assert.equal((await made(t, way, { origin: receiver.origin }).send([way.span()])).ok, true, name);
    assert.deepEqual([arrived(way, { receiver }), proxy.connections.length], [1, 0], name);
  }
});

/** A server that answers without an end; `taken` are the bytes that its peers have let into sockets and memory. */
async function endlessServer(t) {
  const state = { taken: 0, connections: 0 };
  const piece = Buffer.alloc(256 << 10, 'x');
  const sockets = new Set();
  const server = net.createServer((socket) => {
    state.connections += 1;
    sockets.add(socket);
    const pour = () => {
      while (!socket.destroyed && socket.writable && state.taken < 64 * MEBIBYTE) {
        state.taken += piece.length;
        if (!socket.write(piece)) return;
      }
      socket.end();
    };
    socket.on('error', () => {}).on('drain', pour).on('data', () => {}); // biome-ignore format: one thought
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n');
      pour();
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  state.origin = `http://127.0.0.1:${server.address().port}`;
  return state;
}

row('of an answer no more than 4 MiB is taken', SENDING, async (t, way) => {
  const server = await endlessServer(t);
  await made(t, way, { origin: server.origin }).send([way.span()]);
  // What is above 4 MiB is in the buffers of the two sockets.
  const taken = server.taken / server.connections / MEBIBYTE;
  assert.ok(server.connections > 0 && taken < 16, `${taken} MiB of each answer`);
});

/** Field 2 of the messages that a collector and the backend fail with. */
function failureMessage(words) {
  const text = Buffer.from(words);
  const length = [0x80 | (text.length & 127), 0x80 | ((text.length >> 7) & 127), text.length >> 14];
  return Buffer.concat([Buffer.from([0x12, ...length]), text]);
}

test('what the other side says is cut at 1 KiB in messages, on every way', async (t) => {
  const body = failureMessage('w'.repeat(300_000));
  const said = [];
  const lines = await diagLines(async () => {
    const sending = Object.values(SENDING).map(async (way) => {
      const status = way.kind === 'backend' ? 200 : 400;
      const receiver = await receive(t, way, { otherwise: { status, body } });
      const onError = ({ message }) => said.push(message);
      const { error } = await made(t, way, { origin: receiver.origin, onError }).send([way.span()]);
      said.push(error.message);
    });
    await Promise.all(sending);
  });
  for (const part of lines.flat()) said.push(part instanceof Error ? part.message : part);
  const texts = said.filter((text) => typeof text === 'string');
  assert.ok(texts.length > 2 * Object.keys(SENDING).length);
  for (const text of texts) assert.ok(text.length < 1500, `${text.length} characters: ${text.slice(0, 80)}`);
});

test('no credential is shown, whatever fails, on every way', async (t) => {
  const shown = [];
  const failing = async (way, config) => {
    try {
      const target = way.make({ ...config, onError: (failure) => shown.push(failure) });
      const { ok, error } = await target.send([way.span()]);
      assert.equal(ok, false, config.origin);
      shown.push(error, target);
      await target.shutdown();
    } catch (error) {
      shown.push(error); // a constructor may refuse what can never be sent
    }
  };
  const lines = await diagLines(async () => {
    const sending = Object.values(SENDING).map(async (way) => {
      const receiver = await receive(t, way, { otherwise: 401 });
      const { origin, port } = receiver;
      await failing(way, { origin, secret: SECRET });
      assert.ok(JSON.stringify(receiver.requests[0].headers).includes(SECRET), 'it was in use');
      await failing(way, { origin: `http://${SECRET}:${SECRET}@127.0.0.1:${port}` });
      await failing(way, { origin: `http://user:${SECRET}@127.0.0.1:99999999` });
      await failing(way, { origin, secret: `${SECRET}\n${SECRET}` });
    });
    await Promise.all(sending);
  });
  shown.push(...lines.filter(([level]) => level !== 'debug' && level !== 'verbose'));
  assert.ok(shown.length >= 8 * Object.keys(SENDING).length);
  for (const each of shown) {
    const text = `${inspect(each, { depth: 8 })}${each?.stack ?? ''}`;
    assert.ok(!text.includes(SECRET), text.slice(Math.max(0, text.indexOf(SECRET) - 200)).slice(0, 500));
  }
});

describe('a server without a certificate that can be verified gets nothing', () => {
  const { key, cert } = issue({ commonName: 'nobody knows me', names: ['127.0.0.1'] });
  row('self-signed', SENDING, async (t, way) => {
    const receiver = await receive(t, way, { tls: { key, cert } });
    const { ok, error } = await made(t, way, { origin: receiver.origin }).send([way.span()]);
    assert.deepEqual([ok, error instanceof Error, receiver.requests.length], [false, true, 0]);
  });
});

row('a span over its limit is lost, told and costs no other', ALL, async (t, way) => {
  const [receiver, directory] = [await receive(t, way), temporaryDirectory(t)];
  const target = made(t, way, { origin: receiver.origin, directory, limits: { maxSpanBytes: 50_000 } });
  const spans = [way.span(), way.span({ payload: 'x'.repeat(60_000) }), way.span()];
  assert.equal((await target.send(spans)).ok, false);
  assert.equal(arrived(way, { receiver, directory }), 2);
});

row('a queue has a bound: what does not fit is a failure at once', ALL, async (t, way) => {
  const [receiver, directory] = [await receive(t, way), temporaryDirectory(t)];
  const target = made(t, way, { origin: receiver.origin, directory, maxSpans: 5 });
  const { ok, error } = await target.send(Array.from({ length: 8 }, () => way.span()));
  assert.deepEqual([ok, error instanceof Error], [false, true]);
  await target.shutdown();
  assert.ok(arrived(way, { receiver, directory }) <= 5);
});

row('a span that cannot be read costs itself; a batch of nothing else fails unsent', ALL, async (t, way) => {
  const [receiver, directory] = [await receive(t, way), temporaryDirectory(t)];
  const target = made(t, way, { origin: receiver.origin, directory });
  const { ok, error } = await target.send([way.span({ bad: true }), way.span({ bad: true })]);
  assert.deepEqual([ok, error instanceof Error], [false, true]);
  assert.deepEqual([arrived(way, { receiver, directory }), receiver.requests.length], [0, 0]);
  await target.send([way.span(), way.span({ bad: true }), way.span()]);
  assert.equal(arrived(way, { receiver, directory }), 2);
});

row('shutdown and forceFlush wait for what is on its way', SENDING, async (t, way) => {
  for (const wait of ['shutdown', 'flush']) {
    const answer = acceptance(way);
    const otherwise = { ...(typeof answer === 'number' ? { status: answer } : answer), delayMillis: 200 };
    const receiver = await receive(t, way, { otherwise });
    const target = made(t, way, { origin: receiver.origin });
    let isOver = false;
    const sent = target.send([way.span()]).then(({ ok }) => {
      isOver = true;
      return ok;
    });
    await target[wait]();
    assert.equal(arrived(way, { receiver }), 1, wait);
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve)); // promises of ours
    assert.deepEqual([isOver, await sent], [true, true], wait);
  }
});

row('changing a span after the call has returned changes nothing', ALL, async (t, way) => {
  const [receiver, directory] = [await receive(t, way), temporaryDirectory(t)];
  const target = made(t, way, { origin: receiver.origin, directory });
  const span = way.span({ payload: 'as it was' });
  const sent = target.send([span]);
  for (const values of [span.attributes, span.inputValue]) {
    for (const name of Object.keys(values ?? {})) values[name] = 'changed later';
  }
  assert.equal((await sent).ok, true);
  const texts =
    way.kind === 'files' ? linesOf(directory) : receiver.completed.map(({ body }) => body.toString('latin1'));
  assert.ok(texts[0].includes('as it was') && !texts[0].includes('changed later'));
});

/** A program in which every way of `targets` sends one span to its target and `body` then ends the process. */
function endingProgram(targets, body) {
  return `
    const { SENDING, WRITING } = require('./__test__/helpers/ways_in.js');
    const ways = { ...SENDING, ...WRITING };
    for (const [name, config] of Object.entries(${JSON.stringify(targets)})) {
      ways[name].make(config).send([ways[name].span()]);
    }
    ${body}`;
}

for (const [end, body, code] of [
  ['the natural end', '', 0],
  ['process.exit()', 'setImmediate(() => process.exit(3));', 3],
]) {
  test(`what nobody waits for arrives before ${end}, on every way`, async (t) => {
    const targets = {};
    const destinations = {};
    const ways = Object.entries(ALL).filter(([, { needsLoop }]) => code === 0 || !needsLoop);
    for (const [name, way] of ways) {
      const [receiver, directory] = [await receive(t, way), temporaryDirectory(t)];
      destinations[name] = { receiver, directory };
      targets[name] = { origin: receiver.origin, directory };
    }
    const ended = await runProgram(endingProgram(targets, body));
    assert.equal(ended.code, code, ended.stderr);
    const counts = ways.map(([name, way]) => [name, arrived(way, destinations[name])]);
    assert.deepEqual(
      counts,
      ways.map(([name]) => [name, 1]),
    );
  });
}
