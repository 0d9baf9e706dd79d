// Supervises one private PostgreSQL in a temporary folder: it ends, and the folder goes, when the parent does.
import { execFileSync, spawn } from 'node:child_process';
import { chownSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const { programs, uid, gid } = JSON.parse(process.argv[2]);
const START_LIMIT_MILLIS = 30_000;
/** Nothing outlives the server, so nothing has to reach the disk. */
const SETTINGS = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'max_connections=40', 'jit=off'];

const folder = mkdtempSync(join(tmpdir(), 'offloop-postgres-'));
if (uid !== undefined) chownSync(folder, uid, gid);
const data = join(folder, 'data');
const log = [];
let server;

async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

function removeFolder() {
  rmSync(folder, { recursive: true, force: true });
}

async function start() {
  const as = { uid, gid, cwd: folder, env: { ...process.env, LC_ALL: 'C' } };
  const initdb = ['-D', data, '-U', 'bench', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'];
  execFileSync(join(programs, 'initdb'), initdb, { ...as, stdio: ['ignore', 'ignore', 'pipe'] });
  const port = await freePort();
  const settings = [...SETTINGS, `port=${port}`, 'listen_addresses=127.0.0.1', `unix_socket_directories=${folder}`];
  const words = ['-D', data, ...settings.flatMap((setting) => ['-c', setting])];
  server = spawn(join(programs, 'postgres'), words, { ...as, stdio: ['ignore', 'ignore', 'pipe'] });
  server.stderr.on('data', (chunk) => {
    log.push(String(chunk));
    if (log.length > 50) log.shift();
  });
  server.on('exit', () => {
    removeFolder();
    if (process.connected) process.send({ error: `PostgreSQL ended:\n${log.join('')}` }, () => process.exit(1));
    else process.exit(0);
  });
  const until = performance.now() + START_LIMIT_MILLIS;
  // The last line of its pid file says `ready` once clients are accepted.
  while (!isReady()) {
    if (performance.now() > until) throw new Error(`PostgreSQL did not start:\n${log.join('')}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  process.send({ port });
}

function isReady() {
  try {
    return /^ready/m.test(readFileSync(join(data, 'postmaster.pid'), 'utf8'));
  } catch {
    return false;
  }
}

process.on('disconnect', () => {
  if (server === undefined) {
    removeFolder();
    process.exit(0);
  }
  server.kill('SIGINT'); // "fast" shutdown
  setTimeout(() => server.kill('SIGQUIT'), 5000).unref();
});
start().catch((error) => {
  removeFolder();
  process.send({ error: `${error.message}\n${error.stderr ?? ''}` }, () => process.exit(1));
});
