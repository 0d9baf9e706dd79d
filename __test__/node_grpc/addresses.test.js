'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { runProgram } = require('../helpers/child.js');
const { issue } = require('../helpers/config/certificates.js');
const { startGrpcReceiver } = require('../helpers/grpc/receiver.js');

// Names with several addresses, where Node sends: its net module tries one after the other.

const ca = issue({ commonName: 'authority of addresses', authority: true });
const { cert, key } = issue({ commonName: 'localhost', names: ['localhost'], issuer: ca });

/** What a resolver answers on most machines; nobody listens at the first. */
const TWO_ADDRESSES = `
  const both = [{ address: '::1', family: 6 }, { address: '127.0.0.1', family: 4 }];
  require('node:dns').lookup = (_host, options, done) =>
    process.nextTick(() => options.all ? done(null, both) : done(null, both[0].address, 6));`;

for (const [how, tls] of [
  ['plain', null],
  ['over TLS', { cert, key }],
]) {
  test(`a name whose first address refuses is reached at its second, ${how}`, async (t) => {
    const receiver = await startGrpcReceiver({ tls }, t);
    const url = tls === null ? receiver.origin.replace('127.0.0.1', 'localhost') : `https://localhost:${receiver.port}`;
    const { code, signal, stdout, stderr } = await runProgram(
      `${TWO_ADDRESSES}
       const credentials = ${JSON.stringify(tls === null ? undefined : { rootCerts: ca.cert })};
       const exporter = new OTLPTraceExporter({ protocol: 'grpc', transport: 'node', url, credentials });
       exporter.exportSpans(makeSpans(3)).then(({ delivered, error }) => console.log(delivered, error?.message));`,
      { url },
    );
    assert.deepEqual({ code, signal, stdout, stderr }, { code: 0, signal: null, stdout: '3 undefined\n', stderr: '' });
    assert.equal(receiver.spans, 3);
  });
}
