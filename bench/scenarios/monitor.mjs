// What the event-loop monitor costs: await-heavy code, immediates and HTTP with it and without, and an idle loop.
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import { offloop, offloopMissing } from '../harness/contenders.mjs';
import { processCpuMicros } from '../harness/cpu.mjs';
import { collectGarbage, measure, memoryMebibytes } from '../harness/meter.mjs';

export const name = 'monitor';
export const title = 'Event-loop monitor: the cost of being watched';
export const heavy = false;

const ON = 'monitor on';
const OFF = 'monitor off';
const AWAITS = 1_000_000;
const IMMEDIATES = 200_000;
const REQUESTS = 4_000;
const CONNECTIONS = 16;
const IDLE_MILLIS = 1_500;

const noop = { export: (_spans, done) => done({ code: 0 }), shutdown: async () => {} };

/** Runs `body` in a process that is watched, or not; both in the same, one after the other. */
function pair(body) {
  const missing = offloopMissing() ?? (offloop().EventLoopMonitor ? null : 'no EventLoopMonitor yet');
  const contender = (contenderName, isOn) => ({
    name: contenderName,
    absent: missing,
    setUp: () => (isOn ? new (offloop().EventLoopMonitor)({ exporter: noop }) : null),
    async body(_round, monitor) {
      monitor?.enable();
      try {
        return await body();
      } finally {
        monitor?.disable();
      }
    },
  });
  return [contender(ON, true), contender(OFF, false)];
}

async function awaits() {
  const one = async (value) => value;
  const { mainMicros } = await measure(async () => {
    for (let nth = 0; nth < AWAITS; nth++) await one(nth);
  });
  collectGarbage();
  return { nanosPerOperation: (mainMicros * 1000) / AWAITS, ...memoryMebibytes() };
}

async function immediates() {
  const { mainMicros } = await measure(
    () =>
      new Promise((done) => {
        let left = IMMEDIATES;
        const one = () => (--left === 0 ? done() : setImmediate(one));
        setImmediate(one);
      }),
  );
  return { nanosPerOperation: (mainMicros * 1000) / IMMEDIATES };
}

async function requests() {
  const server = http.createServer((_request, response) => response.end('ok'));
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address();
  const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const { mainMicros } = await measure(async () => {
    let left = REQUESTS;
    const one = async () => {
      while (left-- > 0) {
        await new Promise((done, failed) => {
          http.get({ port, agent }, (response) => response.resume().on('end', done)).on('error', failed);
        });
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, one));
  });
  agent.destroy();
  await new Promise((closed) => server.close(closed));
  return { microsPerRequest: mainMicros / REQUESTS };
}

/** CPU of the whole process while nothing happens, and how often its loop turned. */
async function idle() {
  await sleep(50);
  const turns = loopTurns();
  const before = processCpuMicros();
  await sleep(IDLE_MILLIS);
  const spent = processCpuMicros() - before;
  return { percentOfCore: (spent / 1000 / IDLE_MILLIS) * 100, turns: loopTurns() - turns };
}

/** Turns of the loop as Node counts them, with or without a monitor; from Node 22.8. */
function loopTurns() {
  return performance.nodeTiming.uvMetricsInfo?.loopCount ?? 0;
}

const cost = (metric, unit, over) => ({
  what: 'main thread',
  unit,
  metric,
  pick: 'median',
  subject: ON,
  atMostOver: { [OFF]: over },
});

/** The rows of this scenario. */
export function cases() {
  return [
    {
      name: '10⁶ awaits',
      warmUpRounds: 1,
      contenders: pair(awaits),
      rows: [
        cost('nanosPerOperation', 'ns/await', 5),
        { what: 'heap', unit: 'MiB', metric: 'heapMiB', subject: ON, atMostOver: { [OFF]: 1 } },
      ],
    },
    {
      name: 'immediates, one per turn',
      warmUpRounds: 1,
      note: 'a turn of the loop with nothing else in it: a storm, in which one turn in 64 is stamped',
      contenders: pair(immediates),
      rows: [cost('nanosPerOperation', 'ns/turn', 50)],
    },
    {
      name: `HTTP, ${CONNECTIONS} connections`,
      warmUpRounds: 1,
      contenders: pair(requests),
      rows: [cost('microsPerRequest', 'µs/request', 3)],
    },
    {
      name: 'idle',
      heavy: true,
      warmUpRounds: 0,
      contenders: pair(idle),
      rows: [
        { what: 'process', unit: '% of a core', metric: 'percentOfCore', subject: ON, atMostOver: { [OFF]: 0.1 } },
        ...(loopTurns() > 0
          ? [{ what: 'loop woken', unit: 'turns', metric: 'turns', subject: ON, atMostOver: { [OFF]: 0 } }]
          : []),
      ],
    },
  ];
}
