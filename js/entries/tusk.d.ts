/// <reference types="node" />
import type {
  Detector,
  ExportResult,
  OTLPTraceExporterConfig,
  ProcessOptions,
  ProcessStats,
  ReadableSpan,
  WholeAction,
} from '../../index';

// The record/replay surface. Structural types throughout: the SDK's own configuration, spans, adapters and managers fit.

/** The SDK's modes; any other value of the same text is as good. */
export declare const TuskDriftMode: {
  readonly DISABLED: 'DISABLED';
  readonly RECORD: 'RECORD';
  readonly REPLAY: 'REPLAY';
};
export type TuskDriftMode = 'DISABLED' | 'RECORD' | 'REPLAY';

export declare enum JsonSchemaType {
  UNSPECIFIED = 0,
  NUMBER = 1,
  STRING = 2,
  BOOLEAN = 3,
  NULL = 4,
  UNDEFINED = 5,
  OBJECT = 6,
  ORDERED_LIST = 7,
  UNORDERED_LIST = 8,
  FUNCTION = 9,
}

export declare enum EncodingType {
  UNSPECIFIED = 0,
  BASE64 = 1,
}

export declare enum DecodedType {
  UNSPECIFIED = 0,
  JSON = 1,
  HTML = 2,
  CSS = 3,
  JAVASCRIPT = 4,
  XML = 5,
  YAML = 6,
  MARKDOWN = 7,
  CSV = 8,
  SQL = 9,
  GRAPHQL = 10,
  PLAIN_TEXT = 11,
  FORM_DATA = 12,
  MULTIPART_FORM = 13,
  PDF = 14,
  AUDIO = 15,
  VIDEO = 16,
  GZIP = 17,
  BINARY = 18,
  JPEG = 19,
  PNG = 20,
  GIF = 21,
  WEBP = 22,
  SVG = 23,
  ZIP = 24,
}

/** Shape of a recorded value. */
export interface JsonSchema {
  type: JsonSchemaType;
  properties: Record<string, JsonSchema>;
  items?: JsonSchema;
  encoding?: EncodingType;
  decodedType?: DecodedType;
  matchImportance?: number;
}

/** What an instrumentation knows about one member of a payload. */
export interface SchemaMergeTypes {
  encoding?: EncodingType;
  decodedType?: DecodedType;
  /** 0 to 1. */
  matchImportance?: number;
}

/** By the name of a member of the payload's root. */
export type SchemaMerges = Record<string, SchemaMergeTypes>;

/** A recorded span as adapters get it: every key is there, `undefined` where there is nothing. */
export interface CleanSpanData {
  traceId: string;
  spanId: string;
  /** Empty for a root. */
  parentSpanId: string;
  name: string;
  packageName: string;
  instrumentationName: string;
  submoduleName: string;
  packageType?: number;
  environment?: string;
  inputValue: unknown;
  outputValue: unknown;
  inputSchema: JsonSchema;
  outputSchema?: JsonSchema;
  inputSchemaHash: string;
  outputSchemaHash: string;
  inputValueHash: string;
  outputValueHash: string;
  /** As OpenTelemetry numbers it. */
  kind: number;
  status: { code: number; message: string };
  isPreAppStart: boolean;
  timestamp: { seconds: number; nanos: number };
  duration: { seconds: number; nanos: number };
  isRootSpan: boolean;
  metadata?: Record<string, unknown>;
  transformMetadata?: { transformed: boolean; actions: TransformAction[] };
  /** Only with the option `protoSpanBytes`. */
  protoSpanBytes?: Buffer;
}

/** What a recorder did to a payload before it was recorded. */
export interface TransformAction {
  type: 'redact' | 'mask' | 'replace' | 'drop';
  field: string;
  reason: string;
  description?: string;
}

/** A destination written in JavaScript. It gets clean spans, made on the calling thread. */
export interface SpanExportAdapter {
  name: string;
  exportSpans(spans: CleanSpanData[]): Promise<ExportResult>;
  shutdown(): Promise<void>;
}

/** Whoever knows which traces are not recorded any more. */
export interface TraceBlocker {
  isTraceBlocked(traceId: string): boolean;
  blockTrace(traceId: string): void;
}

/** Where a rule looks in a recording: its values, the name, the message of the status, what has recorded it. */
export type RecordingPart = 'attributes' | 'name' | 'status' | 'scope';

