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
/** The same as a type. */
export type TuskDriftMode = 'DISABLED' | 'RECORD' | 'REPLAY';

/** Kinds of values in a schema, as the backend numbers them. */
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

/** How a text holds bytes, as the backend numbers it. */
export declare enum EncodingType {
  UNSPECIFIED = 0,
  BASE64 = 1,
}

/** What is in an encoded text, as the backend numbers it. */
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
  /** What was done. */
  type: 'redact' | 'mask' | 'replace' | 'drop';
  /** Path of the member that it was done to. */
  field: string;
  /** Why it was done. */
  reason: string;
  /** More words about it. */
  description?: string;
}

/** A destination written in JavaScript. It gets clean spans, made on the calling thread. */
export interface SpanExportAdapter {
  /** How the adapter is called in log lines. */
  name: string;
  /** Takes spans and resolves with what became of them. */
  exportSpans(spans: CleanSpanData[]): Promise<ExportResult>;
  /** Ends the adapter. */
  shutdown(): Promise<void>;
}

/** Whoever knows which traces are not recorded any more. */
export interface TraceBlocker {
  /** Whether the trace is not recorded any more. */
  isTraceBlocked(traceId: string): boolean;
  /** From now on the trace is not recorded. */
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
  /** Rules, and names of lists of them, in any order. Default none. */
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
  /** Only `RECORD` exports. */
  mode: `${TuskDriftMode}`;
  /** Which service of the backend the spans belong to. Default none. */
  observableServiceId?: string;
  /** Post to the backend; needs `apiKey` and `observableServiceId` too, otherwise files are written. */
  useRemoteExport: boolean;
  /** Key of the backend. Default none. */
  apiKey?: string;
  /** URL of the backend, without a path. */
  tuskBackendBaseUrl: string;
  /** Name of the environment, as `production`. Default none. */
  environment?: string;
  /** Version of the SDK, for the backend. */
  sdkVersion: string;
  /** Id of this process, for the backend. */
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
  /** Exports that failed. */
  failureCount: number;
  /** Attempts that ran out of time. */
  timeoutCount: number;
  /** Whether batches are refused because the backend failed. */
  circuitOpen: boolean;
  /** Of the last export, in milliseconds; null before the first. */
  lastExportLatencyMs: number | null;
}

/** Takes the place of the SDK's exporter of the same name. */
export declare class TdSpanExporter {
  constructor(config: TdTraceExporterConfig);
  /** The callback runs once. */
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
  /** Adds one more destination. */
  addAdapter(adapter: SpanExportAdapter): void;
  /** Takes a destination away. */
  removeAdapter(adapter: SpanExportAdapter): void;
  /** Takes all destinations away. */
  clearAdapters(): void;
  /** The sum over the adapters that post to the backend. */
  getHealthSnapshot(): TdExporterHealthSnapshot;
}

/** Options of the adapter that writes files. */
export interface FilesystemSpanAdapterConfig extends AdapterOptions, Pick<TdTraceExporterConfig, 'failBatchOnBadSpan'> {
  /** Directory of the trace files; created by the constructor. */
  baseDirectory: string;
}

/** One file of JSON lines per trace. */
export declare class FilesystemSpanAdapter implements SpanExportAdapter {
  /** How the adapter is called in log lines. */
  readonly name: 'filesystem';
  constructor(config: FilesystemSpanAdapterConfig);
  /** Resolves when the lines are written. Fails where rules of `process` would have to redact the spans. */
  exportSpans(spans: CleanSpanData[]): Promise<ExportResult>;
  /** What became of the spans of this adapter. */
  stats(): AdapterStats;
  /** Waits for what is on its way. */
  forceFlush(): Promise<void>;
  /** Waits for what is on its way, and ends the adapter. */
  shutdown(): Promise<void>;
}

/** Options of the adapter that posts to the backend. */
export interface ApiSpanAdapterConfig
  extends AdapterOptions,
    Pick<TdTraceExporterConfig, 'honorRetryAfter' | 'transport' | 'failBatchOnBadSpan'> {
  /** Key of the backend. */
  apiKey: string;
  /** URL of the backend, without a path. */
  tuskBackendBaseUrl: string;
  /** Which service of the backend the spans belong to. */
  observableServiceId: string;
  /** Name of the environment, as `production`. Default none. */
  environment?: string;
  /** Version of the SDK, for the backend. */
  sdkVersion: string;
  /** Id of this process, for the backend. */
  sdkInstanceId: string;
  /** Deadline of one attempt; less than 1 is 1, more than 2147483647 is that, a day at most. Default 30000. */
  exportTimeoutMillis: number;
}

