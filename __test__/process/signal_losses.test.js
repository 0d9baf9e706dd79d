'use strict';
// What a process that ends by a signal of `exit.signals` says of the spans that it loses (F59): one line, and none where
// nothing is lost.

const assert = require('node:assert/strict');
const { execFileSync, spawnSync } = require('node:child_process');
const path = require('node:path');
const { test } = require('node:test');
const { subjectName } = require('../helpers/subject.js');
const { runProgram } = require('../helpers/child.js');
const { refusedUrl, startReceiver } = require('../helpers/receiver.js');
const { startReceiverProcess } = require('../helpers/receiver_process.js');

const isWindows = process.platform === 'win32';
const skip = (subjectName === 'stock' && 'a rule of ours') || (isWindows && 'no signals there');
const root = path.join(__dirname, '..', '..');
const SILENCED = ' (OFFLOOP_LOG=none silences this line)\n';

const killed = (url, { env, options = '', before = '' } = {}) =>
  runProgram(
    `${before}
     const exporter = new OTLPTraceExporter({ url, exit: { signals: ['SIGTERM'], drainMillis: 400 } ${options} });
     exporter.export(makeSpans(300), () => {});
     process.kill(process.pid, 'SIGTERM');
     setInterval(() => {}, 1000);`,
    { url, env: { OFFLOOP_LOG: undefined, ...env } },
  );

test('a signal that costs spans says how many, where they were to go, and why (F59)', { skip }, async () => {
  const url = await refusedUrl();
  const { signal, stderr } = await killed(`${url}?key=hunter2`);
  assert.equal(signal, 'SIGTERM');
  const { host, pathname } = new URL(url);
  const loss = `300 for http://${host}${pathname} (connect ECONNREFUSED ${host})`;
  assert.equal(stderr, `offloop: warn: SIGTERM ends the process, and these spans are lost: ${loss}${SILENCED}`);
});

test('a collector that does not answer, and one that refuses, are told apart (F59)', { skip }, async (t) => {
  const silent = await startReceiver({ otherwise: { stall: 'response' } }, t);
  const { stderr } = await killed(silent.url);
  assert.match(stderr, /^offloop: warn: SIGTERM .* 300 for \S+ \(not delivered within 400 ms\) .*\n$/);
  const refusing = await startReceiver({ otherwise: { status: 400, delayMillis: 100 } }, t);
  const refused = await killed(refusing.url);
  // These are lost in the time of the drain: nothing is pending any more.
  assert.match(refused.stderr, /^offloop: warn: SIGTERM .* 300 for \S+ \(400: Bad Request\) .*\n$/);
});

test('what is delivered, or silenced, or has a logger, says nothing on standard error (F59)', { skip }, async (t) => {
  const receiver = await startReceiverProcess({}, t);
  const delivered = await killed(receiver.url);
  assert.deepEqual([delivered.signal, delivered.stderr], ['SIGTERM', '']);
  assert.equal((await receiver.counts()).spans, 300);
  const url = await refusedUrl();
  assert.equal((await killed(url, { env: { OFFLOOP_LOG: 'none' } })).stderr, '');
  const asked = await killed(url, { env: { OFFLOOP_LOG: 'warn' } });
  assert.match(asked.stderr, /offloop: warn: Offloop: SIGTERM ends the process, .* 300 for /);
  const before = `const { diag } = require('@opentelemetry/api');
    const none = () => {};
    diag.setLogger({ error: none, info: none, debug: none, verbose: none, warn: (text) => console.log(text) });`;
  const logged = await killed(url, { before });
  assert.equal(logged.stderr, '');
  assert.match(logged.stdout, /^Offloop: SIGTERM ends the process, and these spans are lost: 300 for /m);
});

test('a signal that the application listens to ends nothing, and so costs nothing (F59)', { skip }, async () => {
  const before = `process.on('SIGTERM', () => setTimeout(() => process.exit(9), 100));`;
  const { code, stderr } = await killed(await refusedUrl(), { before });
  assert.deepEqual([code, stderr], [9, '']);
});

test('a second signal cuts the wait short, and the line says how long it was (F59)', { skip }, async (t) => {
  const silent = await startReceiver({ otherwise: { stall: 'response' } }, t);
  const before = `process.once('SIGINT', () => process.kill(process.pid, 'SIGTERM'));
    setTimeout(() => process.kill(process.pid, 'SIGINT'), 50);`;
  const { signal, stderr } = await killed(silent.url, { before });
  assert.equal(signal, 'SIGTERM');
  const [, millis] = /^offloop: warn: SIGTERM .* 300 for \S+ \(not delivered within (\d+) ms\) .*\n$/.exec(stderr);
  assert.ok(Number(millis) < 400, stderr);
});

test('whoever begins to listen during the wait may go on, so nothing is said to be lost (F59)', { skip }, async (t) => {
  const slow = await startReceiver({ otherwise: { delayMillis: 600 } }, t);
  const before = `setTimeout(() => process.on('SIGTERM', () => console.log('heard')), 50);`;
  const options = `}); const told = () => process.exit(9); setTimeout(told, 1200); void ({`;
  const { code, stdout, stderr } = await killed(slow.url, { before, options });
  assert.deepEqual([code, stdout, stderr], [9, 'heard\n', '']);
});

test('process 1, asked twice, says what is lost behind its last wait, and nothing if that has helped (F59)', {
  skip: skip || (!mayBeProcess1() && 'a process namespace of its own needs unshare and root'),
}, async (t) => {
  const receiver = await startReceiverProcess({ otherwise: { delayMillis: 700 } }, t);
  const ended = (blockMillis) => {
    const program = `const { OTLPTraceExporter } = require('./index.js');
      const { PlainSpans } = require('./__test__/helpers/plain_spans.js');
      const spans = new PlainSpans(1);
      const exit = { signals: ['SIGTERM'], drainMillis: 3000, blockMillis: ${blockMillis} };
      new OTLPTraceExporter({ url: '${receiver.url}', exit }).export([spans.span(), spans.span()], () => {});
      process.kill(process.pid, 'SIGTERM');
      setTimeout(() => process.kill(process.pid, 'SIGTERM'), 100);
      setInterval(() => {}, 1000);`;
    const words = ['--pid', '--fork', '--kill-child', process.execPath, '-e', program];
    const env = { ...process.env, NODE_TEST_CONTEXT: undefined, OFFLOOP_LOG: undefined };
    const { status, stderr } = spawnSync('unshare', words, { cwd: root, env, encoding: 'utf8', timeout: 15_000 });
    return [status, stderr];
  };
  assert.deepEqual(ended(3000), [143, '']);
  const [status, stderr] = ended(100);
  assert.equal(status, 143);
  assert.match(stderr, /^offloop: warn: SIGTERM .* 2 for \S+ \(not delivered within \d{3} ms\) .*\n$/);
});

function mayBeProcess1() {
  try {
    execFileSync('unshare', ['--pid', '--fork', 'true'], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}
