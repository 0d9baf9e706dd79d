// OTLP over gRPC to a server of node:http2 in a second process: whole exports, and a rate that one connection carries.
import { grpcExporters, offloop, OURS, STOCK, stock, tracerFor } from '../harness/contenders.mjs';
import { startGrpcReceiver } from '../harness/receiver.mjs';
import { fillAttributes } from '../harness/spans.mjs';
import { BATCH, wholeExport } from '../harness/whole_export.mjs';

export const name = 'grpc';
export const title = 'OTLP over gRPC: batches of 512, receiver in a second process';
export const heavy = false;

const SHAPES = [
  { size: 'small', attributes: 8, textLength: 24, main: 8 },
  { size: 'large', attributes: 2, textLength: 16_384, main: 20 },
];

/** A call may be split, so the spans are counted and not the calls. */
function verify({ spans }, exports) {
  if (spans !== exports * BATCH) throw new Error(`${spans} of ${exports * BATCH} spans arrived`);
}

const startReceiver = () => startGrpcReceiver({ countSpans: true });

function wholeExports(shape) {
  return {
    name: `${shape.size}, none`,
    note:
      shape.size === 'large'
        ? 'Offloop splits what is over 4 MiB, the limit of servers; stock sends it as one call'
        : undefined,
    contenders: grpcExporters().map((exporter) => wholeExport(exporter, shape, { startReceiver, verify })),
    rows: [
      {
        what: 'main-thread CPU',
        unit: 'µs/span',
        metric: 'mainMicrosPerSpan',
        subject: OURS,
        timesBetter: { [STOCK]: shape.main },
      },
      {
        what: 'whole-process CPU',
        unit: 'µs/span',
        metric: 'processMicrosPerSpan',
        subject: OURS,
        timesBetter: { [STOCK]: 2 },
      },
      { what: 'longest slice', unit: 'ms', metric: 'longestSliceMillis', pick: 'min', subject: OURS, atMost: 2 },
      { what: 'wire', unit: 'bytes/span', metric: 'bytesPerSpan', subject: OURS },
    ],
  };
}

const DELAY_MILLIS = 100;
const OFFERED_PER_SECOND = 40_000;
const SECONDS = 3;
const STEP_MILLIS = 5;
/** Both processors get these; a batch that is on its way for 100 ms has to be large, or there have to be many of them. */
const PROCESSOR = { maxQueueSize: 65_536, maxExportBatchSize: 2048, scheduledDelayMillis: 1000 };
const QUEUE = { maxSpans: PROCESSOR.maxQueueSize };

function createProcessor({ name: who, sdk, create }, url) {
  const exporter = create({ url, timeoutMillis: 30_000 }, { queue: QUEUE });
  const stockSdk = Object.values(stock)
    .find((line) => line.sdk === sdk)
    .sdkModule();
  const { BatchSpanProcessor } = who in stock ? stockSdk : offloop();
  return { stockSdk, processor: new BatchSpanProcessor(exporter, PROCESSOR) };
}

/** Ends spans as evenly as timers allow; whoever falls behind makes it up, so that all offer the same. */
async function endSteadily(tracer) {
  const start = performance.now();
  const count = OFFERED_PER_SECOND * SECONDS;
  for (let ended = 0; ended < count; ) {
    const due = Math.min(count, Math.floor(((performance.now() - start) / 1000) * OFFERED_PER_SECOND));
    for (; ended < due; ended++) {
      const span = tracer.startSpan(`GET /api/users/:id ${ended % 7}`, { kind: 1 });
      fillAttributes(span, ended, 8, 24);
      span.end();
    }
    await new Promise((resolve) => setTimeout(resolve, STEP_MILLIS));
  }
  return count;
}

/**
 * Spans per second from the first that ended to the answer of the last that arrived, and how many did not. A flush that
 * fails has lost spans, or another export was refused because of it: what that cost shows in those that arrived.
 */
function sustained(exporter) {
  return {
    name: exporter.name,
    absent: exporter.absent,
    async body() {
      const receiver = await startGrpcReceiver({ countSpans: true, delayMillis: DELAY_MILLIS });
      const { stockSdk, processor } = createProcessor(exporter, receiver.url);
      const { provider, tracer } = tracerFor(stockSdk, processor);
      const start = Date.now();
      const ended = await endSteadily(tracer);
      await provider.forceFlush().catch(() => {});
      await provider.shutdown().catch(() => {});
      const { spans, connections, lastAt } = await receiver.totals();
      const seconds = (lastAt + DELAY_MILLIS - start) / 1000;
      receiver.stop();
      return { spansPerSecond: spans / seconds, lost: ended - spans, connections };
    },
  };
}

const sustainedRate = {
  name: `${(30_000).toLocaleString('en-US')} spans/s, ${DELAY_MILLIS} ms collector`,
  heavy: true,
  warmUpRounds: 0,
  limitSeconds: 300,
  note:
    `${OFFERED_PER_SECOND.toLocaleString('en-US')} spans/s for ${SECONDS} s, then a flush; maxQueueSize ${PROCESSOR.maxQueueSize}, ` +
    `maxExportBatchSize ${PROCESSOR.maxExportBatchSize} for all processors, queue.maxSpans ${QUEUE.maxSpans} for Offloop`,
  contenders: grpcExporters().map(sustained),
  rows: [
    {
      what: 'rate without a drop',
      unit: 'spans/s',
      metric: 'spansPerSecond',
      higherIsBetter: true,
      subject: OURS,
      atLeast: 30_000,
    },
    { what: 'spans lost', unit: '', metric: 'lost', pick: 'max', subject: OURS, atMost: 0 },
    { what: 'connections', unit: '', metric: 'connections', pick: 'max', subject: OURS, atMost: 1 },
  ],
};

/** The rows of this scenario. */
export function cases() {
  return [...SHAPES.map(wholeExports), sustainedRate];
}