/** `open` refuses, `half_open` tries again. */
export type CircuitState = 'closed' | 'open' | 'half_open';

/** Health of one adapter. */
export interface ApiSpanAdapterHealthSnapshot {
  /** Exports that failed. */
  failureCount: number;
  /** Attempts that ran out of time. */
  timeoutCount: number;
  /** Whether its breaker lets requests through. */
  circuitState: CircuitState;
  /** Of a whole export, retries included. */
  lastExportLatencyMs: number | null;
}

/** One request to the backend per export. */
export declare class ApiSpanAdapter implements SpanExportAdapter {
  /** How the adapter is called in log lines. */
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
  /** What became of the spans of this adapter. */
  stats(): AdapterStats;
  /** Counts since the adapter was made. */
  getHealthSnapshot(): ApiSpanAdapterHealthSnapshot;
  /** Waits for what is on its way. */
  forceFlush(): Promise<void>;
  /** Waits for what is on its way, and ends the adapter. */
  shutdown(): Promise<void>;
}

/** What `CallbackSpanAdapter` calls with each batch. */
export type SpanExportCallback = (spans: CleanSpanData[]) => void | Promise<void>;

/** Hands each batch to a function. */
export declare class CallbackSpanAdapter implements SpanExportAdapter {
  /** How the adapter is called in log lines. */
  readonly name: 'callback';
  constructor(callback: SpanExportCallback);
  /** FAILED if the function throws or its promise rejects. */
  exportSpans(spans: CleanSpanData[]): Promise<ExportResult>;
  /** Does nothing. */
  shutdown(): Promise<void>;
}

/** Keeps spans in a list, for tests. */
export declare class InMemorySpanAdapter implements SpanExportAdapter {
  /** How the adapter is called in log lines. */
  readonly name: 'in-memory';
  /** Adds one span. */
  collectSpan(span: CleanSpanData): void;
  /** All spans so far. */
  getAllSpans(): CleanSpanData[];
  /** Spans whose instrumentation's name contains the text. */
  getSpansByInstrumentation(instrumentationName: string): CleanSpanData[];
  /** Spans of that kind, as OpenTelemetry numbers it. */
  getSpansByKind(kind: number): CleanSpanData[];
  /** Forgets all spans. */
  clear(): void;
  /** Adds spans. */
  exportSpans(spans: CleanSpanData[]): Promise<ExportResult>;
  /** Forgets all spans. */
  shutdown(): Promise<void>;
}

/** Says which exporter the three functions below act on. */
export declare function setSpanExporterSource(source: () => TdSpanExporter | undefined): void;
/** Makes `adapter` the only adapter of the current exporter. */
export declare function registerInMemoryAdapter(adapter: InMemorySpanAdapter): void;
/** Removes `adapter` from the current exporter. */
export declare function unregisterInMemoryAdapter(adapter: InMemorySpanAdapter): void;
/** Removes every adapter that was registered so from the current exporter. */
export declare function clearRegisteredInMemoryAdapters(): void;

/** Makes clean spans from spans of OpenTelemetry. */
// biome-ignore lint/complexity/noStaticOnlyClass: the SDK's public class
export declare class SpanTransformer {
  /** @throws if input, output, merges or metadata are not JSON text */
  static transformSpanToCleanJSON(span: ReadableSpan, environment?: string): CleanSpanData;
}

/** Schemas and hashes of payloads. */
// biome-ignore lint/complexity/noStaticOnlyClass: the SDK's public class
export declare class JsonSchemaHelper {
  /** The kind of a value. */
  static getDetailedType(value: unknown): JsonSchemaType;
  /** The shape of a value. */
  static generateSchema(data: unknown, schemaMerges?: SchemaMerges): JsonSchema;
  /** SHA-256 of the canonical JSON text, in hex. */
  static generateDeterministicHash(data: unknown): string;
  /** A copy whose keys stand in their order, at every depth. */
  static sortObjectKeysRecursively<T>(value: T): T;
  /** The shape of a value, with the hashes of both. */
  static generateSchemaAndHash(
    data: unknown,
    schemaMerges?: SchemaMerges,
  ): { schema: JsonSchema; decodedValueHash: string; decodedSchemaHash: string };
  /** Names of kinds and their numbers. */
  static getTypeMapping(): Readonly<Record<string, JsonSchemaType>>;
}

