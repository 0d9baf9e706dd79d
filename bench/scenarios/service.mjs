// A real HTTP service at the limit of its main thread: what is left of requests per second and latency by exporter.
import { NO_EXPORTER, offloopMissing, OURS, STOCK, STOCK_PROTOBUFJS } from '../harness/contenders.mjs';
import { runService } from '../service/run_service.mjs';

export const name = 'service';
export const title = 'HTTP service at full load: 16 connections, a server span and 3 spans of 8 attributes per request';
export const heavy = true;

const LOAD = { connections: 16, warmUpMillis: 800, millis: 1700 };

function contender(who, absent) {
  return {
    name: who,
    absent,
    body: () => runService({ who, application: 'small', load: LOAD, ours: { queue: QUEUE } }),
  };
}

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
      contenders: [
        contender(NO_EXPORTER, null),
        contender(OURS, offloopMissing()),
        contender(STOCK, null),
        contender(STOCK_PROTOBUFJS, null),
      ],
      rows: [
        row('throughput', 'requests/s', 'requestsPerSecond', {
          higherIsBetter: true,
          timesBetter: { [STOCK]: 1, [STOCK_PROTOBUFJS]: 1 },
        }),
        row('latency p50', 'ms', 'latencyP50Millis'),
        row('latency p99', 'ms', 'latencyP99Millis', { timesBetter: { [STOCK]: 1 } }),
        row('loop delay p99.9', 'ms', 'loopDelayP999Millis'),
        row('most CPU between two ticks', 'ms', 'mostCpuMillis'),
        row('spans lost', '', 'lost', { pick: 'max', atMost: 0 }),
      ],
    },
  ];
}
