'use strict';
// No secret of a configuration shows in anything the library says: log lines, errors, snapshots, the exporter itself.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, it } = require('node:test');
const { promisify } = require('node:util');
const { issue } = require('../helpers/config/certificates.js');
const { startRecorder } = require('../helpers/config/recorder.js');

const run = promisify(execFile);
const ca = issue({ commonName: 'a CA', authority: true });
const server = issue({ commonName: 'collector', names: ['127.0.0.1'], issuer: ca });
const client = issue({ commonName: 'client', issuer: ca });
const secrets = {
  header: 'plantedHeaderSecret',
  variable: 'plantedVariableSecret',
  credential: 'plantedCredentialSecret',
  passphrase: 'plantedPassphraseSecret',
  keyText: 'plantedKeySecret',
  proxy: 'plantedProxySecret',
};
/** Forms in which a secret could come out. */
const forms = (text) => [text, Buffer.from(text).toString('base64').replace(/=+$/, ''), encodeURIComponent(text)];

let directory;
let plain;
let tls;
before(async () => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-secrets-'));
  for (const [name, text] of Object.entries({ ca: ca.cert, cert: client.cert, key: client.key })) {
    fs.writeFileSync(path.join(directory, name), text);
  }
  plain = await startRecorder();
  plain.respond = (request, response) => {
    const status = Number(request.url.slice(1)) || 200;
    response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end();
  };
  tls = await startRecorder({ tls: { key: server.key, cert: server.cert } });
});
after(async () => {
  await plain.close();
  await tls.close();
  fs.rmSync(directory, { recursive: true });
});

it('no planted secret is printed', { timeout: 60_000 }, async () => {
  const files = Object.fromEntries(
    ['ca', 'cert', 'key', 'directory'].map((name) => [name, path.join(directory, name)]),
  );
  const program = path.join(__dirname, '..', 'helpers', 'config', 'secretive_program.js');
  const argument = JSON.stringify({ origin: plain.origin, tlsOrigin: tls.origin, files, secrets });
  const env = { ...process.env, OFFLOOP_LOG: 'all' };
  const { stdout, stderr } = await run(process.execPath, [program, argument], { env, maxBuffer: 64 << 20 });
  assert.match(stderr, /^(offloop: \w+: .*\n)+$/);
  assert.ok(stderr.includes('exporter 1: OTLPTraceExporter') && stderr.includes('Not Found'), stderr);
  assert.ok(stdout.includes('items to be sent') && stdout.includes('Not Found'), 'the program has said something');

  // The secrets were really in use.
  const headers = plain.requests.map((request) => JSON.stringify(request.headers)).join('\n');
  assert.ok(headers.includes(secrets.header) && headers.includes(secrets.variable));
  assert.ok(headers.includes(Buffer.from(`user:${secrets.credential}`).toString('base64')));
  assert.ok(tls.requests.length > 0, 'the client key was in use');
  const ofProxy = Buffer.from(`user:${secrets.proxy}`).toString('base64');
  assert.ok(headers.includes(ofProxy), 'the proxy was in use');

  const keyLines = client.key.split('\n').filter((line) => line.length > 20 && !line.startsWith('-----'));
  const basic = Buffer.from(`user:${secrets.credential}`).toString('base64');
  for (const planted of [...Object.values(secrets).flatMap(forms), basic, ofProxy, ...keyLines]) {
    for (const text of [stdout, stderr]) {
      const at = text.indexOf(planted);
      assert.equal(at, -1, `found ${planted} in: ${text.slice(Math.max(0, at - 200), at + 100)}`);
    }
  }
});
