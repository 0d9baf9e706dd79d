'use strict';
// Sending through Node's own http: what goes out, what comes back as facts, and who may not be kept waiting.

const assert = require('node:assert/strict');
const { AsyncLocalStorage } = require('node:async_hooks');
const http = require('node:http');
const net = require('node:net');
const { once } = require('node:events');
const { after, before, beforeEach, describe, it } = require('node:test');
const { resolveConfig } = require('../../js/config/resolve_config.js');
const { ExportContext } = require('../../js/otel/export_context.js');
const { createNodeSender } = require('../../js/node_http/sender.js');
const { startRecorder } = require('../helpers/config/recorder.js');

const BODY = Buffer.from('0a00', 'hex');
const ENTRIES = [
  ['Content-Type', 'application/x-protobuf'],
  ['x-key', 'value'],
];

let recorder;
const senders = [];

before(async () => {
  recorder = await startRecorder();
});
beforeEach(() => recorder.reset());
after(async () => {
  for (const sender of senders) await sender.close();
  await recorder.close();
});

function senderFor(userConfig = {}, path = '/v1/traces') {
  const config = resolveConfig(
    { url: recorder.origin + path, transport: 'node', ...userConfig },
    { protocol: 'http/protobuf', signal: 'TRACES' },
  );
  const sender = createNodeSender(config);
  senders.push(sender);
  return sender;
}

