'use strict';
// This file measures time, so it runs alone.
// exit.signals beside what else listens to signals in real programs: each set-up is a process of its own that gets a signal
// (or several), and says how it ended and which spans arrived. The collector answers slowly, so that a process that ends too
// early loses spans.

const assert = require('node:assert/strict');
const { execFileSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');
const { decodeRequest } = require('../helpers/otlp_decoder.js');
const { startReceiver } = require('../helpers/receiver.js');

const root = path.join(__dirname, '..', '..');
const services = path.join(__dirname, '..', 'express-2.x', 'node_modules');
const has = (name) => fs.existsSync(path.join(services, name));
const ANSWER_MILLIS = 150;
const LIMIT_MILLIS = 8000;

let receiver;
before(async () => {
  receiver = await startReceiver({ otherwise: { delayMillis: ANSWER_MILLIS } });
});
after(() => receiver.close());

/** At hand in each program. `end(name)` ends a span; every span must arrive. */
const prelude = `
  const { BatchSpanProcessor, OTLPTraceExporter } = require(${JSON.stringify(root)});
  const { BasicTracerProvider } = require('@opentelemetry/sdk-trace-base');
  const make = (signals) => {
    const exporter = new OTLPTraceExporter({ url: process.env.URL, exit: { signals, drainMillis: Number(process.env.DRAIN) } });
    const processor = new BatchSpanProcessor(exporter);
    return { exporter, processor, provider: new BasicTracerProvider({ spanProcessors: [processor] }) };
  };
  const { provider } = make(['SIGTERM', 'SIGINT', 'SIGUSR2', 'SIGWINCH', 'SIGHUP']);
  const end = (name) => provider.getTracer('t').startSpan(process.env.MARK + name).end();
  const sleep = (millis) => new Promise((resolve) => setTimeout(resolve, millis));
  const raise = (signal) => process.kill(process.pid, signal);
  const isAwake = setInterval(() => {}, 1000);
  const say = (text) => require('node:fs').writeSync(1, text + ' ');
`;

/** How a NestJS application ends (its enableShutdownHooks). */
const nest = `
  let received = false;
  const cleanUp = async (signal) => {
    if (received) return;
    received = true;
    try { await sleep(250); end('in flight'); process.removeListener(signal, cleanUp); process.kill(process.pid, signal); }
    catch { process.exit(1); }
  };
  process.on('SIGTERM', cleanUp);`;

/** How an Apollo server, or terminus, ends. */
const apollo = `
  let stopping = false;
  const handler = async (signal) => {
    if (stopping) return;
    stopping = true;
    await sleep(200);
    end('in flight');
    process.kill(process.pid, signal);
  };
  process.once('SIGTERM', handler);`;

const server = `
  const http = require('node:http');
  const server = http.createServer((_, r) => setTimeout(() => { end('request'); r.end('hello'); }, 400));
  server.listen(0, '127.0.0.1', () => {
    http.get({ port: server.address().port, host: '127.0.0.1', agent: false }, (r) => r.resume());
    setTimeout(() => raise('SIGTERM'), 100);
  });`;

/** A worker that has ended a span, which waits in its batch, and goes on as `then` says. */
const worker = (then, ready) => `
  const { Worker } = require('node:worker_threads');
  const worker = new Worker(${JSON.stringify(`
    const { BatchSpanProcessor, OTLPTraceExporter } = require(${JSON.stringify(root)});
    const { BasicTracerProvider } = require('@opentelemetry/sdk-trace-base');
    const processor = new BatchSpanProcessor(new OTLPTraceExporter({ url: process.env.URL }), { scheduledDelayMillis: 60000 });
    new BasicTracerProvider({ spanProcessors: [processor] }).getTracer('t').startSpan(process.env.MARK + 'worker').end();
    require('node:worker_threads').parentPort.postMessage('ready');
  `)} + ${JSON.stringify(then)}, { eval: true });
  worker.once('message', () => { ${ready} });`;
const idle = 'setInterval(() => {}, 1000);';
const busy = 'for (;;);';

// What the program says, which spans arrive and how the process ends.
const setUps = {
  'nobody else': { run: `end('a'); raise('SIGTERM');`, signal: 'SIGTERM', spans: ['a'] },
  'nobody else, SIGINT': { run: `end('a'); raise('SIGINT');`, signal: 'SIGINT', spans: ['a'] },
  'nobody else, SIGHUP': { run: `end('a'); raise('SIGHUP');`, signal: 'SIGHUP', spans: ['a'] },
  'nothing to deliver': {
    run: `end('a'); provider.forceFlush().then(() => raise('SIGTERM'));`,
    signal: 'SIGTERM',
    spans: ['a'],
  },
  'a server that closes in peace, once': {
    run: `end('a'); ${server} process.once('SIGTERM', () => server.close(() => { say('closed'); process.exit(0); }));`,
    code: 0,
    says: 'closed',
    spans: ['a', 'request'],
  },
  'a server that closes in peace, on, and lets the process end by itself': {
    run: `end('a'); ${server} process.on('SIGTERM', () => server.close(() => { say('closed'); clearInterval(isAwake); }));`,
    code: 0,
    says: 'closed',
    spans: ['a', 'request'],
  },
  'a listener that came before the exporter': {
    first: `process.once('SIGTERM', () => setTimeout(() => { end('late'); process.exit(4); }, 300));`,
    run: `end('a'); raise('SIGTERM');`,
    code: 4,
    spans: ['a', 'late'],
  },
  'a listener that only logs': {
    run: `end('a'); process.on('SIGTERM', () => say('heard')); raise('SIGTERM');
          setTimeout(() => { end('later'); raise('SIGTERM'); }, 500); setTimeout(() => { say('alive'); process.exit(0); }, 1000);`,
    code: 0,
    says: 'heard heard alive',
    spans: ['a', 'later'],
  },
  'a listener that calls process.exit() at once': {
    run: `end('a'); process.on('SIGTERM', () => process.exit(143)); raise('SIGTERM');`,
    code: 143,
    spans: ['a'],
  },
  'a listener that throws': {
    run: `end('a'); process.on('SIGTERM', () => { throw new Error('thrown'); }); raise('SIGTERM');`,
    code: 1,
    spans: ['a'],
    stderr: /thrown/,
  },
  NestJS: { run: `end('a'); ${nest} raise('SIGTERM');`, signal: 'SIGTERM', spans: ['a', 'in flight'] },
  'Apollo, terminus': { run: `end('a'); ${apollo} raise('SIGTERM');`, signal: 'SIGTERM', spans: ['a', 'in flight'] },
  'when-exit, which raises again at once': {
    run: `end('a'); process.once('SIGTERM', (signal) => raise(signal)); raise('SIGTERM');`,
    signal: 'SIGTERM',
    spans: ['a'],
  },
  'the SDK is shut down in a listener, which raises again': {
    run: `end('a'); process.once('SIGTERM', async (signal) => { end('b'); await provider.shutdown(); raise(signal); }); raise('SIGTERM');`,
    signal: 'SIGTERM',
    spans: ['a', 'b'],
  },
  'signal-exit 4': {
    needs: 'signal-exit',
    run: `require('signal-exit').onExit((code, signal) => say(signal)); end('a'); raise('SIGTERM');`,
    signal: 'SIGTERM',
    says: 'SIGTERM',
    spans: ['a'],
  },
  'signal-exit 4, loaded after the first span': {
    needs: 'signal-exit',
    run: `end('a'); require('signal-exit').onExit((code, signal) => say(signal)); raise('SIGTERM');`,
    signal: 'SIGTERM',
    says: 'SIGTERM',
    spans: ['a'],
  },
  'signal-exit 3': {
    needs: 'signal-exit-3',
    run: `require('signal-exit-3')((code, signal) => say(signal)); end('a'); raise('SIGTERM');`,
    signal: 'SIGTERM',
    says: 'SIGTERM',
    spans: ['a'],
  },
  'signal-exit 3 and 4': {
    needs: 'signal-exit-3',
    run: `require('signal-exit-3')(() => say('3')); require('signal-exit').onExit(() => say('4')); end('a'); raise('SIGTERM');`,
    signal: 'SIGTERM',
    says: /3|4/,
    spans: ['a'],
  },
  'signal-exit and a server that closes in peace': {
    needs: 'signal-exit',
    run: `require('signal-exit').onExit(() => say('exit')); end('a'); ${server}
          process.once('SIGTERM', () => server.close(() => { say('closed'); process.exit(0); }));`,
    code: 0,
    says: 'closed exit',
    spans: ['a', 'request'],
  },
  'signal-exit whose callback keeps the process': {
    needs: 'signal-exit',
    run: `require('signal-exit').onExit((code, signal) => { if (signal) say('kept'); return true; }); end('a'); raise('SIGTERM');
          setTimeout(() => { end('b'); raise('SIGTERM'); }, 900);`,
    signal: 'SIGTERM',
    says: 'kept',
    spans: ['a', 'b'],
  },
  'a signal of which signal-exit does not know': {
    needs: 'signal-exit',
    run: `require('signal-exit').onExit(() => {}); end('a'); process.on('SIGWINCH', () => say('heard')); raise('SIGWINCH');
          setTimeout(() => process.exit(0), 500);`,
    code: 0,
    says: 'heard',
    spans: ['a'],
  },
  'a signal that ends nothing': {
    run: `end('a'); raise('SIGWINCH'); setTimeout(() => { say('alive'); end('b'); raise('SIGTERM'); }, 500);`,
    signal: 'SIGTERM',
    says: 'alive',
    spans: ['a', 'b'],
  },
  'twice: at once': {
    stalls: true,
    run: `end('a'); raise('SIGINT'); setTimeout(() => raise('SIGINT'), 100);`,
    signal: 'SIGINT',
    drainMillis: 7000,
    stderr: /^offloop: warn: SIGINT .* 1 for \S+ \(not delivered within \d{2,4} ms\) .*\n$/,
    underMillis: 5000,
  },
  'mixed: the second at once': {
    stalls: true,
    run: `end('a'); raise('SIGINT'); setTimeout(() => raise('SIGTERM'), 100);`,
    signal: 'SIGTERM',
    drainMillis: 7000,
    stderr: /^offloop: warn: SIGTERM .* 1 for \S+ \(not delivered within \d{2,4} ms\) .*\n$/,
    underMillis: 5000,
  },
  'twice to a server that is closing: the second ends it': {
    run: `end('a'); process.once('SIGTERM', () => setTimeout(() => process.exit(0), 6000)); raise('SIGTERM');
          setTimeout(() => { end('b'); raise('SIGTERM'); }, 300);`,
    signal: 'SIGTERM',
    spans: ['a', 'b'],
    underMillis: 5000,
  },
  'mixed: one that somebody wants while another ends the process': {
    run: `process.on('SIGUSR2', () => say('reopened')); end('a'); raise('SIGTERM'); setTimeout(() => raise('SIGUSR2'), 30);`,
    signal: 'SIGTERM',
    says: 'reopened',
    spans: ['a'],
  },
  'a collector that hangs: drainMillis': {
    stalls: true,
    run: `end('a'); raise('SIGTERM');`,
    signal: 'SIGTERM',
    fromMillis: 1900,
    stderr: /^offloop: warn: SIGTERM .* 1 for \S+ \(not delivered within 2000 ms\) .*\n$/,
  },
  'the exporter was shut down': {
    run: `end('a'); provider.shutdown().then(() => { say(process.listenerCount('SIGTERM')); raise('SIGTERM'); });`,
    signal: 'SIGTERM',
    says: '0',
    spans: ['a'],
  },
  'two exporters, one of them wants nothing': {
    run: `const other = make([]); other.provider.getTracer('t').startSpan(process.env.MARK + 'other').end(); end('a'); raise('SIGTERM');`,
    signal: 'SIGTERM',
    spans: ['a', 'other'],
  },
  'an idle worker': { run: worker(idle, `end('a'); raise('SIGTERM');`), signal: 'SIGTERM', spans: ['a', 'worker'] },
  'a busy worker, SIGINT': {
    run: worker(busy, `end('a'); raise('SIGINT');`),
    signal: 'SIGINT',
    spans: ['a', 'worker'],
  },
  'an idle worker, and nothing left of the main thread': {
    run: worker(idle, `end('a'); provider.forceFlush().then(() => raise('SIGHUP'));`),
    signal: 'SIGHUP',
    spans: ['a', 'worker'],
  },
  'an idle worker and a listener that calls process.exit() at once': {
    run: worker(idle, `end('a'); process.on('SIGTERM', () => process.exit(143)); raise('SIGTERM');`),
    code: 143,
    spans: ['a', 'worker'],
  },
  'a busy worker and signal-exit': {
    needs: 'signal-exit',
    run: worker(busy, `require('signal-exit').onExit(() => say('exit')); end('a'); raise('SIGTERM');`),
    signal: 'SIGTERM',
    says: 'exit',
    spans: ['a', 'worker'],
  },
  'no signal: the main thread ends while a worker lives': {
    run: worker(idle, `end('a'); worker.unref(); clearInterval(isAwake);`),
    code: 0,
    spans: ['a', 'worker'],
  },
  'process 1': {
    before: ['unshare', '--pid', '--fork', '--kill-child'],
    run: `end('a'); process.on('exit', (code) => say(code)); raise('SIGTERM');`,
    code: 143,
    says: '143',
    spans: ['a'],
  },
  'process 1 with signal-exit': {
    needs: 'signal-exit',
    before: ['unshare', '--pid', '--fork', '--kill-child'],
    run: `require('signal-exit').onExit((code) => say(code)); end('a'); raise('SIGTERM');`,
    code: 143,
    says: '143',
    spans: ['a'],
  },
  'process 1 and a server that closes in peace': {
    before: ['unshare', '--pid', '--fork', '--kill-child'],
    run: `end('a'); ${server} process.once('SIGTERM', () => server.close(() => { say('closed'); process.exit(0); }));`,
    code: 0,
    says: 'closed',
    spans: ['a', 'request'],
  },
};

function run({ first = '', run: source, before: prefix = [], stalls, drainMillis = 2000 }, url, mark) {
  const [command, ...args] = [...prefix, process.execPath, '-e', `${first};${prelude};${source}`];
  const env = {
    ...process.env,
    NODE_TEST_CONTEXT: undefined,
    NODE_PATH: services,
    URL: url,
    MARK: mark,
    DRAIN: String(drainMillis),
  };
  return new Promise((resolve, reject) => {
    const began = Date.now();
    const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'])
      child[name].on('data', (data) => {
        ended[name] += data;
      });
    const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT_MILLIS);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ ...ended, code, signal, millis: Date.now() - began, stalls });
    });
  });
}

