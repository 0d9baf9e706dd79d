'use strict';
// Rows of the scenario table about who connects, and what the other side answers.

const assert = require('node:assert/strict');
const { add } = require('./scenario_table.js');

// --- connections ---
const agents = {
  default: {},
  'keepAlive true': { keepAlive: true },
  'keepAlive false': { keepAlive: false },
  'keepAlive null': { keepAlive: null },
  'keepAlive 0': { keepAlive: 0 },
  'agent options, no keepAlive': { httpAgentOptions: {} },
  'agent options, keepAlive': { httpAgentOptions: { keepAlive: true } },
  'agent keepAlive wins over option': { keepAlive: false, httpAgentOptions: { keepAlive: true } },
  'keepAlive fills agent options': { keepAlive: true, httpAgentOptions: { maxSockets: 2 } },
  'maxSockets without keepAlive': { httpAgentOptions: { maxSockets: 1 } },
  'maxSockets with keepAlive': { httpAgentOptions: { maxSockets: 1, keepAlive: true } },
  'maxTotalSockets with keepAlive': { httpAgentOptions: { maxTotalSockets: 2, keepAlive: true } },
  'keepAliveMsecs and scheduling': { httpAgentOptions: { keepAlive: true, keepAliveMsecs: 500, scheduling: 'fifo' } },
  'maxFreeSockets and noDelay': { httpAgentOptions: { keepAlive: true, maxFreeSockets: 1, noDelay: false } },
  'unusable maxTotalSockets': { httpAgentOptions: { maxTotalSockets: 0 } },
  'unusable scheduling': { httpAgentOptions: { scheduling: 'random' } },
  'TLS options for http are ignored': { httpAgentOptions: { keepAlive: true, ca: 'x', cert: 'y', key: 'z' } },
  'local address': { httpAgentOptions: { keepAlive: true, localAddress: '127.0.0.1' } },
  'agent options null': { httpAgentOptions: null },
  'agent options a text': { httpAgentOptions: 'text' },
};
for (const [name, options] of Object.entries(agents)) {
  add(`connections: ${name}`, { exports: 3, config: ({ origin }) => ({ url: origin, ...options }) });
}
add('connections: unix socket', {
  exports: 2,
  config: ({ socket }) => ({
    url: 'http://collector.example/x',
    httpAgentOptions: { socketPath: socket, keepAlive: true },
  }),
});
add('connections: agent options host and port win over the url', {
  config: ({ port }) => ({ url: 'http://collector.example/x', httpAgentOptions: { host: '127.0.0.1', port } }),
});
add('connections: lookup', {
  exports: 2,
  config: ({ port }) => ({
    url: `http://collector.example:${port}/x`,
    httpAgentOptions: { keepAlive: true, lookup: (_host, options, done) => loopback(options, done) },
  }),
});
add('connections: lookup fails', {
  config: () => ({
    url: 'http://collector.example/x',
    timeoutMillis: 500,
    httpAgentOptions: {
      lookup: (_host, _options, done) => done(Object.assign(new Error('no such host'), { code: 'EBADNAME' })),
    },
  }),
});
add('connections: agent factory', {
  exports: 3,
  config: ({ origin }) => ({
    url: origin,
    httpAgentOptions: (protocol) => new (require('node:http').Agent)({ keepAlive: protocol === 'http:' }),
  }),
});
add('connections: agent factory and gzip', {
  exports: 2,
  config: ({ origin }) => ({
    url: origin,
    compression: 'gzip',
    httpAgentOptions: () => new (require('node:http').Agent)({ keepAlive: true }),
  }),
});
add('connections: agent factory, gzip and a Content-Encoding header', {
  config: ({ origin }) => ({
    url: origin,
    compression: 'gzip',
    headers: { 'content-encoding': 'br' },
    httpAgentOptions: () => new (require('node:http').Agent)(),
  }),
});
add('connections: asynchronous agent factory', {
  exports: 2,
  config: ({ origin }) => ({ url: origin, httpAgentOptions: async () => new (require('node:http').Agent)() }),
});
add('connections: agent factory throws', {
  exports: 2,
  config: ({ origin }) => ({
    url: origin,
    httpAgentOptions: () => {
      throw new RangeError('no agent');
    },
  }),
});
add('connections: agent factory rejects once', {
  exports: 2,
  config: ({ origin }) => {
    let calls = 0;
    const { Agent } = require('node:http');
    return {
      url: origin,
      httpAgentOptions: async () => {
        if (++calls === 1) throw new Error('not yet');
        return new Agent();
      },
    };
  },
});
add('connections: agent factory gives an agent of another protocol', {
  config: ({ origin }) => ({ url: origin, httpAgentOptions: () => new (require('node:https').Agent)() }),
});
add('connections: an Agent where options belong', {
  exports: 2,
  config: ({ origin }) => ({ url: origin, httpAgentOptions: new (require('node:http').Agent)({ keepAlive: true }) }),
});
add('connections: createConnection among the options is not used by an agent', {
  config: ({ origin }) => ({ url: origin, httpAgentOptions: { createConnection: () => assert.fail('called') } }),
});
add('connections: an agent with its own createConnection', {
  exports: 2,
  config: ({ port }) => ({
    url: 'http://collector.example/x',
    httpAgentOptions: () => {
      const agent = new (require('node:http').Agent)({ keepAlive: true });
      agent.createConnection = () => require('node:net').connect(port, '127.0.0.1');
      return agent;
    },
  }),
});
add('connections: name that cannot be resolved', {
  config: () => ({ url: 'http://collector.invalid/x', timeoutMillis: 300 }),
  retried: true,
});

