'use strict';
// Settings that Node reads when a process starts, and defaults that need the well-known port: one process per export, with
// the stock exporter and with ours. The process has to end by itself.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { promisify } = require('node:util');
const { issue } = require('../helpers/config/certificates.js');
const { startRecorder } = require('../helpers/config/recorder.js');
const { span } = require('../helpers/config/runner.js');
const { STOCK } = require('../helpers/config/subjects.js');

const run = promisify(execFile);
const { traceId } = span.spanContext();
const program = path.join(__dirname, '..', 'helpers', 'config', 'process_program.js');
const ca = issue({ commonName: 'a CA', authority: true });
const server = issue({ commonName: 'collector', names: ['127.0.0.1'], issuer: ca });
const selfSigned = issue({ commonName: 'lone', names: ['127.0.0.1'], authority: true });

let directory;
let tls;
let tls12;
let lone;
let plain;
before(async () => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-process-'));
  fs.writeFileSync(path.join(directory, 'ca.pem'), ca.cert);
  fs.writeFileSync(path.join(directory, 'lone.pem'), selfSigned.cert);
  fs.writeFileSync(path.join(directory, 'broken.pem'), 'nothing');
  tls = await startRecorder({ tls: { key: server.key, cert: server.cert } });
  tls12 = await startRecorder({ tls: { key: server.key, cert: server.cert, maxVersion: 'TLSv1.2' } });
  lone = await startRecorder({ tls: { key: selfSigned.key, cert: selfSigned.cert } });
  plain = await startRecorder();
});
after(async () => {
  for (const recorder of [tls, tls12, lone, plain]) await recorder.close();
  fs.rmSync(directory, { recursive: true });
});

async function runProgram(subject, protocol, { config = {}, env = {}, flags = [] }) {
  for (const recorder of [tls, tls12, lone, plain]) recorder.reset();
  const { stdout, stderr } = await run(
    process.execPath,
    [...flags, program, subject, protocol, JSON.stringify(config)],
    {
      timeout: 20_000,
      env: { PATH: process.env.PATH, ...env },
    },
  );
  const requests = [tls, tls12, lone, plain].map((recorder) =>
    recorder.requests.map(({ path: url, body }) => ({ url, body })),
  );
  const result = JSON.parse(stdout);
  if (result.error) {
    // OpenSSL's texts name lines of its source.
    result.error = { kind: result.error.kind, code: result.error.code };
  }
  return { result, requests, stderr: stderr.replace(/\(node:\d+\)/g, '(node)') };
}

