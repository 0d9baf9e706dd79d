'use strict';
// Credentials of @grpc/grpc-js that make tokens: one that is refused says nothing of the next.

const assert = require('node:assert/strict');
const { it } = require('node:test');
const grpc = require('@grpc/grpc-js');
const { OTLPTraceExporter } = require('../..');
const { rememberSsl } = require('../../js/config/grpc/known_credentials.js');
const { issue } = require('../helpers/config/certificates.js');
const { startGrpcReceiver } = require('../helpers/grpc/receiver.js');
const { PlainSpans } = require('../helpers/plain_spans.js');

for (const name of Object.keys(process.env)) if (/^GRPC_|proxy$/i.test(name)) delete process.env[name];

const spans = new PlainSpans(1);
const ca = issue({ commonName: 'a CA', authority: true });
const tls = issue({ commonName: 'localhost', issuer: ca, names: ['localhost'] });
const OLD = 'Bearer old';
const RENEWED = 'Bearer renewed';

for (const [name, isKnown, options] of [
  ['@grpc/grpc-js', false, {}],
  ['@grpc/grpc-js, with metadata of our own beside them', false, { metadata: () => ({ 'x-key': '1' }) }],
  ['our own stack', true, {}],
]) {
  for (const status of [16, 7]) {
    it(`status ${status}, sent through ${name}: the next export has the next token, and does not wait`, async (t) => {
      const otherwise = ({ headers }) => (headers.authorization === RENEWED ? 0 : status);
      const receiver = await startGrpcReceiver({ tls, otherwise }, t);
      let token = OLD;
      const generator = (_call, done) => {
        const metadata = new grpc.Metadata();
        metadata.set('authorization', token);
        done(null, metadata);
      };
      const roots = Buffer.from(ca.cert);
      const channel = grpc.credentials.createSsl(roots);
      if (isKnown) rememberSsl(channel, [roots]);
      const { combineChannelCredentials, createFromMetadataGenerator } = grpc.credentials;
      const credentials = combineChannelCredentials(channel, createFromMetadataGenerator(generator));
      const url = `https://localhost:${receiver.port}`;
      // What is held is held for 30 seconds, and lost after ten.
      const exporter = new OTLPTraceExporter({ protocol: 'grpc', url, credentials, ...options });
      t.after(() => exporter.shutdown({ timeoutMillis: 100 }));
      assert.equal((await exporter.exportSpans([spans.span()])).error.code, String(status));
      token = RENEWED;
      const { delivered, error } = await exporter.exportSpans([spans.span()]);
      assert.equal(delivered, 1, error?.message);
      assert.deepEqual(
        receiver.calls.map(({ headers }) => headers.authorization),
        [OLD, RENEWED],
      );
    });
  }
}
