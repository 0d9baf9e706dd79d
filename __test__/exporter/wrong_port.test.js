'use strict';
// A peer that speaks another protocol than the one that it is sent is named, with what helps, in the error and in the log,
// whoever sends. Peers are real where Node has them; the rest say byte for byte what the servers named beside them say.

const assert = require('node:assert/strict');
const http = require('node:http');
const http2 = require('node:http2');
const https = require('node:https');
const net = require('node:net');
const { after, describe, it } = require('node:test');
const grpc = require('@grpc/grpc-js');
const { issue } = require('../helpers/config/certificates.js');
const { recordDiag } = require('../helpers/config/recorder.js');
const { span } = require('../helpers/config/runner.js');
const { OTLPTraceExporter } = require('../..');

const ca = issue({ commonName: 'a CA', authority: true });
const { key, cert } = issue({ commonName: 'collector', names: ['127.0.0.1'], issuer: ca });

const SETTINGS = Buffer.from('000006040000000000000300000064', 'hex');
const GOAWAY = Buffer.from('00000807000000000000000000000000 01'.replace(' ', ''), 'hex');
const ALERT = Buffer.from('15030100020246', 'hex');
const GRPC_PORT = "looks like the gRPC port; use 4318 or protocol 'grpc'";
const HTTP_PORT = "looks like the HTTP port; use 4317 or protocol 'http/protobuf'";
const USE_TLS = 'speaks TLS; use https://';
const USE_PLAIN = 'does not speak TLS; use http://';

/** Says `first` as soon as somebody comes, `answer` to the first bytes, and closes. */
const says = (answer, first) => () =>
  net.createServer((socket) => {
    socket.on('error', () => {});
    if (first) socket.write(first);
    socket.once('data', () => socket.end(answer));
  });
const answers = (status, text) => () =>
  http.createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(status).end(text));
  });
const quietly = (server) => {
  for (const event of ['sessionError', 'tlsClientError']) server.on(event, () => {});
  return server;
};

/** Ways to send over each protocol. */
const SENDERS = {
  http: { native: {}, "Node's http": { transport: 'node' } },
  grpc: {
    native: { protocol: 'grpc' },
    "Node's http2": { protocol: 'grpc', transport: 'node' },
    '@grpc/grpc-js': { protocol: 'grpc', transport: 'node', credentials: grpc.credentials.createInsecure() },
  },
};
const SECURE = {
  http: {
    native: { httpAgentOptions: { ca: ca.cert } },
    "Node's http": { transport: 'node', httpAgentOptions: { ca: ca.cert } },
  },
  grpc: {
    native: { protocol: 'grpc', credentials: { rootCerts: ca.cert } },
    "Node's http2": { protocol: 'grpc', transport: 'node', credentials: { rootCerts: ca.cert } },
    '@grpc/grpc-js': {
      protocol: 'grpc',
      transport: 'node',
      credentials: grpc.credentials.createSsl(Buffer.from(ca.cert)),
    },
  },
};

const servers = new Set();
after(() => {
  for (const server of servers) {
    server.closeAllConnections?.();
    server.close();
  }
});

async function listening(server, port = 0, host = '127.0.0.1') {
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  servers.add(server);
  return `${host}:${server.address().port}`;
}

/** The error and the line about the loss, of an export that is not repeated. */
async function failedExport(address, scheme, options) {
  const { value: error, lines } = await recordDiag(async () => {
    const url = `${scheme}://user:secret@${address}/v1/traces?token=secret`;
    const exporter = new OTLPTraceExporter({
      url: options.protocol === 'grpc' ? `${scheme}://${address}` : url,
      timeoutMillis: 5000,
      retry: { maxAttempts: 1 },
      ...options,
    });
    const result = await new Promise((resolve) => exporter.export([span], resolve));
    await exporter.shutdown();
    return result.error;
  });
  const dropped = lines.filter((line) => line.startsWith('warn: Dropped '));
  assert.equal(dropped.length, 1, lines.join('\n'));
  assert.ok(!`${error.message}${lines.join()}`.includes('secret'), lines.join('\n'));
  return { error, line: dropped[0] };
}

/** Each is told in the error, which has a code, and in the line: the address, and `hint`. */
function named({ error, line }, address, hint) {
  assert.ok(error?.code !== undefined && error.code !== '', error?.message);
  for (const text of [error.message, line]) assert.ok(text.includes(address) && text.includes(hint), text);
}

function peersOf(scheme, senders, peers) {
  for (const [peer, [serve, hint]] of Object.entries(peers)) {
    for (const [way, options] of Object.entries(senders)) {
      const wanted = typeof hint === 'string' ? hint : hint[way];
      if (wanted === undefined) continue;
      it(`${peer}, ${way}`, async () => {
        const address = await listening(quietly(serve()));
        named(await failedExport(address, scheme, options), address, wanted);
      });
    }
  }
}

describe('F81: a gRPC port on an export over HTTP', () => {
  peersOf('http', SENDERS.http, {
    "Node's http2 (nghttp2, grpc-js)": [() => http2.createServer(), GRPC_PORT],
    'SETTINGS as soon as somebody comes, then the end (grpc-go, tonic)': [says('', SETTINGS), GRPC_PORT],
    'SETTINGS and GOAWAY (Netty, envoy, the C core)': [says(GOAWAY, SETTINGS), GRPC_PORT],
    'GOAWAY alone': [says(GOAWAY), GRPC_PORT],
    'a refusal in HTTP/1 (Kestrel)': [
      answers(400, 'An HTTP/1.x request was sent to an HTTP/2 only endpoint.'),
      GRPC_PORT,
    ],
  });
});

