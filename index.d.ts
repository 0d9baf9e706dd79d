/// <reference types="node" />
import type * as http from 'http';
import type * as https from 'https';

// Our own structural types: spans, processors and results of OpenTelemetry JS 1.x, 2.x and 3.x all fit them, and no
// OpenTelemetry package has to be installed to compile against this file.

/** Seconds and nanoseconds. */
export type HrTime = [number, number];

/** The identity of a span. */
export interface SpanContext {
  /** 32 hexadecimal digits. */
  traceId: string;
  /** 16 hexadecimal digits. */
  spanId: string;
  /** Bit 0 says that the trace is sampled. */
  traceFlags: number;
  /** Whether it came from another process. */
  isRemote?: boolean;
  /** What vendors have added; it is sent as the text that `serialize()` gives. */
  traceState?: { serialize(): string };
}

/** The resource of a span. */
export interface SpanResource {
  /** Keys and values, as `service.name`. */
  readonly attributes: object;
  /** Whether some attributes are not known yet: the span is sent once they are. */
  readonly asyncAttributesPending?: boolean;
  /** Where the meaning of the attributes is written down. */
  readonly schemaUrl?: string;
  /** Resolves when all attributes are known. */
  waitForAsyncAttributes?(): Promise<void>;
}

/** The library that made a span. */
export interface SpanScope {
  /** Name of the library. */
  readonly name: string;
  /** Version of the library. */
  readonly version?: string;
  /** Where the meaning of its attributes is written down. */
  readonly schemaUrl?: string;
}

/** An event inside a span. */
export interface SpanEvent {
  /** When it happened, since 1970. */
  time: HrTime;
  /** What happened. */
  name: string;
  /** Keys and values. */
  attributes?: object;
  /** Attributes that limits of the SDK have left out. */
  droppedAttributesCount?: number;
}

/** A pointer from a span to another. */
export interface SpanLink {
  /** The span that is pointed to. */
  context: SpanContext;
  /** Keys and values. */
  attributes?: object;
  /** Attributes that limits of the SDK have left out. */
  droppedAttributesCount?: number;
}

/** A finished span, in the shape of any of the three SDK lines. */
export interface ReadableSpan {
  /** What was done, as `GET /orders`. */
  readonly name: string;
  /** 0 internal, 1 server, 2 client, 3 producer, 4 consumer. */
  readonly kind: number;
  /** The identity of the span. */
  readonly spanContext: () => SpanContext;
  /** When it began, since 1970. */
  readonly startTime: HrTime;
  /** When it ended, since 1970. */
  readonly endTime: HrTime;
  /** 0 unset, 1 ok, 2 error. */
  readonly status: { code: number; message?: string };
  /** Keys and values. */
  readonly attributes: object;
  /** Other spans that it points to. */
  readonly links: SpanLink[];
  /** What happened while it was open. */
  readonly events: SpanEvent[];
  /** How long it was open. */
  readonly duration: HrTime;
  /** Only spans that have ended are exported. */
  readonly ended: boolean;
  /** Where it was made: service, process, host. */
  readonly resource: SpanResource;
  /** Attributes that limits of the SDK have left out. */
  readonly droppedAttributesCount: number;
  /** Events that limits of the SDK have left out. */
  readonly droppedEventsCount: number;
  /** Links that limits of the SDK have left out. */
  readonly droppedLinksCount: number;
  /** SDK 2.x and 3.x. */
  readonly parentSpanContext?: SpanContext;
  /** SDK 2.x and 3.x. */
  readonly instrumentationScope?: SpanScope;
  /** SDK 1.x. */
  readonly parentSpanId?: string;
  /** SDK 1.x. */
  readonly instrumentationLibrary?: SpanScope;
}

/** What `export` answers: code 0 is success, 1 is failure. */
export interface ExportResult {
  /** 0 is success, 1 is failure. */
  code: 0 | 1;
  /** Why it failed. */
  error?: Error;
}

/** Why spans did not arrive. The list is closed. */
export type DropReason =
  | 'queue_full'
  | 'bytes_full'
  | 'too_large'
  | 'invalid'
  | 'retries_exhausted'
  | 'non_retryable'
  | 'shutdown_deadline'
  | 'after_shutdown'
  | 'environment_gone'
  | 'internal_error';

/** Spans lost, by reason; a reason without spans is absent. */
export type DropCounts = { [reason in DropReason]?: number };

