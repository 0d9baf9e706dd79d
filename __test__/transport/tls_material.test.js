'use strict';
// The other axes of the TLS matrix: how certificates are written down, where they come from, and what a client shows.
// Again Node's own https says what is right.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { build, LEAF, MIDDLE, ROOT } = require('../helpers/tls/chains.js');
const { compare, difference, judgeAll, serve } = require('../helpers/tls/serve.js');
const { listenToMoves, verdictOfOurs, verdictOfNode } = require('../helpers/tls/verdicts.js');
const { make } = require('../helpers/tls/x509_maker.js');

const isLong = process.env.OFFLOOP_TEST_LONG === '1';
const [root, middle, leaf] = build([ROOT, MIDDLE, LEAF]);
const other = make({ ...ROOT, subject: 'Another Root' });
const server = { cert: leaf.cert + middle.cert, key: leaf.key };
const BOM = '\ufeff';
const broken = root.cert.replace(/\n[^-\n]{20}/, '\n!!!!');
const [firstLine, ...rest] = root.cert.split('\n');

// How a text that should hold the root can be written: [what, text].
const TEXTS = [
  ['as it is', root.cert],
  ['BOM', BOM + root.cert],
  ['BOM twice', BOM + BOM + root.cert],
  ['BOM between', other.cert + BOM + root.cert],
  ['BOM, another first', BOM + other.cert + root.cert],
  ['CRLF', root.cert.replaceAll('\n', '\r\n')],
  ['CR only', root.cert.replaceAll('\n', '\r')],
  ['no newline at the end', root.cert.trimEnd()],
  ['twice', root.cert + root.cert],
  ['another first', other.cert + root.cert],
  ['another last', root.cert + other.cert],
  ['glued together', other.cert.trimEnd() + root.cert],
  ['text around', `a comment\n${root.cert}\nanother\n`],
  ['text in front on the same line', `x ${root.cert}`],
  ['blank in front', ` ${root.cert}`],
  ['blanks at the end of lines', root.cert.replaceAll('\n', '  \n')],
  ['blank lines inside', [firstLine, '', ...rest].join('\n')],
  ['one long line', `${firstLine}\n${rest.slice(0, -2).join('')}\n${rest.at(-2)}\n`],
  ['lines of 76', root.cert.replace(/[^-]{64}\n/g, (line) => line)],
  ['broken first', broken + root.cert],
  ['broken last', root.cert + broken],
  ['cut off', root.cert.slice(0, -40)],
  ['cut off, then whole', root.cert.slice(0, -40) + root.cert],
  ['another label', root.cert.replaceAll('CERTIFICATE', 'X509 CERTIFICATE')],
  ['trusted label', root.cert.replaceAll('CERTIFICATE', 'TRUSTED CERTIFICATE')],
  ['label that is none', root.cert.replaceAll('CERTIFICATE', 'CERT')],
  ['label with another end', root.cert.replace('END CERTIFICATE', 'END CERT')],
  ['a key beside it', leaf.key + root.cert],
  ['a key behind it', root.cert + leaf.key],
  ['empty lines only', '\n\n'],
  ['DER', Buffer.from(rest.slice(0, -2).join(''), 'base64')],
  ['UTF-16', Buffer.from(BOM + root.cert, 'utf16le')],
  ['middle only', middle.cert],
  ['middle and root', middle.cert + root.cert],
];

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'offloop-tls-material-'));
before(listenToMoves);
after(() => fs.rmSync(directory, { recursive: true }));

function fileOf(name, text) {
  const file = path.join(directory, `${name.replace(/\W/g, '-')}.pem`);
  fs.writeFileSync(file, text);
  return file;
}

