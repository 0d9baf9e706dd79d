// What a span costs a service that does something else: CPU per span over the same service without an exporter.
//
//   npm run bench:in-situ -- [--rounds 25] [--slices 15] [--pause millis] [--who name,name] [--json file]
//     [--svg file] [--against checkout] [--refresh]
//
// The services of all contenders run at the same time, and one load drives them in turn, a tenth of a second each, in an
// order that is drawn anew every time. So whatever slows the machine down for a while slows all of them alike, which two
// runs one after the other do not achieve: they differ by a fifth here. Each round has fresh processes, and its figures are
// those over the service without an exporter of the same round. Needs Linux. Without `--pause` the services are saturated.
import { fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { startReceiver } from '../harness/receiver.mjs';
import { NO_EXPORTER, OTHER, OURS, STOCK, STOCK_PROTOBUFJS } from '../pictures/palette.mjs';
import { BUSY_WORKER } from './busy_worker.mjs';
import { cpuOf } from './cpu_of_process.mjs';
import { asChart, asText, refresh } from './report.mjs';

const CONNECTIONS = 16;
const SLICE_MILLIS = 100;
const WARM_UP_MILLIS = 800;
const QUEUE = { maxSpans: 65_536, maxBytes: 128 * 2 ** 20 }; // at some 60,000 spans/s the default is a quarter of a second
const CONTROL = `${NO_EXPORTER} (control)`;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '25' },
    slices: { type: 'string', default: '15' },
    pause: { type: 'string', default: '0' },
    who: { type: 'string', default: [CONTROL, BUSY_WORKER, OURS, STOCK, STOCK_PROTOBUFJS].join(',') },
    json: { type: 'string' },
    svg: { type: 'string' },
    refresh: { type: 'boolean', default: false }, // rewrites the table of docs/performance.md
    against: { type: 'string' }, // a checkout with another build of Offloop
  },
});
const [rounds, slices, pauseMillis] = [values.rounds, values.slices, values.pause].map(Number);
const contenders = [NO_EXPORTER, ...values.who.split(',')];
if (values.against) {
  process.env.OFFLOOP_BENCH_AGAINST = values.against; // for the services
  contenders.push(OTHER);
}

const children = new Set();

function start(file, settings = {}) {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), [JSON.stringify(settings)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  children.add(child);
  return child;
}

function answer(child) {
  return new Promise((resolve, reject) => {
    const end = (code) => reject(new Error(`a process of the benchmark ended with ${code}`));
    child.once('exit', end);
    child.once('message', (message) => {
      child.off('exit', end);
      resolve(message);
    });
  });
}

function stop(child) {
  children.delete(child);
  child.kill('SIGKILL');
}

async function startService(name, url) {
  const who = name === CONTROL ? NO_EXPORTER : name;
  const child = start('../service/service_process.mjs', { who, application: 'small', url, ours: { queue: QUEUE } });
  const { port } = await answer(child);
  return { name, child, port, requests: 0, millis: 0 };
}

function shuffled(list) {
  return list
    .map((each) => [Math.random(), each])
    .sort(([a], [b]) => a - b)
    .map(([, each]) => each);
}

/** One sample per contender, all taken at the same time. */
async function round(url) {
  const services = [];
  for (const name of contenders) services.push(await startService(name, url));
  const load = start('./load_process.mjs');
  await answer(load);
  const drive = async (service, millis, pause) => {
    load.send({ port: service.port, millis, connections: CONNECTIONS, pauseMillis: pause });
    const driven = await answer(load);
    service.requests += driven.requests;
    service.millis += driven.millis;
  };
  for (const service of services) await drive(service, WARM_UP_MILLIS, 0);
  for (const service of services) Object.assign(service, { requests: 0, millis: 0, before: cpuOf(service.child.pid) });
  for (let slice = 0; slice < slices; slice++) {
    for (const service of shuffled(services)) await drive(service, SLICE_MILLIS, pauseMillis);
  }
  const samples = services.map(({ child, requests, millis, before }) => {
    const after = cpuOf(child.pid);
    return {
      main: (after.main - before.main) / requests,
      process: (after.process - before.process) / requests,
      requestsPerSecond: (requests / millis) * 1000,
    };
  });
  for (const child of [load, ...services.map((service) => service.child)]) stop(child);
  return samples;
}

const receiver = await startReceiver();
try {
  const results = contenders.map(() => []);
  for (let nth = 0; nth < rounds; nth++) {
    const samples = await round(receiver.url);
    samples.forEach((sample, index) => {
      results[index].push(sample);
    });
  }
  const run = {
    node: process.version,
    cores: cpus().length,
    connections: CONNECTIONS,
    pauseMillis,
    rounds,
    contenders,
    results,
  };
  console.log(asText(run));
  if (values.json) writeFileSync(values.json, JSON.stringify(run, null, 1));
  if (values.svg) writeFileSync(values.svg, `${asChart(run)}\n`);
  if (values.refresh) console.log(`refreshed: ${refresh(run)}`);
} finally {
  for (const child of children) child.kill('SIGKILL');
  receiver.stop();
}