/** What became of the spans of one `exportSpans()` call. */
export interface ExportOutcome {
  /** Spans the destination has. */
  delivered: number;
  /** Spans the receiver refused in a partial success. */
  rejected: number;
  /** Spans that a rule of `process` has dropped: neither delivered nor lost. Present with `process` only. */
  filtered?: number;
  /** Spans lost, by reason. */
  dropped: DropCounts;
  /** Requests made; after a split, the most that any span needed. */
  attempts: number;
  /** The failure behind `dropped`. `code` is an HTTP or gRPC status, a code of Node or OpenSSL, or a drop reason. */
  error?: { code: string; message: string; httpStatus?: number };
}

/** How a flush ended. */
export interface FlushOutcome {
  /** The deadline passed first; nothing was dropped. */
  timedOut: boolean;
  /** Spans that the flush covered and that are still on their way. */
  outstanding: number;
}

/**
 * A consistent snapshot: `offered` is `accepted` plus `refused`; `accepted` is `delivered`, `rejected`, `filtered` if it is there,
 * everything in `dropped`, and `pending`.
 */
export interface ExporterStats {
  /** Spans that were handed to the exporter. */
  offered: number;
  /** Those among them that it took. */
  accepted: number;
  /** Those that it did not take, by reason. */
  refused: DropCounts;
  /** Spans that the destination has. */
  delivered: number;
  /** Spans that the receiver refused in a partial success. */
  rejected: number;
  /** Accepted spans that were lost, by reason. */
  dropped: DropCounts;
  /** Accepted spans whose fate is open: queued, in flight, waiting for a retry. */
  pending: number;
  /** Bytes of memory that they take. */
  pendingBytes: number;
  /** Requests under way. */
  inFlight: number;
  /** Requests begun, or writes to a file. */
  requests: number;
  /** Bytes of their bodies, as compressed. */
  sentBytes: number;
  /** Those requests that repeated an earlier one. */
  retries: number;
  /** `open` and `half_open` mean that batches are held because the endpoint failed. */
  breaker: 'closed' | 'open' | 'half_open';
  /**
   * Of the batch that was delivered last: from its export to its delivery, retries included, in milliseconds; null
   * before the first.
   */
  lastExportLatencyMillis: number | null;
  /** Native threads of this process. */
  threads: number;
  /** Spans that a rule of `process` has dropped: neither delivered nor lost. Present with `process` only. */
  filtered?: number;
  /** What the rules of `process` have done, as numbers. Present with `process` only. */
  process?: ProcessStats;
}

/** What the rules of `process` have done. */
export interface ProcessStats {
  /** How many hits each rule has had. A rule without a `name` is called by its place, as `redact[3]`. */
  rules: Record<string, number>;
  /** How many texts a rule could not understand: each was replaced as a whole, or from the place on where that became clear. */
  failClosed: { json: number; sql: number; depth: number; base64: number };
}

/** Whether the collector takes what is sent, as far as the answers so far have shown. */
export interface ExporterHealth {
  /** `away`: batches are held, and one request at a time finds out whether that may end. */
  state: 'ok' | 'away';
  /** When it last changed; null if it never has. */
  since: Date | null;
  /** What the endpoint or the network said when the collector was found to be away. */
  lastFailure: { code: string | null; message: string } | null;
  /** Where spans are sent, without query; for files the directory. */
  endpoint: string;
}

/** The argument of `onError`, which is called once per failed export. */
export interface ExportFailure {
  /** Why the spans are lost. */
  reason: DropReason;
  /** How many. */
  spans: number;
  /** Requests made. */
  attempts: number;
  /** Status of the last answer, if there was one. */
  httpStatus?: number;
  /** A code of Node or OpenSSL, or the number of a gRPC status. */
  code?: string;
  /** The last failure in words, without credentials. */
  message: string;
  /** Without credentials. */
  endpoint: string;
}

/** Where a rule looks. */
export type ProcessPart = AttributePart | 'name' | 'status' | 'eventName' | 'traceState';

/** Where attributes are. */
export type AttributePart = 'attributes' | 'events' | 'links' | 'resource' | 'scope';

/** Kinds of values that can be recognised by their form alone. */
export type Detector =
  | 'email'
  | 'creditCard'
  | 'iban'
  | 'jwt'
  | 'bearer'
  | 'basicAuth'
  | 'privateKey'
  | 'awsKey'
  | 'githubToken'
  | 'slackToken'
  | 'stripeKey'
  | 'googleKey'
  | 'urlCredentials'
  | 'ipv4'
  | 'ipv6';

