'use strict';

const assert = require('node:assert/strict');

// Who blocked: function and line, and how soon that is known. Each guilty function is on a line of its own, whose number
// the program tells by `lineOf`.

const THRESHOLD_MILLIS = 100;

const programs = `
  const lineOf = (error) => Number(/:(\\d+):\\d+\\)?$/.exec(error.stack.split('\\n')[1])[1]);
  const lines = {};
  const text = 'a'.repeat(27) + 'b';
  const numbers = Array.from({ length: 400_000 }, (_, n) => (n * 7919) % 400_009);
  function busyLoop() { lines.busyLoop = lineOf(new Error()); busy(300); }
  function regex() { lines.regex = lineOf(new Error()); for (let n = 0; n < 3; n++) /^(a+)+$/.test(text); }
  function sort() { lines.sort = lineOf(new Error()); for (let n = 0; n < 3; n++) numbers.slice().sort((a, b) => (a < b ? -1 : 1)); }
  function hash() { lines.hash = lineOf(new Error()); require('node:crypto').pbkdf2Sync('secret', 'salt', 1_000_000, 64, 'sha512'); return 1; }
  function shell() { lines.shell = lineOf(new Error()); require('node:child_process').execSync('sleep 0.4'); return 1; }
  function handler(_request, response) { busyInHandler(); response.end('ok'); }
  function busyInHandler() { lines.busyInHandler = lineOf(new Error()); busy(300); }
  const json = JSON.stringify(Array.from({ length: 500_000 }, (_, n) => ({ id: n, name: 'name of ' + n, text: 'x'.repeat(50) })));
  function parse() { lines.parse = lineOf(new Error()); const parsed = JSON.parse(json); return parsed.length; }
  const http = require('node:http');
  const viaHttp = () => new Promise((done) => {
    const server = http.createServer(handler).listen(0, '127.0.0.1', () => {
      http.get({ port: server.address().port, agent: false }, (response) => response.resume().on('end', () => server.close(done)));
    });
  });
  (async () => {
    await sleep(200);
    monitor.enable();
    for (const run of [busyLoop, viaHttp, regex, sort, hash, shell, parse]) {
      await sleep(150);
      begin(run.name);
      await new Promise((done) => setTimeout(async () => { await run(); done(); }));
      end();
    }
    await sleep(150);
    await finish({ lines, megabytes: json.length / 1e6 });
  })();`;

/** name -> [guilty function, how soon after the request the stack is there; null: when the call returns, if at all] */
const EXPECTED = {
  busyLoop: ['busyLoop', 5],
  viaHttp: ['busyInHandler', 5],
  regex: ['regex', 20],
  sort: ['sort', 20],
  hash: ['hash', null],
  shell: ['shell', null],
  parse: ['parse', null],
};

function compare({ truth, finals, lines, megabytes }, lateness) {
  const spans = finals.toSorted((a, b) => a.startMillis - b.startMillis);
  for (const { name, start, end } of truth) {
    // The last part of a request, after its handler, can be a block of its own on a starved machine.
    const during = spans.filter((span) => span.startMillis >= start - 20 && span.startMillis <= end);
    const [span] = during.toSorted((a, b) => b.durationMillis - a.durationMillis);
    assert.ok(span !== undefined, `${name}: no span`);
    const [guilty, withinMillis] = EXPECTED[name];
    const { attributes, events } = span;
    const stacks = events.filter((event) => event.name === 'event_loop.block.stack');
    const stack = attributes['code.stacktrace'];
    if (withinMillis === null) {
      // Native code is not interrupted: the stack is taken when it returns to JavaScript, if its caller is still there.
      if (name === 'shell') assert.equal(attributes['event_loop.block.cause'], 'waiting');
      if (name === 'parse') {
        assert.ok(megabytes > 40, `${megabytes} MB`);
        continue;
      }
      assert.match(stack, new RegExp(`at ${guilty} \\(\\[(eval|worker eval)\\]:${lines[guilty]}:`), name);
      continue;
    }
    assert.match(stack, new RegExp(`at ${guilty} \\(\\[(eval|worker eval)\\]:${lines[guilty]}:`), name);
    const { 'event_loop.block.stack.requested_ms': requested, 'event_loop.block.stack.captured_ms': captured } =
      stacks[0].attributes;
    const times = `${name}: requested after ${requested} ms, captured after ${captured} ms`;
    assert.ok(requested >= THRESHOLD_MILLIS && requested <= THRESHOLD_MILLIS + 10 + lateness, times);
    assert.ok(captured - requested <= withinMillis + lateness, times);
    if (name === 'regex' || name === 'sort') {
      assert.equal(attributes['code.line.number'], lines[guilty], name);
      assert.equal(attributes['event_loop.block.cause'], 'cpu');
    }
  }
}

module.exports = { compareStacks: compare, guilty: programs };
