// Owns one run of a service: a fresh service process and a fresh load process, one receiver; answers one sample.
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { NO_EXPORTER } from '../harness/contenders.mjs';
import { startReceiver } from '../harness/receiver.mjs';
import { countRecorded } from '../harness/recorders.mjs';
import { cpuOf } from '../in_situ/cpu_of_process.mjs';
import { countSystemCalls, wakeUpsOf } from './process_activity.mjs';

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
    pid: child.pid,
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

const isLinux = process.platform === 'linux';

/** What a process is asked for from outside, so that asking costs it nothing: begins now, ends with `stop()`. */
async function watchFromOutside(pid, isTraced) {
  if (isTraced) {
    const calls = await countSystemCalls(pid);
    return async () => ({ systemCalls: await calls.stop() });
  }
  if (!isLinux) return async () => ({});
  const [cpu, wakeUps] = [cpuOf(pid), wakeUpsOf(pid)];
  return async () => {
    const [cpuAfter, wakeUpsAfter] = [cpuOf(pid), wakeUpsOf(pid)];
    return {
      mainMicros: cpuAfter.main - cpu.main,
      processMicros: cpuAfter.process - cpu.process,
      mainWakeUps: wakeUpsAfter.main - wakeUps.main,
      wakeUps: wakeUpsAfter.process - wakeUps.process,
    };
  };
}

const WAKES = ['systemCalls', 'mainWakeUps', 'wakeUps'];

/** The same per span, counted ones per 1,000 of them. */
function perSpan(seen, spans) {
  const each = Object.entries(seen).map(([name, value]) =>
    WAKES.includes(name) ? [`${name}Per1000Spans`, (value / spans) * 1000] : [`${name}PerSpan`, value / spans],
  );
  return Object.fromEntries(each);
}

/**
 * Runs the service of `who` under `load` (`{ connections, pauseMillis?, warmUpMillis, millis }`) and returns what both
 * sides measured, with the number of spans that arrived; with `isRecorded` those in the recorder's files. What the process
 * is seen to use from outside is from the end of the warm-up, whose spans are flushed first with `flushesFirst`, to the end
 * of the last flush, per span that ended meanwhile. With `isTraced` its system calls are counted, and nothing else means
 * anything then.
 */
export async function runService(settings) {
  const { who, application, load, ours, database, isRecorded = false, flushesFirst, isTraced = false } = settings;
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
    service.send({ type: 'begin', flushesFirst });
    await service.next('begun');
    const stopWatching = await watchFromOutside(service.pid, isTraced);
    const { sample: seen } = await client.next('result');
    service.send({ type: 'end' });
    const { spansUnderLoad } = await service.next('flushed');
    const used = perSpan(await stopWatching(), spansUnderLoad);
    service.send({ type: 'exit' });
    const { sample, ended } = await service.next('result');
    if (isRecorded) return { ...sample, ...seen, ...used, ended, ...(who !== NO_EXPORTER && recordedIn(directory)) };
    const { spans } = await receiver.totals();
    const delivery = who === NO_EXPORTER ? {} : { delivered: spans, lost: ended - spans };
    return { ...sample, ...seen, ...used, ended, ...delivery };
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