/** What may be redacted, changed and dropped before spans are encoded. Rules and examples: docs/processing.md. */
export interface ProcessOptions {
  /** What stands in for a masked value. 1 to 64 characters. Default '[redacted]'. */
  marker?: string;
  /** The key for tokens (`action: 'hash'`): at least 32 bytes, or the name of an environment variable that holds them. */
  hashKey?: Uint8Array | { env: string };
  /** Rules that mask, in their order; the words are lists of rules that come with Offloop. Default none. */
  redact?: Array<'defaults' | 'secrets' | 'pii' | RedactRule>;
  /** Rules that change attributes, after the redaction. Default none. */
  attributes?: AttributeRule[];
  /** A span that meets one of these conditions is not sent. */
  drop?: Array<SpanCondition & { scope?: 'span' }>;
}

/** With `keys` a rule takes whole values, with `match` the parts of texts that it finds, with both only such parts of values under these keys. */
export type RedactRule = RedactBase &
  (
    | { keys: string[]; match?: never; action?: WholeAction; keepType?: boolean }
    | { keys?: string[]; match: Detector[]; action?: 'mask' | 'hash'; keepType?: never }
  );

/** Members of every rule of `redact`. */
interface RedactBase {
  /** The name under which `stats()` counts the rule. Default its place, as in `redact[3]`. */
  name?: string;
  /** Where the rule looks. Default everywhere. */
  in?: ProcessPart[];
  /** Keys match in any case of their ASCII letters. Default `false`. */
  ignoreCase?: boolean;
  /** Keys that the rule leaves alone. */
  except?: string[];
  /** Texts that the rule leaves alone. */
  unless?: string[];
}

/** What is done with a whole value. Default 'mask'. */
export type WholeAction =
  | 'mask'
  | 'delete'
  | 'hash'
  | { truncate: number }
  | { sql: 'auto' | 'mysql' | 'postgresql' | 'generic' }
  | { url: string[] }
  | { json: { mask?: string[]; hash?: string[]; keep?: string[] } }
  | { allow: true };

/** A value of an attribute that can be compared and set. */
type SimpleValue = string | number | boolean;

/** Changes one attribute, after the redaction. `in` says where it looks, by default in `['attributes']`; `where` which spans it changes. */
export type AttributeRule = { in?: AttributePart[]; where?: SpanCondition } & (
  | { insert: string; value: SimpleValue }
  | { update: string; value: SimpleValue }
  | { upsert: string; value: SimpleValue }
  | { rename: string; to: string }
  | { copy: string; to: string }
  | { delete: string }
);

/** A range of numbers. The limits themselves are not in it. */
export interface NumberRange {
  /** The value is larger than this. */
  over?: number;
  /** The value is smaller than this. */
  under?: number;
}

/** Values that attributes are compared with. */
export type ValueConditions = Record<string, SimpleValue | SimpleValue[] | NumberRange | { exists: boolean }>;

/** A span meets it if all members hold. They are compared with the span as it was before any rule changed it. Texts may have `*` and `?`. */
export interface SpanCondition {
  /** Name of the span: one of these. */
  name?: string | string[];
  /** Name of the library that made it: one of these. */
  scopeName?: string | string[];
  /** Status of the span: one of these. */
  status?: Array<'unset' | 'ok' | 'error'>;
  /** Kind of the span: one of these. */
  kind?: Array<'internal' | 'server' | 'client' | 'producer' | 'consumer'>;
  /** How long the span was open, in milliseconds. */
  durationMillis?: NumberRange;
  /** Attributes of the span, at the top. */
  attributes?: ValueConditions;
  /** Attributes of its resource, at the top. */
  resource?: ValueConditions;
  /** This must not hold. */
  not?: SpanCondition;
}

/** A sampler of any SDK line. */
export interface SamplerLike {
  /** Decides about one span as it begins. */
  // biome-ignore lint/suspicious/noExplicitAny: a structural stand-in for the samplers of the three SDK lines
  shouldSample(context: any, traceId: string, spanName: string, spanKind: any, attributes: any, links: any): any;
  /** How logs call it. */
  toString(): string;
}

/** What `DropSampler` leaves out, and who decides about the rest. */
export interface DropSamplerConfig {
  /** Names of root spans, exact or with `*` and `?`. With `routes` 100 at most, of 256 characters. */
  names?: string[];
  /**
   * The same for `http.route`, `url.path`, and `http.target` without its query, as the span has them when it begins. Usually only
   * the path is known then; frameworks set the route later.
   */
  routes?: string[];
  /** Decides about every other span. Default: a span is sampled if its parent is, and a root always; `OTEL_TRACES_SAMPLER` is not read. */
  delegate?: SamplerLike;
}

