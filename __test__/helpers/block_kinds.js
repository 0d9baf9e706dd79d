'use strict';

const assert = require('node:assert/strict');

// A program that blocks its loop in eight ways, and what its monitor has to say about them: for the main thread and workers.

const LENGTH_TOLERANCE_MILLIS = 10;
const START_TOLERANCE_MILLIS = 15;

// Each case blocks for 250 ms of CPU time, in a way that a monitor of async hooks misses or cannot tell apart.
const cases = `
  const fs = require('node:fs');
  const http = require('node:http');
  const LENGTH = 250;
  const when = (start) => new Promise(start);
  const until = (name) => {
    begin(name);
    const stop = threadCpuMicros() + LENGTH * 1000;
    return () => threadCpuMicros() < stop;
  };
  const cases = {
    'single timer': () => when((done) => setTimeout(() => { block('single timer', LENGTH); done(); }, 20)),
    'later tick of an interval': () => when((done) => {
      let ticks = 0;
      const timer = setInterval(() => {
        if (++ticks < 4) return;
        clearInterval(timer);
        block('later tick of an interval', LENGTH);
        done();
      }, 30);
    }),
    'keep-alive request after the first': async () => {
      let requests = 0;
      const server = http.createServer((_request, response) => {
        if (++requests === 3) block('keep-alive request after the first', LENGTH);
        response.end('ok');
      });
      await when((done) => server.listen(0, '127.0.0.1', done));
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      for (let nth = 0; nth < 4; nth++) {
        await when((done) => http.get({ port: server.address().port, agent }, (response) => response.resume().on('end', done)));
        await sleep(20);
      }
      agent.destroy();
      await when((done) => server.close(done));
    },
    'immediates storm': () => when((done) => {
      let left = 50;
      const one = () => {
        if (left === 50) begin('immediates storm');
        busy(LENGTH / 50);
        if (--left === 0) { end(); done(); }
      };
      for (let nth = 0; nth < 50; nth++) setImmediate(one);
    }),
    'nextTick storm': () => when((done) => setTimeout(() => {
      const goesOn = until('nextTick storm');
      const next = () => { if (goesOn()) process.nextTick(next); else { end(); done(); } };
      process.nextTick(next);
    }, 10)),
    'microtask storm': () => when((done) => setTimeout(() => {
      const goesOn = until('microtask storm');
      const next = () => { if (goesOn()) Promise.resolve().then(next); else { end(); done(); } };
      next();
    }, 10)),
    'inside an I/O callback': () => when((done) => fs.readFile(root + '/package.json', () => {
      block('inside an I/O callback', LENGTH);
      done();
    })),
    'inside a promise': async () => {
      await sleep(20);
      await null;
      block('inside a promise', LENGTH);
    },
  };
  (async () => {
    await sleep(30);
    monitor.enable();
    for (const run of Object.values(cases)) {
      await sleep(120);
      control.take();
      await run();
      await sleep(120);
      truth.at(-1).late = control.take();
    }
    for (let nth = 0; nth < 5; nth++) { busy(60); await sleep(60); }
    await finish({ late: Math.max(...truth.map(({ late }) => late)) });
  })();`;

const NAMES = [
  'single timer',
  'later tick of an interval',
  'keep-alive request after the first',
  'immediates storm',
  'nextTick storm',
  'microtask storm',
  'inside an I/O callback',
  'inside a promise',
];

function toldBriefly({ attributes, durationMillis }) {
  return `${attributes['event_loop.block.cause']} ${durationMillis} ms`;
}

function compareWithTruth({ truth, finals, stats }, lateness) {
  assert.deepEqual(
    truth.map(({ name }) => name),
    NAMES,
  );
  assert.equal(
    finals.length,
    truth.length,
    `${finals.length} final spans; starved ${stats.starved}, paused ${stats.paused}; ${finals.map(toldBriefly)}`,
  );
  const spans = finals.toSorted((a, b) => a.startMillis - b.startMillis);
  for (const [index, { name, start, end }] of truth.entries()) {
    const span = spans[index];
    const off = { start: span.startMillis - start, length: span.durationMillis - (end - start) };
    const where = `${name}: start off by ${off.start.toFixed(1)} ms, duration by ${off.length.toFixed(1)} ms`;
    assert.ok(Math.abs(off.start) <= START_TOLERANCE_MILLIS + lateness, where);
    assert.ok(Math.abs(off.length) <= LENGTH_TOLERANCE_MILLIS + lateness, where);
    const { attributes } = span;
    assert.ok(Math.abs(attributes['event_loop.block.duration_ms'] - span.durationMillis) < 0.01);
    assert.equal(attributes['event_loop.block.cause'], 'cpu', name);
    assert.ok(
      attributes['event_loop.block.cpu_ms'] >= 240,
      `${name}: ${attributes['event_loop.block.cpu_ms']} ms of CPU`,
    );
    // A starved machine can make a second of a quarter.
    const severity = span.durationMillis >= 1000 ? 'critical' : 'warning';
    assert.equal(attributes['event_loop.block.severity'], severity);
    assert.equal(attributes['event_loop.block.ongoing'], false);
    assert.equal(attributes.label, 'EventLoopMonitor');
    assert.equal(attributes.asyncType, 'unknown');
    assert.equal(span.kind, 1);
  }
  assert.equal(stats.blocks, truth.length, 'blocks of 60 ms are none');
}

module.exports = { kinds: cases, compareWithTruth };
