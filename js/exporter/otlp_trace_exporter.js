'use strict';
// Owns the class that takes the place of the stock OTLP trace exporters.
// Configuration is config/resolve_config.js's, batches are lane_exporter.js's; what an attempt asks of JavaScript is here.

const { TlsWatch } = require('../config/tls_watch.js'); // now: it keeps Node's functions as they are when the library is loaded
const { configured, refuseStrayArguments, refuseStrays, tellUnknown } = require('../config/options/read.js');
const { OPTIONS } = require('../config/options/table.js');
const { defaultsFor, isPublic, resolveConfig } = require('../config/resolve_config.js');
const { readProcess } = require('../config/process.js');
const { createNodeSender } = require('../node_http/sender.js');
const { CredentialWatch } = require('./credential_watch.js');
const { ExporterLines } = require('./exporter_lines.js');
const { LaneExporter } = require('./lane_exporter.js');
const { createSelfMetrics } = require('./self_metrics.js');

class OTLPTraceExporter extends LaneExporter {
  /** @param {object} [config] as for the stock exporters over HTTP and gRPC, plus ours (index.d.ts) */
  constructor(config = {}, ...others) {
    const isOfClass = isPublic(new.target, OTLPTraceExporter);
    configured(() => {
      refuseStrays(OPTIONS.OTLPTraceExporter, config, isOfClass);
      refuseStrayArguments(OPTIONS.OTLPTraceExporter, others, 1);
    });
    const resolved = configured(() => resolveConfig(config, defaultsFor(new.target)));
    const process = configured(() => readProcess(resolved.process));
    const lines = new ExporterLines({ className: 'OTLPTraceExporter', ...resolved });
    super({ ...settingsFor(resolved), process, lines });
    lines.made(this);
    if (isOfClass) tellUnknown(OPTIONS.OTLPTraceExporter, config);
  }
}

function settingsFor(config) {
  const { queue, retry, timeoutMillis, limits, concurrencyLimit, onError, onHealth, endpoint, exit } = config;
  const { transport, headers } = config;
  const isGrpc = config.protocol === 'grpc';
  // Certificates and ciphers of a server show in its handshake only.
  const mayMove = config.mayMoveToNode === true && config.tls !== null;
  const isPushed = transport === 'native' && headers.kind === 'live';
  const isBlind = config.hasOwnCredentials === true;
  const isWatched = headers.kind !== 'static' || isBlind;
  const watch = isWatched ? new CredentialWatch(headers, isPushed, timeoutMillis, isBlind) : null;
  const tls = transport === 'node' || config.tls === null ? null : ownTls(config.tls);
  const budgetMillis = retry.maxElapsedMillis || timeoutMillis; // 0 is one attempt, in its own time
  return {
    native: {
      ...(isGrpc ? grpcLane(config) : httpLane(config)),
      endpoint,
      protocol: config.protocol,
      // With `transport: 'node'` the sender reads them itself, when it has its agent.
      headerSource: transport === 'node' ? 'static' : headers.kind,
      headers: headers.kind === 'static' ? headers.entries : [],
      socketPath: config.socketPath ?? undefined,
      // Read when the lane is made: what the process trusts may change until then.
      get tls() {
        return tls?.read();
      },
      mayMoveToNode: mayMove,
      timeoutMillis,
      maxConcurrency: config.maxConcurrency,
      maxUnderWay: config.maxUnderWay,
      maxSpans: queue.maxSpans,
      maxBytes: queue.maxBytes,
      dropOldest: queue.overflow === 'drop-oldest',
      maxElapsedMillis: retry.maxElapsedMillis,
      maxAttempts: retry.maxAttempts,
    },
    beforeExport: refusing(config) ?? (isPushed ? watch.read : undefined),
    help: transport === 'native' && headers.kind === 'static' && !mayMove ? undefined : helpFor(config, watch, mayMove),
    credentials: watch ?? undefined,
    tlsWatch: tls?.watch,
    holdMillis: budgetMillis + 1000, // the native side answers at the deadline; this is for its way back
    limits,
    concurrencyLimit,
    onError,
    onHealth,
    endpoint,
    exit,
    logsRetries: !isGrpc,
    metrics: createSelfMetrics({
      meterProvider: config.selfObsMeterProvider,
      url: config.url,
      protocol: isGrpc ? 'grpc' : 'http',
    }),
  };
}

// TLS and gRPC are loaded by the constructor that needs them: a call with spans may be cut off. What any exporter over plain
// HTTP may need is loaded ahead: a process that has no descriptor left loads nothing any more.

/** TLS of our own stack: as it is to be for a lane that is made now, and who notices that it has changed since. */
function ownTls(settings) {
  const { toNativeTls } = require('../config/tls.js');
  const watch = new TlsWatch(settings);
  return { watch, read: () => toNativeTls(settings, watch) };
}

function createSender(config) {
  if (config.protocol === 'grpc') return require('../node_grpc/sender.js').createGrpcSender(config);
  return createNodeSender(config);
}

function httpLane(config) {
  const { transport, headers, endpoint, contentType, userAgent, keepAlive, maxIdleSockets, compression } = config;
  return {
    sink: transport === 'node' ? 'node' : 'http',
    url: endpoint,
    contentType: headers.kind === 'static' ? valueIn(headers.entries, 'content-type') : contentType,
    userAgent: headers.kind === 'static' ? valueIn(headers.entries, 'user-agent') : userAgent,
    keepAlive,
    maxIdleSockets: maxIdleSockets ?? undefined,
    compression,
    ...proxyOf(config),
  };
}

function grpcLane(config) {
  const isNode = config.transport === 'node';
  return {
    sink: isNode ? 'node' : 'grpc',
    url: config.dial,
    authority: config.authority,
    userAgent: config.userAgent,
    // The client of @grpc/grpc-js compresses by itself.
    compression: isNode && config.object !== null ? 'none' : config.compression,
    ...proxyOf(config),
    maxSendMessageBytes: config.maxSendMessageBytes,
    maxReceiveMessageBytes: config.maxReceiveMessageBytes,
    keepAlivePingMillis: config.keepAlivePingMillis,
    keepAlivePingTimeoutMillis: config.keepAlivePingTimeoutMillis,
  };
}

function proxyOf({ proxy }) {
  if (proxy === null) return undefined;
  return { proxyUrl: proxy.url, proxyAuthorization: proxy.authorization ?? undefined };
}

/** The variables of the process may have the last word, as with the stock exporter. */
function valueIn(entries, wanted) {
  return entries.find(([name]) => name.toLowerCase() === wanted)[1];
}

/** What every export has to fail with: the stock exporter finds out when it sends. */
function refusing({ refusal }) {
  if (refusal == null) return undefined;
  return () => {
    throw refusal;
  };
}

/** What attempts need from JavaScript; see engine.js. */
function helpFor(config, watch, mayMove) {
  const { headers, transport } = config;
  const isStatic = headers.kind === 'static';
  const readHeaders = isStatic || transport === 'node' ? undefined : async () => watch.read();
  if (transport !== 'node' && !mayMove) return { readHeaders };
  const sender = createSender(config);
  const source = isStatic ? headers.entries : watch.read;
  return {
    readHeaders,
    // An attempt that was on its way to our own transport brings the headers that were read for it.
    send: (body, timeoutMillis, contentEncoding, signal, headersOfAttempt) =>
      sender.send(body, headersOfAttempt ?? source, timeoutMillis, contentEncoding, signal),
    close: () => sender.close(),
  };
}

module.exports = { OTLPTraceExporter, settingsFor };
