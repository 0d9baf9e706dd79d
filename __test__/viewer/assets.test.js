'use strict';
// The files of the page, and that nothing else is ever read for an address.

const assert = require('node:assert');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const test = require('node:test');

/** What the file system is asked for while it is watched, also by modules that take its functions apart as they load. */
const touched = [];
let isWatched = false;
for (const name of [
  'open',
  'openSync',
  'readFile',
  'readFileSync',
  'stat',
  'statSync',
  'createReadStream',
  'existsSync',
]) {
  const original = fs[name];
  fs[name] = (...words) => {
    if (isWatched) touched.push([name, words[0]]);
    return original(...words);
  };
}

const { loadAssets, PAGE } = require('../../js/viewer/assets.js');
const { Live } = require('../../js/viewer/live.js');
const { createServer, listen } = require('../../js/viewer/server.js');
const { Secrets } = require('../../js/viewer/token.js');
const { Turns } = require('../../js/viewer/turns.js');
const { scratchDirectory } = require('../helpers/viewer/scratch.js');

const MANY = 100_000;
const AT_ONCE = 500;

/** Numbers that a seed decides. */
function random(seed) {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

const PIECES = [
  '..', '.', '/', '//', '\\', '%2e', '%2E%2e', '%2f', '%5c', '%00', '%c0%ae', '%252e', ';', ':', '@', '~', '&', '=', '*',
  'index.html', 'index.html ', 'INDEX.HTML', 'app.js', 'app.css', 'etc', 'passwd', 'js', 'viewer', 'server.js', 'package.json',
  '.git', 'config', 'proc', 'self', 'environ', 'C:', 'con', 'nul', 'file:', 'http:', 'constructor', '__proto__', 'toString',
  'api', 'api/', 'token', 'about', 'live', 'traces', 'undefined', 'null', '\u00e9', '\u00ff', '"', "'", '<', '>', '{', '|', '^', '`',
]; // biome-ignore format: a table
const STARTS = ['/', '/', '/', '/', '//', '/./', '/../', '', 'http://127.0.0.1/', 'http://x/', 'file:///', '*', 'x'];

function anAddress(pick) {
  const pieces = Array.from({ length: 1 + pick(6) }, () => PIECES[pick(PIECES.length)] + (pick(2) ? '/' : ''));
  const query = pick(4) === 0 ? `?${PIECES[pick(PIECES.length)]}` : '';
  return STARTS[pick(STARTS.length)] + pieces.join('') + query;
}

/** Sends all requests over one connection, one behind the other, and resolves with the answers' status lines and bodies. */
function askAll(port, token, urls) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1');
    const answers = [];
    let rest = Buffer.alloc(0);
    socket.on('error', reject);
    socket.on('close', () => resolve(answers));
    socket.on('data', (chunk) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      for (;;) {
        const end = rest.indexOf('\r\n\r\n');
        if (end === -1) return;
        const head = rest.toString('latin1', 0, end + 2);
        const length = Number(/content-length: (\d+)\r\n/i.exec(head)[1]);
        if (rest.length < end + 4 + length) return;
        answers.push({ status: Number(head.slice(9, 12)), body: rest.subarray(end + 4, end + 4 + length) });
        rest = rest.subarray(end + 4 + length);
      }
    });
    const lines = urls.map((url, at) => {
      const close = at === urls.length - 1 ? 'Connection: close\r\n' : '';
      return `GET ${url} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${token}\r\n${close}\r\n`;
    });
    socket.end(Buffer.from(lines.join(''), 'latin1'));
  });
}

test('an address leads to a file of the table or to nothing, and never to the file system (V73)', async (t) => {
  const assets = loadAssets();
  const secrets = new Secrets();
  const asked = [];
  const engine = {
    ask(name, _parameters, { onFailure }) {
      asked.push(name);
      onFailure('There is no engine.');
      return { next() {}, cancel() {} };
    },
  };
  const server = createServer({ engine, turns: new Turns(), live: new Live(), secrets, assets, about: {} });
  const port = await listen(server, 0);
  t.after(() => server.closeAllConnections());
  t.after(() => server.close());
  const pick = random(73);
  const known = [...assets.keys()];
  let found = 0;
  for (let done = 0; done < MANY; ) {
    const urls = Array.from({ length: AT_ONCE }, () => (pick(50) === 0 ? known[pick(known.length)] : anAddress(pick)))
      .filter((url) => !/[\s"<>^`{|}\u0080-\u00ff]/.test(url) || pick(1000) === 0)
      .filter((url) => url.startsWith('/') || url.startsWith('http://') || pick(1000) === 0)
      .filter((url) => !/^\/api\/live(\?|$)/.test(url)); // it never ends
    isWatched = true;
    const answers = await askAll(port, secrets.token, urls);
    isWatched = false;
    for (const [at, { status, body }] of answers.entries()) {
      // No HTTP at all; what was sent behind it has no answer, and what stood before it may have lost its own.
      if (status === 400 && body.length === 0) break;
      done += 1;
      const [where] = urls[at].split('?');
      if (status === 200 && where !== '/api/about') {
        found += 1;
        assert.ok(assets.has(where), urls[at]);
        assert.ok(body.equals(assets.get(where).body), urls[at]);
      } else {
        assert.ok([200, 400, 404, 405, 502].includes(status), `${status} ${urls[at]}`);
        assert.ok(!assets.has(where), urls[at]);
      }
    }
  }
  assert.deepStrictEqual(touched, []);
  assert.ok(found > 500, `${found} files of the page were among them`);
  assert.ok(
    asked.every((name) => name === 'traces'),
    [...new Set(asked)].join(),
  );
});

test('the table has what the page has, with its types, and no link to elsewhere (V73)', (t) => {
  const assets = loadAssets();
  assert.strictEqual(assets.get('/'), assets.get('/index.html'));
  for (const [address, { body }] of assets)
    if (address !== '/') assert.ok(fs.readFileSync(path.join(PAGE, address)).equals(body), address);

  const directory = scratchDirectory(t);
  fs.mkdirSync(path.join(directory, 'views'));
  for (const name of ['index.html', 'app.css', 'views/list.js', 'notes.txt', 'app.js.orig', '.hidden'])
    fs.writeFileSync(path.join(directory, name), name);
  if (process.platform !== 'win32') fs.symlinkSync('/etc/hosts', path.join(directory, 'hosts.js'));
  const types = [...loadAssets(directory)].map(([address, { type }]) => [address, type]);
  assert.deepStrictEqual(Object.fromEntries(types), {
    '/': 'text/html; charset=utf-8',
    '/app.css': 'text/css; charset=utf-8',
    '/index.html': 'text/html; charset=utf-8',
    '/views/list.js': 'text/javascript; charset=utf-8',
  });
});
