// Owns squid and tinyproxy, taken from Debian: how each is started on loopback with the rules of a test, what it was asked, and
// how it ends. It refuses to know who asks.

import { spawn } from 'node:child_process';
import { cpSync, chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fetchedFromDebian, librariesIn } from '../build/debian.mjs';
import { freePort } from './free_port.mjs';

const START_MILLIS = 30_000;

/** What squid asks about a user: lines of a name and a password, percent-encoded. */
const JUDGE = `
const [, , user, password] = process.argv;
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const [name, word] = line.split(' ').map(decodeURIComponent);
  process.stdout.write(name === user && word === password ? 'OK\\n' : 'ERR\\n');
});
`;

/** `connectPorts`: where CONNECT may lead; `credentials`: `{ user, password }` or null. */
const PROGRAMS = {
  squid: {
    host: 'collector.test', // only its own list of hosts has it
    command: (unpacked) => path.join(unpacked, 'usr', 'sbin', 'squid'),
    words: (file) => ['-N', '-f', file],
    settings: squidSettings,
    /** A tunnel is written down when it ends. */
    asked: (log) =>
      [...log.matchAll(/^(\S+) (\S+) (\d+) (\S+)$/gm)].map(([, method, target, status, user]) => ({
        ...{ method, target, status: Number(status), user: user === '-' ? null : user },
      })),
  },
  'tinyproxy-bin': {
    host: 'localhost',
    command: (unpacked) => path.join(unpacked, 'usr', 'bin', 'tinyproxy'),
    words: (file) => ['-d', '-c', file],
    settings: tinyproxySettings,
    asked: (log) =>
      [...log.matchAll(/Request \(file descriptor \d+\): (\S+) (\S+) HTTP/g)].map(([, method, target]) => ({
        method,
        target,
      })),
  },
};

function squidSettings({ directory, unpacked, port, credentials, connectPorts }) {
  const share = path.join(unpacked, 'usr', 'share');
  const templates = [path.join(share, 'squid-langpack', 'en'), path.join(share, 'squid', 'errors', 'en')].find(
    existsSync,
  );
  cpSync(templates, path.join(directory, 'errors'), { recursive: true, dereference: true });
  writeFileSync(path.join(directory, 'hosts'), '127.0.0.1 localhost collector.test\n');
  writeFileSync(path.join(directory, 'judge.cjs'), JUDGE);
  const judge =
    credentials && [process.execPath, `${directory}/judge.cjs`, credentials.user, credentials.password].join(' ');
  return [
    `http_port 127.0.0.1:${port}`,
    ...(process.getuid() === 0 ? ['cache_effective_user nobody'] : []),
    'visible_hostname proxy.test',
    'pid_filename none',
    `cache_log ${directory}/cache.log`,
    `coredump_dir ${directory}`,
    'logformat asked %rm %ru %>Hs %un',
    `access_log stdio:${directory}/asked.log asked`,
    `hosts_file ${directory}/hosts`,
    `mime_table ${share}/squid/mime.conf`,
    `error_directory ${directory}/errors`,
    'cache deny all',
    `unlinkd_program ${unpacked}/usr/lib/squid/unlinkd`,
    `icon_directory ${share}/squid/icons`,
    'pinger_enable off',
    'shutdown_lifetime 0 seconds',
    'max_filedescriptors 1024',
    'acl tunnel method CONNECT',
    `acl allowed port ${connectPorts.join(' ')}`,
    'http_access deny tunnel !allowed',
    ...(credentials
      ? [
          `auth_param basic program ${judge}`,
          'auth_param basic realm test',
          'acl known proxy_auth REQUIRED',
          'http_access deny !known',
        ]
      : []),
    'http_access allow all',
  ];
}

function tinyproxySettings({ directory, port, credentials, connectPorts }) {
  return [
    `Port ${port}`,
    'Listen 127.0.0.1',
    'Timeout 60',
    'MaxClients 200',
    `LogFile "${directory}/asked.log"`,
    'LogLevel Connect',
    ...connectPorts.map((each) => `ConnectPort ${each}`),
    ...(credentials ? [`BasicAuth ${credentials.user} ${credentials.password}`] : []),
  ];
}

/** Starts the program; `credentials` and `connectPorts` are its rules. */
export async function startProgram(name, { credentials = null, connectPorts }) {
  const program = PROGRAMS[name];
  const unpacked = fetchedFromDebian(name);
  const directory = mkdtempSync(path.join(tmpdir(), `offloop-${name}-`));
  chmodSync(directory, 0o777); // squid writes as nobody
  const port = await freePort();
  const file = path.join(directory, 'settings');
  writeFileSync(file, `${program.settings({ directory, unpacked, port, credentials, connectPorts }).join('\n')}\n`);
  let child = null;
  let output = '';

  async function start() {
    const env = { ...process.env, LD_LIBRARY_PATH: librariesIn(unpacked) };
    child = spawn(program.command(unpacked), program.words(file), {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: directory,
    });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (output += bytes));
    let isGone = false;
    child.once('error', (error) => (output += error.message)).once('close', () => (isGone = true));
    for (const until = Date.now() + START_MILLIS; !(await isListening(port)); await sleep(50)) {
      if (!isGone && Date.now() < until) continue;
      throw new Error(`${name} does not listen: ${output}${logsIn(directory)}`);
    }
  }

  async function stop() {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const closed = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGKILL');
    await closed;
  }

  await start();
  const log = path.join(directory, 'asked.log');
  return {
    port,
    host: program.host,
    url: `http://127.0.0.1:${port}`,
    urlWith: (userinfo) => `http://${userinfo}@127.0.0.1:${port}`,
    asked: () => (existsSync(log) ? program.asked(readFileSync(log, 'utf8')) : []),
    stop,
    start,
    async close() {
      await stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export const PROGRAM_NAMES = Object.keys(PROGRAMS);

function logsIn(directory) {
  const logs = readdirSync(directory).filter((name) => name.endsWith('.log'));
  return logs.map((name) => `\n${name}: ${readFileSync(path.join(directory, name), 'utf8')}`).join('');
}

function isListening(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
