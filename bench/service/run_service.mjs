// Owns one run of a service: a fresh service process and a fresh load process, one receiver; answers one sample.
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { NO_EXPORTER } from '../harness/contenders.mjs';
import { startReceiver } from '../harness/receiver.mjs';
import { countRecorded } from '../harness/recorders.mjs';

const STEP_LIMIT_MILLIS = 60_000;

/** A child that talks in messages; `next(type)` waits for one and fails if the child ends without it. */
function start(file, settings) {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), [JSON.stringify(settings)], {
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const messages = new Map();
  const waiting = new Map();
  let ending;
  child.on('message', (message) => {
    messages.set(message.type, message);
    waiting.get(message.type)?.resolve(message);
  });
  child.on('exit', (code, signal) => {
    ending = new Error(`${file} ended with ${signal ?? code}`);
    for (const { reject } of waiting.values()) reject(ending);
  });
  return {
    send: (message) => child.send(message),
    kill: () => child.kill('SIGKILL'),
    async next(type) {
      if (messages.has(type)) return messages.get(type);
      if (ending) throw ending;
      let timer;
      try {
        return await new Promise((resolve, reject) => {
          waiting.set(type, { resolve, reject });
          const late = () => reject(new Error(`${file} did not say "${type}" in time`));
          timer = setTimeout(late, STEP_LIMIT_MILLIS);
        });
      } finally {
        clearTimeout(timer);
        waiting.delete(type);
      }
    },
  };
}

/**
 * Runs the service of `who` under `load` (`{ connections, pauseMillis?, warmUpMillis, millis }`) and returns what both
 * sides measured, with the number of spans that arrived; with `isRecorded` those in the recorder's files.
 */
export async function runService({ who, application, load, ours, database, isRecorded = false }) {
  const directory = isRecorded ? mkdtempSync(join(tmpdir(), 'offloop-bench-')) : undefined;
  const receiver = await startReceiver({ countSpans: true });
  const children = [];
  try {
    const service = start('./service_process.mjs', {
      who,
      application,
      url: receiver.url,
      ours,
      database,
      isRecorded,
      directory,
    });
    children.push(service);
    const { port } = await service.next('ready');
    const client = start('./load_process.mjs', { port, ...load });
    children.push(client);
    await client.next('measuring');
    service.send({ type: 'begin' });
    const { sample: seen } = await client.next('result');
    service.send({ type: 'end' });
    const { sample, ended } = await service.next('result');
    if (isRecorded) return { ...sample, ...seen, ended, ...(who !== NO_EXPORTER && recordedIn(directory)) };
    const { spans } = await receiver.totals();
    const delivery = who === NO_EXPORTER ? {} : { delivered: spans, lost: ended - spans };
    return { ...sample, ...seen, ended, ...delivery };
  } finally {
    for (const child of children) child.kill();
    receiver.stop();
    if (directory) rmSync(directory, { recursive: true, force: true });
  }
}

function recordedIn(directory) {
  const recorded = countRecorded(directory);
  if (recorded === 0) throw new Error('nothing was recorded');
  return { recorded };
}
