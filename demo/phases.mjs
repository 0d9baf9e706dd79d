// Owns the course of the demo: four phases, one after the other, each with a fresh service process and a fresh load
// process, and one receiver process for all. It measures nothing itself and holds no opinion on the numbers.

import { fork } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { demoName } from '../bench/pictures/palette.mjs';
import { countSpanFiles } from './span_files.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const STEP_MILLIS = 60_000; // nothing here takes a quarter of this; a process that hangs ends the run with a sentence

export const LOAD = { connections: 20, requestsPerSecond: 180 };

export const PHASES = [
  { id: 'none', title: demoName('none') },
  { id: 'stock', title: demoName('stock') },
  { id: 'offloop-http', title: demoName('offloop') },
  { id: 'offloop-file', title: demoName('offloop-file') },
];

/** A child process that talks in messages; `next(type)` waits for one, and fails when the child ends without it. */
export class Child {
  constructor(script, settings, onProgress = () => {}) {
    this.name = script;
    this.process = fork(path.join(here, script), settings ? [JSON.stringify(settings)] : [], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.output = '';
    this.waiting = new Map();
    this.early = new Map();
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.on('data', (chunk) => {
        this.output = (this.output + chunk).slice(-4000);
      });
    }
    this.exited = new Promise((resolve) => {
      this.process.on('close', (code, signal) => {
        resolve(code ?? signal);
        for (const { reject } of this.waiting.values())
          reject(new Error(`${script} ended early (${code ?? signal})\n${this.output}`));
      });
    });
    this.process.on('message', (message) => {
      if (message.type === 'progress') onProgress(message);
      else if (this.waiting.has(message.type)) this.waiting.get(message.type).resolve(message);
      else this.early.set(message.type, message);
    });
  }

  send(message) {
    this.process.send(message);
  }

  async next(type, limitMillis = STEP_MILLIS) {
    if (this.early.has(type)) {
      const message = this.early.get(type);
      this.early.delete(type);
      return message;
    }
    let timer;
    try {
      return await new Promise((resolve, reject) => {
        this.waiting.set(type, { resolve, reject });
        timer = setTimeout(
          () =>
            reject(new Error(`${this.name} did not answer "${type}" within ${limitMillis / 1000} s\n${this.output}`)),
          limitMillis,
        );
      });
    } finally {
      clearTimeout(timer);
      this.waiting.delete(type);
    }
  }

  /** Waits for a natural end; kills after `limitMillis`. Answers whether it ended by itself. */
  async end(limitMillis = 5_000) {
    let timer;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, limitMillis, false);
    });
    const natural = await Promise.race([this.exited.then((code) => code === 0), late]);
    clearTimeout(timer);
    this.kill();
    return natural;
  }

  kill() {
    if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill('SIGKILL');
  }
}

async function runPhase(phase, { seconds, warmupSeconds, receiver, receiverPort, directory, onProgress }) {
  const children = [];
  const seen = { ended: 0, requests: 0, recentMaxMillis: 0 };
  const show = (message) => {
    Object.assign(seen, message);
    onProgress(phase, seen);
  };
  try {
    const url = `http://127.0.0.1:${receiverPort}/${phase.id}/v1/traces`;
    const service = new Child('service.js', { phase: phase.id, url, directory }, show);
    children.push(service);
    const { port } = await service.next('ready');
    const load = new Child('load.js', { port, ...LOAD, warmupSeconds, seconds }, show);
    children.push(load);
    await load.next('measuring');
    service.send({ type: 'begin' });
    const loadResult = await load.next('result', (seconds + 30) * 1000);
    service.send({ type: 'end' });
    const serviceResult = await service.next('result');
    const endedByItself = await service.end();
    receiver.send({ type: 'count', phase: phase.id });
    const received = await receiver.next('counted');
    const delivery = phase.id === 'offloop-file' ? await countSpanFiles(directory) : received;
    await load.end();
    return {
      ...phase,
      load: loadResult,
      service: serviceResult,
      delivery,
      endedByItself,
      serviceOutput: service.output,
    };
  } finally {
    for (const child of children) child.kill();
  }
}

// The folder is ours, but it may hold what the user put there: only files of the exporter's naming go.
function emptySpanFolder(directory) {
  mkdirSync(directory, { recursive: true });
  for (const name of readdirSync(directory)) {
    if (/^traces-.*\.jsonl$/.test(name)) rmSync(path.join(directory, name));
  }
}

/** Runs all phases and answers their results; calls `onPhase`, `onProgress` and `onResult` on the way. */
export async function runPhases({ seconds, warmupSeconds, directory, onPhase, onProgress, onResult }) {
  const receiver = new Child('receiver.js');
  try {
    const { port: receiverPort } = await receiver.next('ready');
    emptySpanFolder(directory);
    const results = [];
    for (const [index, phase] of PHASES.entries()) {
      onPhase(phase, index);
      const result = await runPhase(phase, { seconds, warmupSeconds, receiver, receiverPort, directory, onProgress });
      results.push(result);
      onResult(result);
    }
    return results;
  } finally {
    receiver.kill();
  }
}