/** A raw TCP server for answers that node:http would not give. */
async function withRawServer(onConnection, work) {
  const sockets = new Set();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    onConnection(socket, sockets.size);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return await work(`http://127.0.0.1:${server.address().port}/x`);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

describe('a request', () => {
  it('carries the bytes, the entries and a length', async () => {
    const facts = await senderFor({}, '/custom?x=1#no').send(BODY, ENTRIES, 1000);
    assert.equal(facts.outcome, 'reply');
    const [request] = recorder.requests;
    assert.equal(request.method, 'POST');
    assert.equal(request.path, '/custom?x=1');
    assert.equal(request.body, '0a00');
    assert.equal(request.headers['x-key'], 'value');
    assert.equal(request.headers['content-encoding'], undefined);
  });

  it('X4: says its length instead of chunking', async () => {
    await withRawServer(
      (socket) =>
        socket.once('data', (head) =>
          socket.end(
            `HTTP/1.1 200 OK\r\nx: ${/content-length: 2/i.test(head)}\r\ncontent-length: ${
              /transfer-encoding/i.test(head) ? 1 : 0
            }\r\n\r\n`,
          ),
        ),
      async (url) => {
        const facts = await senderFor({ url }).send(BODY, ENTRIES, 1000);
        assert.equal(facts.bodyError, undefined, 'content-length was there and chunked was not');
        assert.equal(facts.status, 200);
      },
    );
  });

  it('names the encoding of its bytes, whatever the user named', async () => {
    const zlib = require('node:zlib');
    const entries = [...ENTRIES, ['content-encoding', 'identity']];
    await senderFor().send(zlib.gzipSync(BODY), entries, 1000, 'gzip');
    assert.equal(recorder.requests[0].headers['content-encoding'], 'gzip');
    assert.equal(recorder.requests[0].body, '0a00');
  });

  it('reads the headers after the agent is there, and in its own turn', async () => {
    const order = [];
    const factory = async () => {
      order.push('agent');
      return new http.Agent();
    };
    const sender = senderFor({ httpAgentOptions: factory });
    const headers = async () => {
      order.push('headers');
      return ENTRIES;
    };
    await sender.send(BODY, headers, 1000);
    assert.deepEqual(order, ['agent', 'headers']);
  });

  it("that Node refuses to send is an error of the request, with Node's own words", async () => {
    const facts = await senderFor().send(BODY, [['bad name', '1']], 1000);
    assert.equal(facts.outcome, 'failed');
    assert.equal(facts.error.kind, 'unsendable');
    assert.equal(facts.error.code, 'ERR_INVALID_HTTP_TOKEN');
    assert.equal(facts.error.original.name, 'TypeError');
  });
});

describe('the agent', () => {
  it('is made once, however many exports start together', async () => {
    let made = 0;
    const sender = senderFor({
      httpAgentOptions: async () => {
        made++;
        await new Promise(setImmediate);
        return new http.Agent({ keepAlive: true, maxSockets: 2 });
      },
    });
    const all = await Promise.all(Array.from({ length: 6 }, () => sender.send(BODY, ENTRIES, 2000)));
    assert.ok(all.every(({ status }) => status === 200));
    assert.equal(made, 1);
    assert.ok(recorder.connections <= 2, `${recorder.connections} connections`);
  });

  it('is asked for again after it could not be made', async () => {
    let calls = 0;
    const failure = new RangeError('not yet');
    const sender = senderFor({
      httpAgentOptions: () => {
        if (++calls === 1) throw failure;
        return new http.Agent();
      },
    });
    const first = await sender.send(BODY, ENTRIES, 1000);
    assert.equal(first.error.original, failure);
    assert.equal((await sender.send(BODY, ENTRIES, 1000)).status, 200);
  });

  it('gets the protocol of the endpoint', async () => {
    let seen;
    const httpAgentOptions = (protocol) => {
      seen = protocol;
      return new http.Agent();
    };
    await senderFor({ httpAgentOptions }).send(BODY, ENTRIES, 1000);
    assert.equal(seen, 'http:');
  });

  it("is closed with the sender when it is ours, left alone when it is the user's", async () => {
    const agent = new http.Agent({ keepAlive: true });
    const theirs = senderFor({ httpAgentOptions: () => agent });
    const own = senderFor({ keepAlive: true });
    await theirs.send(BODY, ENTRIES, 1000);
    await own.send(BODY, ENTRIES, 1000);
    await theirs.close();
    await own.close();
    assert.equal(Object.keys(agent.freeSockets).length, 1, "the idle connection of the user's agent");
    await senderFor({ httpAgentOptions: () => agent }).send(BODY, ENTRIES, 1000);
    assert.equal(recorder.connections, 2, 'it was used again');
    agent.destroy();
  });

  it('options that are code are used', async () => {
    const lookups = [];
    const sender = senderFor({
      url: `http://collector.example:${recorder.port}/x`,
      httpAgentOptions: {
        lookup(host, options, done) {
          lookups.push(host);
          if (options.all) done(null, [{ address: '127.0.0.1', family: 4 }]);
          else done(null, '127.0.0.1', 4);
        },
      },
    });
    assert.equal((await sender.send(BODY, ENTRIES, 1000)).status, 200);
    assert.deepEqual(lookups, ['collector.example']);
  });
});

describe('a reply', () => {
  it('is reported in full', async () => {
    recorder.respond = (_request, response) => {
      response.writeHead(
        503,
        'Later, please',
        [
          ['Retry-After', '7'],
          ['retry-after', '9'],
          ['Date', 'Sat, 21 Nov 2026 10:00:00 GMT'],
          ['Location', '/elsewhere'],
        ].flat(),
      );
      response.end('busy');
    };
    const { body, ...facts } = await senderFor().send(BODY, ENTRIES, 1000);
    assert.equal(body.toString(), 'busy');
    assert.deepEqual(facts, {
      outcome: 'reply',
      status: 503,
      reason: 'Later, please',
      retryAfter: '7',
      date: 'Sat, 21 Nov 2026 10:00:00 GMT',
      location: '/elsewhere',
      bodyError: undefined,
    });
  });

  it('is known when its head has come', async () => {
    recorder.respond = (_request, response) => {
      response.writeHead(503, { 'retry-after': '7' });
      response.write('bu');
      setTimeout(() => response.end('sy'), 50);
    };
    const heads = [];
    const facts = await senderFor().send(BODY, ENTRIES, 1000, null, { end: null, onHead: (head) => heads.push(head) });
    assert.equal(facts.body.toString(), 'busy');
    const [head] = heads;
    assert.equal(heads.length, 1);
    assert.deepEqual([head.status, head.retryAfter, head.body.length], [503, '7', 0]);
    assert.equal(head.bodyError.kind, 'timed_out');
  });

  it('of a redirect is not followed', async () => {
    recorder.respond = (_request, response) => response.writeHead(307, { location: '/elsewhere' }).end();
    assert.equal((await senderFor().send(BODY, ENTRIES, 1000)).status, 307);
    assert.equal(recorder.requests.length, 1);
  });

  it('is cut at 4 MiB, announced or not, and its connection closed', async () => {
    for (const length of [{ 'content-length': 5 * 1024 * 1024 }, {}]) {
      let closed;
      recorder.respond = (request, response) => {
        closed = new Promise((resolve) => request.socket.on('close', resolve));
        response.writeHead(200, length);
        const chunk = Buffer.alloc(64 * 1024);
        const more = () => {
          while (!response.destroyed && response.write(chunk));
        };
        response.on('drain', more);
        more();
      };
      const facts = await senderFor().send(BODY, ENTRIES, 5000);
      assert.equal(facts.status, 200);
      assert.equal(facts.bodyError.kind, 'response_too_large');
      assert.equal(facts.bodyError.message, 'OTLP export response body exceeded size limit of 4194304 bytes');
      assert.ok(facts.body.length <= 4 * 1024 * 1024);
      await closed;
    }
  });

  it('of exactly 4 MiB is complete', async () => {
    recorder.respond = (_request, response) => response.end(Buffer.alloc(4 * 1024 * 1024));
    const facts = await senderFor().send(BODY, ENTRIES, 5000);
    assert.equal(facts.bodyError, undefined);
    assert.equal(facts.body.length, 4 * 1024 * 1024);
  });

  it('that breaks off keeps its status', async () => {
    recorder.respond = (request, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('half', () => request.socket.destroy());
    };
    const facts = await senderFor().send(BODY, ENTRIES, 1000);
    assert.equal(facts.status, 200);
    assert.equal(facts.bodyError.code, 'ECONNRESET');
    assert.equal(facts.bodyError.message, 'aborted');
  });

  it('comes after interim responses', async () => {
    await withRawServer(
      (socket) =>
        socket.once('data', () => socket.end('HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n')),
      async (url) => assert.equal((await senderFor({ url }).send(BODY, ENTRIES, 1000)).status, 204),
    );
  });
});

describe('the deadline', () => {
  const isTimeout = ({ outcome, error }) => {
    assert.equal(outcome, 'failed');
    assert.equal(error.kind, 'timed_out');
    assert.equal(error.message, 'Request timed out');
  };

  it('ends a request without an answer and closes its connection', async () => {
    let closed;
    recorder.respond = (request) => {
      closed = new Promise((resolve) => request.socket.on('close', resolve));
    };
    isTimeout(await senderFor().send(BODY, ENTRIES, 100));
    await closed;
  });

  it('is no idle time: a drip does not extend it', async () => {
    let drips = 0;
    await withRawServer(
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\nx-slow: ');
        const timer = setInterval(() => socket.write('.', () => drips++), 20);
        socket.on('close', () => clearInterval(timer));
      },
      async (url) => isTimeout(await senderFor({ url }).send(BODY, ENTRIES, 200)),
    );
    assert.ok(drips > 1 && drips < 50, `${drips} drips`);
  });

  it('keeps the status of a reply whose body does not come to an end', async () => {
    recorder.respond = (_request, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write('.'), 20);
      response.on('close', () => clearInterval(timer));
    };
    const facts = await senderFor().send(BODY, ENTRIES, 200);
    assert.equal(facts.outcome, 'reply');
    assert.equal(facts.status, 200);
    assert.equal(facts.bodyError.kind, 'timed_out');
  });

  it("covers the user's own code, and nothing is sent afterwards", async () => {
    isTimeout(await senderFor().send(BODY, () => new Promise(() => {}), 50));
    isTimeout(await senderFor({ httpAgentOptions: () => new Promise(() => {}) }).send(BODY, ENTRIES, 50));
    let release;
    isTimeout(await senderFor().send(BODY, () => new Promise((resolve) => (release = resolve)), 50));
    release(ENTRIES);
    await new Promise(setImmediate);
    await senderFor().send(BODY, [['x-last', '1']], 1000);
    assert.deepEqual(
      recorder.requests.map(({ headers }) => headers['x-last']),
      ['1'],
    );
  });

  it('longer than a timer can be does not fire at once', async () => {
    assert.equal((await senderFor().send(BODY, ENTRIES, 3_000_000_000)).status, 200);
  });
});

