// Spans into OTLP/JSON lines on disk: FileSpanExporter against the stock JSON serializer with fs.appendFile.
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  exportedSpans,
  FOUR_TIMES,
  offloop,
  offloopBuilds,
  offloopMissing,
  OURS,
  STOCK,
  STOCK_PROTOBUFJS,
} from '../harness/contenders.mjs';
import { longestSliceMillis, measure } from '../harness/meter.mjs';
import { calibrate } from '../harness/rounds.mjs';
import { makeSpans } from '../harness/spans.mjs';

const require = createRequire(import.meta.url);

export const name = 'file';
export const title = 'File sink: OTLP/JSON lines, batches of 512';
export const heavy = false;

const SPANS = 512;
const SHAPES = [
  { size: 'small', attributes: 8, textLength: 24 },
  { size: 'large', attributes: 2, textLength: 16_384, most: 8 },
];

function fileCost(contenderName, absent, shape, open, sdk = 2) {
  return {
    name: contenderName,
    absent,
    async setUp() {
      const directory = mkdtempSync(join(tmpdir(), 'offloop-bench-'));
      const sink = open(directory);
      const spans = makeSpans({ count: SPANS, ...shape, sdk });
      const repeat = await calibrate(() => sink.write(spans), { most: shape.most });
      return { directory, sink, spans, repeat };
    },
    async body(_round, { directory, sink, spans, repeat }) {
      const { mainMicros, processMicros } = await measure(() => sink.write(spans), repeat);
      const slice = await longestSliceMillis(() => sink.write(spans));
      const files = readdirSync(directory).map((file) => join(directory, file));
      if (files.reduce((bytes, file) => bytes + statSync(file).size, 0) === 0) throw new Error('nothing was written');
      return {
        mainMicrosPerSpan: mainMicros / repeat / SPANS,
        processMicrosPerSpan: processMicros / repeat / SPANS,
        longestSliceMillis: slice,
      };
    },
    async tearDown({ directory, sink }) {
      await sink.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function openOurs(root) {
  return (directory) => {
    const exporter = new (offloop(root).FileSpanExporter)({ directory, format: 'otlp-json' });
    return { write: (spans) => exportedSpans(exporter, spans), close: () => exporter.shutdown() };
  };
}

const openStock = (transformer) => (directory) => {
  const { JsonTraceSerializer } = require(transformer);
  const file = join(directory, 'traces.jsonl');
  let bytes = 0;
  return {
    async write(spans) {
      const line = Buffer.concat([JsonTraceSerializer.serializeRequest(spans), Buffer.from('\n')]);
      bytes += line.length;
      if (bytes > 256 * 2 ** 20) {
        rmSync(file, { force: true }); // ours rotates and keeps ten files: nobody fills the disk
        bytes = 0;
      }
      await appendFile(file, line);
    },
    async close() {},
  };
};

/** The rows of this scenario. */
export function cases() {
  return SHAPES.map((shape) => ({
    name: shape.size,
    heavy: shape.size === 'large',
    contenders: [
      ...offloopBuilds().map(([build, root]) => {
        const absent = offloopMissing(root) ?? (offloop(root).FileSpanExporter ? null : 'no FileSpanExporter yet');
        return fileCost(build, absent, shape, openOurs(root));
      }),
      fileCost(STOCK, null, shape, openStock('@opentelemetry/otlp-transformer')),
      fileCost(STOCK_PROTOBUFJS, null, shape, openStock('otlp-transformer-1x'), 1),
    ],
    rows: [
      {
        what: 'main-thread CPU',
        unit: 'µs/span',
        metric: 'mainMicrosPerSpan',
        subject: OURS,
        timesFaster: FOUR_TIMES,
      },
      { what: 'whole-process CPU', unit: 'µs/span', metric: 'processMicrosPerSpan', subject: OURS },
      { what: 'longest slice', unit: 'ms', metric: 'longestSliceMillis', pick: 'min', subject: OURS, atMost: 2 },
    ],
  }));
}
