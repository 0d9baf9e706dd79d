'use strict';
// What an attempt through Node's http makes of an answer that does not come as it should: a body without an end, another
// protocol, user code that takes its time. The outcomes are those of docs/delivery.md, however busy the event loop is.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const net = require('node:net');
const { describe, it, test } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const { OTLPTraceExporter, subjectName } = require('../helpers/subject.js');
const { assertConserved } = require('../helpers/conservation.js');
const { PlainSpans } = require('../helpers/plain_spans.js');

const oursOnly = { skip: subjectName === 'stock' && 'a rule of ours' };
const plain = new PlainSpans(36);
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';

function block(millis) {
  for (const end = performance.now() + millis; performance.now() < end; );
}

/** A server that gives `answers` in order, the last one for ever; `requests` counts, `answered` resolves at the first. */
async function startServer(answers, t) {
  const state = { requests: 0 };
  state.answered = new Promise((resolve) => {
    state.noteAnswer = resolve;
  });
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    t.after(() => socket.destroy());
    let received = '';
    socket.on('data', (bytes) => {
      received += bytes.toString('latin1');
      const length = /content-length: (\d+)\r\n/i.exec(received)?.[1];
      const head = received.indexOf('\r\n\r\n') + 4;
      if (length === undefined || head < 4 || received.length < head + Number(length)) return;
      received = '';
      socket.write(answers[Math.min(state.requests++, answers.length - 1)], () => state.noteAnswer());
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  state.url = `http://127.0.0.1:${server.address().port}/v1/traces`;
  return state;
}

function exporterTo(server, config, t) {
  const exporter = new OTLPTraceExporter({ url: server.url, ...config });
  t.after(() => exporter.shutdown({ timeoutMillis: 0 }));
  return exporter;
}

const stalled = (status, headers = '') => `HTTP/1.1 ${status} X\r\n${headers}content-length: 20\r\n\r\n{}`;

describe('a status whose body does not end', oursOnly, () => {
  const fates = {
    200: { delivered: 1, dropped: {}, attempts: 1 },
    503: { delivered: 1, dropped: {}, attempts: 2 },
    400: { delivered: 1, dropped: {}, attempts: 2 },
  };
  for (const [status, fate] of Object.entries(fates)) {
    // While the loop is blocked, a repetition that comes at once is given up in its turn.
    for (const isBlocked of status === '400' ? [false] : [false, true]) {
      it(`${status}${isBlocked ? ', and the loop is blocked when the time is over' : ''}`, async (t) => {
        const server = await startServer([stalled(status, 'retry-after: 1\r\n'), OK], t);
        const retry = { maxElapsedMillis: 20_000 };
        const exporter = exporterTo(server, { transport: 'node', timeoutMillis: 300, retry }, t);
        const started = performance.now();
        const outcome = exporter.exportSpans([plain.span()]);
        await server.answered;
        await sleep(100);
        if (isBlocked) block(700);
        const { delivered, dropped, attempts } = await outcome;
        assert.deepEqual({ delivered, dropped, attempts }, fate);
        if (status === '503') assert.ok(performance.now() - started >= 1000, 'the pause that was asked for');
        assertConserved(exporter.stats());
      });
    }
  }

  it('counts as its status, whatever time the headers function has taken before', async (t) => {
    const server = await startServer([stalled(200)], t);
    const headers = () => sleep(700, { 'x-late': '1' });
    const exporter = exporterTo(server, { headers, timeoutMillis: 1000 }, t);
    const { delivered, attempts } = await exporter.exportSpans([plain.span()]);
    assert.deepEqual([delivered, attempts, server.requests], [1, 1, 1]);
  });
});

test('101 is a connection that broke: repeated', oursOnly, async (t) => {
  const upgrade = 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n';
  const repeated = async (transport) => {
    const server = await startServer([upgrade, OK], t);
    const { delivered, attempts } = await exporterTo(server, { transport }, t).exportSpans([plain.span()]);
    assert.deepEqual([delivered, attempts, server.requests], [1, 2, 2], transport);
  };
  await Promise.all(['native', 'node'].map(repeated));
});

test('a headers function is called once for each attempt', oursOnly, async (t) => {
  const counted = async (transport) => {
    const busy = 'HTTP/1.1 503 X\r\ncontent-length: 0\r\n\r\n';
    const server = await startServer([busy, OK], t);
    let calls = 0;
    const headers = async () => {
      calls += 1;
      return { 'x-call': String(calls) };
    };
    const exporter = exporterTo(server, { headers, transport }, t);
    assert.equal((await exporter.exportSpans([plain.span()])).attempts, 2);
    await exporter.exportSpans([plain.span()]);
    assert.deepEqual([calls, server.requests], [3, 3], String(transport));
  };
  await Promise.all(['node', undefined].map(counted));
});

test('a headers function that has not answered once is asked again while batches are held', oursOnly, async (t) => {
  const server = await startServer(['HTTP/1.1 401 X\r\ncontent-length: 0\r\n\r\n', OK], t);
  let calls = 0;
  const headers = async () => {
    calls += 1;
    return calls === 2 ? new Promise(() => {}) : { 'x-key': calls === 1 ? 'bad' : 'good' };
  };
  const retry = { maxElapsedMillis: 15_000 };
  const exporter = exporterTo(server, { headers, timeoutMillis: 500, retry }, t);
  assert.equal((await exporter.exportSpans([plain.span()])).error.httpStatus, 401);
  const { delivered } = await exporter.exportSpans([plain.span()]);
  assert.deepEqual([delivered, server.requests], [1, 2]);
});
