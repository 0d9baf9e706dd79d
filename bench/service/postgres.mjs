// Owns a private PostgreSQL for the length of a case: finds the programs, starts one server, gives its address.
import { execFileSync, fork } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const PROGRAM = fileURLToPath(new URL('./postgres_process.mjs', import.meta.url));
const DEBIAN = '/usr/lib/postgresql';
const HINT = 'install PostgreSQL: apt install postgresql, dnf install postgresql-server, or brew install postgresql';

/** The folder that holds `initdb` and `postgres`, or null. */
function findPrograms() {
  const debian = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [...(process.env.PATH ?? '').split(':'), ...debian.map((version) => join(DEBIAN, version, 'bin'))];
  const isComplete = (folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres'));
  return folders.find(isComplete) ?? null;
}

/** PostgreSQL refuses to run as root: whom it runs as then, or null where there is nobody. */
function unprivilegedUser() {
  const id = (word, name) => Number(execFileSync('id', [word, name], { stdio: ['ignore', 'pipe', 'ignore'] }));
  for (const name of ['postgres', 'nobody']) {
    try {
      return { uid: id('-u', name), gid: id('-g', name) };
    } catch {
      // no such user
    }
  }
  return null;
}

/** Why there can be no server here, or null. */
export function postgresMissing() {
  if (process.platform === 'win32') return 'the private PostgreSQL of this row needs a Unix';
  try {
    require.resolve('pg');
  } catch {
    return 'the npm package pg is missing: npm install';
  }
  if (findPrograms() === null) return `initdb is missing: ${HINT}`;
  if (process.getuid() === 0 && unprivilegedUser() === null) return 'no unprivileged user to run PostgreSQL as';
  return null;
}

let shared = null;

/** The server of this process, started at the first call; `release` of the last user stops it. */
export async function acquirePostgres(sql) {
  shared ??= { users: 0, started: start(sql) };
  shared.users += 1;
  const { address } = await shared.started;
  return {
    database: address,
    async release() {
      shared.users -= 1;
      if (shared.users > 0) return;
      const { stop } = await shared.started;
      shared = null;
      await stop();
    },
  };
}

async function start(sql) {
  const user = process.getuid() === 0 ? unprivilegedUser() : {};
  const child = fork(PROGRAM, [JSON.stringify({ programs: findPrograms(), ...user })], { execArgv: [] });
  const { port } = await new Promise((resolve, reject) => {
    child.on('message', (message) => (message.port ? resolve(message) : reject(new Error(message.error))));
    child.on('exit', (code) => reject(new Error(`PostgreSQL's supervisor ended with ${code}`)));
  });
  const address = { host: '127.0.0.1', port, user: 'bench', database: 'postgres' };
  const { Client } = require('pg');
  const client = new Client(address);
  await client.connect();
  await client.query(sql);
  await client.end();
  return {
    address,
    stop: () =>
      new Promise((resolve) => {
        child.removeAllListeners('exit');
        child.on('exit', resolve);
        child.disconnect();
      }),
  };
}