/** Leaves out whole traces by the name or the route of their root, before they are begun. Rules and examples: docs/processing.md. */
export class DropSampler {
  constructor(config: DropSamplerConfig);
  /** Never throws. The decision is one of the SDK's: 0 is none, 2 is a sampled span. */
  // biome-ignore lint/suspicious/noExplicitAny: the three SDK lines disagree about these types
  shouldSample(context: any, traceId: string, spanName: string, spanKind: any, attributes: any, links: any): any;
  /** How logs call it. */
  toString(): string;
}

/** How much an exporter holds. See docs/tuning.md. */
export interface QueueOptions {
  /** Spans held at most, those in flight and waiting for a retry included. Integer, at least 1. Default 16384. */
  maxSpans?: number;
  /**
   * Bytes held at most. A batch counts with the memory that its spans were written into, and once it is encoded, with its
   * compressed body. If encoding makes it larger, it may exceed the limit while it is encoded and sent; if it then has to wait
   * for a retry and the queue is over its limit, spans are dropped (`bytes_full`). The process may take twice as much:
   * docs/tuning.md. Integer, at least 1. Default 64 MiB.
   */
  maxBytes?: number;
  /** Which spans are dropped when the queue is full: those that end then, or those that have waited longest. Default 'drop-newest'. */
  overflow?: 'drop-newest' | 'drop-oldest';
}

/** Sizes above which a span or an attribute is left out. */
export interface LimitOptions {
  /** A larger span is dropped as `too_large`. Integer, at least 1. Default 16 MiB. */
  maxSpanBytes?: number;
  /**
   * An attribute with a longer text or byte array is left out and counted in `droppedAttributesCount`. Integer, at least
   * 1. Default none.
   */
  maxAttributeBytes?: number;
}

/** How long and how often a batch is tried. See docs/tuning.md. */
export interface RetryOptions {
  /**
   * Total time for a batch, a day at most; 0 is one attempt of `timeoutMillis`. Integer, 0 to 2147483647. Default
   * `timeoutMillis`, which bounds all attempts.
   */
  maxElapsedMillis?: number;
  /** Attempts per batch, the first included. Integer, at least 1. Default 6, with `maxElapsedMillis` no limit. */
  maxAttempts?: number;
}

/** What the end of the process waits for. See docs/delivery.md. */
export interface ExitOptions {
  /** Time to drain at the natural end of the process, a day at most. Integer, 0 to 2147483647. Default 2000. */
  drainMillis?: number;
  /**
   * Time to block in `process.exit()`, after an uncaught error or an unhandled rejection, a day at most. Integer, 0 to
   * 2147483647. Default 500.
   */
  blockMillis?: number;
  /**
   * Signals that drain before they end the process; if others listen to one, it drains, and they decide when the process
   * ends. Not SIGKILL and SIGSTOP, which nobody hears. Default `[]`.
   */
  signals?: NodeJS.Signals[];
}

/** Options of `protocol: 'grpc'`; without effect over HTTP. */
export interface GrpcOptions {
  /** A larger request is split, by its size before compression. Integer, at least 1. Default 4 MiB. */
  maxSendMessageBytes?: number;
  /** A larger answer fails, by its size after decompression. Integer, at least 1. Default 4 MiB. */
  maxReceiveMessageBytes?: number;
  /**
   * Time between pings while an export is under way, a day at most; servers may object to more than one in five minutes.
   * Integer, 1 to 2147483647. Default none.
   */
  keepAlivePingMillis?: number;
  /**
   * A connection that leaves a ping unanswered for so long is given up, a day at most. Integer, 1 to 2147483647. Default
   * 20000.
   */
  keepAlivePingTimeoutMillis?: number;
}

/** `Metadata` of `@grpc/grpc-js`. */
export interface GrpcMetadataLike {
  /** The first value of each key. */
  getMap(): { [key: string]: string | Uint8Array };
}

/** Metadata by key; keys that end with `-bin` have bytes. */
export type GrpcMetadataRecord = Record<string, string | Uint8Array>;

/** Called once per attempt. */
export type GrpcMetadataFactory = () =>
  | GrpcMetadataLike
  | GrpcMetadataRecord
  | Promise<GrpcMetadataLike | GrpcMetadataRecord>;

/** `ChannelCredentials` of `@grpc/grpc-js`. */
export interface GrpcCredentialsLike {
  /** Whether they ask for TLS. */
  _isSecure(): boolean;
}