describe('F81: a gRPC port with TLS on an export over HTTP', () => {
  peersOf('https', SECURE.http, {
    // Our own stack names no protocol in its handshake, Node names HTTP/1.1.
    "Node's http2": [() => http2.createSecureServer({ key, cert }), GRPC_PORT],
  });
});

describe('F81: an HTTP port on an export over gRPC', () => {
  peersOf('http', SENDERS.grpc, {
    "Node's http": [() => http.createServer(), HTTP_PORT],
    'a refusal (Go)': [says('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n'), HTTP_PORT],
    'a page (old servers)': [says('<html><body>Bad Request</body></html>'), HTTP_PORT],
  });
});

describe('F81: an HTTP port with TLS on an export over gRPC', () => {
  peersOf('https', SECURE.grpc, {
    'that speaks HTTP/1.1 only': [() => https.createServer({ key, cert }), HTTP_PORT],
  });
});

describe('F81: TLS on one side only, HTTP', () => {
  peersOf('http', SENDERS.http, {
    'an alert (OpenSSL)': [says(ALERT), USE_TLS],
    'a refusal in words (Go)': [answers(400, 'Client sent an HTTP request to an HTTPS server.\n'), USE_TLS],
    'a page (nginx)': [answers(400, '<title>400 The plain HTTP request was sent to HTTPS port</title>'), USE_TLS],
  });
});
describe('F81: TLS on one side only, gRPC', () => {
  peersOf('http', SENDERS.grpc, {
    // The client of @grpc/grpc-js tells nothing of it.
    'an alert (OpenSSL)': [says(ALERT), { native: USE_TLS, "Node's http2": USE_TLS }],
  });
});
describe('F81: https to a port without TLS', () => {
  peersOf('https', SECURE.http, {
    "Node's http": [() => http.createServer(), USE_PLAIN],
    "Node's http2": [() => http2.createServer(), USE_PLAIN],
  });
});
describe('F81: https to a gRPC port without TLS', () => {
  peersOf('https', SECURE.grpc, {
    "Node's http2": [() => http2.createServer(), USE_PLAIN],
  });
});

describe('F81: a peer that says nothing and closes is known by the usual number of its port', () => {
  // An address of this process alone, so that the port is free.
  const host = `127.${1 + (process.pid % 250)}.${1 + (Math.floor(process.pid / 250) % 250)}.7`;
  const skip = process.platform !== 'linux' && 'only Linux has all of 127.0.0.0/8';
  const closes = () => says('')();
  const cases = [
    ['http', 'http', SENDERS.http, 4317, GRPC_PORT],
    ['grpc', 'http', SENDERS.grpc, 4318, HTTP_PORT],
  ];
  for (const [protocol, scheme, senders, port, hint] of cases) {
    for (const [way, options] of Object.entries(senders)) {
      it(`${port}, ${protocol}, ${way}`, { skip }, async () => {
        const server = closes();
        const address = await listening(server, port, host);
        named(await failedExport(address, scheme, options), address, hint);
        await new Promise((resolve) => server.close(resolve));
      });
      it(`and not by any other, ${protocol}, ${way}`, async () => {
        const { error } = await failedExport(await listening(closes()), scheme, options);
        assert.doesNotMatch(error.message, /looks like/);
      });
    }
  }
});

describe('F81: a peer that has begun in the right protocol is not taken for another', () => {
  for (const way of ['native', "Node's http2"]) {
    it(`gRPC, ${way}`, async () => {
      const empty = Buffer.from('000000040000000000', 'hex');
      const address = await listening(says('HTTP/1.1 400 Bad Request\r\n\r\n', empty)());
      const { error } = await failedExport(address, 'http', SENDERS.grpc[way]);
      assert.doesNotMatch(error.message, /looks like/);
    });
  }
});

describe('F81: a port that has answered over HTTP is the right one, also when it closes without an answer later', () => {
  const host = `127.${1 + (process.pid % 250)}.${1 + (Math.floor(process.pid / 250) % 250)}.8`;
  const skip = process.platform !== 'linux' && 'only Linux has all of 127.0.0.0/8';
  for (const [way, options] of Object.entries(SENDERS.http)) {
    it(way, { skip }, async () => {
      let count = 0;
      const server = http.createServer((request, response) => {
        count += 1;
        if (count > 1) request.socket.destroy();
        else request.resume().on('end', () => response.end());
      });
      const address = await listening(server, 4317, host);
      const exporter = new OTLPTraceExporter({ url: `http://${address}`, retry: { maxAttempts: 1 }, ...options });
      const exported = () => new Promise((resolve) => exporter.export([span], resolve));
      assert.equal((await exported()).code, 0);
      const { error } = await exported();
      assert.equal(error.code, 'ECONNRESET');
      assert.doesNotMatch(error.message, /looks like/);
      await exporter.shutdown();
      await new Promise((resolve) => server.close(resolve));
    });
  }
});

describe('F81: what a peer says is not shown', () => {
  for (const [way, options] of Object.entries({ ...SENDERS.http, ...SENDERS.grpc })) {
    it(way, async () => {
      const planted = says(Buffer.concat([SETTINGS, Buffer.from('planted'.repeat(200))]));
      const isHttp = options.protocol === undefined;
      const address = await listening(isHttp ? planted() : says('HTTP/1.1 400 planted\r\n\r\nplanted')());
      const { error, line } = await failedExport(address, 'http', options);
      assert.ok(!`${error.message}${line}`.includes('planted'), `${error.message} ${line}`);
    });
  }
});
