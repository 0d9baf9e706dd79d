'use strict';
// Owns the table of what people run without changing code: programs, what they depend on, how they are started, and which
// span processors and exporters then run.

const { makePnpmProject, makePnpProject } = require('./install.js');
const { makeNextProject } = require('./next.js');

const BATCH = 'BatchSpanProcessor of ';
const EXPORTER = 'OTLPTraceExporter of ';
const OURS = [`${BATCH}offloop`, `${EXPORTER}offloop`];
const STOCK = '@opentelemetry/exporter-trace-otlp-';
const BASE = '@opentelemetry/sdk-trace-base'; // of the 1.x and 2.x lines
const TRACE = '@opentelemetry/sdk-trace'; // of the 3.x line, and of sdk-node since 0.222
const GRPC = { isGrpc: true, exporter: `${STOCK}grpc` };

/** The SDK is part of another file; all that can be done is to say so. */
const OUT_OF_REACH = {
  variants: ['register'],
  expected: {
    instances: [],
    client: 'node',
    says: [/^offloop: warn: register: nothing is replaced: the program traces, .*bundler/m],
    saysNot: [/is replaced$/m, /exporter \d/],
  },
  isLong: true,
};

/** The 0.57 line never sends the flags of spans and links. */
function withoutFlags({ flags, links, ...span }) {
  return { ...span, links: links.map(({ flags: _flags, ...link }) => link) };
}

/** Vercel's instrumentation of `http` measures it. */
function withoutResponseTime({ attributes, ...span }) {
  return { ...span, attributes: attributes.filter(([key]) => key !== 'http.response_time') };
}

/**
 * - `installed`: folders of __test__ whose node_modules the program has;
 * - `start`: the flags of node that set tracing up, without Offloop; Node.js loads what `--require` names before what
 *   `--import` names, so Offloop comes by the same flag, in front;
 * - `exporter`, `sdk`: packages of the stock exporter and the stock batch processor that run without Offloop;
 * - `between`: what a distribution puts in front of the exporter;
 * - `late`: variables that have the program itself load `offloop/register` when it is too late;
 * - `compared`: makes of a span what has to be as stock's;
 * - `isLong`: left to `npm run test:long`.
 */
