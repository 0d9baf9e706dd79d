// Owns who is compared: Offloop, the current stock exporter, and the last stock exporter built on protobufjs.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { IMPORT_ALONE, OTHER, OURS, STOCK, STOCK_PROTOBUFJS } from '../pictures/palette.mjs';

export { IMPORT_ALONE, NO_EXPORTER, OTHER, OURS, STOCK, STOCK_PROTOBUFJS } from '../pictures/palette.mjs';

const require = createRequire(import.meta.url);

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The ratio that is promised against whichever of the two stock exporters is faster in the row. */
export const FOUR_TIMES = { times: 4, of: [STOCK, STOCK_PROTOBUFJS] };

/** The serializer of a stock exporter without the exporter around it. */
export const serializerAlone = (stockName) => `${stockName} serializer`;

/** One loop that does nothing but copy the texts of a batch: less than any export. */
export const COPYING_ALONE = 'copying alone';

/** Another build of Offloop to compare with. */
const AGAINST = process.env.OFFLOOP_BENCH_AGAINST ? resolve(process.env.OFFLOOP_BENCH_AGAINST) : null;

/** Why Offloop cannot be measured here, or null. */
export function offloopMissing(root = ROOT) {
  if (!existsSync(join(root, 'index.js'))) return 'index.js is not there yet';
  try {
    require(root);
    return null;
  } catch (error) {
    return String(error.message).split('\n')[0];
  }
}

/** Offloop's public API, from this checkout or from the one given. */
export function offloop(root = ROOT) {
  return require(root);
}

/** `export(spans, callback)` as a promise that rejects unless everything was delivered. */
export function exported(exporter, spans) {
  return new Promise((fulfil, reject) => {
    exporter.export(spans, (result) => {
      if (result.code === 0) fulfil();
      else reject(result.error ?? new Error('the export failed'));
    });
  });
}

/** `exportSpans` that rejects unless every span was delivered: a fast refusal must never look like speed. */
export async function exportedSpans(exporter, spans) {
  const outcome = await exporter.exportSpans(spans);
  if (outcome.delivered !== spans.length) throw new Error(`not delivered: ${JSON.stringify(outcome)}`);
}

/** The serializers and exporters of each stock generation, with the SDK that makes spans for them. */
export const stock = {
  [STOCK]: {
    sdk: 2,
    serializer: () => require('@opentelemetry/otlp-transformer').ProtobufTraceSerializer,
    exporter: (config) => new (require('@opentelemetry/exporter-trace-otlp-proto').OTLPTraceExporter)(config),
    grpcExporter: (config) => new (require('@opentelemetry/exporter-trace-otlp-grpc').OTLPTraceExporter)(config),
    sdkModule: () => require('@opentelemetry/sdk-trace-base'),
  },
  [STOCK_PROTOBUFJS]: {
    sdk: 1,
    serializer: () => require('otlp-transformer-1x').ProtobufTraceSerializer,
    exporter: (config) => new (require('otlp-proto-1x').OTLPTraceExporter)(config),
    grpcExporter: (config) => new (require('otlp-grpc-1x').OTLPTraceExporter)(config),
    sdkModule: () => require('sdk-trace-1x'),
  },
};

/** The builds of Offloop in this run: `[name, checkout]`. */
export function offloopBuilds() {
  return AGAINST
    ? [
        [OURS, ROOT],
        [OTHER, AGAINST],
      ]
    : [[OURS, ROOT]];
}

/**
 * Every whole exporter of this run as `{ name, absent, sdk, create(config, ours) }`; `create` takes the stock options, and
 * `ours` is merged in only where the exporter is Offloop's.
 */
export function exporters() {
  return [
    ...offloopBuilds().map(([name, root]) => ({
      name,
      sdk: 2,
      absent: offloopMissing(root),
      create: (config, ours) => new (offloop(root).OTLPTraceExporter)({ ...config, ...ours }),
    })),
    ...Object.entries(stock).map(([name, { sdk, exporter }]) => ({
      name,
      sdk,
      absent: null,
      create: (config) => exporter(config),
    })),
  ];
}

/** The same over gRPC. The stock ones come first: what a process does before it has used ours is theirs alone. */
export function grpcExporters() {
  return [
    ...Object.entries(stock).map(([name, { sdk, grpcExporter }]) => ({
      name,
      sdk,
      absent: null,
      create: (config) => grpcExporter(config),
    })),
    ...exporters()
      .filter(({ name }) => !(name in stock))
      .map((ours) => ({ ...ours, create: (config, more) => ours.create({ ...config, protocol: 'grpc' }, more) })),
  ];
}

/**
 * Every processor with its exporter as `{ name, absent, sdkModule, create(config, ours) }`: the SDK's batch processor
 * in front of each exporter, and Offloop's own.
 */
export function processors() {
  const sdk = stock[STOCK].sdkModule;
  const missing = offloopMissing();
  const exporter = (config, ours, root) => new (offloop(root).OTLPTraceExporter)({ ...config, ...ours });
  return [
    ...offloopBuilds().map(([name, root]) => ({
      name,
      absent: offloopMissing(root),
      sdkModule: sdk,
      create: (config, ours) => new (offloop(root).BatchSpanProcessor)(exporter(config, ours, root)),
    })),
    {
      name: IMPORT_ALONE,
      absent: missing,
      sdkModule: sdk,
      create: (config, ours) => new (sdk().BatchSpanProcessor)(exporter(config, ours)),
    },
    ...Object.entries(stock).map(([name, { exporter: make, sdkModule }]) => ({
      name,
      absent: null,
      sdkModule,
      create: (config) => new (sdkModule().BatchSpanProcessor)(make(config)),
    })),
  ];
}

/** A tracer whose spans end in `processors`. */
export function tracerFor({ BasicTracerProvider }, ...spanProcessors) {
  const provider = new BasicTracerProvider({ spanProcessors: spanProcessors.filter(Boolean) });
  return { provider, tracer: provider.getTracer('bench', '1.0') };
}
