'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { runProgram } = require('../helpers/child.js');
const { startReceiverProcess } = require('../helpers/receiver_process.js');

// A real fork() of a Node process in which we export (F67). Node has none, so a library is preloaded in which priorities
// of processes that do not exist are calls: `os.getPriority()` makes them on the JavaScript thread.

const FORK = 424242;
const EXIT_NOW = 424243;
const FORK_AND_EXIT = 424244;
const SLOW_CLOCKS = 424245; // for every thread but the main one: it is in the middle of whatever reads a clock

// On Linux V8 keeps its heap out of children (MADV_DONTFORK), so that only native code can run there. Elsewhere JavaScript
// can, and with OFFLOOP_TEST_FORK_HEAP here.
const LIBRARY = `
  #define _GNU_SOURCE
  #include <dlfcn.h>
  #include <stdlib.h>
  #include <sys/mman.h>
  #include <sys/resource.h>
  #include <sys/syscall.h>
  #include <time.h>
  #include <unistd.h>
  static volatile int slow;
  int clock_gettime(clockid_t clock, struct timespec *now) {
    if (slow && syscall(SYS_gettid) != getpid()) usleep(20000);
    return syscall(SYS_clock_gettime, clock, now);
  }
  int getpriority(__priority_which_t which, id_t who) {
    if (who == ${EXIT_NOW}) _exit(0);
    if (who == ${SLOW_CLOCKS}) { slow = 1; return 0; }
    if (who != ${FORK} && who != ${FORK_AND_EXIT})
      return ((int (*)(__priority_which_t, id_t))dlsym(RTLD_NEXT, "getpriority"))(which, who);
    int child = fork();
    if (child == 0 && who == ${FORK_AND_EXIT}) _exit(7); // exit() ends in Node's own destructors, which hang
    if (child == 0) alarm(60);
    return child;
  }
  int madvise(void *start, size_t size, int advice) {
    if (advice == MADV_DONTFORK && getenv("OFFLOOP_TEST_FORK_HEAP")) return 0;
    return ((int (*)(void *, size_t, int))dlsym(RTLD_NEXT, "madvise"))(start, size, advice);
  }`;

/** The library, or why there is none. */
function forkingLibrary(t) {
  if (process.platform !== 'linux') return { skip: 'the preloaded library is for Linux' };
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-fork-'));
  t.after(() => fs.rmSync(directory, { recursive: true }));
  const library = path.join(directory, 'fork.so');
  const options = ['-shared', '-fPIC', '-x', 'c', '-', '-o', library, '-ldl'];
  const { status, error, stderr } = spawnSync('cc', options, { input: LIBRARY, encoding: 'utf8' });
  if (error?.code === 'ENOENT') return { skip: 'there is no C compiler' };
  assert.equal(status, 0, stderr);
  return { library };
}

test('F67: the child of a fork() refuses at once, sends nothing, and holds nothing up', async (t) => {
  const { skip, library } = forkingLibrary(t);
  if (skip) return t.skip(skip);
  const receiver = await startReceiverProcess({ otherwise: { delayMillis: 20 } }, t);
  const rounds = 20;
  const { code, signal, stdout, stderr } = await runProgram(
    `const os = require('node:os');
     const fs = require('node:fs');
     const { BatchSpanProcessor } = subject;
     const exporter = new OTLPTraceExporter({ url });
     const processor = new BatchSpanProcessor(exporter, { scheduledDelayMillis: 30 });
     const end = (count) => { for (const span of makeSpans(count)) processor.onEnd(span); };
     const fork = () => os.getPriority(${FORK});
     const exitChild = () => os.getPriority(${EXIT_NOW});

     const beChild = async () => {
       const started = performance.now();
       const outcome = await exporter.exportSpans(makeSpans(4));
       const result = await new Promise((resolve) => exporter.export(makeSpans(2), resolve));
       await processor.forceFlush(); // closes the parent's batch
       end(3);
       const stats = exporter.stats();
       await exporter.forceFlush();
       const fresh = await new OTLPTraceExporter({ url }).exportSpans(makeSpans(1));
       await exporter.shutdown();
       process.emit('beforeExit', 0);
       process.emit('exit', 0);
       const { offered, accepted, refused, pending, threads } = stats;
       fs.writeSync(1, JSON.stringify({
         outcome, result: [result.code, result.error.code], fresh: fresh.dropped,
         stats: { offered, accepted, refused, pending, threads }, isPrompt: performance.now() - started < 1500,
       }) + '\\n');
       exitChild();
     };

     (async () => {
       for (let nth = 0; nth < ${rounds}; nth++) {
         exporter.export(makeSpans(5), () => {});
         end(7);
         if (fork() === 0) return beChild();
         await new Promise((resolve) => setTimeout(resolve, nth * 3));
       }
       await processor.forceFlush();
       await exporter.forceFlush();
       fs.writeSync(1, JSON.stringify(exporter.stats().delivered) + '\\n');
     })();`,
    {
      url: receiver.url,
      env: { LD_PRELOAD: library, OFFLOOP_TEST_FORK_HEAP: '1' },
      nodeArguments: ['--single-threaded'], // V8's own helper threads do not exist in the child either: it would wait
      limitMillis: 60_000,
    },
  );
  assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
  const reports = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const children = reports.filter((report) => typeof report === 'object');
  assert.equal(children.length, rounds);
  for (const report of children) {
    const { error, ...outcome } = report.outcome;
    assert.deepEqual(outcome, { delivered: 0, rejected: 0, dropped: { internal_error: 4 }, attempts: 0 });
    assert.match(error.message, /forked/);
    assert.deepEqual(report.result, [1, 'internal_error']);
    assert.deepEqual(report.fresh, { internal_error: 1 });
    const refused = { internal_error: 9 };
    assert.deepEqual(report.stats, { offered: 9, accepted: 0, refused, pending: 0, threads: 0 });
    assert.equal(report.isPrompt, true);
  }
  const delivered = reports.find((report) => typeof report === 'number');
  assert.equal(delivered, 12 * rounds);
  assert.equal((await receiver.counts()).spans, 12 * rounds, 'no child has sent what was its parent`s');
});