function namesOf({ requests }, mark) {
  const spans = requests
    .filter(({ completedMillis }) => completedMillis !== null)
    .flatMap(({ body, headers }) => decodeRequest(body, headers['content-type']))
    .flatMap(({ scopes }) => scopes.flatMap(({ spans }) => spans.map(({ name }) => name)));
  return spans.filter((name) => name.startsWith(mark)).map((name) => name.slice(mark.length));
}

function whyNot({ needs, before: prefix }) {
  if (process.platform === 'win32') return 'no signals there';
  if (needs !== undefined && !has(needs)) return `${needs} is not installed`;
  if (prefix === undefined) return false;
  try {
    execFileSync('unshare', ['--pid', '--fork', 'true'], { stdio: 'pipe' });
    return false;
  } catch {
    return 'a process namespace of its own needs unshare and root';
  }
}

describe('a signal beside', { concurrency: 6 }, () => {
  for (const [nth, [name, setUp]] of Object.entries(setUps).entries()) {
    test(name, { skip: whyNot(setUp) }, async (t) => {
      const stalling = setUp.stalls ? await startReceiver({ otherwise: { stall: 'response' } }, t) : null;
      const mark = `${nth}:`;
      const ended = await run(setUp, (stalling ?? receiver).url, mark);
      const shown = JSON.stringify(ended);
      assert.deepEqual(
        { code: ended.code, signal: ended.signal },
        { code: setUp.code ?? null, signal: setUp.signal ?? null },
        shown,
      );
      if (setUp.says instanceof RegExp) assert.match(ended.stdout, setUp.says, shown);
      else if (setUp.says !== undefined) assert.equal(ended.stdout.trim(), setUp.says, shown);
      assert.match(ended.stderr, setUp.stderr ?? /^$/, shown);
      if (setUp.spans !== undefined) assert.deepEqual(namesOf(receiver, mark).sort(), setUp.spans, shown);
      assert.ok(ended.millis < (setUp.underMillis ?? LIMIT_MILLIS), shown);
      assert.ok(ended.millis >= (setUp.fromMillis ?? 0), shown);
    });
  }
});
