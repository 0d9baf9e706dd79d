'use strict';
// What a process that ends by a signal of `exit.signals` says of the spans that it loses (F59): one line, and none where
// nothing is lost.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { subjectName } = require('../helpers/subject.js');
const { runProgram } = require('../helpers/child.js');
const { refusedUrl, startReceiver } = require('../helpers/receiver.js');
const { startReceiverProcess } = require('../helpers/receiver_process.js');

const isWindows = process.platform === 'win32';
const skip = (subjectName === 'stock' && 'a rule of ours') || (isWindows && 'no signals there');
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
  const refusing = await startReceiver({ otherwise: 400 }, t);
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