const COMBINATIONS = [
  {
    name: 'NodeSDK, SDK 1.x, CommonJS',
    installed: ['zero-code/sdk-1.x'],
    files: ['app.cjs', 'traced.cjs', 'tracing_environment.cjs'],
    start: ['--require', './tracing_environment.cjs'],
    exporter: `${STOCK}proto`,
    sdk: BASE,
    compared: withoutFlags,
  },
  {
    name: 'NodeSDK, SDK 2.x, CommonJS',
    installed: ['express-2.x'],
    files: ['app.cjs', 'traced.cjs', 'tracing_exporter.cjs'],
    start: ['--require', './tracing_exporter.cjs'],
    exporter: `${STOCK}http`,
    sdk: TRACE,
  },
  {
    name: 'NodeSDK, SDK 2.x, ES modules',
    installed: ['express-2.x'],
    files: ['app.mjs', 'traced.cjs', 'tracing_processor.mjs'],
    start: ['--import', './tracing_processor.mjs'],
    app: ['app.mjs'],
    exporter: `${STOCK}proto`,
    sdk: BASE,
  },
  {
    name: 'NodeSDK, SDK 3.x, ES modules',
    installed: ['express-3.x'],
    files: ['app.mjs', 'traced.cjs', 'tracing_environment.mjs'],
    start: ['--import', './tracing_environment.mjs'],
    app: ['app.mjs'],
    node: [22, 15],
    exporter: `${STOCK}proto`,
    sdk: TRACE,
  },
  {
    name: 'startNodeSDK, OTEL_CONFIG_FILE with otlp_http',
    installed: ['express-2.x'],
    files: ['app.cjs', 'traced.cjs', 'tracing_configuration.cjs', 'otlp_http.yaml'],
    start: ['--require', './tracing_configuration.cjs'],
    env: { OTEL_CONFIG_FILE: 'otlp_http.yaml' },
    exporter: `${STOCK}proto`,
    sdk: TRACE,
  },
  {
    name: 'startNodeSDK, OTEL_CONFIG_FILE with otlp_grpc',
    installed: ['express-2.x'],
    files: ['app.cjs', 'traced.cjs', 'tracing_configuration.cjs', 'otlp_grpc.yaml'],
    start: ['--require', './tracing_configuration.cjs'],
    env: { OTEL_CONFIG_FILE: 'otlp_grpc.yaml' },
    sdk: TRACE,
    ...GRPC,
  },
  {
    name: 'auto-instrumentations, http/protobuf',
    installed: ['express-2.x'],
    files: ['app.cjs', 'traced.cjs'],
    start: ['--require', '@opentelemetry/auto-instrumentations-node/register'],
    env: { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' },
    exporter: `${STOCK}proto`,
    sdk: TRACE,
  },
  {
    name: 'auto-instrumentations, grpc',
    installed: ['express-2.x'],
    files: ['app.cjs', 'traced.cjs'],
    start: ['--require', '@opentelemetry/auto-instrumentations-node/register'],
    env: { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
    sdk: TRACE,
    ...GRPC,
  },
  {
    name: "Elastic's distribution",
    installed: ['zero-code/elastic'],
    files: ['app.cjs', 'traced.cjs'],
    start: ['--import', '@elastic/opentelemetry-node'],
    between: ['DynConfSpanExporter of @elastic/opentelemetry-node'],
    exporter: `${STOCK}proto`,
    sdk: TRACE,
    isLong: true,
  },
  {
    name: "AWS's distribution",
    installed: ['zero-code/aws'],
    files: ['app.cjs', 'traced.cjs'],
    start: ['--require', '@aws/aws-distro-opentelemetry-node-autoinstrumentation/register'],
    exporter: `${STOCK}proto`,
    sdk: BASE,
    isLong: true,
  },
  {
    name: '@vercel/otel',
    installed: ['zero-code/vercel'],
    files: ['app.cjs', 'traced.cjs', 'tracing_vercel.cjs'],
    start: ['--require', './tracing_vercel.cjs'],
    compared: withoutResponseTime,
    exporter: `${STOCK}proto`,
    sdk: BASE,
    isLong: true,
  },
  {
    name: '@vercel/otel with its own exporter',
    installed: ['zero-code/vercel'],
    files: ['app.cjs', 'traced.cjs', 'tracing_vercel_own.cjs'],
    start: ['--require', './tracing_vercel_own.cjs'],
    compared: withoutResponseTime,
    ...OUT_OF_REACH,
  },
  {
    name: 'NestJS',
    installed: ['express-2.x', 'frameworks'],
    files: ['nest.cjs', 'traced.cjs', 'tracing_instrumentations.cjs'],
    start: ['--require', './tracing_instrumentations.cjs'],
    app: ['nest.cjs'],
    asks: ['/orders'],
    exporter: `${STOCK}proto`,
    sdk: TRACE,
    isLong: true,
  },
  {
    name: 'Next.js, instrumentation.ts',
    installed: ['zero-code/next'],
    files: ['next'],
    make: makeNextProject,
    start: [],
    app: ['node_modules/next/dist/bin/next', 'start', '--hostname', '127.0.0.1'],
    asks: ['/orders'],
    env: { PORT: '0', NEXT_TELEMETRY_DISABLED: '1' },
    late: { SHOP_REGISTERS_LATE: '1' },
    exporter: `${STOCK}proto`,
    sdk: TRACE,
    isLong: true,
  },
  {
    name: 'Next.js that bundles the SDK',
    installed: ['zero-code/next'],
    files: ['next'],
    make: makeNextProject,
    start: [],
    app: ['node_modules/next/dist/bin/next', 'start', '--hostname', '127.0.0.1'],
    asks: ['/orders'],
    env: { PORT: '0', NEXT_TELEMETRY_DISABLED: '1', SHOP_BUNDLES: '1' },
    ...OUT_OF_REACH,
  },
  {
    name: 'pnpm',
    installed: ['zero-code/pnpm'],
    files: ['app.cjs', 'traced.cjs', 'tracing_environment.cjs'],
    make: makePnpmProject,
    start: ['--require', './tracing_environment.cjs'],
    exporter: `${STOCK}proto`,
    sdk: TRACE,
    isLong: true,
  },
  {
    name: "Yarn Plug'n'Play",
    installed: ['zero-code/pnp'],
    files: ['app.cjs', 'traced.cjs', 'tracing_environment.cjs'],
    make: makePnpProject,
    before: ['--require', './.pnp.cjs'],
    start: ['--require', './tracing_environment.cjs'],
    exporter: `${STOCK}proto`,
    sdk: TRACE,
    isLong: true,
  },
];

module.exports = { BATCH, COMBINATIONS, EXPORTER, OURS };