/** Options of the batch processor of record/replay; all but the last have no default. */
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

/** Health of one processor. */
export interface DriftBatchProcessorHealthSnapshot {
  /** Spans that wait. */
  queueSize: number;
  /** Spans that may wait. */
  maxQueueSize: number;
  /** The one divided by the other, 0 to 1. */
  queueFillRatio: number;
  /** Spans that no export had: the queue was full, or the exporter did not answer before a shutdown. */
  droppedSpanCount: number;
  /** Exports (not spans) that failed or had no answer, without those that `failureCount` of the exporter shows. */
  exportFailureCount: number;
  /** Of the last export, in milliseconds; null before the first. */
  lastExportLatencyMs: number | null;
}

/** Takes the place of the SDK's processor of the same name. */
export declare class DriftBatchSpanProcessor {
  constructor(options: {
    exporter: Pick<TdSpanExporter, 'export' | 'shutdown'>;
    config: DriftBatchSpanProcessorConfig;
    mode: `${TuskDriftMode}`;
  });
  /** Does nothing. */
  onStart(span: unknown, parentContext: unknown): void;
  /** Queues the span. */
  onEnd(span: ReadableSpan): void;
  /** Resolves when the queue is empty; rejects with `Timeout` once an export has no answer, and the queue goes on. */
  forceFlush(): Promise<void>;
  /** Exports what is queued; rejects with `Timeout` once an export has no answer, and what is left is dropped then. */
  shutdown(): Promise<void>;
  /** Counts since the processor was made. */
  getHealthSnapshot(): DriftBatchProcessorHealthSnapshot;
}

/** Refuses after `failureThreshold` failures in a row, and tries again after `resetTimeoutMs` milliseconds. */
export declare class CircuitBreaker {
  constructor(config: { failureThreshold: number; resetTimeoutMs: number });
  /** Whether an attempt may be made now. */
  allowRequest(): boolean;
  /** Closes it. */
  recordSuccess(): void;
  /** Counts a failure. */
  recordFailure(): void;
  /** Whether it lets requests through. */
  getState(): CircuitState;
}

/** An error that `withRetries` does not repeat. */
export declare class NonRetryableError extends Error {}

/** Calls `attempt` until it resolves, `maxAttempts` times at most, with growing waits between, in milliseconds. */
export declare function withRetries<T>(
  attempt: () => Promise<T>,
  config: { maxAttempts: number; initialDelayMs: number; maxDelayMs: number },
): Promise<T>;

/** Knows which traces of this process are not recorded any more. */
export declare class TraceBlockingManager implements TraceBlocker {
  /** The manager of this process, shared by every copy of this package. */
  static getInstance(): TraceBlocker;
  /** Puts the manager of another library in its place. */
  static setInstance(manager: TraceBlocker): void;
  /** Whether the trace is not recorded any more. */
  isTraceBlocked(traceId: string): boolean;
  /** From now on the trace is not recorded. */
  blockTrace(traceId: string): void;
}

/** Whether the native core is switched on, and why. */
export interface RustCoreStartupStatus {
  enabled: boolean;
  reason: 'default_on' | 'env_enabled' | 'env_disabled' | 'invalid_env_value_defaulted';
  rawEnv: string | null;
  bindingLoaded: boolean;
  bindingError: string | null;
}

/** A payload as it is recorded, with its shape and the hashes of both. */
export interface ProcessExportPayloadResult {
  normalizedValue: unknown;
  decodedValueHash: string;
  decodedSchema: unknown;
  decodedSchemaHash: string;
}

/** What a span of the backend consists of; members that are `unknown` hold JSON values. */
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

/** Whether the native core is switched on, and why. */
export declare function getRustCoreStartupStatus(): RustCoreStartupStatus;
/** Null when switched off (`TUSK_USE_RUST_CORE`) or when the payload cannot be processed; so are the two below. */
export declare function processExportPayloadJsonable(
  payload: unknown,
  schemaMerges?: SchemaMerges,
): ProcessExportPayloadResult | null;
/** A span of the backend as protobuf. */
export declare function buildSpanProtoBytes(input: BuildSpanProtoBytesInput): Buffer | null;
/** A request to the backend as protobuf, from spans that are protobuf. */
export declare function buildExportSpansRequestBytes(
  observableServiceId: string,
  environment: string,
  sdkVersion: string,
  sdkInstanceId: string,
  spanProtoBytesList: Uint8Array[],
): Buffer | null;
