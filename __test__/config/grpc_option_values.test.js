'use strict';
// Every option of the stock exporter over gRPC with every odd value, through the public constructor and with spans behind it:
// an error at construction, or an export that is answered, and where the stock exporter takes the value, as it does.

const assert = require('node:assert/strict');
const { after, before, describe, it } = require('node:test');
const { OTLPTraceExporter: Stock } = require('@opentelemetry/exporter-trace-otlp-grpc');
const { OTLPTraceExporter } = require('../../js/entries/otlp_grpc.js');
const { span } = require('../helpers/config/runner.js');
const { startGrpcReceiver } = require('../helpers/grpc/receiver.js');
const { ODD_VALUES, optionsWith } = require('../helpers/odd_values.js');

let receiver;
before(async () => {
  receiver = await startGrpcReceiver();
});
after(() => receiver.close());

async function run(Exporter, options) {
  receiver.reset();
  let exporter;
  try {
    exporter = new Exporter({ url: receiver.origin, timeoutMillis: 2000, retry: { maxAttempts: 1 }, ...options });
  } catch {
    return { made: false };
  }
  const code = await new Promise((resolve) => {
    try {
      exporter.export([span], (result) => resolve(result.code));
    } catch (thrown) {
      resolve(thrown);
    }
  });
  await exporter.shutdown();
  const [call] = receiver.calls;
  const sent = call && { encoding: call.headers['grpc-encoding'], spans: call.spans };
  return { made: true, code, sent, pending: exporter.stats?.().pending };
}

// What ours takes in addition: plain objects as metadata and credentials, and functions of metadata.
const MORE = new Set(['metadata', 'credentials']);
// The stock exporter calls methods of a text whatever it is given.
const OURS_REFUSES = new Set(['concurrencyLimit', 'userAgent', 'selfObsMeterProvider']);

const OPTIONS = ['url', 'timeoutMillis', 'compression', 'concurrencyLimit', 'userAgent', 'selfObsMeterProvider'].concat(
  ['metadata', 'credentials', 'headers', 'keepAlive', 'httpAgentOptions'],
);

describe('odd values over gRPC', () => {
  for (const name of OPTIONS) {
    it(name, async () => {
      for (const [what, make] of Object.entries(ODD_VALUES)) {
        const ours = await run(OTLPTraceExporter, optionsWith(name, make()));
        assert.ok(!ours.made || [0, 1].includes(ours.code), `${what}: export() threw ${ours.code}`);
        if (ours.made) assert.equal(ours.pending, 0, what);
        // @grpc/grpc-js throws where nobody can catch it for a deadline that is too far.
        if (name === 'timeoutMillis' && what === '2^53') continue;
        const stock = await run(Stock, optionsWith(name, make()));
        delete ours.pending;
        delete stock.pending;
        if (MORE.has(name) && (stock.code !== 0 || ours.code === 0)) continue;
        if (what === '1.5') continue; // an export within a millisecond is a matter of luck
        if (OURS_REFUSES.has(name) && !ours.made) continue;
        if (!stock.made || typeof stock.code !== 'number') continue;
        assert.deepEqual({ what, ...ours }, { what, ...stock });
      }
    });
  }
});
