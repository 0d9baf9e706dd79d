// A real HTTP service at the limit of its main thread: what is left of requests per second and latency by exporter.
import { IMPORT_ALONE, NO_EXPORTER, offloopMissing, OURS, STOCK, STOCK_PROTOBUFJS } from '../harness/contenders.mjs';
import { straceMissing } from '../service/process_activity.mjs';
import { runService } from '../service/run_service.mjs';

export const name = 'service';
export const title = 'HTTP service at full load: 16 connections, a server span and 3 spans of 8 attributes per request';
export const heavy = true;

const LOAD = { connections: 16, warmUpMillis: 800, millis: 1700 };

/** Less than what the main thread can do: how often a thread is woken says nothing where none ever sleeps. */
const HALF_LOAD = { connections: 16, pauseMillis: 20, warmUpMillis: 800, millis: 2500 };

function contenders(body) {
  return [
    [NO_EXPORTER, null],
    [OURS, offloopMissing()],
    [IMPORT_ALONE, offloopMissing()],
    [STOCK, null],
    [STOCK_PROTOBUFJS, null],
  ].map(([who, absent]) => ({
    name: who,
    absent,
    body: () => body({ who, application: 'small', ours: { queue: QUEUE } }),
  }));
}

/** System calls are counted in a run of their own: who is traced is slow. */
async function activity(settings) {
  const seen = await runService({ ...settings, load: HALF_LOAD, flushesFirst: true });
  if (straceMissing() !== null) return seen;
  const traced = await runService({ ...settings, load: HALF_LOAD, flushesFirst: true, isTraced: true });
  return { ...seen, systemCallsPer1000Spans: traced.systemCallsPer1000Spans };
}

const above = {
  [OURS]: NO_EXPORTER,
  [IMPORT_ALONE]: NO_EXPORTER,
  [STOCK]: NO_EXPORTER,
  [STOCK_PROTOBUFJS]: NO_EXPORTER,
};

/** At some 20,000 spans/s the default queue of 16,384 spans is less than a second of a collector's pause. */
const QUEUE = { maxSpans: 65_536, maxBytes: 128 * 2 ** 20 };

/** The rows of this scenario. */
export function cases() {
  const row = (what, unit, metric, more) => ({ what, unit, metric, subject: OURS, ...more });
  return [
    {
      name: 'small requests',
      warmUpRounds: 0,
      limitSeconds: 300,
      note: `Offloop with queue.maxSpans ${QUEUE.maxSpans}, maxBytes ${QUEUE.maxBytes / 2 ** 20} MiB; load, service and receiver share the cores`,
      contenders: contenders((settings) => runService({ ...settings, load: LOAD })),
      rows: [
        row('throughput', 'requests/s', 'requestsPerSecond', {
          higherIsBetter: true,
          timesBetter: { [STOCK]: 1, [STOCK_PROTOBUFJS]: 1 },
        }),
        row('latency p50', 'ms', 'latencyP50Millis'),
        row('latency p99', 'ms', 'latencyP99Millis', { timesBetter: { [STOCK]: 1 } }),
        row('loop delay p99.9', 'ms', 'loopDelayP999Millis'),
        row('most CPU between two ticks', 'ms', 'mostCpuMillis'),
        row('main-thread CPU over no exporter', 'µs/span', 'mainMicrosPerSpan', { above }),
        row('whole-process CPU over no exporter', 'µs/span', 'processMicrosPerSpan', { above }),
        row('spans lost', '', 'lost', { pick: 'max', atMost: 0 }),
      ],
    },
    {
      name: 'system calls and wake-ups',
      warmUpRounds: 0,
      limitSeconds: 400,
      note: `${HALF_LOAD.connections} connections, a request per ${HALF_LOAD.pauseMillis} ms on each; ${straceMissing() ?? 'system calls by strace, in a run of their own'}`,
      contenders: contenders(activity),
      rows: [
        row('wake-ups of the main thread', 'per 1,000 spans', 'mainWakeUpsPer1000Spans'),
        row('wake-ups of all threads', 'per 1,000 spans', 'wakeUpsPer1000Spans'),
        row('system calls', 'per 1,000 spans', 'systemCallsPer1000Spans'),
      ],
    },
  ];
}