const file = (name) => path.join(directory, name);
const scenarios = {
  'NODE_EXTRA_CA_CERTS is trusted': () => ({
    config: { url: `${tls.origin}/x` },
    env: { NODE_EXTRA_CA_CERTS: file('ca.pem') },
    code: 0,
  }),
  'NODE_EXTRA_CA_CERTS counts beside agent options': () => ({
    config: { url: `${tls.origin}/x`, httpAgentOptions: { keepAlive: true } },
    env: { NODE_EXTRA_CA_CERTS: file('ca.pem') },
    code: 0,
  }),
  'NODE_EXTRA_CA_CERTS does not count beside an own CA': () => ({
    config: {
      url: `${tls.origin}/x`,
      httpAgentOptions: { ca: issue({ commonName: 'another', authority: true }).cert },
    },
    env: { NODE_EXTRA_CA_CERTS: file('ca.pem') },
    code: 1,
  }),
  'NODE_EXTRA_CA_CERTS unreadable': () => ({
    config: { url: `${tls.origin}/x` },
    env: { NODE_EXTRA_CA_CERTS: file('missing.pem') },
    code: 1,
  }),
  'NODE_TLS_REJECT_UNAUTHORIZED=0': () => ({
    config: { url: `${tls.origin}/x` },
    env: { NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_NO_WARNINGS: '1' },
    code: 0,
  }),
  '--tls-min-v1.3 and a server of TLS 1.2': () => ({
    config: { url: `${tls12.origin}/x`, httpAgentOptions: { ca: ca.cert } },
    flags: ['--tls-min-v1.3'],
    code: 1,
  }),
  '--tls-max-v1.2': () => ({
    config: { url: `${tls12.origin}/x`, httpAgentOptions: { ca: ca.cert } },
    flags: ['--tls-max-v1.2'],
    code: 0,
  }),
  '--tls-cipher-list that the server lacks': () => ({
    config: { url: `${tls12.origin}/x`, httpAgentOptions: { ca: ca.cert } },
    flags: ['--tls-cipher-list=ECDHE-RSA-AES128-GCM-SHA256'],
    code: 1,
  }),
  '--use-openssl-ca with SSL_CERT_FILE': () => ({
    config: { url: `${tls.origin}/x` },
    env: { SSL_CERT_FILE: file('ca.pem') },
    flags: ['--use-openssl-ca'],
    code: 0,
  }),
  ...(process.allowedNodeEnvironmentFlags.has('--use-system-ca') && {
    '--use-system-ca': () => ({
      config: { url: `${tls.origin}/x` },
      env: { SSL_CERT_FILE: file('ca.pem') },
      flags: ['--use-system-ca'],
      code: 0,
    }),
    '--use-system-ca and a certificate that is its own root': () => ({
      config: { url: `${lone.origin}/x` },
      env: { SSL_CERT_FILE: file('lone.pem') },
      flags: ['--use-system-ca'],
      code: 0,
    }),
  }),
  'SSL_CERT_FILE alone is nothing to Node': () => ({
    config: { url: `${tls.origin}/x` },
    env: { SSL_CERT_FILE: file('ca.pem') },
    code: 1,
  }),
  'no CA store at all and plain http': () => ({
    config: { url: `${plain.origin}/x` },
    env: { SSL_CERT_FILE: file('missing.pem'), SSL_CERT_DIR: file('missing') },
    code: 0,
  }),
  'proxy variables': () => ({
    config: { url: `${plain.origin}/x` },
    env: { HTTP_PROXY: 'http://127.0.0.1:9', http_proxy: 'http://127.0.0.1:9', NODE_USE_ENV_PROXY: '1' },
    code: 0,
  }),
  'a relative certificate path': () => ({
    config: { url: `${tls.origin}/x` },
    env: { OTEL_EXPORTER_OTLP_CERTIFICATE: path.relative(process.cwd(), file('ca.pem')) },
    code: 0,
  }),
};

for (const protocol of Object.keys(STOCK)) {
  describe(`a process of its own, ${protocol}: stock beside ours`, () => {
    for (const [name, make] of Object.entries(scenarios)) {
      it(name, async () => {
        const scenario = make();
        const stock = await runProgram('stock', protocol, scenario);
        assert.equal(stock.result.code, scenario.code, JSON.stringify(stock));
        assert.deepEqual(await runProgram('ours', protocol, scenario), stock);
      });
    }

    it('without any configuration it sends to localhost:4318', async (t) => {
      const wellKnown = await listenOnWellKnownPort();
      if (wellKnown === null) return t.skip('port 4318 of this machine is in use');
      try {
        const seen = [];
        for (const subject of ['stock', 'ours']) {
          wellKnown.reset();
          const { stdout } = await run(process.execPath, [program, subject, protocol, '{}'], {
            timeout: 20_000,
            env: {},
          });
          assert.equal(JSON.parse(stdout).code, 0);
          const requests = wellKnown.requests.map(({ path: url, headers, body }) => ({
            url,
            host: headers.host,
            body,
          }));
          seen.push(requests.filter(({ body }) => JSON.stringify(body).includes(traceId)));
        }
        assert.deepEqual(seen[1], seen[0]);
        assert.deepEqual(
          seen[0].map(({ url }) => url),
          ['/v1/traces'],
        );
      } finally {
        await wellKnown.close();
      }
    });
  });
}

/** Another program on this machine may be using the port for a moment, or sending to it. */
async function listenOnWellKnownPort() {
  for (let tries = 1; ; tries++) {
    try {
      return await startRecorder({ listen: { port: 4318, host: '127.0.0.1' } });
    } catch (error) {
      if (error.code !== 'EADDRINUSE') throw error;
      if (tries === 50) return null;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
