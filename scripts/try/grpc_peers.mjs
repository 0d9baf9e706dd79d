// `node scripts/try/grpc_peers.mjs [grpc-js] [grpcio] [rotel] [--spans 10000]`: sends spans over gRPC to servers that nobody
// here wrote, and compares every field of what they decoded. Servers of Python and the agent come from PyPI, into .cache/.
// Owns the table that it prints; it refuses to judge what a peer cannot do, and says so there.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { root } from '../build/project.mjs';
import { freePort } from './free_port.mjs';

const require = createRequire(import.meta.url);
const helpers = '../../__test__/helpers';
const { CELLS, compareSpans, exportAll, makeMaterial, makeSpans, optionsOf, SECURITIES } = require(
  `${helpers}/grpc/peer_cells.js`,
);
const { startGrpcJsServer } = require(`${helpers}/grpc/grpc_js_server.js`);
const { startRelay } = require(`${helpers}/grpc/relay.js`);
const { countSpans, decodeRequest } = require(`${helpers}/otlp_decoder.js`);
const { startReceiver } = require(`${helpers}/receiver.js`);

const LIMIT_MILLIS = 60_000;
const PACKAGES = { grpcio: '1.85.3', 'opentelemetry-proto': '1.45.2', rotel: '0.0.1a15' };
const PEERS = {
  'grpc-js': async (security) => {
    const server = await startGrpcJsServer(security, material);
    return { ...server, takeRequests: async () => server.takeRequests() };
  },
  grpcio: startPython,
  rotel: startRotel,
};

const { values, positionals } = parseArgs({
  options: { spans: { type: 'string', default: '10000' } },
  allowPositionals: true,
});
const count = Number(values.spans);
// Proxies and gRPC settings of the machine are not the peers'.
for (const name of Object.keys(process.env)) if (/^GRPC_|proxy$/i.test(name)) delete process.env[name];
const material = makeMaterial();
const directory = mkdtempSync(path.join(tmpdir(), 'offloop-peers-'));
const files = { 'ca.pem': material.ca, 'server.pem': material.cert, 'server.key': material.key };
for (const [name, text] of Object.entries(files)) writeFileSync(path.join(directory, name), text);

