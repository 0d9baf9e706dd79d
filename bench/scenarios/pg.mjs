// The pg workload: pages that read a real PostgreSQL through a pool whose clients must be had within 50 ms, every row
// recorded on its span. A loop that stalls while spans are exported shows as pool time-outs and slow requests.
import { NO_EXPORTER, offloopMissing, OURS, STOCK, STOCK_PROTOBUFJS } from '../harness/contenders.mjs';
import { PUBLISHED, RECORDER, recorders } from '../harness/recorders.mjs';
import { ACQUIRE_LIMIT_MILLIS, QUERIES_PER_PAGE, ROWS_PER_QUERY, TABLE_SQL } from '../service/applications.mjs';
import { acquirePostgres, postgresMissing } from '../service/postgres.mjs';
import { runService } from '../service/run_service.mjs';

export const name = 'pg';
export const title =
  `PostgreSQL: 10 concurrent requests x ${QUERIES_PER_PAGE} queries x ${ROWS_PER_QUERY} rows, ` +
  `pool with a ${ACQUIRE_LIMIT_MILLIS} ms acquire limit`;
export const heavy = false;

const CONNECTIONS = 10;
/** Ten requests start together, then the service rests: about a third of the main thread without exporter. */
const LOAD = { connections: CONNECTIONS, pauseMillis: 500, warmUpMillis: 1000, millis: 3000 };
const QUEUE = { maxBytes: 256 * 2 ** 20 };

/** A page is a server span and one per query. */
const SPANS_PER_PAGE = QUERIES_PER_PAGE + 1;

function perRequest(sample) {
  const { mainMicrosPerSpan, processMicrosPerSpan } = sample;
  if (mainMicrosPerSpan === undefined) return sample; // not on Linux
  return {
    ...sample,
    mainMillisPerRequest: (mainMicrosPerSpan * SPANS_PER_PAGE) / 1000,
    processMillisPerRequest: (processMicrosPerSpan * SPANS_PER_PAGE) / 1000,
  };
}

function contender(who, absent, isRecorded) {
  const missing = postgresMissing();
  return {
    name: who,
    absent: missing ?? absent,
    setUp: () => acquirePostgres(TABLE_SQL),
    body: (_round, { database }) =>
      runService({
        who,
        application: 'database',
        load: LOAD,
        ours: { queue: QUEUE },
        database,
        isRecorded,
        flushesFirst: true,
      }).then(perRequest),
    tearDown: ({ release }) => release(),
  };
}

/** What an exporter costs: CPU per request over the same service without one, in the same round. */
function costRows(subject, rivals) {
  const above = Object.fromEntries([subject, ...rivals].map((who) => [who, NO_EXPORTER]));
  const row = (what, metric) => ({ what, unit: 'ms/request', metric, subject, above, timesBetter: { [rivals[0]]: 4 } });
  return [
    row('main-thread CPU over no exporter', 'mainMillisPerRequest'),
    row('whole-process CPU over no exporter', 'processMillisPerRequest'),
  ];
}

function rows(subject) {
  const row = (what, unit, metric, more) => ({ what, unit, metric, subject, ...more });
  return [
    row('longest stall', 'ms', 'loopDelayMaxMillis', { atMostOver: { [NO_EXPORTER]: 5 } }),
    row('loop delay p99.9', 'ms', 'loopDelayP999Millis', { atMostOver: { [NO_EXPORTER]: 5 } }),
    row('pool time-outs', '', 'poolTimeouts', { atMostOver: { [NO_EXPORTER]: 0 } }),
    row('most CPU between two ticks', 'ms', 'mostCpuMillis'),
    row('latency p50', 'ms', 'latencyP50Millis'),
    row('latency p99', 'ms', 'latencyP99Millis'),
    row('requests answered', '/s', 'requestsPerSecond', { higherIsBetter: true }),
    row('main-thread CPU', '%', 'mainCpuPercent'),
  ];
}

/** The rows of this scenario. */
export function cases() {
  return [
    {
      name: '45 KB of rows on each span',
      warmUpRounds: 0,
      limitSeconds: 400,
      note: `Offloop with queue.maxBytes ${QUEUE.maxBytes / 2 ** 20} MiB; all processors with default settings`,
      contenders: [
        contender(NO_EXPORTER, null),
        contender(OURS, offloopMissing()),
        contender(STOCK, null),
        contender(STOCK_PROTOBUFJS, null),
      ],
      rows: [
        ...rows(OURS),
        ...costRows(OURS, [STOCK, STOCK_PROTOBUFJS]),
        { what: 'spans lost', unit: '', metric: 'lost', subject: OURS, pick: 'max', atMost: 0 },
      ],
    },
    {
      name: 'recorded for replay',
      heavy: true,
      warmUpRounds: 0,
      limitSeconds: 400,
      note: 'both recorders write files, behind the batch processor of SDK 1.x',
      contenders: [
        contender(NO_EXPORTER, null, true),
        ...recorders().map(({ name: who, absent }) => contender(who, absent, true)),
      ],
      rows: [
        ...rows(RECORDER),
        ...costRows(RECORDER, [PUBLISHED]),
        { what: 'spans recorded', unit: '', metric: 'recorded', higherIsBetter: true, subject: RECORDER, pick: 'min' },
      ],
    },
  ];
}
