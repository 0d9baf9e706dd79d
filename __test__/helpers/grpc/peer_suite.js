'use strict';
// Owns the tests of sending to a server of @grpc/grpc-js, in both of their forms.

const assert = require('node:assert/strict');
const { after, before, describe, it } = require('node:test');
const { expectedRequest } = require('../expected_request.js');
const {
  bySpan,
  CELLS,
  compareSpans,
  exportAll,
  makeMaterial,
  makeSpans,
  optionsOf,
  SECURITIES,
} = require('./peer_cells.js');
const { startGrpcJsServer } = require('./grpc_js_server.js');
const { startRelay } = require('./relay.js');

// What the machine says about gRPC and proxies is not the test's.
for (const name of Object.keys(process.env)) if (/^GRPC_|proxy$/i.test(name)) delete process.env[name];

const LARGEST = 4 * 1024 * 1024; // of a message, as both sides have it where nothing else is said

/**
 * @param {object} wanted
 * @param {number} wanted.spans how many in each cell
 * @param {number} wanted.seed of the spans
 * @param {('native' | 'node')[]} wanted.senders
 */
function comparePeer({ spans: count, seed, senders }) {
  const material = makeMaterial();
  const { spans, expected } = makeSpans(seed, count);
  const servers = {};
  before(async () => {
    for (const security of SECURITIES) {
      const server = await startGrpcJsServer(security, material);
      servers[security] = Object.assign(server, { relay: await startRelay(server.port) });
    }
  });
  after(() => {
    for (const { close, relay } of Object.values(servers)) {
      relay.close();
      close();
    }
  });

  for (const transport of senders) {
    describe(`${count} spans to @grpc/grpc-js, sender ${transport}`, () => {
      for (const cell of CELLS) {
        it(`${cell.security}, ${cell.compression}`, async () => {
          const server = servers[cell.security];
          const { relay } = server;
          relay.bytes = 0;
          const said = await exportAll(spans, { ...optionsOf(cell, material, relay.port), transport });
          const clients = new Set(server.calls.map(({ client }) => client));
          const sizes = server.calls.map(({ request }) => request.length);
          const { mismatches, spans: arrived } = compareSpans(expected, server.takeRequests());
          assert.deepEqual(said, { delivered: count, pending: 0, errors: [] });
          assert.deepEqual([arrived, mismatches], [count, []]);
          assert.deepEqual([...clients], [cell.security === 'mTLS' ? 'a client of peers' : undefined]);
          assert.ok(Math.max(...sizes) <= LARGEST, `${sizes}`);
          const isSmaller = relay.bytes < sizes.reduce((sum, size) => sum + size, 0);
          assert.equal(isSmaller, cell.compression === 'gzip', `${relay.bytes} bytes on the wire of ${sizes}`);
        });
      }
    });
  }

  it('the comparison sees what is missing, comes twice, was never sent or differs', () => {
    const [request] = structuredClone(expectedRequest(spans.slice(0, 40), 'protobuf'));
    const [{ spans: members }] = request.scopes;
    const wanted = bySpan([structuredClone([request])]);
    members[0].attributes.push(['more', ['int', '1']]);
    members[1].spanId = 'fedcba9876543210';
    const { mismatches } = compareSpans(wanted, [[request], [{ ...request, scopes: request.scopes.slice(1, 2) }]]);
    assert.match(mismatches.join(), /differs in attributes/);
    for (const what of [/ came 0 times/, / came 2 times/, /fedcba9876543210 was never sent/])
      assert.match(mismatches.join(), what);
  });

  it('a server that asks for a certificate hears nothing from a client without one', async () => {
    const server = servers.mTLS;
    const options = optionsOf({ security: 'TLS', compression: 'none' }, material, server.relay.port);
    for (const transport of senders) {
      const said = await exportAll(spans.slice(0, 1), { ...options, transport, retry: { maxAttempts: 1 } });
      assert.deepEqual([said.delivered, said.errors.map(({ code }) => code)], [0, ['14']]);
    }
    assert.equal(server.calls.length, 0);
  });
}

module.exports = { comparePeer };