let failures = 0;
print('peer', 'security', 'compression', 'spans', 'mismatches', 'bytes sent');
try {
  const { spans, expected } = makeSpans(13, count);
  for (const name of positionals.length > 0 ? positionals : Object.keys(PEERS)) {
    for (const security of SECURITIES) {
      const peer = await PEERS[name](security);
      try {
        for (const cell of CELLS.filter((each) => each.security === security))
          await tryCell(name, cell, peer, spans, expected);
      } finally {
        peer.close();
      }
    }
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
if (failures > 0) throw new Error(`${failures} cells failed`);
process.exit(0); // of a peer that does not let go

async function tryCell(name, cell, peer, spans, expected) {
  const relay = await startRelay(peer.port, peer.secure);
  const { delivered, pending, errors } = await exportAll(spans, optionsOf(cell, material, relay.port));
  const requests = await peer.takeRequests(count);
  relay.close();
  const compared = compareSpans(expected, requests);
  print(
    `${name}${peer.note ?? ''}`,
    cell.security,
    cell.compression,
    compared.spans,
    compared.mismatches.length,
    relay.bytes,
  );
  const isGood = delivered === count && pending === 0 && errors.length === 0 && compared.mismatches.length === 0;
  if (isGood && compared.spans === count) return;
  failures += 1;
  console.log(JSON.stringify({ delivered, pending, errors: errors.slice(0, 3) }));
  for (const line of compared.mismatches.slice(0, 10)) console.log(`  ${line}`);
}

function print(...cells) {
  const widths = [32, 9, 12, 8, 11, 11];
  console.log(cells.map((cell, nth) => String(cell).padEnd(widths[nth])).join(' '));
}

/** A virtual environment with the packages from PyPI, made once; its directory of programs. */
function pythonPrograms() {
  const home = path.join(root, '.cache', `python-${Object.values(PACKAGES).join('-')}`);
  const programs = path.join(home, process.platform === 'win32' ? 'Scripts' : 'bin');
  const isDone = path.join(home, 'is-done');
  if (existsSync(isDone)) return programs;
  const system = process.platform === 'win32' ? 'python' : 'python3';
  run(system, ['-m', 'venv', '--clear', home]);
  const specs = Object.entries(PACKAGES).map(([name, version]) => `${name}==${version}`);
  run(path.join(programs, 'python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...specs]);
  writeFileSync(isDone, '');
  return programs;
}

function run(command, words) {
  const { status, stdout, stderr, error } = spawnSync(command, words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${words.join(' ')}: ${error?.message ?? stdout + stderr}`);
  return stdout;
}

/** A server of grpcio, whose requests are decoded by opentelemetry-proto. */
async function startPython(security) {
  const program = path.join(root, 'scripts', 'try', 'grpc_peer.py');
  const python = path.join(pythonPrograms(), 'python');
  const child = spawn(python, [program, security, directory], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error('the server of grpcio has ended');
    return value;
  };
  const port = Number(await nextLine());
  return {
    port,
    /** A request is answered when its line is on the way: as many as have the spans are read. */
    async takeRequests(wanted) {
      const requests = [];
      for (let found = 0; found < wanted; ) {
        const { client, request } = JSON.parse(await nextLine(), reviveDouble);
        if (security === 'mTLS' && client !== 'a client of peers') throw new Error(`the client is ${client}`);
        requests.push(request);
        for (const { scopes } of request) for (const { spans } of scopes) found += spans.length;
      }
      return requests;
    },
    close: () => child.stdin.end(),
  };
}

function reviveDouble(_key, value) {
  if (!Array.isArray(value) || value[0] !== 'double' || typeof value[1] !== 'string') return value;
  return ['double', Buffer.from(value[1], 'hex').readDoubleBE()];
}

/** The agent, which passes on what it has decoded over HTTP; it takes no TLS, so a relay in front of it does. */
async function startRotel(security) {
  // An agent that waits for us sends again: bodies are decoded when all are there.
  const bodies = [];
  const onRequest = ({ body }) => bodies.push(body);
  const receiver = await startReceiver({ onRequest });
  const agent = path.join(sitePackages(), 'rotel', 'rotel-agent');
  const [port, httpPort] = [await freePort(), await freePort()];
  const settings = {
    'otlp-grpc-endpoint': `127.0.0.1:${port}`,
    'otlp-http-endpoint': `127.0.0.1:${httpPort}`,
    exporter: 'otlp',
    'otlp-exporter-endpoint': receiver.origin,
    'otlp-exporter-protocol': 'http',
    'otlp-exporter-compression': 'none',
    'otlp-exporter-request-timeout': '60s',
    'batch-max-size': '1000000', // a batch that it splits loses its resource there
    'pid-file': path.join(directory, 'rotel.pid'),
    'log-file': path.join(directory, 'rotel.log'),
  };
  const words = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const child = spawn(agent, ['start', ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  process.once('exit', () => child.kill());
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  await listening(port, () => output);
  const { ca, cert, key } = material;
  const isMutual = security === 'mTLS';
  return {
    port,
    note: security === 'plain' ? '' : ' (TLS ends in front of it)',
    secure: security === 'plain' ? undefined : { ca, cert, key, requestCert: isMutual, rejectUnauthorized: isMutual },
    async takeRequests(wanted) {
      const arrived = () => bodies.reduce((sum, body) => sum + countSpans(body, 'protobuf'), 0);
      for (const until = Date.now() + LIMIT_MILLIS; arrived() < wanted && Date.now() < until; ) await sleep(500);
      return bodies.splice(0).map((body) => decodeRequest(body, 'protobuf'));
    },
    close() {
      child.kill();
      receiver.close();
    },
  };
}

function sitePackages() {
  const print = "import sysconfig; print(sysconfig.get_paths()['purelib'])";
  return run(path.join(pythonPrograms(), 'python'), ['-c', print]).trim();
}

async function listening(port, output) {
  for (const until = Date.now() + LIMIT_MILLIS; ; await sleep(100)) {
    const isThere = await new Promise((resolve) => {
      const socket = net.connect(port, '127.0.0.1');
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (isThere) return;
    if (Date.now() > until) throw new Error(`nobody listens: ${output()}`);
  }
}