function loopback(options, done) {
  if (options.all) done(null, [{ address: '127.0.0.1', family: 4 }]);
  else done(null, '127.0.0.1', 4);
}

// --- answers ---
const answer =
  (status, body = '', headers = {}) =>
  (_request, response) => {
    response.writeHead(status, headers);
    response.end(body);
  };
for (const [name, respond] of Object.entries({
  202: answer(202),
  204: answer(204),
  299: answer(299),
  'redirect is not followed': answer(302, 'moved', { location: '/elsewhere' }),
  '404 with a body': answer(404, 'no such thing'),
  '500 without a body': answer(500),
  '501 with a body beyond ASCII': answer(501, 'ä€'),
  '403 once': answer(403, 'no'),
})) {
  add(`answer: ${name}`, { respond });
}
/** An ExportTraceServiceResponse in the format of the request. */
const partial = (partialSuccess, bytes) => (request, response) => {
  const json = request.headers['content-type'] === 'application/json';
  response.end(json ? JSON.stringify({ partialSuccess }) : Buffer.from(bytes, 'hex'));
};
add('answer: partial success', {
  respond: partial({ rejectedSpans: 1, errorMessage: 'too old' }, '0a0b08011207746f6f206f6c64'),
});
add('answer: partial success with a message alone', {
  respond: partial({ errorMessage: 'slow down' }, '0a0b1209736c6f7720646f776e'),
});
add('answer: empty partial success', { respond: partial({}, '0a00') });
add('answer: partial success null', { respond: partial(null, '') });
add('answer: success with a body of another kind', {
  respond: (_request, response) => response.end(Buffer.from('{"partialSuccess":5}')),
});
add('answer: undecodable success', { respond: answer(200, '\xff\xff not a response') });
add('answer: socket closed without a word', {
  respond: (request) => request.socket.destroy(),
  config: ({ origin }) => ({ url: origin, timeoutMillis: 300 }),
  retried: true,
});
add('answer: stalls', {
  respond: () => {},
  config: ({ origin }) => ({ url: origin, timeoutMillis: 300 }),
  retried: true,
});
add('answer: 503 until the time is over', {
  respond: answer(503, 'busy'),
  config: ({ origin }) => ({ url: origin, timeoutMillis: 400 }),
  retried: true,
});
add('nobody listens', {
  config: () => ({ url: 'http://127.0.0.1:1/x', timeoutMillis: 300 }),
  retried: true,
});
