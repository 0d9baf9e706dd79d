import { credentials, Metadata } from '@grpc/grpc-js';
import type { MeterProvider } from '@opentelemetry/api';
import { CompressionAlgorithm, type OTLPExporterNodeConfigBase } from '@opentelemetry/otlp-exporter-base';
import type { OTLPGRPCExporterConfigNode } from '@opentelemetry/otlp-grpc-exporter-base';
import * as sdk2 from '@opentelemetry/sdk-trace-base';
import type * as sdk3 from '../sdk-3.x/node_modules/@opentelemetry/sdk-trace';
import * as sdk1 from 'sdk-trace-1x';
import * as http from 'http';
import { expectAssignable, expectError, expectType } from 'tsd';
import {
  BatchSpanProcessor,
  type ConfigurationError,
  type DropReason,
  DropSampler,
  type EventLoopBlock,
  EventLoopMonitor,
  type ExporterStats,
  type ExportOutcome,
  FileSpanExporter,
  OTLPTraceExporter,
  type OTLPTraceExporterConfig,
  type ReadableSpan,
} from '../..';

import { OTLPTraceExporter as GrpcExporter } from '../../js/entries/otlp_grpc';
import { OTLPTraceExporter as JsonExporter } from '../../js/entries/otlp_http';
import { OTLPTraceExporter as ProtoExporter } from '../../js/entries/otlp_proto';

declare const stockConfig: OTLPExporterNodeConfigBase;
const exporter = new OTLPTraceExporter();
const file = new FileSpanExporter({ directory: '/tmp/spans', format: 'otlp-json' });