/** The arguments of `credentials.createSsl()` of `@grpc/grpc-js`, as plain data. */
export interface GrpcCertificates {
  /** What is trusted, as PEM. Without it: what Node.js trusts. */
  rootCerts?: string | Uint8Array | null;
  /** Key of the client's certificate, as PEM. Default none. */
  privateKey?: string | Uint8Array | null;
  /** Certificate of the client, as PEM. Default none. */
  certChain?: string | Uint8Array | null;
  /** How the server's certificate is judged. Default as Node.js judges it. */
  verifyOptions?: {
    // biome-ignore lint/suspicious/noExplicitAny: the types of Node's tls and of grpc-js disagree about the certificate
    checkServerIdentity?: (hostname: string, certificate: any) => Error | undefined;
    rejectUnauthorized?: boolean;
  };
}

/** Called once per attempt. */
export type HeadersFactory = () => Promise<Record<string, string>>;

/** Called once, with `http:` or `https:`; Node's http sends then. */
export type HttpAgentFactory = (
  protocol: string,
) => http.Agent | https.Agent | Promise<http.Agent> | Promise<https.Agent>;

/** A meter provider of `@opentelemetry/api`. */
export interface MeterProviderLike {
  /** A meter of that name. */
  // biome-ignore lint/suspicious/noExplicitAny: a structural stand-in for the API's MeterProvider
  getMeter(name: string, version?: string, options?: any): any;
}

/** Options of the stock OTLP exporters, and those that Offloop adds. Stock options default to the OTEL_EXPORTER_OTLP_* variables. */
export interface OTLPTraceExporterConfig {
  /**
   * Full URL; nothing is appended. Over gRPC host and port, with `http://` for a connection without TLS. Default
   * `http://localhost:4318/v1/traces`, over gRPC `http://localhost:4317`.
   */
  url?: string;
  /**
   * Headers of each request. An object is read again for each attempt, a function is called once per attempt. Over gRPC they are
   * sent as metadata, except for keys that `metadata` has, too. Default none.
   */
  headers?: Record<string, string> | HeadersFactory;
  /** Metadata of requests over gRPC, read for each attempt; only the first value of a key is sent. Default none. */
  metadata?: GrpcMetadataLike | GrpcMetadataRecord | GrpcMetadataFactory;
  /**
   * Over gRPC: an object of `@grpc/grpc-js`, or certificates as plain data. It decides whether TLS is used, whatever the scheme of
   * `url` is, and the certificate variables of the environment have no effect beside it. Default as the URL says.
   */
  credentials?: GrpcCredentialsLike | GrpcCertificates;
  /**
   * Deadline of an export with all its retries. It begins with the first attempt; time in which the batch waits behind others does
   * not count. A day at most. Number, more than 0. Default 10000.
   */
  timeoutMillis?: number;
  /** Exports under way at most; others are refused at once, as `queue_full`. Default none: the queue is bounded instead. */
  concurrencyLimit?: number;
  /**
   * `CompressionAlgorithm` of the stock package is accepted; an unknown value means none, and over gRPC everything but
   * 'gzip'. Default 'none'.
   */
  compression?: 'none' | 'gzip' | 'zstd' | 'auto' | (string & {});
  /** Whether connections are kept; over gRPC without effect. Default `true`. */
  keepAlive?: boolean;
  /** Plain options are honoured natively, `proxyEnv` too, options that are code through Node's http; over gRPC without effect. Default Node's. */
  httpAgentOptions?: http.AgentOptions | https.AgentOptions | HttpAgentFactory;
  /**
   * A text that is put in front of the exporter's name in the header `User-Agent`; that name is the one of the stock exporter. `true`
   * puts `offloop/<version>` there, so that a collector can see that Offloop sends.
   */
  userAgent?: string | true;
  /** Receives the exporter's metrics. */
  selfObsMeterProvider?: MeterProviderLike;

  /**
   * Transport and wire format; 'env' is what OTEL_EXPORTER_OTLP_TRACES_PROTOCOL or OTEL_EXPORTER_OTLP_PROTOCOL names. Default
   * 'http/protobuf'.
   */
  protocol?: 'http/protobuf' | 'http/json' | 'grpc' | 'env';
  /** Who sends. Default automatic: native, unless an option needs Node's http, its TLS, or `@grpc/grpc-js`. */
  transport?: 'native' | 'node';
  /**
   * The URL of an HTTP proxy, `http://user:password@host:3128`, that every request goes through; or 'env': the proxy that
   * `http_proxy`, `https_proxy` or `all_proxy` names (over gRPC `grpc_proxy` first), except for the hosts of `no_proxy`. Messages
   * show its scheme, host and port alone. An empty text means no proxy, also over gRPC, where variables count without this
   * option. Default none.
   */
  proxy?: 'env' | (string & {});
  /** How many spans and bytes are held, and which are lost when it is full. */
  queue?: QueueOptions;
  /** Sizes above which a span or an attribute is left out. */
  limits?: LimitOptions;
  /** How long and how often a batch is tried. */
  retry?: RetryOptions;
  /** What the end of the process waits for. */
  exit?: ExitOptions;
  /** Sizes and pings over gRPC. */
  grpc?: GrpcOptions;
  /**
   * Requests under way at most. Integer, 1 to 64. Default 4; requests that have been under way for more than a second do not count
   * among the four, and there are 30 in all at most. During a flush or a shutdown all 30 may be used at once.
   */
  maxConcurrency?: number;
  /** Called once per failed export. */
  onError?: (failure: ExportFailure) => void;
  /** Called when the collector is found to be away, and when it is back. */
  onHealth?: (health: ExporterHealth) => void;
  /** Redaction, attribute rules and drop rules, run by native threads before spans are encoded. Default none. */
  process?: ProcessOptions;
}