/** A rule for recordings. Paths begin with `inputValue`, `outputValue`, `metadata` or `transformMetadata`; types always stay. */
export type RecordingRule = {
  /** Shown in `stats()`. Default its place, as in `redact[3]`. */
  name?: string;
  /** Default everything. */
  in?: RecordingPart[];
  ignoreCase?: boolean;
  /** Keys that the rule leaves alone. */
  except?: string[];
  /** Texts that the rule leaves alone. */
  unless?: string[];
} & (
  | { keys: string[]; match?: never; action?: Exclude<WholeAction, 'delete' | { allow: true }>; keepType?: true }
  | { keys?: string[]; match: Detector[]; action?: 'mask' | 'hash'; keepType?: never }
);

/** What is redacted before schemas, hashes and texts are made. Rules and examples: docs/processing.md. */
export interface RecordingProcessOptions extends Pick<ProcessOptions, 'marker' | 'hashKey'> {
  redact?: Array<'defaults' | 'secrets' | 'pii' | RecordingRule>;
}

/** What the rules of an adapter have done. */
export interface AdapterStats {
  /** Present with `process` only, after the first export. */
  process?: ProcessStats;
}

/** Options of ours that the built-in adapters take, from the exporter's configuration too. */
export interface AdapterOptions extends Pick<OTLPTraceExporterConfig, 'queue' | 'limits' | 'exit' | 'onError'> {
  /**
   * Redacts recordings on native threads; adapters that get objects are refused then. An exporter's holds for adapters that have
   * none. Default none.
   */
  process?: RecordingProcessOptions;
}

/** The SDK's configuration of the exporter. */
export interface TdTraceExporterConfig extends AdapterOptions {
  /** Directory of the trace files; created by the constructor. */
  baseDirectory: string;
  mode: `${TuskDriftMode}`;
  observableServiceId?: string;
  /** Post to the backend; needs `apiKey` and `observableServiceId` too, otherwise files are written. */
  useRemoteExport: boolean;
  apiKey?: string;
  tuskBackendBaseUrl: string;
  environment?: string;
  sdkVersion: string;
  sdkInstanceId: string;
  /** Deadline of one attempt; less than 1 is 1, more than 2147483647 is that, a day at most. Default 30000. */
  exportTimeoutMillis: number;
  /** A span that cannot be read fails its whole batch, as it did before. Default `false`: it costs only itself. */
  failBatchOnBadSpan?: boolean;
  /** An adapter that resolves to FAILED does not make the export fail, as it did before. Default `false`. */
  ignoreSinkErrors?: boolean;
  /** Wait as long as the backend asks before the next attempt, 30 s at most; 429 is repeated then too. Default `false`. */
  honorRetryAfter?: boolean;
  /** `fetch` has no effect any more: Offloop's own sender makes every request. Default 'native'. */
  transport?: 'native' | 'fetch';
  /** Give custom adapters the span as protobuf too. Default `false`. */
  protoSpanBytes?: boolean;
  /** Asked and told instead of the manager of this process. Default the one of this process. */
  traceBlockingManager?: TraceBlocker;
}

/** Health of the remote adapters together. */
export interface TdExporterHealthSnapshot {
  failureCount: number;
  timeoutCount: number;
  circuitOpen: boolean;
  lastExportLatencyMs: number | null;
}

/** Takes the place of the SDK's exporter of the same name. */
export declare class TdSpanExporter {
  constructor(config: TdTraceExporterConfig);
  export(spans: ReadableSpan[], resultCallback: (result: ExportResult) => void): void;
  /**
   * Waits for what is on its way and shuts the adapters down; the exporter works on if spans come later. Rejects with what
   * an adapter rejects with, or with `Timeout` if one never answers.
   */
  shutdown(): Promise<void>;
  /** Waits for what is on its way, to adapters of your own too. Rejects as `shutdown` does. */
  forceFlush(): Promise<void>;
  /** The list itself. */
  getAdapters(): SpanExportAdapter[];
  addAdapter(adapter: SpanExportAdapter): void;
  removeAdapter(adapter: SpanExportAdapter): void;
  clearAdapters(): void;
  getHealthSnapshot(): TdExporterHealthSnapshot;
}

export interface FilesystemSpanAdapterConfig extends AdapterOptions, Pick<TdTraceExporterConfig, 'failBatchOnBadSpan'> {
  baseDirectory: string;
}

