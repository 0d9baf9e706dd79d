'use strict';
// The other axes of the TLS matrix: how certificates are written down, where they come from, and what a client shows.
// Again Node's own https says what is right, and over gRPC the stock exporter.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { build, MIDDLE, ROOT } = require('../helpers/tls/chains.js');
const { PROTOCOLS } = require('../helpers/tls/protocols.js');
const { judgeAll } = require('../helpers/tls/serve.js');
const { BOM, broken, chain, other, server, TEXTS } = require('../helpers/tls/texts.js');
const { listenToMoves } = require('../helpers/tls/verdicts.js');
const { make } = require('../helpers/tls/x509_maker.js');

const isLong = process.env.OFFLOOP_TEST_LONG === '1';
const { root, leaf } = chain;

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-tls-material-'));
before(listenToMoves);
after(() => fs.rmSync(directory, { recursive: true }));

function fileOf(name, text) {
  const file = path.join(directory, `${name.replace(/\W/g, '-')}.pem`);
  fs.writeFileSync(file, text);
  return file;
}

/** Of the rows of the short form those that a protocol has. */
const rarely = (rows, rarer) => (isLong ? rows : rows.filter((_, index) => index % rarer === 0));

for (const [name, { compare, compareByVariable, rarer, serve }] of Object.entries(PROTOCOLS)) {
  describe(`TLS material: how a certificate is written, over ${name}`, () => {
    it('as text, as bytes and in a list', () =>
      serve(server, async (port) => {
        const rows = TEXTS.flatMap(([name, text]) => [
          { name, ca: text },
          { name: `${name}, bytes`, ca: Buffer.from(text) },
          { name: `${name}, in a list`, ca: [other.cert, text] },
        ]);
        const wrong = await judgeAll(
          rarely(isLong ? rows : rows.filter((_, index) => index % 3 < 1 || index % 5 === 0), rarer),
          async ({ ca }) => {
            const { wrong } = await compare(`https://localhost:${port}/`, { ca });
            return wrong ? [wrong] : [];
          },
        );
        assert.deepEqual(wrong, []);
      }));

    it('in the file of OTEL_EXPORTER_OTLP_CERTIFICATE', () =>
      serve(server, async (port) => {
        const wrong = [];
        for (const [name, text] of rarely(TEXTS.slice(1), 3 + rarer)) {
          process.env.OTEL_EXPORTER_OTLP_CERTIFICATE = fileOf(name, text);
          try {
            const { wrong: line } = await compareByVariable(`https://localhost:${port}/`, Buffer.from(text));
            if (line) wrong.push(`${name}: ${line}`);
          } finally {
            delete process.env.OTEL_EXPORTER_OTLP_CERTIFICATE;
          }
        }
        assert.deepEqual(wrong, []);
      }));
  });

  describe(`TLS material: what a client shows, over ${name}`, () => {
    const CLIENT = { subject: 'client', ca: false, usage: ['digitalSignature'], purposes: ['client'] };
    const keys = ['P-256', 'P-384', 'P-521', 'rsa-2048', 'pss-2048', 'ed25519'];
    const clients = [
      ['ordinary', CLIENT],
      ['version 1', { ...CLIENT, version: 1 }],
      ['expired', { ...CLIENT, days: [-10, -1] }],
      ['purpose server', { ...CLIENT, purposes: ['server'] }],
      ['unknown critical extension', { ...CLIENT, unknown: 'critical' }],
      ['signed with SHA-1', { ...CLIENT, hash: 'sha1' }],
      ...keys.map((key) => [`key ${key}`, { ...CLIENT, key }]),
    ].flatMap(([name, spec]) => {
      const [direct, [, between, below]] = [make(spec, root), build([ROOT, MIDDLE, spec])];
      const ca = [root.cert, between.cert];
      return [
        { name, cert: direct.cert, key: direct.key, ca: root.cert },
        { name: `${name}, without what is between`, cert: below.cert, key: below.key, ca: root.cert },
        {
          name: `${name}, what is between in the file`,
          cert: below.cert + between.cert,
          key: below.key,
          ca: root.cert,
        },
        { name: `${name}, what is between in ca`, cert: below.cert, key: below.key, ca },
      ];
    });
    const pair = make(CLIENT, root);
    const texts = [
      ['BOM in both', BOM + pair.cert, BOM + pair.key],
      ['CRLF', pair.cert.replaceAll('\n', '\r\n'), pair.key.replaceAll('\n', '\r\n')],
      ['both in one file', pair.key + pair.cert, pair.key + pair.cert],
      ['both in one file, certificate first', pair.cert + pair.key, pair.cert + pair.key],
      ['old form of the key', pair.cert, pair.privateKey.export({ type: 'sec1', format: 'pem' })],
      ['certificate twice', pair.cert + pair.cert, pair.key],
      ['broken behind it', pair.cert + broken, pair.key],
      ['key of another', pair.cert, leaf.key],
      ['the root with it', pair.cert + root.cert, pair.key],
    ].map(([name, cert, key]) => ({ name, cert, key, ca: root.cert }));
    // A server's alert and the end of its connection race each other, with Node as with us.
    const isRefusal = (code) => code !== 'ok';

    for (const version of ['TLSv1.3', 'TLSv1.2']) {
      it(`over ${version}`, async () => {
        const mutual = { ...server, ca: root.cert, requestCert: true, rejectUnauthorized: true, maxVersion: version };
        const some = [...clients, ...texts].filter(
          (_, index) => isLong || index % 4 === (version === 'TLSv1.3' ? 0 : 3),
        );
        const rows = rarely(some, rarer);
        const wrong = await serve(mutual, (port) =>
          judgeAll(rows, async ({ cert, key, ca }) => {
            const url = `https://localhost:${port}/`;
            const { node, ours, wrong } = await compare(url, { cert, key, ca }, { timeoutMillis: 2000 });
            return wrong && !(isRefusal(node.code) && isRefusal(ours.code)) ? [wrong] : [];
          }),
        );
        assert.deepEqual(wrong, []);
      });
    }
  });
}