// The claim of a drop-in: it is a SpanExporter of every SDK line.
expectAssignable<sdk1.SpanExporter>(exporter);
expectAssignable<sdk2.SpanExporter>(exporter);
expectAssignable<sdk3.SpanExporter>(exporter);
expectAssignable<sdk2.SpanExporter>(new JsonExporter(stockConfig));
expectAssignable<sdk2.SpanExporter>(new ProtoExporter(stockConfig));
expectAssignable<sdk1.SpanExporter>(file);
expectAssignable<sdk2.SpanExporter>(file);
expectAssignable<sdk3.SpanExporter>(file);
// Their classes have one wire format, and ignore the option at run time.
new ProtoExporter({ queue: { maxSpans: 1 }, retry: { maxAttempts: 1 } });
expectError(new ProtoExporter({ protocol: 'http/json' }));
expectError(new JsonExporter({ protocol: 'http/json' }));
new OTLPTraceExporter({ protocol: 'env' });
expectError(new ProtoExporter({ protocol: 'env' }));
// Rules that the constructor refuses do not compile, where types can tell.
new OTLPTraceExporter({
  process: {
    marker: '***',
    hashKey: new Uint8Array(32),
    redact: [
      'defaults',
      {
        keys: ['a'],
        action: 'hash',
        in: ['attributes', 'name'],
        except: ['b'],
        unless: ['c'],
        ignoreCase: true,
        name: 'n',
      },
      { keys: ['a'], action: { json: { mask: ['$.a'], keep: ['$.b'] } }, keepType: true },
      { match: ['email', 'iban'], keys: ['a'], action: 'mask' },
      { keys: ['a'], action: { sql: 'auto' } },
      { keys: ['a'], action: { url: [] } },
      { keys: ['a'], action: { truncate: 5 } },
      { keys: ['a'], action: { allow: true } },
    ],
    attributes: [{ insert: 'a', value: 1 }, { rename: 'a', to: 'b', where: { not: { name: 'x' } } }, { delete: 'a' }],
    drop: [{ name: 'a', durationMillis: { over: 1 }, attributes: { a: [1, 'b'], c: { exists: true } } }],
  },
});
new FileSpanExporter({
  directory: '.',
  process: { redact: ['pii', 'secrets'], hashKey: { env: 'OFFLOOP_TEST_TYPES_KEY' } },
});
new OTLPTraceExporter({
  process: {
    hashKey: new Uint8Array(32),
    redact: [
      { keys: ['a'], action: 'delete', in: ['attributes', 'events', 'links', 'resource', 'scope'] },
      { match: ['jwt', 'ipv6'], in: ['name', 'status', 'eventName', 'traceState'] },
      { keys: ['b'], action: { json: { hash: ['$.id'] } } },
    ],
    attributes: [
      { in: ['events'], update: 'a', value: false },
      { upsert: 'b', value: 'c' },
      { copy: 'd', to: 'e' },
    ],
    drop: [
      { scopeName: ['a', 'b'], status: ['unset', 'ok', 'error'], kind: ['server', 'client'], scope: 'span' },
      { durationMillis: { under: 5 }, resource: { a: true, b: { over: 1, under: 2 }, c: { exists: false } } },
    ],
  },
});
expectError(new OTLPTraceExporter({ process: { redacts: [] } }));
expectError(new OTLPTraceExporter({ process: { redact: ['default'] } }));
expectError(new OTLPTraceExporter({ process: { redact: [{}] } }));
expectError(new OTLPTraceExporter({ process: { redact: [{ keys: 'a' }] } }));
expectError(new OTLPTraceExporter({ process: { redact: [{ kyes: ['a'] }] } }));
expectError(new OTLPTraceExporter({ process: { redact: [{ match: ['emial'] }] } }));
expectError(new OTLPTraceExporter({ process: { redact: [{ match: [{ pattern: 'x' }] }] } }));
expectError(new OTLPTraceExporter({ process: { redact: [{ match: ['email'], action: 'delete' }] } }));
expectError(new OTLPTraceExporter({ process: { redact: [{ keys: ['a'], action: { sql: 'oracle' } }] } }));
expectError(new OTLPTraceExporter({ process: { attributes: [{ insert: 'a' }] } }));
expectError(new OTLPTraceExporter({ process: { drop: [{ name: 'a', scope: 'trace' }] } }));
expectError(new OTLPTraceExporter({ process: { drop: [{ status: ['failed'] }] } }));
expectError(new OTLPTraceExporter({ process: { sample: { default: 1 } } }));
expectError(new OTLPTraceExporter({ process: { metrics: {} } }));
expectError(new OTLPTraceExporter({ process: { marker: 5 } }));
expectError(new OTLPTraceExporter({ process: { hashKey: 'text' } }));
expectError(new OTLPTraceExporter({ process: { hashKey: { env: 5 } } }));
expectError(new OTLPTraceExporter({ process: { redact: [{ keys: ['a'], name: 5 }] } }));
expectError(new OTLPTraceExporter({ process: { redact: [{ keys: ['a'], in: ['spans'] }] } }));
expectError(new OTLPTraceExporter({ process: { redact: [{ keys: ['a'], ignoreCase: 'yes' }] } }));
expectError(new OTLPTraceExporter({ process: { redact: [{ keys: ['a'], except: 'b' }] } }));
expectError(new OTLPTraceExporter({ process: { redact: [{ keys: ['a'], unless: [5] }] } }));
expectError(new OTLPTraceExporter({ process: { redact: [{ keys: ['a'], keepType: 1 }] } }));
expectError(new OTLPTraceExporter({ process: { redact: [{ match: ['email'], keepType: true }] } }));
expectError(new OTLPTraceExporter({ process: { redact: [{ keys: ['a'], action: { truncate: '5' } }] } }));
expectError(new OTLPTraceExporter({ process: { redact: [{ keys: ['a'], action: { url: 'sig' } }] } }));
expectError(new OTLPTraceExporter({ process: { redact: [{ keys: ['a'], action: { allow: false } }] } }));
expectError(new OTLPTraceExporter({ process: { redact: [{ keys: ['a'], action: { json: { mask: '$.a' } } }] } }));
expectError(new OTLPTraceExporter({ process: { redact: [{ keys: ['a'], action: { json: { hash: [5] } } }] } }));
expectError(new OTLPTraceExporter({ process: { redact: [{ keys: ['a'], action: { json: { keep: {} } } }] } }));
expectError(new OTLPTraceExporter({ process: { attributes: [{ insert: 'a', value: {} }] } }));
expectError(new OTLPTraceExporter({ process: { attributes: [{ update: 5, value: 1 }] } }));
expectError(new OTLPTraceExporter({ process: { attributes: [{ upsert: 'a', to: 'b' }] } }));
expectError(new OTLPTraceExporter({ process: { attributes: [{ rename: 'a', value: 1 }] } }));
expectError(new OTLPTraceExporter({ process: { attributes: [{ copy: 'a', to: 5 }] } }));
expectError(new OTLPTraceExporter({ process: { attributes: [{ delete: ['a'] }] } }));
expectError(new OTLPTraceExporter({ process: { attributes: [{ delete: 'a', where: { nmae: 'b' } }] } }));
expectError(new OTLPTraceExporter({ process: { attributes: [{ delete: 'a', in: ['name'] }] } }));
expectError(new OTLPTraceExporter({ process: { drop: [{ name: /a/ }] } }));
expectError(new OTLPTraceExporter({ process: { drop: [{ scopeName: 5 }] } }));
expectError(new OTLPTraceExporter({ process: { drop: [{ kind: 'server' }] } }));
expectError(new OTLPTraceExporter({ process: { drop: [{ durationMillis: { over: '5' } }] } }));
expectError(new OTLPTraceExporter({ process: { drop: [{ durationMillis: { under: true } }] } }));
expectError(new OTLPTraceExporter({ process: { drop: [{ attributes: { a: { exists: 1 } } }] } }));
expectError(new OTLPTraceExporter({ process: { drop: [{ resource: { a: Symbol.iterator } }] } }));
expectError(new OTLPTraceExporter({ process: { drop: [{ not: [] }] } }));
// A sampler of every line, with a delegate of every line.
const sampler = new DropSampler({ names: ['GET /health'], routes: ['/health*'] });
expectAssignable<sdk1.Sampler>(sampler);
expectAssignable<sdk2.Sampler>(sampler);
expectAssignable<sdk3.Sampler>(sampler);
new DropSampler({ names: ['a'], delegate: new sdk1.AlwaysOnSampler() });
new DropSampler({ routes: ['a'], delegate: new sdk2.ParentBasedSampler({ root: new sdk2.AlwaysOnSampler() }) });
declare const sampler3: sdk3.Sampler;
new DropSampler({ names: ['a'], delegate: sampler3 });
expectError(new DropSampler());
expectError(new DropSampler({ names: 'a' }));
expectError(new DropSampler({ routes: [/a/] }));
expectError(new DropSampler({ name: ['a'] }));
expectError(new DropSampler({ names: ['a'], delegate: {} }));
declare const configurationError: ConfigurationError;
expectType<'ERR_OFFLOOP_CONFIG'>(configurationError.code);
expectAssignable<Error>(configurationError);
declare const ownConfig: OTLPTraceExporterConfig;
expectError(new JsonExporter(ownConfig));
expectAssignable<OTLPTraceExporter>(new JsonExporter());
new sdk1.BatchSpanProcessor(exporter);
new sdk2.BatchSpanProcessor(exporter);
new sdk2.SimpleSpanProcessor(exporter);

