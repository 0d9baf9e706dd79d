// A span's whole life on the main thread, start to delivered, by processor; without one it is the SDK's own share.
import {
  FOUR_TIMES,
  IMPORT_ALONE,
  OURS,
  processors,
  STOCK,
  STOCK_PROTOBUFJS,
  stock,
  tracerFor,
} from '../harness/contenders.mjs';
import { threadCpuMicros } from '../harness/cpu.mjs';
import { measure } from '../harness/meter.mjs';
import { startReceiver } from '../harness/receiver.mjs';
import { fillAttributes } from '../harness/spans.mjs';

export const name = 'end';
export const title = 'span.end() by processor: 1,000 spans of 8 attributes, then forceFlush()';
export const heavy = false;

const SPANS = 1000;
const REPEAT = 20;

/** What a span costs by itself, in each generation of the SDK. */
const NO_PROCESSOR = 'no processor';
const NO_PROCESSOR_1X = 'no processor, SDK 1.x';
const WITHOUT = [
  { name: NO_PROCESSOR, absent: null, sdkModule: stock[STOCK].sdkModule },
  { name: NO_PROCESSOR_1X, absent: null, sdkModule: stock[STOCK_PROTOBUFJS].sdkModule },
];

function contender({ name: contenderName, absent, sdkModule, create }) {
  return {
    name: contenderName,
    absent,
    async setUp() {
      const receiver = await startReceiver({ countSpans: true });
      return { receiver, ...tracerFor(sdkModule(), create?.({ url: receiver.url })), exporting: Boolean(create) };
    },
    async body(_round, state) {
      const { receiver, provider, tracer, exporting } = state;
      await receiver.reset();
      let endMicros = 0;
      const life = async () => {
        const spans = [];
        for (let index = 0; index < SPANS; index++) {
          const span = tracer.startSpan(`GET /api/users/:id ${index % 7}`, { kind: 1 });
          fillAttributes(span, index, 8, 24);
          spans.push(span);
        }
        const before = threadCpuMicros();
        for (const span of spans) span.end();
        endMicros += threadCpuMicros() - before;
        state.spans = spans; // a service has spans at any time; once there are none, V8 forgets the code made for their shape
        await provider.forceFlush();
      };
      const { mainMicros } = await measure(life, REPEAT);
      const { spans } = await receiver.totals();
      if (exporting && spans !== SPANS * REPEAT) throw new Error(`${spans} of ${SPANS * REPEAT} spans arrived`);
      return {
        mainMicrosPerSpan: mainMicros / REPEAT / SPANS,
        endMicrosPerSpan: endMicros / REPEAT / SPANS,
      };
    },
    async tearDown({ provider, receiver }) {
      await provider.shutdown();
      receiver.stop();
    },
  };
}

/** The rows of this scenario. */
export function cases() {
  const all = processors();
  // Until Offloop has a processor of its own the figure to judge is its exporter behind the SDK's.
  const subject = all.find(({ name: processor, absent }) => processor === OURS && !absent) ?? all[1];
  return [
    {
      name: '8 attributes',
      warmUpRounds: 10, // 200,000 spans: optimised code settles late
      contenders: [...all, ...WITHOUT].map(contender),
      rows: [
        {
          what: 'main thread, start to delivered',
          unit: 'µs/span',
          metric: 'mainMicrosPerSpan',
          subject: subject.name,
        },
        { what: 'span.end() itself', unit: 'µs/span', metric: 'endMicrosPerSpan', subject: subject.name },
        {
          what: 'processor and exporter, start to delivered',
          unit: 'µs/span',
          metric: 'mainMicrosPerSpan',
          subject: subject.name,
          above: {
            [OURS]: NO_PROCESSOR,
            [IMPORT_ALONE]: NO_PROCESSOR,
            [STOCK]: NO_PROCESSOR,
            [STOCK_PROTOBUFJS]: NO_PROCESSOR_1X,
          },
          timesFaster: FOUR_TIMES,
        },
      ],
    },
  ];
}