test('F67: children that native code forks and ends cost the parent nothing', async (t) => {
  const { skip, library } = forkingLibrary(t);
  if (skip) return t.skip(skip);
  const receiver = await startReceiverProcess({ otherwise: { delayMillis: 10 } }, t);
  const rounds = 20;
  const { code, signal, stdout, stderr } = await runProgram(
    `const os = require('node:os');
     const fs = require('node:fs');
     const { BatchSpanProcessor } = subject;
     const exporter = new OTLPTraceExporter({ url });
     const processor = new BatchSpanProcessor(exporter, { scheduledDelayMillis: 20 });
     const children = [];
     (async () => {
       for (let nth = 0; nth < ${rounds}; nth++) {
         exporter.export(makeSpans(5), () => {});
         for (const span of makeSpans(7)) processor.onEnd(span);
         children.push(os.getPriority(${FORK_AND_EXIT}));
         await new Promise((resolve) => setTimeout(resolve, nth * 3));
       }
       await processor.forceFlush();
       await exporter.forceFlush();
       // Nobody has waited for them: one that has ended is a zombie.
       const state = (pid) => fs.readFileSync('/proc/' + pid + '/stat', 'utf8').split(') ')[1][0];
       const limit = performance.now() + 5000;
       while (children.some((pid) => state(pid) !== 'Z') && performance.now() < limit)
         await new Promise((resolve) => setTimeout(resolve, 20));
       console.log(children.map(state).join(''), exporter.stats().delivered);
     })();`,
    { url: receiver.url, env: { LD_PRELOAD: library }, limitMillis: 60_000 },
  );
  assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
  assert.equal(stdout, `${'Z'.repeat(rounds)} ${12 * rounds}\n`);
  assert.equal((await receiver.counts()).spans, 12 * rounds);
});

test('F67: a child touches nothing that its parent`s event-loop monitor may hold', async (t) => {
  const { skip, library } = forkingLibrary(t);
  if (skip) return t.skip(skip);
  const rounds = 6;
  const { code, signal, stdout, stderr } = await runProgram(
    `const os = require('node:os');
     const fs = require('node:fs');
     const { EventLoopMonitor } = require(process.cwd());
     let spans = 0;
     const exporter = { export(batch, done) { spans += batch.length; done({ code: 0 }); }, shutdown: async () => {} };
     const monitor = new EventLoopMonitor({ exporter, thresholdMillis: 20 });
     monitor.enable();
     const beChild = () => {
       const started = performance.now();
       process.emit('beforeExit', 0);
       process.emit('exit', 0);
       monitor.disable();
       monitor.enable();
       fs.writeSync(1, JSON.stringify({ blocks: monitor.stats().blocks, isPrompt: performance.now() - started < 1500 }) + '\\n');
       os.getPriority(${EXIT_NOW});
     };
     setTimeout(() => {
       os.getPriority(${SLOW_CLOCKS});
       // A block: the monitor's thread looks at it all the time, and has its state in hand while it does.
       for (let nth = 0; nth < ${rounds}; nth++) {
         for (const until = Date.now() + 130; Date.now() < until; );
         if (os.getPriority(${FORK}) === 0) beChild();
       }
       setTimeout(() => { fs.writeSync(1, JSON.stringify(spans > 0 || monitor.stats().blocks > 0) + '\\n'); process.exit(); }, 4000);
     }, 200);`,
    {
      env: { LD_PRELOAD: library, OFFLOOP_TEST_FORK_HEAP: '1' },
      nodeArguments: ['--single-threaded'],
      limitMillis: 20_000,
    },
  );
  assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
  const reports = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.equal(reports.filter((report) => report === true).length, 1, 'the parent has seen its block');
  const children = reports.filter((report) => typeof report === 'object');
  assert.deepEqual(
    children,
    Array.from({ length: rounds }, () => ({ blocks: 0, isPrompt: true })),
  );
});
