'use strict';
// `offloop view` in a process of its own, over the scripted engine or the real one, and requests to it byte for byte.

const { spawn } = require('node:child_process');
const { existsSync, readFileSync, statSync } = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { findViewer } = require('../../../js/viewer/command.js');

const root = path.resolve(__dirname, '..', '..', '..');
const SCRIPTED = path.join(__dirname, 'scripted_engine.js');
const NAME = process.platform === 'win32' ? 'offloop-viewer.exe' : 'offloop-viewer';
/** The program that was built last; undefined if there is none. */
const REAL = ['debug', 'release']
  .map((profile) => path.join(root, 'target', profile, NAME))
  .concat(findViewer() ?? [])
  .filter(existsSync)
  .sort((one, other) => statSync(other).mtimeMs - statSync(one).mtimeMs)[0];
/** Why tests of the real engine are skipped; false if they are not. */
const skipReal = REAL === undefined ? 'cargo build -p offloop-viewer has not been run' : false;

/** The whole command, with a program of the test's in the place of the one it would find. */
function start(t, program, words, { env = {}, execArgv = [], ...options } = {}) {
  const script = `const { COMMANDS, main } = require(${JSON.stringify(path.join(root, 'js/command/main.js'))});
    const { run } = require(${JSON.stringify(path.join(root, 'js/viewer/view.js'))});
    COMMANDS.view.load = () => ({ run: (words) => run(words, ${JSON.stringify(program)}) });
    main(['view', ...process.argv.slice(1)]);`;
  return started(t, [...execArgv, '-e', script, '--', ...words], { ...options, env: { ...process.env, ...env } });
}

/** Over the scripted engine, whose messages go to the file `log`. */
function startScripted(t, words, { log, env = {}, ...options } = {}) {
  const program = { file: process.execPath, words: [SCRIPTED] };
  return start(t, program, words, { ...options, env: { ...env, ...(log ? { LOG: log } : {}) } });
}

/** Over the program that was built last. */
function startReal(t, words, options) {
  return start(t, { file: REAL, words: [] }, words, options);
}

function started(t, args, options) {
  const child = spawn(process.execPath, args, options);
  t.after(() => child.kill('SIGKILL'));
  const view = { child, out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => {
    view.out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    view.err += text;
  });
  view.end = new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));
  /** Waits for text on standard output (or `err`) that matches. */
  view.until = (pattern, stream = 'out') =>
    new Promise((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(view[stream]);
        if (match !== null) resolve(match);
        return match !== null;
      };
      if (look()) return;
      child[stream === 'out' ? 'stdout' : 'stderr'].on('data', look);
      view.end.then(() => look() || reject(new Error(`ended without ${pattern}: ${view.out}${view.err}`)));
    });
  view.address = async () => {
    const [, port, token] = await view.until(/^http:\/\/127\.0\.0\.1:(\d+)\/#token=([\w-]{43})\n/);
    return { port: Number(port), token };
  };
  return view;
}

/** Sends `text` as it is and reads until the server closes, or one answer with a length is whole. */
function sendRaw(port, text, host = '127.0.0.1') {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, host);
    const chunks = [];
    const finish = () => {
      socket.destroy();
      resolve(parseAnswer(Buffer.concat(chunks)));
    };
    socket.setTimeout(20_000, () => reject(new Error(`no answer to ${text.slice(0, 200)}`)));
    socket.once('error', (error) => (chunks.length > 0 ? finish() : reject(error)));
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      if (isWhole(Buffer.concat(chunks))) finish();
    });
    socket.once('close', finish);
    socket.write(text);
  });
}

function isWhole(bytes) {
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) return false;
  const [, length] = /\r\ncontent-length: (\d+)\r\n/i.exec(bytes.toString('latin1', 0, end + 2)) ?? [];
  return length !== undefined && bytes.length >= end + 4 + Number(length);
}

/** `{ status, headers, body }`; status 0 if the connection was closed without an answer. */
function parseAnswer(bytes) {
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) return { status: 0, headers: {}, body: bytes };
  const [first, ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  return { status: Number(first.split(' ')[1]), headers, body: bytes.subarray(end + 4) };
}

/** A request line and headers, with the right host and token unless `headers` has others. */
function requestText({ port, token }, { method = 'GET', url = '/', headers = {}, body = '' } = {}) {
  const all = { Host: `127.0.0.1:${port}`, Authorization: `Bearer ${token}`, ...headers };
  const lines = Object.entries(all)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${url} HTTP/1.1\r\n${lines.join('')}\r\n${body}`;
}

function ask(address, options) {
  return sendRaw(address.port, requestText(address, options));
}

/** What the scripted engine was told, one object per line. */
function readLog(file) {
  const text = readFileSync(file, 'utf8');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

/** Waits until `condition` returns something true, which it resolves with. */
async function until(condition, limitMillis = 20_000) {
  for (const started = Date.now(); Date.now() - started < limitMillis; ) {
    const value = await condition();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`it has not happened: ${condition}`);
}

module.exports = { ask, readLog, requestText, root, sendRaw, skipReal, startReal, startScripted, until };
