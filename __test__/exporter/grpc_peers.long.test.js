'use strict';
// The long form of grpc_peers.test.js: requests of every size, up to where one has to be split, and a server that is
// restarted while spans are on their way.

const assert = require('node:assert/strict');
const { setTimeout: sleep } = require('node:timers/promises');
const { it } = require('node:test');
const { OTLPTraceExporter } = require('../../js/entries/otlp_grpc.js');
const { startGrpcJsServer } = require('../helpers/grpc/grpc_js_server.js');
const { compareSpans, makeMaterial, makeSpans, optionsOf } = require('../helpers/grpc/peer_cells.js');
const { comparePeer } = require('../helpers/grpc/peer_suite.js');

comparePeer({ spans: 10_000, seed: 12, senders: ['native'] });

const COUNT = 4000;
const BATCH = 20;
const RESTART_MILLIS = 300;

for (const security of ['plain', 'TLS']) {
  for (const transport of ['native', 'node']) {
    it(`a server that is restarted again and again, ${security}, sender ${transport}`, async () => {
      const material = makeMaterial();
      const { spans, expected } = makeSpans(14, COUNT);
      let server = await startGrpcJsServer(security, material);
      const { port } = server;
      const options = optionsOf({ security, compression: 'gzip' }, material, port);
      const exporter = new OTLPTraceExporter({ ...options, transport, timeoutMillis: 60_000 });
      const exported = [];
      let isOver = false;
      const sendAll = async () => {
        for (let at = 0; at < COUNT; at += BATCH) {
          exported.push(exporter.exportSpans(spans.slice(at, at + BATCH)));
          await sleep(10);
        }
        isOver = true;
      };
      const sending = sendAll();
      const requests = [];
      let [restarts, isGraceful] = [0, true];
      while (!isOver) {
        await sleep(RESTART_MILLIS);
        isGraceful = (await server.stop()) && isGraceful;
        requests.push(...server.takeRequests());
        server = await startGrpcJsServer(security, material, port);
        restarts += 1;
      }
      await sending;
      await Promise.all(exported);
      requests.push(...server.takeRequests());
      const { delivered, dropped } = exporter.stats();
      await exporter.shutdown();
      server.close();
      assert.deepEqual({ delivered, dropped }, { delivered: COUNT, dropped: {} });
      assert.ok(restarts > 3, `${restarts} restarts`);
      // An answer that was cut off makes a batch go out twice.
      const { mismatches } = compareSpans(expected, requests);
      assert.deepEqual(isGraceful ? mismatches : mismatches.filter((line) => !/ came [2-9] times/.test(line)), []);
    });
  }
}
