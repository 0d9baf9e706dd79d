// One export() to its callback, HTTP to a second process included: main thread, whole process, bytes on the wire.
import { exporters, FOUR_TIMES, OURS, STOCK } from '../harness/contenders.mjs';
import { startReceiver } from '../harness/receiver.mjs';
import { wholeExport } from '../harness/whole_export.mjs';

export const name = 'export';
export const title = 'Whole export over HTTP: batches of 512, receiver in a second process';
export const heavy = false;

const SHAPES = [
  { size: 'small', attributes: 8, textLength: 24, main: 8, process: 2 },
  { size: 'medium', attributes: 20, textLength: 40, main: 7 },
  { size: 'large', attributes: 2, textLength: 16_384, main: 30, process: 4 },
];

function verify({ requests }, exports) {
  if (requests !== exports) throw new Error(`${requests} requests for ${exports} exports`);
}

/** The rows of this scenario. */
export function cases() {
  return SHAPES.flatMap((shape) =>
    ['none', 'gzip'].map((compression) => ({
      name: `${shape.size}, ${compression}`,
      heavy: compression === 'gzip' && shape.size !== 'small',
      contenders: exporters().map((exporter) =>
        wholeExport(exporter, shape, { startReceiver, config: { compression }, verify }),
      ),
      rows: [
        {
          what: 'main-thread CPU',
          unit: 'µs/span',
          metric: 'mainMicrosPerSpan',
          subject: OURS,
          timesBetter: { [STOCK]: shape.main },
          timesFaster: FOUR_TIMES,
        },
        {
          what: 'whole-process CPU',
          unit: 'µs/span',
          metric: 'processMicrosPerSpan',
          subject: OURS,
          timesBetter: shape.process ? { [STOCK]: shape.process } : {},
        },
        { what: 'longest slice', unit: 'ms', metric: 'longestSliceMillis', pick: 'min', subject: OURS, atMost: 2 },
        { what: 'wire', unit: 'bytes/span', metric: 'bytesPerSpan', subject: OURS },
      ],
    })),
  );
}
