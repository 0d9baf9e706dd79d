'use strict';
// Who gets an answer of `offloop view`, and what every answer carries.

const assert = require('node:assert');
const { networkInterfaces } = require('node:os');
const net = require('node:net');
const test = require('node:test');
const { ask, readLog, requestText, sendRaw, startScripted, until } = require('../helpers/viewer/running_view.js');
const { scratchDirectory } = require('../helpers/viewer/scratch.js');

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";
const CARRIED = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

/** Every answer of this file goes through here. */
function checked(answer) {
  assert.notStrictEqual(answer.status, 0, 'there is an answer');
  for (const [name, value] of Object.entries(CARRIED)) assert.strictEqual(answer.headers[name], value, name);
  const allowing = Object.keys(answer.headers).filter((name) => name.startsWith('access-control-'));
  assert.deepStrictEqual(allowing, []);
  return answer;
}

async function start(t, options) {
  const view = startScripted(t, ['docs'], options);
  return { view, ...(await view.address()) };
}

test('a host that is not this server gets 403 and no body, whatever else it sends (V68)', async (t) => {
  const log = scratchDirectory(t, 'log');
  const address = await start(t, { log });
  const { port } = address;
  const line = (text) => `Host: ${text}\r\n`;
  const refused = [
    '',
    line(''),
    line('127.0.0.1'),
    line('localhost'),
    line(`127.0.0.1:${port + 1}`),
    line(`localhost:${port - 1}`),
    line(`127.0.0.1:0${port}`),
    line(`127.0.0.1:${port}.`),
    line(`127.0.0.1.:${port}`),
    line(`localhost.:${port}`),
    line(`LOCALHOST.EXAMPLE:${port}`),
    line(`attacker.example:${port}`),
    line(`127.0.0.1.attacker.example:${port}`),
    line(`localhost@attacker.example:${port}`),
    line(`127.0.0.1:${port}@attacker.example`),
    line(`127.0.0.1:${port},attacker.example`),
    line(`127.0.0.1:${port} attacker.example`),
    line(`127.1:${port}`),
    line(`0.0.0.0:${port}`),
    line(`2130706433:${port}`),
    line(`0x7f.0.0.1:${port}`),
    line(`[::1]:${port}`),
    line(`[::ffff:127.0.0.1]:${port}`),
    line(`http://127.0.0.1:${port}`),
    line(`127.0.0.1:${port}`) + line('attacker.example'),
    line('attacker.example') + line(`127.0.0.1:${port}`),
    `X-Forwarded-Host: 127.0.0.1:${port}\r\n${line('attacker.example')}`,
  ];
  for (const host of refused) {
    for (const url of ['/', '/api/traces', '/nothing', `http://127.0.0.1:${port}/`]) {
      const text = `GET ${url} HTTP/1.1\r\n${host}Authorization: Bearer ${address.token}\r\n\r\n`;
      const { status, body } = checked(await sendRaw(port, text));
      assert.deepStrictEqual([status, body.length], [403, 0], `${url} ${host}`);
    }
  }
  const old = checked(await sendRaw(port, 'GET / HTTP/1.0\r\n\r\n'));
  assert.deepStrictEqual([old.status, old.body.length], [403, 0]);
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`]) {
    const { status } = checked(await ask(address, { url: '/api/traces', headers: { Host: host } }));
    assert.strictEqual(status, 200, host);
  }
  const asked = readLog(log).filter((message) => message.ask === 'traces');
  assert.strictEqual(asked.length, 2, 'the engine was asked for nobody else');
});

test('without the token there is no answer under /api/ (V69)', async (t) => {
  const address = await start(t);
  const other = address.token.slice(0, -1) + (address.token.endsWith('A') ? 'E' : 'A');
  const wrong = [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    address.token,
    `bearer ${address.token}`,
    `Basic ${address.token}`,
    `Bearer ${other}`,
    `Bearer ${address.token}x`,
    `Bearer ${address.token.slice(1)}`,
    `Bearer ${address.token.slice(0, -1)}`,
    `Bearer ${address.token[0]}`,
    `Bearer ${address.token} ${address.token}`,
    `Bearer ${encodeURIComponent(`${address.token}\u00e9`)}`,
  ];
  for (const url of ['/api/about', '/api/traces', '/api/live', '/api/export', '/api/nothing']) {
    for (const authorization of wrong) {
      const { status, headers, body } = checked(await ask(address, { url, headers: { Authorization: authorization } }));
      assert.strictEqual(status, 401, `${url} ${authorization}`);
      assert.strictEqual(headers['www-authenticate'], 'Bearer');
      assert.match(JSON.parse(body).error, /^The token is missing or wrong; .+\.$/);
    }
    const inAddress = await ask(address, {
      url: `${url}?token=${address.token}`,
      headers: { Authorization: undefined, Cookie: `token=${address.token}` },
    });
    assert.strictEqual(checked(inAddress).status, 401, 'a query or a cookie does not count');
  }
  const second = await start(t);
  assert.notStrictEqual(second.token, address.token);
  assert.strictEqual(Buffer.from(address.token, 'base64url').length, 32);
  const { status } = await ask(second, { url: '/api/about', headers: { Authorization: `Bearer ${address.token}` } });
  assert.strictEqual(status, 401, 'a token of another run');
});

test('only the own page may ask, and no answer admits another (V70)', async (t) => {
  const address = await start(t);
  const { port } = address;
  const own = `http://127.0.0.1:${port}`;
  const refused = [
    { Origin: 'null' },
    { Origin: 'http://attacker.example' },
    { Origin: `http://127.0.0.1:${port + 1}` },
    { Origin: `https://127.0.0.1:${port}` },
    { Origin: `http://localhost:${port}` }, // the host is 127.0.0.1
    { Origin: `${own}/` },
    { Origin: own, 'Sec-Fetch-Site': 'same-site' },
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': 'none' },
    { 'Sec-Fetch-Site': '' },
  ];
  for (const headers of refused) {
    for (const [method, url] of [
      ['GET', '/api/traces'],
      ['POST', '/api/token'],
      ['OPTIONS', '/api/traces'],
    ]) {
      const { status } = checked(await ask(address, { method, url, headers: { ...headers, 'Content-Length': 0 } }));
      assert.strictEqual(status, 403, `${method} ${url} ${JSON.stringify(headers)}`);
    }
    assert.strictEqual(checked(await ask(address, { url: '/', headers })).status, 200, 'the page may be linked to');
  }
  for (const headers of [{}, { Origin: own }, { Origin: own, 'Sec-Fetch-Site': 'same-origin' }])
    assert.strictEqual(checked(await ask(address, { url: '/api/traces', headers })).status, 200);
  const preflight = { 'Access-Control-Request-Method': 'GET', 'Access-Control-Request-Headers': 'authorization' };
  assert.strictEqual(
    checked(await ask(address, { method: 'OPTIONS', url: '/api/traces', headers: preflight })).status,
    405,
  );
});