/** One file of JSON lines per trace. */
export declare class FilesystemSpanAdapter implements SpanExportAdapter {
  readonly name: 'filesystem';
  constructor(config: FilesystemSpanAdapterConfig);
  /** Fails where rules of `process` would have to redact the spans. */
  exportSpans(spans: CleanSpanData[]): Promise<ExportResult>;
  stats(): AdapterStats;
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

export interface ApiSpanAdapterConfig
  extends AdapterOptions,
    Pick<TdTraceExporterConfig, 'honorRetryAfter' | 'transport' | 'failBatchOnBadSpan'> {
  apiKey: string;
  tuskBackendBaseUrl: string;
  observableServiceId: string;
  environment?: string;
  sdkVersion: string;
  sdkInstanceId: string;
  /** Deadline of one attempt; less than 1 is 1, more than 2147483647 is that, a day at most. Default 30000. */
  exportTimeoutMillis: number;
}

export type CircuitState = 'closed' | 'open' | 'half_open';

export interface ApiSpanAdapterHealthSnapshot {
  /** Exports that failed. */
  failureCount: number;
  /** Attempts that ran out of time. */
  timeoutCount: number;
  circuitState: CircuitState;
  /** Of a whole export, retries included. */
  lastExportLatencyMs: number | null;
}

/** One request to the backend per export. */
export declare class ApiSpanAdapter implements SpanExportAdapter {
  readonly name: 'api';
  constructor(config: ApiSpanAdapterConfig);
  /** Encodes the spans before it returns. Fails where rules of `process` would have to redact them. */
  exportSpans(spans: CleanSpanData[]): Promise<ExportResult>;
  /**
   * One attempt with a whole request, by Offloop's sender. Replace it to send otherwise, through a proxy for instance:
   * attempts, waits and breaker stay as they are, and the limits of the answer are yours.
   * @throws {NonRetryableError} if no further attempt can help
   * @throws {Error} with rules of `process`: nothing has redacted the request
   */
  postExportRequest(requestBytes: Uint8Array): Promise<void>;
  stats(): AdapterStats;
  getHealthSnapshot(): ApiSpanAdapterHealthSnapshot;
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

export type SpanExportCallback = (spans: CleanSpanData[]) => void | Promise<void>;

export declare class CallbackSpanAdapter implements SpanExportAdapter {
  readonly name: 'callback';
  constructor(callback: SpanExportCallback);
  exportSpans(spans: CleanSpanData[]): Promise<ExportResult>;
  shutdown(): Promise<void>;
}

export declare class InMemorySpanAdapter implements SpanExportAdapter {
  readonly name: 'in-memory';
  collectSpan(span: CleanSpanData): void;
  getAllSpans(): CleanSpanData[];
  /** Spans whose instrumentation's name contains the text. */
  getSpansByInstrumentation(instrumentationName: string): CleanSpanData[];
  getSpansByKind(kind: number): CleanSpanData[];
  clear(): void;
  exportSpans(spans: CleanSpanData[]): Promise<ExportResult>;
  shutdown(): Promise<void>;
}

/** Says which exporter the three functions below act on. */
export declare function setSpanExporterSource(source: () => TdSpanExporter | undefined): void;
/** Makes `adapter` the only adapter of the current exporter. */
export declare function registerInMemoryAdapter(adapter: InMemorySpanAdapter): void;
export declare function unregisterInMemoryAdapter(adapter: InMemorySpanAdapter): void;
export declare function clearRegisteredInMemoryAdapters(): void;

// biome-ignore lint/complexity/noStaticOnlyClass: the SDK's public class
export declare class SpanTransformer {
  /** @throws if input, output, merges or metadata are not JSON text */
  static transformSpanToCleanJSON(span: ReadableSpan, environment?: string): CleanSpanData;
}

// biome-ignore lint/complexity/noStaticOnlyClass: the SDK's public class
export declare class JsonSchemaHelper {
  static getDetailedType(value: unknown): JsonSchemaType;
  static generateSchema(data: unknown, schemaMerges?: SchemaMerges): JsonSchema;
  /** SHA-256 of the canonical JSON text, in hex. */
  static generateDeterministicHash(data: unknown): string;
  static sortObjectKeysRecursively<T>(value: T): T;
  static generateSchemaAndHash(
    data: unknown,
    schemaMerges?: SchemaMerges,
  ): { schema: JsonSchema; decodedValueHash: string; decodedSchemaHash: string };
  static getTypeMapping(): Readonly<Record<string, JsonSchemaType>>;
}

export interface DriftBatchSpanProcessorConfig {
  /** Spans that wait at most; less than 1 is none. */
  maxQueueSize: number;
  /** Spans per batch. Number, at least 1. */
  maxExportBatchSize: number;
  /** Time between two looks at the queue; less than 1 is 1, more than 2147483647 is that. */
  scheduledDelayMillis: number;
  /**
   * How long an export may be without an answer, and a shutdown of the exporter; less than 1 is 1, more than 2147483647
   * is that. Default 30000, or the exporter's own limit.
   */
  exportTimeoutMillis?: number;
}

export interface DriftBatchProcessorHealthSnapshot {
  queueSize: number;
  maxQueueSize: number;
  queueFillRatio: number;
  /** Spans that no export had: the queue was full, or the exporter did not answer before a shutdown. */
  droppedSpanCount: number;
  /** Exports (not spans) that failed or had no answer, without those that `failureCount` of the exporter shows. */
  exportFailureCount: number;
  lastExportLatencyMs: number | null;
}

export declare class DriftBatchSpanProcessor {
  constructor(options: {
    exporter: Pick<TdSpanExporter, 'export' | 'shutdown'>;
    config: DriftBatchSpanProcessorConfig;
    mode: `${TuskDriftMode}`;
  });
  onStart(span: unknown, parentContext: unknown): void;
  onEnd(span: ReadableSpan): void;
  /** Resolves when the queue is empty; rejects with `Timeout` once an export has no answer, and the queue goes on. */
  forceFlush(): Promise<void>;
  /** Exports what is queued; rejects with `Timeout` once an export has no answer, and what is left is dropped then. */
  shutdown(): Promise<void>;
  getHealthSnapshot(): DriftBatchProcessorHealthSnapshot;
}

export declare class CircuitBreaker {
  constructor(config: { failureThreshold: number; resetTimeoutMs: number });
  allowRequest(): boolean;
  recordSuccess(): void;
  recordFailure(): void;
  getState(): CircuitState;
}

/** An error that `withRetries` does not repeat. */
export declare class NonRetryableError extends Error {}

export declare function withRetries<T>(
  attempt: () => Promise<T>,
  config: { maxAttempts: number; initialDelayMs: number; maxDelayMs: number },
): Promise<T>;

export declare class TraceBlockingManager implements TraceBlocker {
  /** The manager of this process, shared by every copy of this package. */
  static getInstance(): TraceBlocker;
  /** Puts the manager of another library in its place. */
  static setInstance(manager: TraceBlocker): void;
  isTraceBlocked(traceId: string): boolean;
  blockTrace(traceId: string): void;
}

export interface RustCoreStartupStatus {
  enabled: boolean;
  reason: 'default_on' | 'env_enabled' | 'env_disabled' | 'invalid_env_value_defaulted';
  rawEnv: string | null;
  bindingLoaded: boolean;
  bindingError: string | null;
}

export interface ProcessExportPayloadResult {
  normalizedValue: unknown;
  decodedValueHash: string;
  decodedSchema: unknown;
  decodedSchemaHash: string;
}

export interface BuildSpanProtoBytesInput {
  traceId: string;
  spanId: string;
  parentSpanId: string;
  name: string;
  packageName: string;
  instrumentationName: string;
  submoduleName: string;
  packageType: number;
  environment?: string;
  /** As the backend's schemas number it. */
  kind: number;
  inputSchema: unknown;
  outputSchema: unknown;
  inputSchemaHash: string;
  outputSchemaHash: string;
  inputValueHash: string;
  outputValueHash: string;
  statusCode: number;
  statusMessage: string;
  isPreAppStart: boolean;
  isRootSpan: boolean;
  timestampSeconds: number;
  timestampNanos: number;
  durationSeconds: number;
  durationNanos: number;
  metadata?: unknown;
  inputValue?: unknown;
  outputValue?: unknown;
}

export declare function getRustCoreStartupStatus(): RustCoreStartupStatus;
/** Null when switched off (`TUSK_USE_RUST_CORE`) or when the payload cannot be processed; so are the two below. */
export declare function processExportPayloadJsonable(
  payload: unknown,
  schemaMerges?: SchemaMerges,
): ProcessExportPayloadResult | null;
export declare function buildSpanProtoBytes(input: BuildSpanProtoBytesInput): Buffer | null;
export declare function buildExportSpansRequestBytes(
  observableServiceId: string,
  environment: string,
  sdkVersion: string,
  sdkInstanceId: string,
  spanProtoBytesList: Uint8Array[],
): Buffer | null;