// Spans of every line are accepted.
declare const span1: sdk1.ReadableSpan;
declare const span2: sdk2.ReadableSpan;
declare const span3: sdk3.ReadableSpan;
expectAssignable<ReadableSpan>(span1);
expectAssignable<ReadableSpan>(span2);
expectAssignable<ReadableSpan>(span3);
expectType<Promise<ExportOutcome>>(exporter.exportSpans([span1, span2, span3]));

// A callback written against an SDK's own result type is accepted.
type ResultOf<E extends { export(spans: never[], callback: never): void }> = Parameters<Parameters<E['export']>[1]>[0];
declare const callback2: (result: ResultOf<sdk2.SpanExporter>) => void;
declare const callback1: (result: ResultOf<sdk1.SpanExporter>) => void;
exporter.export([span2], callback2);
exporter.export([span1], callback1);

// Configuration written for the stock exporters is accepted as it is.
new OTLPTraceExporter(stockConfig);
new OTLPTraceExporter({ compression: CompressionAlgorithm.GZIP });
new OTLPTraceExporter({ compression: 'zstd', headers: async () => ({ a: 'b' }), keepAlive: false });
new OTLPTraceExporter({ httpAgentOptions: { maxSockets: 1 } });
new OTLPTraceExporter({ userAgent: 'mine/1' });
new OTLPTraceExporter({ userAgent: true });
new OTLPTraceExporter({ httpAgentOptions: (protocol: string) => new http.Agent({ keepAlive: protocol === 'http:' }) });
declare const meterProvider: MeterProvider;
new OTLPTraceExporter({ selfObsMeterProvider: meterProvider });

// Ours.
new OTLPTraceExporter({
  protocol: 'http/json',
  transport: 'node',
  queue: { maxSpans: 1, maxBytes: 1, overflow: 'drop-oldest' },
  limits: { maxSpanBytes: 1 },
  retry: { maxElapsedMillis: 1, maxAttempts: 2 },
  exit: { drainMillis: 1, blockMillis: 1, signals: ['SIGTERM'] },
  maxConcurrency: 8,
  onError: (failure) => expectType<DropReason>(failure.reason),
});
expectError(new OTLPTraceExporter({ protocol: 'thrift' }));