describe('a connection', () => {
  it('that gave the beginning of an answer and broke is reported, also where it had been used', async () => {
    for (const how of ['end', 'resetAndDestroy']) {
      let requests = 0;
      await withRawServer(
        (socket) => {
          socket.on('data', () => {
            requests += 1;
            if (requests === 1) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
            else socket.write('HTTP/1.1 200 OK\r\nContent', () => setTimeout(() => socket[how](), 30));
          });
        },
        async (url) => {
          const sender = senderFor({ url });
          assert.equal((await sender.send(BODY, ENTRIES, 1000)).status, 200);
          const facts = await sender.send(BODY, ENTRIES, 1000);
          assert.equal(facts.outcome, 'failed');
          assert.equal(facts.error.code, 'ECONNRESET');
        },
      );
      assert.equal(requests, 2, how);
    }
  });

  it('that changes its protocol is one that broke', async () => {
    for (const upgrade of ['', 'upgrade: x\r\nconnection: upgrade\r\n']) {
      await withRawServer(
        (socket) => socket.once('data', () => socket.write(`HTTP/1.1 101 Switching Protocols\r\n${upgrade}\r\n`)),
        async (url) => {
          const facts = await senderFor({ url }).send(BODY, ENTRIES, 1000);
          // Without these headers Node takes it for a reply, which the dispatcher repeats.
          if (upgrade === '') assert.equal(facts.status, 101);
          else assert.deepEqual([facts.error.kind, facts.error.message], ['reset', 'socket hang up']);
        },
      );
    }
  });

  it('that only gives interim responses is given up at 64 KiB', async () => {
    let sent = 0;
    await withRawServer(
      (socket) => {
        const hint = `HTTP/1.1 103 Early Hints\r\nx: ${'a'.repeat(8000)}\r\n\r\n`;
        const timer = setInterval(() => socket.write(hint, () => sent++), 1);
        socket.on('close', () => clearInterval(timer));
      },
      async (url) => {
        const facts = await senderFor({ url }).send(BODY, ENTRIES, 5000);
        assert.deepEqual([facts.error.kind, facts.error.code], ['malformed', 'HPE_HEADER_OVERFLOW']);
      },
    );
    assert.ok(sent < 100, `${sent} heads`);
  });

  it('that went stale is replaced at once, not reported', async () => {
    const seen = [];
    await withRawServer(
      (socket, connection) => {
        let requests = 0;
        socket.on('data', () => {
          seen.push(connection);
          if (connection === 1 && ++requests === 2) socket.destroy();
          else socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
        });
      },
      async (url) => {
        const sender = senderFor({ url });
        assert.equal((await sender.send(BODY, ENTRIES, 1000)).status, 200);
        assert.equal((await sender.send(BODY, ENTRIES, 1000)).status, 200);
      },
    );
    assert.equal(seen.at(-1), 2);
  });

  it('that was fresh and broke is reported', async () => {
    recorder.respond = (request) => request.socket.destroy();
    const facts = await senderFor().send(BODY, ENTRIES, 1000);
    assert.equal(facts.error.kind, 'reset');
    assert.equal(facts.error.message, 'socket hang up');
    assert.equal(recorder.requests.length, 1);
  });
});