test('it listens on 127.0.0.1 and on no other address (V67)', async (t) => {
  const { port } = await start(t);
  const others = Object.values(networkInterfaces())
    .flat()
    .map(({ address, scopeid }) => (scopeid > 0 ? null : address))
    .filter((address) => address !== null && address !== '127.0.0.1');
  for (const address of ['::1', ...others, ...(process.platform === 'linux' ? ['127.0.0.2'] : [])]) {
    const outcome = await new Promise((resolve) => {
      const socket = net.connect(port, address);
      socket.once('connect', () => resolve('connected'));
      socket.once('error', ({ code }) => resolve(code));
      t.after(() => socket.destroy());
    });
    assert.notStrictEqual(outcome, 'connected', address);
  }
});

test('the method is GET, but for the token; bodies and addresses have limits (V77)', async (t) => {
  const address = await start(t);
  const methods = ['POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'M-SEARCH', 'QUERY'];
  for (const method of methods) {
    for (const url of ['/', '/app.js', '/api/traces', '/api/live', '/api/about']) {
      const answer = checked(await ask(address, { method, url, headers: { Connection: 'close' } }));
      if (method === 'QUERY' && answer.status === 400) continue; // a method that this Node.js does not know
      assert.deepStrictEqual([answer.status, answer.headers.allow], [405, 'GET'], `${method} ${url}`);
    }
  }
  const token = checked(await ask(address, { url: '/api/token' }));
  assert.deepStrictEqual([token.status, token.headers.allow], [405, 'POST']);

  const url = (length) => `/api/traces?filter=${'x'.repeat(length - '/api/traces?filter='.length)}`;
  assert.strictEqual(checked(await ask(address, { url: url(8192) })).status, 200);
  assert.strictEqual(checked(await ask(address, { url: url(8193) })).status, 414);
  assert.strictEqual(checked(await ask(address, { url: url(100_000) })).status, 431);

  const post = (headers, body) => ask(address, { method: 'POST', url: '/api/token', headers, body });
  const body = (length) => 'x'.repeat(length);
  assert.strictEqual(checked(await post({ 'Content-Length': 1024 }, body(1024))).status, 403);
  for (const length of [1025, 10 ** 9]) {
    const answer = checked(await post({ 'Content-Length': length }, ''));
    assert.deepStrictEqual([answer.status, answer.headers.connection], [413, 'close']);
  }
  const chunked = checked(await post({ 'Transfer-Encoding': 'chunked' }, '400\r\n'));
  assert.deepStrictEqual([chunked.status, chunked.headers.connection], [411, 'close']);
  const ofGet = await ask(address, { url: '/api/traces', headers: { 'Content-Length': 2000 } });
  assert.strictEqual(checked(ofGet).status, 413, 'of a GET, too');
});

test('64 questions are under way at a time, more wait, and a closed connection cancels its question (V77)', async (t) => {
  const log = scratchDirectory(t, 'log');
  const address = await start(t, { log });
  const asked = () => readLog(log).filter((message) => message.ask === 'traces').length;
  const sockets = Array.from({ length: 80 }, () => {
    const socket = net.connect(address.port, '127.0.0.1');
    socket.write(requestText(address, { url: '/api/traces?act=silence' }));
    socket.on('error', () => {});
    t.after(() => socket.destroy());
    return socket;
  });
  await until(() => asked() === 64);
  const last = ask(address, { url: '/api/traces?act=echo' });
  sockets[79].destroy(); // it waits, or is under way
  sockets[0].destroy();
  sockets[1].destroy();
  await until(() => readLog(log).filter((message) => message.cancel !== undefined).length >= 2);
  await until(() => asked() >= 66);
  for (const socket of sockets) socket.destroy();
  assert.strictEqual((await last).status, 200, 'it had its turn');
  const messages = readLog(log);
  const cancelled = new Set(messages.map((message) => message.cancel));
  const silent = messages.filter((message) => message.with?.act === 'silence');
  await until(() => {
    for (const message of readLog(log)) cancelled.add(message.cancel);
    return silent.every(({ id }) => cancelled.has(id));
  });
});

test('questions that wait behind another one of their connection give their turns back when it is closed (V77)', async (t) => {
  const address = await start(t);
  const socket = net.connect(address.port, '127.0.0.1');
  socket.on('error', () => {});
  const silence = requestText(address, { url: '/api/traces?act=silence' });
  socket.write(requestText(address, { url: '/api/live' }) + silence.repeat(64));
  const other = ask(address, { url: '/api/traces?act=echo' });
  await new Promise((resolve) => setTimeout(resolve, 300));
  socket.destroy();
  assert.strictEqual((await other).status, 200, 'it had its turn');
  assert.strictEqual((await ask(address, { url: '/api/traces?act=echo' })).status, 200);
});

test('what is no HTTP gets an answer with the same headers, and no more (V71)', async (t) => {
  const { port } = await start(t);
  for (const text of [
    '\x16\x03\x01\x02\x00\r\n\r\n',
    'GET\r\n\r\n',
    'GET / HTTP/3.0\r\n\r\n',
    'GET / HTTP/1.1\r\nA\r\n\r\n',
  ]) {
    const { status, body } = checked(await sendRaw(port, text));
    assert.deepStrictEqual([status, body.length], [400, 0], text);
  }
});

test('every kind of answer carries the headers (V71)', async (t) => {
  const address = await start(t);
  const answers = [
    ['/', 200, 'text/html; charset=utf-8'],
    ['/?x', 200, 'text/html; charset=utf-8'],
    ['/nothing.js', 404, 'application/json; charset=utf-8'],
    ['/api/about', 200, 'application/json; charset=utf-8'],
    ['/api/traces', 200, 'application/json; charset=utf-8'],
    ['/api/skeleton?act=binary&size=100000', 200, 'application/octet-stream'],
    ['/api/export?act=pieces&count=3&size=1000', 200, 'text/plain; charset=utf-8'],
    ['/api/nothing', 404, 'application/json; charset=utf-8'],
    ['/api/', 404, 'application/json; charset=utf-8'],
    ['/api/toString', 404, 'application/json; charset=utf-8'],
    ...[400, 404, 409, 500].map((status) => [
      `/api/traces?act=status&status=${status}`,
      status,
      'application/json; charset=utf-8',
    ]),
    ['/api/traces?a=1&a=2', 400, 'application/json; charset=utf-8'],
  ];
  for (const [url, status, type] of answers) {
    const answer = checked(await ask(address, { url, headers: { Connection: 'close' } }));
    assert.deepStrictEqual([answer.status, answer.headers['content-type']], [status, type], url);
  }
});

test('an error is one sentence, without a stack and without a path (V79)', async (t) => {
  const address = await start(t);
  const sentences = [];
  for (const [options, status] of [
    [{ url: '/etc/passwd' }, 404],
    [{ url: '/api/nothing' }, 404],
    [{ url: '/api/traces?a=1&a=1' }, 400],
    [{ url: '/api/traces', headers: { Authorization: undefined } }, 401],
    [{ url: '/api/traces', headers: { Origin: 'http://attacker.example' } }, 403],
    [{ url: '/', method: 'POST' }, 405],
    [{ url: '/', headers: { 'Content-Length': 5000 } }, 413],
    [{ url: `/${'x'.repeat(9000)}` }, 414],
    [{ url: '/api/token', method: 'POST', headers: { 'Content-Length': 2 }, body: '{}' }, 403],
    [{ url: '/api/traces?act=text&text=garbage%0a' }, 502],
  ]) {
    const answer = checked(await ask(address, options));
    const { error, ...rest } = JSON.parse(answer.body);
    assert.deepStrictEqual([answer.status, rest], [status, {}]);
    sentences.push(error);
  }
  assert.deepStrictEqual(sentences, [
    'There is nothing at this address.',
    'There is no such question.',
    'A parameter is there twice.',
    'The token is missing or wrong; open the address that the command prints.',
    'Only the page of this server may ask.',
    'The method is GET.',
    'The body is larger than 1024 bytes.',
    'The address is longer than 8192 bytes.',
    'This address was used already, or is older than ten seconds; open the one that the command prints.',
    'The program that reads the files answered with something that is no answer.',
  ]);
});