/**
 * What a constructor throws, and what `forceFlush()` and `shutdown()` reject with, because of an option: an Error or, where
 * the stock exporter throws one, a TypeError.
 */
export interface ConfigurationError extends Error {
  /** The same for every option. */
  code: 'ERR_OFFLOOP_CONFIG';
}

/** For the classes of `offloop/otlp-proto`, `offloop/otlp-http` and `offloop/otlp-grpc`, which have one protocol each. */
export interface FixedProtocolConfig extends Omit<OTLPTraceExporterConfig, 'protocol'> {
  /** The entry decides. */
  protocol?: never;
}

/** Options of an exporter's `forceFlush()`. */
export interface FlushOptions {
  /** After this time the flush ends in any case; less than 0 is 0, more than 2147483647 is that, a day at most. Default 30000. */
  timeoutMillis?: number;
  /**
   * `terminal` waits until every span is delivered or lost, `attempt` until each had one more attempt. Default
   * 'terminal'.
   */
  mode?: 'terminal' | 'attempt';
}

/** Options of an exporter's `shutdown()`. */
export interface ShutdownOptions {
  /** Spans that are left after this time are lost; less than 0 is 0, more than 2147483647 is that, a day at most. Default 30000. */
  timeoutMillis?: number;
}

/**
 * Sends spans to an OTLP endpoint, over HTTP or gRPC. A drop-in for `@opentelemetry/exporter-trace-otlp-proto`, `-http` and
 * `-grpc`.
 */
