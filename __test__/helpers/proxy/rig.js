'use strict';
// Owns one run: an exporter that is told of a scripted proxy, the collector behind it, and everything that can be seen.

const assert = require('node:assert/strict');
const { diag, DiagLogLevel } = require('@opentelemetry/api');
const { OTLPTraceExporter } = require('../../..');
const { assertSettled } = require('../conservation.js');
const { PlainSpans } = require('../plain_spans.js');
const { startScriptedProxy } = require('./scripted.js');
const { assertNoSecrets } = require('./secrets.js');
const { startCollector } = require('./transports.js');
const { STOCK } = require('./ways.js');

/** Every line that goes through `diag` in this process, and what was wrong with some of them. */
const lines = [];
const leaks = [];
const logger = {};
for (const level of ['verbose', 'debug', 'info', 'warn', 'error']) {
  logger[level] = (...args) => {
    lines.push([level, ...args]);
    try {
      assertNoSecrets(args);
    } catch (error) {
      leaks.push(error.message);
    }
  };
}
diag.setLogger(logger, { logLevel: DiagLogLevel.ALL, suppressOverrideMessage: true });

/** Runs with the variables and without those of the machine, at once: rows that run side by side do not meet. */
function withVariables(variables, work) {
  const saved = { ...process.env };
  for (const name of Object.keys(process.env)) if (/^OTEL_|_proxy$/i.test(name)) delete process.env[name];
  Object.assign(process.env, variables);
  try {
    return work();
  } finally {
    for (const name of Object.keys(process.env)) if (!(name in saved)) delete process.env[name];
    Object.assign(process.env, saved);
  }
}

const construct = (Class, config, variables) => withVariables(variables, () => new Class(config));

function makeSpans(count = 1, attributes = { a: 1 }) {
  const spans = new PlainSpans(7);
  return Array.from({ length: count }, () => spans.span({ attributes }));
}

const exportOnce = (exporter, spans) => new Promise((resolve) => exporter.export(spans, resolve));

/** What the proxy was asked, in a form that can be compared. */
function describeAsked(request, isOnlyTarget) {
  const { method, target, httpVersion, credentials } = request;
  if (isOnlyTarget) return { method, target, host: request.headers.host, credentials };
  // How a body is framed and who sends it is a difference on purpose (X4), and a connection is kept unless it is said.
  const { 'content-length': _length, 'transfer-encoding': _coding, 'user-agent': _agent, ...headers } = request.headers;
  headers.connection ??= 'keep-alive';
  return { method, target, httpVersion, headers };
}

/**
 * Starts a proxy and a collector for a transport, both closed when the test ends.
 * @param {object} wanted `transport`, `material`, and steps: `proxy` and `collector` take `script` and `otherwise`
 */
async function startWorld(t, { transport, material, proxy: proxyOptions, collector: collectorOptions }) {
  const proxy = await startScriptedProxy(proxyOptions, t);
  const collector = await startCollector(transport, material, collectorOptions?.(proxy));
  t.after(() => collector.close());
  return { transport, material, proxy, collector };
}

/** How an exporter is told: by `way`, of the proxy with these credentials in its URL. */
function toldOf({ transport, material, proxy, collector }, way, { userinfo, url = collector.url } = {}) {
  const proxyUrl = userinfo === undefined ? proxy.url : proxy.urlWith(userinfo);
  const { config, env } = way.tell(transport, proxyUrl, material);
  return { config: { url, ...config }, env: { ...collector.variables, ...env } };
}

/** Exports with ours, `between` after each; everything that a user can see has no trace of credentials, and the account is right. */
async function exportOurs(world, told, { sender, spans = makeSpans(), times = 1, between = [], ...more } = {}) {
  const failures = [];
  const { isGrpc } = world.transport;
  const config = { protocol: isGrpc ? 'grpc' : 'http/protobuf', ...told.config, ...more };
  if (sender === 'node') config.transport = 'node';
  const exporter = construct(OTLPTraceExporter, { ...config, onError: (failure) => failures.push(failure) }, told.env);
  const results = [];
  for (let nth = 0; nth < times; nth += 1) {
    results.push(await exportOnce(exporter, spans));
    await between[nth]?.();
  }
  await exporter.forceFlush();
  const stats = exporter.stats();
  assertSettled(stats);
  await exporter.shutdown();
  assertNoSecrets(results, failures, stats);
  assert.deepEqual(leaks, []);
  for (const { error } of results) assertNoSecrets(error);
  return { results, failures, stats, ...seen(world) };
}

/** The same with the stock exporter of a version. Over gRPC it reads its variables in the call of its first export. */
async function exportStock(version, world, told, { spans = makeSpans(), times = 1, ...more } = {}) {
  const { http, grpc, view } = STOCK[version];
  const Class = world.transport.isGrpc ? grpc() : http();
  let exporter;
  const first = withVariables(told.env, () => {
    exporter = new Class({ ...told.config, ...more });
    return exportOnce(exporter, view(spans));
  });
  const results = [await first];
  while (results.length < times) results.push(await exportOnce(exporter, view(spans)));
  await exporter.shutdown();
  return { results, ...seen(world) };
}

function seen({ transport, proxy, collector }) {
  return {
    asked: proxy.requests.map((request) => describeAsked(request, transport.isGrpc)),
    connections: proxy.connections.length,
    arrived: collector.arrived(),
  };
}

module.exports = { construct, exportOnce, exportOurs, exportStock, lines, makeSpans, startWorld, toldOf };