it("the user's code runs in the context of the export", async () => {
  const storage = new AsyncLocalStorage();
  const seen = {};
  class ContextAgent extends http.Agent {
    createConnection(...args) {
      seen.connection = storage.getStore();
      return super.createConnection(...args);
    }
  }
  const sender = senderFor({
    httpAgentOptions: async () => {
      seen.factory = storage.getStore();
      return new ContextAgent();
    },
  });
  const context = storage.run('the caller', () => new ExportContext());
  const headers = async () => {
    seen.headers = storage.getStore();
    return ENTRIES;
  };
  assert.equal(storage.getStore(), undefined, 'as in a call that a native thread woke');
  const facts = await context.run(() => sender.send(BODY, headers, 1000));
  assert.equal(facts.status, 200);
  assert.deepEqual(seen, { factory: 'the caller', headers: 'the caller', connection: 'the caller' });
});

it("what the user's code throws is kept, whatever it is", async () => {
  const facts = await senderFor().send(BODY, () => Promise.reject(null), 1000);
  assert.equal(facts.outcome, 'failed');
  assert.equal(facts.error.original, null);
});

it('a connection that is reset behind an early answer throws nothing', async (t) => {
  const uncaught = [];
  const listener = (error) => uncaught.push(error.code);
  process.on('uncaughtException', listener);
  t.after(() => process.off('uncaughtException', listener));
  const large = Buffer.alloc(6 << 20);
  const onConnection = (socket) =>
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}');
      setImmediate(() => socket.resetAndDestroy());
    });
  for (let round = 0; round < 12; round++) {
    await withRawServer(onConnection, async (url) => {
      await senderFor({ url }).send(large, ENTRIES, 700);
      await new Promise((resolve) => setTimeout(resolve, 20)); // the reset comes behind the answer
    });
  }
  assert.deepEqual(uncaught, []);
});