export class OTLPTraceExporter {
  constructor(config?: OTLPTraceExporterConfig);
  /** Never throws. The callback runs once, in the async context of this call. */
  export(spans: ReadableSpan[], resultCallback: (result: ExportResult) => void): void;
  /** Resolves once the fate of every span is settled, and says what it was; rejects only if it gets no list of spans. */
  exportSpans(spans: ReadableSpan[]): Promise<ExportOutcome>;
  /**
   * Resolves once every span that was handed over before is delivered or lost. `void` is in the type because the SDK's interface
   * has it.
   */
  forceFlush(options?: FlushOptions): Promise<FlushOutcome & void>;
  /** Flushes, then counts what is left as `shutdown_deadline`. An export after it fails at once. */
  shutdown(options?: ShutdownOptions): Promise<void>;
  /** The account of all spans so far. It costs no request. */
  stats(): ExporterStats;
  /** Whether the collector takes what is sent. It costs no request. */
  health(): ExporterHealth;
  /** `shutdown()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Options of the exporter that writes files. */
export interface FileSpanExporterConfig {
  /** Created if missing. */
  directory: string;
  /** One OTLP/JSON line per batch, in valid Unicode: half a surrogate pair becomes U+FFFD. Default 'otlp-json'. */
  format?: 'otlp-json';
  /**
   * How files are compressed: each batch is a gzip member or a zstd frame of its own, so a file that was cut off is readable
   * up to its last whole batch. Names end in `.jsonl.gz` and `.jsonl.zst` then. Default 'none'.
   */
  compression?: 'none' | 'gzip' | 'zstd';
  /**
   * When there are more files than this, the oldest are removed. Files count that this exporter has written, or exporters of this
   * process that wrote to the same directory and were shut down before. Files of other processes, earlier starts of this program
   * included, are never removed because of this option. Integer, at least 1. Default 10.
   */
  maxFiles?: number;
  /**
   * A file that would grow beyond this is followed by the next one; a batch that is larger gets a file of its own. Bytes on
   * the disk, after compression. Integer, at least 1. Default 64 MiB: at most 640 MiB in 10 files.
   */
  maxFileBytes?: number;
  /**
   * Files to which nothing has been written for so long are removed from the directory: those of this exporter, of earlier
   * starts of this program and of other processes, but none that another exporter of this process uses. A file is also
   * written to for no longer than this. So a span stays for `maxAgeMillis` at least, unless `maxFiles` removes its file
   * before, and for about twice that at most, as long as batches come. Integer, at least 1000. Default none.
   */
  maxAgeMillis?: number;
  /** How many spans and bytes are held, and which are lost when it is full. */
  queue?: QueueOptions;
  /** Sizes above which a span or an attribute is left out. */
  limits?: LimitOptions;
  /** What the end of the process waits for. */
  exit?: ExitOptions;
  /** Receives the exporter's metrics. */
  selfObsMeterProvider?: MeterProviderLike;
  /** Called once per failed export. */
  onError?: (failure: ExportFailure) => void;
  /** Called when the files cannot be written any more, and when they can again. */
  onHealth?: (health: ExporterHealth) => void;
  /** Redaction, attribute rules and drop rules, run by native threads before spans are encoded. Default none. */
  process?: ProcessOptions;
}

/** Writes spans to files: the destination that needs no server. */
export class FileSpanExporter {
  constructor(config: FileSpanExporterConfig);
  /** Never throws. The callback runs once, in the async context of this call. */
  export(spans: ReadableSpan[], resultCallback: (result: ExportResult) => void): void;
  /** Resolves with what became of the spans; rejects only for misuse. */
  exportSpans(spans: ReadableSpan[]): Promise<ExportOutcome>;
  /**
   * Resolves once every span that was handed over before is written or lost. `void` is in the type because the SDK's interface
   * has it.
   */
  forceFlush(options?: FlushOptions): Promise<FlushOutcome & void>;
  /** Writes what is queued, then counts what is left as `shutdown_deadline`. */
  shutdown(options?: ShutdownOptions): Promise<void>;
  /** The account of all spans so far. */
  stats(): ExporterStats;
  /** Whether the files can be written. */
  health(): ExporterHealth;
  /** `shutdown()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A span exporter of any SDK line. */
export interface SpanExporterLike {
  /** Takes spans and answers once. */
  // biome-ignore lint/suspicious/noExplicitAny: the three SDK lines disagree about the span type
  export(spans: any[], resultCallback: (result: any) => void): void;
  /** Ends the exporter. */
  shutdown(): Promise<void>;
  /** Resolves when what was taken has been sent. */
  forceFlush?(): Promise<void>;
}

/** Options of the SDK's processor; absent ones come from the OTEL_BSP_* variables where the exporter is given apart. */
export interface BatchSpanProcessorConfig {
  /** How many spans may wait; less than 1 is none. Default 2048, or the exporter's own bound: its `queue`, if it is Offloop's. */
  maxQueueSize?: number;
  /** Spans per batch; over an Offloop exporter up to 4096 when many spans end, unless it is set. Number, at least 1. Default 512. */
  maxExportBatchSize?: number;
  /** How long a batch may wait until it is full, before it is sent as it is; less than 1 is 1, more than 2147483647 is that. Default 5000. */
  scheduledDelayMillis?: number;
  /** How long an export may take, and how long `forceFlush()` waits; less than 1 is 1, more than 2147483647 is that. Default 30000. */
  exportTimeoutMillis?: number;
  /** Receives the processor's metrics. */
  selfObsMeterProvider?: MeterProviderLike;
}

/** With an Offloop exporter it captures a span when it ends; with any other it behaves as the SDK's. */
export class BatchSpanProcessor {
  constructor(exporter: SpanExporterLike, config?: BatchSpanProcessorConfig);
  constructor(options: BatchSpanProcessorConfig & { exporter: SpanExporterLike });
  /** The SDK calls it when a span begins. */
  onStart(span: object, parentContext: object): void;
  /** The SDK calls it when a span ends. Spans that are not sampled are left out. */
  onEnd(span: ReadableSpan): void;
  /** Rejects with the first failure, or with `Timeout` after `exportTimeoutMillis`; nothing is dropped then. */
  forceFlush(): Promise<void>;
  /** A flush, and then the exporter's `shutdown()`, also if the flush failed. */
  shutdown(): Promise<void>;
  /** `shutdown()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A span processor of any SDK line. */
export interface SpanProcessorLike {
  /** Takes a span that has ended. */
  // biome-ignore lint/suspicious/noExplicitAny: the three SDK lines disagree about the span type
  onEnd(span: any): void;
}

/** Options of the event-loop monitor. */
export interface EventLoopMonitorConfig {
  /** A turn of the event loop that is at least as long is a block and becomes a span. Number, 1 to 86400000. Default 100. */
  thresholdMillis?: number;
  /** A block that is at least as long has the severity `critical`. Number, 1 to 86400000. Default 1000. */
  criticalMillis?: number;
  /** Where block spans go. An Offloop exporter gets them from native threads, any other one as objects once the block is over. */
  exporter?: SpanExporterLike;
  /** In place of `exporter`: a processor. Without either, the global tracer provider makes the spans. */
  processor?: SpanProcessorLike;
  /**
   * Called on the event loop for each block that is over, with any exporter or none: for logs and alerts. It may throw, reject
   * and call anything; its first error is told through `diag`. Blocks beyond `maxPerMinute` are counted in the next
   * call's `suppressed`. If the callback itself blocks the loop, that becomes a span, but it is not called for it.
   */
  onBlock?: (block: EventLoopBlock) => void | Promise<void>;
  /** Whether to record where the loop was blocked. Default `true`. */
  stacks?: boolean;
  /** Spans per place in the code and minute; what is beyond is counted. Integer, at least 1. Default 60. */
  maxPerMinute?: number;
  /** The resource of the block spans. Default that of your spans; until one is known, `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES`. */
  resource?: SpanResource;
  /** Receives `nodejs.eventloop.*`. */
  meterProvider?: MeterProviderLike;
}

/** A block of the event loop that is over. What is not known is `undefined`. */
export interface EventLoopBlock {
  /** When the turn of the loop began. */
  start: Date;
  /** How long the turn took. */
  durationMillis: number;
  /** How much of it the thread computed. */
  cpuMillis?: number;
  /** How much of it was garbage collection. */
  gcMillis: number;
  /** How much of it the whole process stood still. */
  pausedMillis: number;
  /** What took most of the time. */
  cause: 'cpu' | 'waiting' | 'gc' | 'startup';
  /** `critical` if the block took `criticalMillis` or longer. */
  severity: 'warning' | 'critical';
  /** Name of the function in which the loop was blocked: the innermost frame of your code. */
  function?: string;
  /** Path of that frame's file. */
  file?: string;
  /** Its line in that file, from 1. */
  line?: number;
  /** Its column in that line, from 1. */
  column?: number;
  /** The stack at the threshold. */
  stack?: string;
  /** The innermost span that was open when the block began, the parent of the block's span. */
  traceId?: string;
  /** Id of the same span. */
  spanId?: string;
  /** `http.route` of the request that was held up. */
  route?: string;
  /** Where there is no route: the name of the request's span, or of the outermost open one of its trace. */
  rootSpanName?: string;
  /** 0 is the main thread. */
  threadId: number;
  /** Blocks since the last call that had neither span nor call, because of `maxPerMinute`. */
  suppressed: number;
}

/** Lengths of the turns of the event loop, in milliseconds. */
export interface EventLoopDelay {
  /** Turns that are in the figures below. */
  count: number;
  /** The shortest turn. */
  min: number;
  /** The longest turn. */
  max: number;
  /** The mean of all turns. */
  mean: number;
  /** The standard deviation of all turns. */
  stddev: number;
  /** Half of the turns took no longer. */
  p50: number;
  /** 90 % of the turns took no longer. */
  p90: number;
  /** 99 % of the turns took no longer. */
  p99: number;
}

/** What a monitor has seen since it was enabled. */
export interface EventLoopMonitorStats {
  /** Blocks of the application that have ended. */
  blocks: number;
  /** Spans made, those of unfinished blocks included. */
  spans: number;
  /** Blocks without a span, because of `maxPerMinute`. */
  suppressed: number;
  /** Times the whole process stood still (stopped, or its machine suspended): never a span. */
  paused: number;
  /** Turns that were long because the thread had no processor: never a span. */
  starved: number;
  /** Turns that a debugger held: never a span. */
  debugger: number;
  /** Length of the longest block, in milliseconds. */
  longestBlockMillis: number;
  /** Turns of the event loop. */
  turns: number;
  /** How long the loop had nothing to do, in milliseconds. */
  idleMillis: number;
  /** Lengths of the turns. */
  delay: EventLoopDelay;
}

/** Turns blocks of the event loop into spans. One per thread, of all copies of the module; works in workers. */
export class EventLoopMonitor {
  constructor(config?: EventLoopMonitorConfig);
  /**
   * Does nothing when it is enabled already. Returns whether this monitor watches the loop now: `false` means that another
   * monitor of this thread does, or that the loop cannot be watched.
   */
  enable(): boolean;
  /** Does nothing when it is not enabled. */
  disable(): void;
  /** Since the last `enable()`. */
  stats(): EventLoopMonitorStats;
}
