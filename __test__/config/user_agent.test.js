'use strict';
// `userAgent: true`: a collector can tell that Offloop sends, whatever the protocol and whoever makes the request.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { credentials } = require('@grpc/grpc-js');
const { OTLPTraceExporter } = require('../../index.js');
const { issue } = require('../helpers/config/certificates.js');
const { PlainSpans } = require('../helpers/plain_spans.js');
const { startGrpcReceiver } = require('../helpers/grpc/receiver.js');
const { startReceiver } = require('../helpers/receiver.js');
const { version } = require('../../package.json');

const { key, cert } = issue({ commonName: 'localhost', names: ['127.0.0.1'] });
const span = new PlainSpans(1).span();
const STOCK = 'OTel-OTLP-Exporter-JavaScript/0.223.1';
const OURS = `offloop/${version} ${STOCK}`;

async function agentOf(config, t) {
  const isGrpc = config.protocol === 'grpc';
  const receiver = isGrpc ? await startGrpcReceiver({ tls: { key, cert } }, t) : await startReceiver({}, t);
  const url = config.credentials === undefined ? receiver.origin : receiver.secureOrigin;
  const exporter = new OTLPTraceExporter({ url, ...config });
  const { delivered } = await exporter.exportSpans([span]);
  await exporter.shutdown();
  assert.equal(delivered, 1);
  const [{ headers }] = isGrpc ? receiver.calls : receiver.completed;
  return headers['user-agent'];
}

const ways = {
  'HTTP, protobuf': () => ({}),
  'HTTP, JSON': () => ({ protocol: 'http/json' }),
  'HTTP, live headers': () => ({ headers: { a: 'b' } }),
  'HTTP, a function of headers': () => ({ headers: async () => ({ a: 'b' }) }),
  "HTTP, through Node's http": () => ({ transport: 'node' }),
  gRPC: () => ({ protocol: 'grpc' }),
  "gRPC, through Node's http2": () => ({ protocol: 'grpc', transport: 'node' }),
  // An object of that package that tells nothing about itself is used by the package's own client.
  'gRPC, through @grpc/grpc-js': () => ({ protocol: 'grpc', credentials: credentials.createSsl(Buffer.from(cert)) }),
};

describe('X27: userAgent: true is the name and version of this package, in front of the stock text', () => {
  for (const [name, config] of Object.entries(ways))
    it(name, async (t) => {
      const agent = await agentOf({ ...config(), userAgent: true }, t);
      assert.equal(agent.replace(/ grpc-node-js\/\S+$/, ''), OURS);
      assert.equal(agent !== OURS, name.includes('grpc-js'), agent);
    });
});

describe('other values mean what they mean to the stock exporter', () => {
  for (const [value, expected] of [
    [undefined, STOCK],
    [null, STOCK],
    [false, STOCK],
    ['', STOCK],
    ['true', `true ${STOCK}`],
    ['mine/1', `mine/1 ${STOCK}`],
    [7, `7 ${STOCK}`],
  ])
    it(String(JSON.stringify(value)), async (t) => assert.equal(await agentOf({ userAgent: value }, t), expected));
});
