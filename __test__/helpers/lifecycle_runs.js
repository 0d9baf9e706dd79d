'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const path = require('node:path');
const { decodeRequest } = require('./otlp_decoder.js');
const { startReceiver } = require('./receiver.js');

const program = path.join(__dirname, 'lifecycle_program.js');
const PROCESSES = 2;
const DESCRIPTORS = 120;
/** Seeds that have found something once. */
const FOUND = [];

/** Runs schedules in a process that has few descriptors; what it printed and how it ended. */
function run(first, count, origin) {
  const command = [process.execPath, '--expose-gc', program, String(first), String(count), origin];
  const limited =
    process.platform === 'win32' ? command : ['sh', '-c', `ulimit -n ${DESCRIPTORS}; exec "$0" "$@"`, ...command];
  return new Promise((resolve, reject) => {
    const child = spawn(limited[0], limited.slice(1), {
      env: { ...process.env, NODE_TEST_CONTEXT: undefined },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ output, errors, code, signal }));
  });
}

/** What has arrived: how often each span, and texts that are not what was sent. */
class Arrivals {
  counts = new Map();
  damaged = [];

  take(request) {
    if (request.target === '/failing' || request.target === '/hanging') return;
    for (const { scopes } of decodeRequest(request.body, request.headers['content-type'])) {
      for (const span of scopes.flatMap(({ spans }) => spans)) {
        this.counts.set(span.name, (this.counts.get(span.name) ?? 0) + 1);
        const long = span.attributes.find(([key]) => key === 'long')?.[1][1];
        if (long !== undefined && long !== long[0].repeat(long.length)) this.damaged.push(span.name);
      }
    }
    request.wireBody = null;
  }
}

/**
 * Runs the schedules of `count` seeds from `first` on, or only OFFLOOP_LIFECYCLE_SEED, and judges what was said and what
 * arrived.
 */
async function runLives(t, first, count) {
  const seed = process.env.OFFLOOP_LIFECYCLE_SEED;
  const arrivals = new Arrivals();
  const otherwise = ({ target }) => ({ '/failing': 400, '/hanging': { stall: 'response' } })[target] ?? 200;
  const receiver = await startReceiver({ otherwise, onRequest: (request) => arrivals.take(request) }, t);
  const schedules = seed === undefined ? count : 1;
  const share = Math.ceil(schedules / PROCESSES);
  const from = Number(seed ?? first);
  const runs = Array.from({ length: Math.min(PROCESSES, schedules) }, (_, nth) => [from + nth * share, share]);
  const replays = seed === undefined ? FOUND.map((each) => [each, 1]) : [];
  let schedulesRun = 0;
  const problems = [];
  const ends = await Promise.all(runs.map((each) => run(...each, receiver.origin)));
  for (const each of replays) ends.push(await run(...each, receiver.origin));
  for (const { output, errors, code, signal } of ends) {
    if (code !== 0 || errors !== '') problems.push(`ended with ${signal ?? code}: ${errors.slice(0, 2_000)}`);
    for (const line of output.split('\n').filter(Boolean)) {
      const schedule = JSON.parse(line);
      schedulesRun += 1;
      for (const problem of schedule.problems) problems.push(`seed ${schedule.seed}: ${problem}`);
      const lost = schedule.promised.filter((name) => !arrivals.counts.has(name));
      if (lost.length > 0)
        problems.push(`seed ${schedule.seed}: ${lost.length} spans of innocent exporters, ${lost[0]}`);
    }
  }
  for (const name of arrivals.damaged) problems.push(`${name}: its text is somebody else's`);
  assert.deepEqual(problems.slice(0, 10), []);
  assert.equal(schedulesRun, runs.length * share + replays.length);
}

module.exports = { runLives };
