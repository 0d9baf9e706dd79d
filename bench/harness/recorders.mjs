// Owns who is compared where payloads are recorded for replay: Offloop's exporter and the published SDK's, both to files
// behind the SDK's own batch processor.
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { offloopMissing, ROOT, STOCK_PROTOBUFJS, stock } from './contenders.mjs';

const require = createRequire(import.meta.url);

export const RECORDER = 'offloop/tusk';
export const PUBLISHED = 'record/replay SDK 0.1.27';
/** The tracer whose spans a recorder takes. */
export const RECORDED_LIBRARY = 'tusk-drift-sdk';

const published = () => require(join(ROOT, '__test__/helpers/published_sdk.js'));

/** `{ name, absent, sdkModule, create({ directory }) }` as `processors()` of contenders.mjs has them. */
export function recorders() {
  const { sdkModule } = stock[STOCK_PROTOBUFJS];
  const recorder = (name, absent, load) => ({
    name,
    absent,
    sdkModule,
    create: ({ directory }) => {
      const exporter = new (load().TdSpanExporter)({
        mode: 'RECORD',
        environment: 'bench',
        sdkVersion: '0.1.45',
        sdkInstanceId: 'bench',
        exportTimeoutMillis: 30_000,
        baseDirectory: directory,
      });
      return new (sdkModule().BatchSpanProcessor)(exporter);
    },
  });
  const notInstalled = published().isInstalled ? null : 'not installed: npm install in __test__/tusk-sdk';
  return [
    recorder(RECORDER, offloopMissing(), () => require(join(ROOT, 'js', 'entries', 'tusk.js'))),
    recorder(PUBLISHED, notInstalled, () => published().loadPublishedSdk()),
  ];
}

/** Spans in the files of a recorder: a line each. */
export function countRecorded(directory) {
  let lines = 0;
  for (const file of readdirSync(directory, { recursive: true })) {
    if (!file.endsWith('.jsonl')) continue;
    for (const byte of readFileSync(join(directory, file))) if (byte === 10) lines += 1;
  }
  return lines;
}
