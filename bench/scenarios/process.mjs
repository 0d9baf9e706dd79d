// What rules of `process` cost: each batch beside the same without rules, as CPU of the whole process and of the main thread.
import { exportedSpans, offloop, offloopMissing, OURS } from '../harness/contenders.mjs';
import { collectGarbage, longestSliceMillis, measure } from '../harness/meter.mjs';
import { startReceiver } from '../harness/receiver.mjs';
import { makeSpans } from '../harness/spans.mjs';
import { SHAPES } from '../instructions/corpus.mjs';
import { RULES } from '../instructions/rules.mjs';

export const name = 'process';
export const title = 'Rules on native threads: batches of 512 beside the same without rules';
export const heavy = false;

const SPANS = 512;
const WITHOUT = 'without rules';
const MOST_CONSTRUCTION_MILLIS = 20;
/** What two runs of the same may differ by. */
const NOISE_MILLIS = 0.3;

const medium = () => makeSpans({ count: SPANS, attributes: 20, textLength: 40 });
/** Spans whose only attribute is the one that the rules read. */
const carrying =
  ({ attributesOf }) =>
  () =>
    medium().map((span, index) => Object.create(span, { attributes: { value: attributesOf(index) } }));

const bytesOf = (spans, key) => spans.reduce((sum, { attributes }) => sum + attributes[key].length, 0);

/** Two exporters to one receiver; who goes first in a round alternates. */
function pair(rules, makeBatch, { key, repeat }) {
  return {
    name: OURS,
    absent: offloopMissing(),
    async setUp() {
      const receiver = await startReceiver();
      const create = (more) => new (offloop().OTLPTraceExporter)({ url: receiver.url, compression: 'none', ...more });
      const spans = makeBatch();
      return {
        receiver,
        spans,
        ruled: create({ process: { redact: rules, hashKey: Buffer.alloc(32, 7) } }),
        plain: create(),
      };
    },
    async body(round, { spans, ruled, plain }) {
      const run = async (exporter) => {
        collectGarbage();
        return measure(() => exportedSpans(exporter, spans), repeat);
      };
      const isRuledFirst = round % 2 !== 0;
      const first = await run(isRuledFirst ? ruled : plain);
      const second = await run(isRuledFirst ? plain : ruled);
      const [without, withRules] = isRuledFirst ? [second, first] : [first, second];
      const extraMicros = (withRules.processMicros - without.processMicros) / repeat;
      return {
        microsPerSpan: extraMicros / SPANS,
        mainMicrosPerSpan: (withRules.mainMicros - without.mainMicros) / repeat / SPANS,
        share: (100 * extraMicros) / (without.processMicros / repeat),
        megabytesPerCpuSecond: key ? bytesOf(spans, key) / extraMicros : Number.NaN,
      };
    },
    async tearDown({ ruled, plain, receiver }) {
      await Promise.all([ruled.shutdown(), plain.shutdown()]);
      receiver.stop();
    },
  };
}

function slices(contenderName, process) {
  return {
    name: contenderName,
    absent: offloopMissing(),
    async setUp() {
      const receiver = await startReceiver();
      const exporter = new (offloop().OTLPTraceExporter)({ url: receiver.url, ...process });
      return { receiver, exporter, spans: carrying(SHAPES.recorded)() };
    },
    async body(_round, { exporter, spans }) {
      collectGarbage();
      return { longestSliceMillis: await longestSliceMillis(() => exportedSpans(exporter, spans)) };
    },
    async tearDown({ exporter, receiver }) {
      await exporter.shutdown();
      receiver.stop();
    },
  };
}

const construction = {
  name: OURS,
  absent: offloopMissing(),
  async body() {
    const started = performance.now();
    const exporter = new (offloop().OTLPTraceExporter)({
      process: { redact: ['defaults', 'pii', ...RULES.detectors] },
    });
    const millis = performance.now() - started;
    await exporter.shutdown();
    return { millis };
  },
};

const row = (what, unit, metric, more) => ({ what, unit, metric, subject: OURS, ...more });
const costRows = [
  row('CPU over no rules', 'µs/span', 'microsPerSpan'),
  row('CPU over no rules', '%', 'share'),
  row('main thread over no rules', 'µs/span', 'mainMicrosPerSpan'),
];
const speed = (atLeast) => [
  row('text', 'MB per CPU second', 'megabytesPerCpuSecond', { higherIsBetter: true, atLeast }),
  row('main thread over no rules', 'µs/span', 'mainMicrosPerSpan'),
];

/** The rows of this scenario. */
export function cases() {
  const ofRules = (caseName, contender, rows) => ({ name: caseName, contenders: [contender], rows, limitSeconds: 300 });
  return [
    ofRules('55 keys', pair(RULES.keys, medium, { repeat: 100 }), costRows),
    ofRules('55 keys and 10 detectors', pair(RULES.detectors, medium, { repeat: 100 }), costRows),
    ofRules('SQL', pair(RULES.sql, carrying(SHAPES.statements), { key: 'db.query.text', repeat: 50 }), speed(300)),
    ofRules(
      'JSON rows',
      pair(RULES.rows, carrying(SHAPES.recorded), { key: 'td.outputValue', repeat: 10 }),
      speed(500),
    ),
    ofRules(
      'one long text',
      pair(RULES.document, carrying(SHAPES.document), { key: 'document', repeat: 10 }),
      speed(2000),
    ),
    {
      name: 'longest slice, JSON rows',
      limitSeconds: 300,
      contenders: [slices(OURS, { process: { redact: RULES.rows } }), slices(WITHOUT, {})],
      rows: [
        row('longest slice', 'ms', 'longestSliceMillis', { pick: 'min', atMostOver: { [WITHOUT]: NOISE_MILLIS } }),
      ],
    },
    ofRules('construction', construction, [row('construction', 'ms', 'millis', { atMost: MOST_CONSTRUCTION_MILLIS })]),
  ];
}
