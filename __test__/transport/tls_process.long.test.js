'use strict';
// What a process trusts by default, by its variables and by what it sets: over HTTP as Node's own https does, and over gRPC as
// the stock exporter.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, describe, it } = require('node:test');
const { elsewhere } = require('../helpers/tls/elsewhere.js');
const { PROTOCOLS } = require('../helpers/tls/protocols.js');
const { chain, other, server, TEXTS } = require('../helpers/tls/texts.js');
const { ROOT } = require('../helpers/tls/chains.js');
const { make } = require('../helpers/tls/x509_maker.js');

const isLong = process.env.OFFLOOP_TEST_LONG === '1';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-tls-process-'));
after(() => fs.rmSync(directory, { recursive: true }));

function fileOf(name, text) {
  const file = path.join(directory, `${name.replace(/\W/g, '-')}.pem`);
  fs.writeFileSync(file, text);
  return file;
}

const COMPARE = 'const { node, ours, wrong } = await compare(url, {}); return [wrong, node.code];';

for (const [protocol, { rarer, refused, serve }] of Object.entries(PROTOCOLS)) {
  describe(`TLS material: what the process trusts, over ${protocol}`, () => {
    const ask = (source, port, env) => elsewhere(source, { port, env, protocol });
    const roots = {
      ...Object.fromEntries(TEXTS),
      'no authority': make({ ...ROOT, ca: false }).cert,
      'root that has expired': make({ ...ROOT, days: [-10, -1] }).cert,
      'root of version 1': make({ ...ROOT, version: 1 }).cert,
      'purpose client': make({ ...ROOT, purposes: ['client'] }).cert,
    };
    const short = ['as it is', 'BOM', 'broken first', 'broken last', 'no authority', 'root that has expired'];
    for (const name of isLong ? Object.keys(roots) : short.filter((_, index) => index % rarer === 0)) {
      it(`NODE_EXTRA_CA_CERTS: ${name}`, () =>
        serve(server, async (port) => {
          const env = { NODE_EXTRA_CA_CERTS: fileOf(`extra ${name}`, roots[name]) };
          const { lines, stderr } = await ask(COMPARE, port, env);
          assert.equal(lines[0], null, stderr);
          if (name === 'as it is') assert.equal(lines[1], 'ok', 'the variable counts');
        }));
    }

    it('NODE_EXTRA_CA_CERTS that is set, or taken away, after the start changes nothing', () =>
      serve(server, async (port) => {
        const file = fileOf('late', chain.root.cert);
        const late = `process.env.NODE_EXTRA_CA_CERTS = ${JSON.stringify(file)}; ${COMPARE}`;
        assert.deepEqual((await ask(late, port)).lines, [null, refused]);
        if (process.platform !== 'linux' && !require('node:tls').getCACertificates) return;
        const early = `delete process.env.NODE_EXTRA_CA_CERTS; ${COMPARE}`;
        assert.deepEqual((await ask(early, port, { NODE_EXTRA_CA_CERTS: file })).lines, [null, 'ok']);
      }));

    const canSet = require('node:tls').setDefaultCACertificates !== undefined;
    it(
      'tls.setDefaultCACertificates(): a root that is added counts, one that is taken away does not',
      { skip: !canSet },
      () =>
        serve(server, async (port) => {
          const source = `
        const lines = [];
        const ask = async (certificates) => {
          if (certificates) tls.setDefaultCACertificates(certificates);
          const { node, wrong } = await compare(url, {});
          lines.push([wrong, node.code]);
        };
        const before = tls.getCACertificates('default');
        await ask(null);
        await ask([...before, root]);
        await ask([root]);
        await ask([other]);
        return lines;`;
          const { lines } = await ask(source, port);
          assert.deepEqual(lines, [
            [null, refused],
            [null, 'ok'],
            [null, 'ok'],
            [null, refused],
          ]);
        }),
    );
  });
}

describe('TLS over gRPC: what only that reads', () => {
  const CIPHERS = ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384'];
  const roots = () => fileOf('roots of gRPC', chain.root.cert);
  const others = () => fileOf('other roots of gRPC', other.cert);
  const own = 'return [(await compare(url, { ca: root })).wrong, (await compare(url, { ca: root })).node.code];';
  const variable = (name, file) => ({ [name]: file });
  const ROOTS = 'GRPC_DEFAULT_SSL_ROOTS_FILE_PATH';
  const { serve } = PROTOCOLS.gRPC;

  // [what, variables, verdict, source, more of the server]
  const ROWS = [
    ['a file of roots', () => variable(ROOTS, roots()), 'ok'],
    [
      'a file of other roots, which counts in place of the default ones',
      () => ({ ...variable(ROOTS, others()), NODE_EXTRA_CA_CERTS: roots(), NODE_TLS_REJECT_UNAUTHORIZED: '0' }),
      '14',
    ],
    ['a file of other roots, and roots of the exporter', () => variable(ROOTS, others()), 'ok', own],
    ['a file of roots that is missing', () => variable(ROOTS, '/nowhere/roots.pem'), 'ENOENT'],
    ['NODE_TLS_REJECT_UNAUTHORIZED, which has no say', () => ({ NODE_TLS_REJECT_UNAUTHORIZED: '0' }), '14'],
    [
      'the same where ciphers have Node send',
      () => ({ NODE_TLS_REJECT_UNAUTHORIZED: '0', GRPC_SSL_CIPHER_SUITES: CIPHERS[0] }),
      '14',
    ],
    ...CIPHERS.map((ciphers) => [
      `the ciphers ${ciphers}`,
      () => ({ ...variable(ROOTS, roots()), GRPC_SSL_CIPHER_SUITES: ciphers }),
      ciphers === CIPHERS[0] ? 'ok' : '14',
      COMPARE,
      { ciphers: CIPHERS[0], maxVersion: 'TLSv1.2' },
    ]),
  ];
  for (const [what, variables, verdict, source = COMPARE, more] of ROWS) {
    it(what, () =>
      serve({ ...server, ...more }, async (port) => {
        const { lines } = await elsewhere(source, { port, protocol: 'gRPC', env: variables() });
        assert.deepEqual(lines, [null, verdict]);
      }),
    );
  }
});