// Over gRPC: configuration for the stock exporter, objects of its package, and plain data.
declare const grpcConfig: OTLPGRPCExporterConfigNode;
expectAssignable<sdk2.SpanExporter>(new GrpcExporter(grpcConfig));
expectError(new GrpcExporter({ protocol: 'grpc' }));
new OTLPTraceExporter({ protocol: 'grpc', metadata: new Metadata(), credentials: credentials.createInsecure() });
new OTLPTraceExporter({ protocol: 'grpc', metadata: { a: 'b', 'c-bin': Buffer.from('d') }, headers: { e: 'f' } });
new OTLPTraceExporter({ protocol: 'grpc', metadata: async () => ({ authorization: 'Bearer 1' }) });
new OTLPTraceExporter({
  credentials: {
    rootCerts: Buffer.from(''),
    privateKey: 'key',
    certChain: null,
    verifyOptions: { rejectUnauthorized: true },
  },
  grpc: { maxSendMessageBytes: 1, maxReceiveMessageBytes: 1, keepAlivePingMillis: 1, keepAlivePingTimeoutMillis: 1 },
});
expectError(new OTLPTraceExporter({ grpc: { maxSendMessageBytes: '1' } }));
expectError(new OTLPTraceExporter({ timeoutMillis: '5000' }));
expectError(new OTLPTraceExporter({ queue: { overflow: 'block' } }));
expectError(new OTLPTraceExporter({ exit: { signals: ['SIGNOTHING'] } }));
expectError(new FileSpanExporter());
new FileSpanExporter({
  directory: 'spans',
  compression: 'zstd',
  maxFiles: 3,
  maxFileBytes: 2 ** 20,
  maxAgeMillis: 6e5,
});
expectError(new FileSpanExporter({ directory: 'spans', compression: 'auto' }));
expectError(new FileSpanExporter({ directory: 'spans', maxAgeMillis: '1d' }));

async function outcomes() {
  const flushed = await exporter.forceFlush({ timeoutMillis: 100, mode: 'attempt' });
  expectType<boolean>(flushed.timedOut);
  expectType<number>(flushed.outstanding);
  expectType<void>(await exporter.shutdown({ timeoutMillis: 100 }));
  const outcome = await exporter.exportSpans([]);
  expectType<number | undefined>(outcome.dropped.queue_full);
  expectError(outcome.dropped.lost);
}
expectType<() => Promise<void>>(outcomes);
expectType<ExporterStats>(exporter.stats());
expectType<number | null>(exporter.stats().lastExportLatencyMillis);

// A subclass that wraps export is still an exporter.
class Wrapped extends OTLPTraceExporter {
  export(spans: ReadableSpan[], resultCallback: Parameters<OTLPTraceExporter['export']>[1]) {
    super.export(spans, resultCallback);
  }
}
expectAssignable<sdk2.SpanExporter>(new Wrapped());

new BatchSpanProcessor(exporter);
new BatchSpanProcessor(exporter, { maxQueueSize: 1 });
new BatchSpanProcessor({ exporter, scheduledDelayMillis: 1 });
new BatchSpanProcessor(new sdk2.InMemorySpanExporter());
expectError(new BatchSpanProcessor());
expectAssignable<sdk1.SpanProcessor>(new BatchSpanProcessor(exporter));
expectAssignable<sdk2.SpanProcessor>(new BatchSpanProcessor(exporter));
expectAssignable<sdk3.SpanProcessor>(new BatchSpanProcessor(exporter));
new sdk2.BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] });

const monitor = new EventLoopMonitor({ thresholdMillis: 50, exporter, maxPerMinute: 5, stacks: false });
new EventLoopMonitor();
new EventLoopMonitor({ processor: new BatchSpanProcessor(exporter), resource: { attributes: {} } });
expectType<boolean>(monitor.enable());
expectType<number>(monitor.stats().delay.p99);
expectError(new EventLoopMonitor({ thresholdMillis: '50' }));
new EventLoopMonitor({
  onBlock: (block) => {
    expectType<EventLoopBlock>(block);
    expectType<Date>(block.start);
    expectType<number>(block.durationMillis);
    expectType<number | undefined>(block.cpuMillis);
    expectType<'cpu' | 'waiting' | 'gc' | 'startup'>(block.cause);
    expectType<'warning' | 'critical'>(block.severity);
    expectType<string | undefined>(block.function);
    expectType<string | undefined>(block.route);
    expectType<number>(block.suppressed);
  },
});
new EventLoopMonitor({ onBlock: async () => {} });
expectError(new EventLoopMonitor({ onBlock: 'log' }));