describe('TLS material: how a certificate is written', () => {
  it('as text, as bytes and in a list', () =>
    serve(server, async (port) => {
      const rows = TEXTS.flatMap(([name, text]) => [
        { name, ca: text },
        { name: `${name}, bytes`, ca: Buffer.from(text) },
        { name: `${name}, in a list`, ca: [other.cert, text] },
      ]);
      const wrong = await judgeAll(
        isLong ? rows : rows.filter((_, index) => index % 3 < 1 || index % 5 === 0),
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
      for (const [name, text] of TEXTS.filter((_, index) => isLong || index % 4 === 1)) {
        process.env.OTEL_EXPORTER_OTLP_CERTIFICATE = fileOf(name, text);
        try {
          const url = `https://localhost:${port}/`;
          const asked = verdictOfOurs(url, undefined);
          const line = difference(await verdictOfNode(url, { ca: Buffer.from(text) }), await asked);
          if (line) wrong.push(`${name}: ${line}`);
        } finally {
          delete process.env.OTEL_EXPORTER_OTLP_CERTIFICATE;
        }
      }
      assert.deepEqual(wrong, []);
    }));
});

/** Runs `work` in a process of its own; it gets `url` and `certificates` and answers lines of what is wrong. */
function elsewhere(source, { port, env = {} }) {
  const program = `
    const { compare } = require('./__test__/helpers/tls/serve.js');
    const { listenToMoves, verdictOfOurs, verdictOfNode } = require('./__test__/helpers/tls/verdicts.js');
    const tls = require('node:tls');
    const { root, other } = JSON.parse(process.env.MATERIAL);
    const url = process.env.COLLECTOR;
    listenToMoves();
    (async () => { ${source} })().then((lines) => { console.log(JSON.stringify(lines)); process.exit(); });`;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['-e', program], {
      cwd: path.join(__dirname, '..', '..'),
      env: {
        ...process.env,
        NODE_TEST_CONTEXT: undefined,
        NODE_EXTRA_CA_CERTS: undefined,
        COLLECTOR: `https://localhost:${port}/`,
        MATERIAL: JSON.stringify({ root: root.cert, other: other.cert }),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.once('close', () => {
      try {
        resolve({ lines: JSON.parse(stdout), stderr });
      } catch {
        reject(new Error(`no answer: ${stdout}${stderr}`));
      }
    });
  });
}

const COMPARE = 'const { node, ours, wrong } = await compare(url, {}); return [wrong, node.code];';

describe('TLS material: what the process trusts', () => {
  const roots = {
    ...Object.fromEntries(TEXTS),
    'no authority': make({ ...ROOT, ca: false }).cert,
    'root that has expired': make({ ...ROOT, days: [-10, -1] }).cert,
    'root of version 1': make({ ...ROOT, version: 1 }).cert,
    'purpose client': make({ ...ROOT, purposes: ['client'] }).cert,
  };
  const short = ['as it is', 'BOM', 'broken first', 'broken last', 'no authority', 'root that has expired'];
  for (const name of isLong ? Object.keys(roots) : short) {
    it(`NODE_EXTRA_CA_CERTS: ${name}`, () =>
      serve(server, async (port) => {
        const env = { NODE_EXTRA_CA_CERTS: fileOf(`extra ${name}`, roots[name]) };
        const { lines, stderr } = await elsewhere(COMPARE, { port, env });
        assert.equal(lines[0], null, stderr);
        if (name === 'as it is') assert.equal(lines[1], 'ok', 'the variable counts');
      }));
  }

  it('NODE_EXTRA_CA_CERTS that is set, or taken away, after the start changes nothing', () =>
    serve(server, async (port) => {
      const file = fileOf('late', root.cert);
      const late = `process.env.NODE_EXTRA_CA_CERTS = ${JSON.stringify(file)}; ${COMPARE}`;
      assert.deepEqual((await elsewhere(late, { port })).lines, [null, 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY']);
      if (process.platform !== 'linux' && !require('node:tls').getCACertificates) return;
      const early = `delete process.env.NODE_EXTRA_CA_CERTS; ${COMPARE}`;
      assert.deepEqual((await elsewhere(early, { port, env: { NODE_EXTRA_CA_CERTS: file } })).lines, [null, 'ok']);
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
        const refused = [null, 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'];
        const { lines } = await elsewhere(source, { port });
        assert.deepEqual(lines, [refused, [null, 'ok'], [null, 'ok'], refused]);
      }),
  );
});

describe('TLS material: what a client shows', () => {
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
      { name: `${name}, what is between in the file`, cert: below.cert + between.cert, key: below.key, ca: root.cert },
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
      const rows = [...clients, ...texts].filter((_, index) => isLong || index % 4 === (version === 'TLSv1.3' ? 0 : 3));
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
