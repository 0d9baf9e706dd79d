'use strict';
// Owns the class that takes the place of the stock OTLP trace exporters.
// Refuses to export by itself: configuration is config.js's, batches are lane_exporter.js's.

const { defaultsFor, resolveConfig } = require('./config.js');
const { createNodeSender } = require('./fallback_lane.js');
const { LaneExporter } = require('./lane_exporter.js');
const { createSelfMetrics } = require('./self_metrics.js');

class OTLPTraceExporter extends LaneExporter {
  /** @param {object} [config] as for `@opentelemetry/exporter-trace-otlp-proto` and `-http`, plus ours (index.d.ts) */
  constructor(config = {}) {
    const resolved = resolveConfig(config, defaultsFor(new.target));
    super(settingsFor(resolved));
  }
}

function settingsFor(config) {
  const { queue, retry, timeoutMillis, limits, concurrencyLimit, onError, endpoint, exit } = config;
  const { transport, headers } = config;
  const budgetMillis = retry.maxElapsedMillis ?? timeoutMillis;
  return {
    native: {
      sink: transport === 'node' ? 'node' : 'http',
      endpoint,
      protocol: config.protocol,
      url: config.endpoint,
      contentType: config.contentType,
      userAgent: config.userAgent,
      headers: headers.kind === 'static' ? headers.entries : [],
      headerSource: headers.kind,
      socketPath: config.socketPath ?? undefined,
      keepAlive: config.keepAlive,
      maxIdleSockets: config.maxIdleSockets ?? undefined,
      tls: config.tls === null ? undefined : nativeTls(config.tls),
      timeoutMillis,
      compression: config.compression,
      maxConcurrency: config.maxConcurrency,
      maxSpans: queue.maxSpans,
      maxBytes: queue.maxBytes,
      dropOldest: queue.overflow === 'drop-oldest',
      maxElapsedMillis: retry.maxElapsedMillis,
      maxAttempts: retry.maxAttempts,
    },
    beforeExport: transport === 'native' && headers.kind === 'live' ? headerReading(headers) : undefined,
    help: transport === 'native' && headers.kind === 'static' ? undefined : helpFor(config),
    holdMillis: budgetMillis + 1000, // the native side answers at the deadline; this is for its way back
    limits,
    concurrencyLimit,
    onError,
    endpoint,
    exit,
    metrics: createSelfMetrics({ meterProvider: config.selfObsMeterProvider, url: config.url }),
  };
}

function nativeTls({ ca, extraCa, cert, key, rejectUnauthorized, servername, useSystemCa, systemCaHint }) {
  const bytes = (value) => value ?? undefined;
  return {
    ca: bytes(ca),
    extraCa: bytes(extraCa),
    cert: bytes(cert),
    key: bytes(key),
    rejectUnauthorized,
    servername: servername ?? undefined,
    useSystemCa,
    systemCaHint,
  };
}

/** Gives the native side the headers as the user's object has them at each export. */
function headerReading(headers) {
  let last;
  return (lane) => {
    const entries = headers.read();
    if (entries === last) return;
    lane.setHeaders(entries);
    last = entries;
  };
}

/** What attempts need from JavaScript; see engine.js. */
function helpFor(config) {
  const { headers, transport } = config;
  const readHeaders = headers.kind === 'static' ? async () => headers.entries : async () => headers.read();
  if (transport !== 'node') return { readHeaders };
  const sender = createNodeSender(config);
  const source = headers.kind === 'static' ? headers.entries : headers.read;
  return {
    readHeaders,
    send: (body, timeoutMillis, contentEncoding, signal) =>
      sender.send(body, source, timeoutMillis, contentEncoding, signal),
    close: () => sender.close(),
  };
}

module.exports = { OTLPTraceExporter };
