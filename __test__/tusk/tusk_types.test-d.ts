import type * as sdk2 from '@opentelemetry/sdk-trace-base';
import type * as sdk1 from 'sdk-trace-1x';
import { expectAssignable, expectError, expectType } from 'tsd';
import type { ReadableSpan } from '../..';
import {
  type CleanSpanData,
  DriftBatchSpanProcessor,
  FilesystemSpanAdapter,
  JsonSchemaHelper,
  type JsonSchemaType,
  type SpanExportAdapter,
  SpanTransformer,
  TdSpanExporter,
  TraceBlockingManager,
  TuskDriftMode,
  withRetries,
} from '../../js/entries/tusk';

const config = {
  baseDirectory: '.tusk/traces',
  mode: TuskDriftMode.RECORD,
  useRemoteExport: false,
  tuskBackendBaseUrl: 'https://example.test',
  sdkVersion: '0.1.45',
  sdkInstanceId: 'sdk-1',
  exportTimeoutMillis: 30000,
};
const exporter = new TdSpanExporter(config);

expectAssignable<sdk1.SpanExporter>(exporter);
expectAssignable<sdk2.SpanExporter>(exporter);

// The recorder has its own enum with the same texts.
declare enum RecorderMode {
  RECORD = 'RECORD',
}
new TdSpanExporter({ ...config, mode: RecorderMode.RECORD, failBatchOnBadSpan: true, ignoreSinkErrors: true });
expectError(new TdSpanExporter({ ...config, mode: 'record' }));
expectError(new TdSpanExporter({ mode: 'RECORD' }));

const redact = ['pii' as const, { keys: ['**.a'], action: 'hash' as const }, { match: ['email' as const] }];
const redacting = new FilesystemSpanAdapter({ baseDirectory: 'x', process: { marker: 'x', redact } });
expectType<number | undefined>(redacting.stats().process?.failClosed.base64);
new TdSpanExporter({ ...config, process: { redact } });
expectError(new TdSpanExporter({ ...config, process: { redact: [{ keys: ['a'], action: 'delete' }] } }));
expectError(new TdSpanExporter({ ...config, process: { redact: [{ keys: ['a'], keepType: false }] } }));
expectError(new TdSpanExporter({ ...config, process: { redact: [{ match: ['email'], in: ['events'] }] } }));
expectError(new TdSpanExporter({ ...config, process: { drop: [{ name: 'x' }] } }));

const processor = new DriftBatchSpanProcessor({
  exporter,
  config: { maxQueueSize: 2048, maxExportBatchSize: 512, scheduledDelayMillis: 2000 },
  mode: TuskDriftMode.RECORD,
});
expectAssignable<sdk1.SpanProcessor>(processor);
expectAssignable<sdk2.SpanProcessor>(processor);
expectType<number>(processor.getHealthSnapshot().queueFillRatio);
expectType<number | null>(exporter.getHealthSnapshot().lastExportLatencyMs);

class Own implements SpanExportAdapter {
  name = 'own';
  async exportSpans(spans: CleanSpanData[]) {
    return { code: spans.length > 0 ? (0 as const) : (1 as const) };
  }
  async shutdown() {}
}
exporter.addAdapter(new Own());
expectError(exporter.addAdapter({ name: 'no' }));

declare const span: ReadableSpan;
expectType<CleanSpanData>(SpanTransformer.transformSpanToCleanJSON(span, 'test'));
expectType<JsonSchemaType>(JsonSchemaHelper.getDetailedType(new Map()));
expectType<boolean>(TraceBlockingManager.getInstance().isTraceBlocked('x'));
expectType<Promise<number>>(withRetries(async () => 1, { maxAttempts: 3, initialDelayMs: 1, maxDelayMs: 2 }));
