'use strict';
// Owns the step from what the user typed to what the exporter means: one frozen object, read once, nothing optional left
// to chance. It refuses to touch the user's object and to read the environment twice.

const { resolveAgent } = require('./agent.js');
const { readEnvironment, readProtocol } = require('./environment.js');
const { createHeaderSource, reasonForNode: reasonInHeaders } = require('./headers.js');
const { chooseTimeoutMillis } = require('./timeout.js');
const { chooseTransport } = require('./transport.js');
const { dissectUrl, normaliseUserUrl } = require('./url.js');
const { diag } = require('../otel/diag.js');
const { isItself, readOption, readOptions } = require('./options/read.js');
const { OPTIONS, OWN } = require('./options/table.js');
const { buildUserAgent } = require('../exporter/user_agent.js');

const RESOURCE_PATHS = { TRACES: 'v1/traces' };
const CONTENT_TYPES = { 'http/protobuf': 'application/x-protobuf', 'http/json': 'application/json' };
const COMPRESSIONS = new Set(['none', 'gzip', 'zstd', 'auto']);
const DEFAULT_MAX_CONCURRENCY = 4;
const DEFAULT_MAX_UNDER_WAY = 30;

/** The options as they are now; getters of the user's object run once. */
function readStockOptions(config) {
  if (config.metadata) diag.warn('Metadata cannot be set when using http');
  const { url, headers, concurrencyLimit, timeoutMillis, compression, httpAgentOptions, keepAlive } = config;
  const { userAgent, selfObsMeterProvider } = config;
  const sending = { url, headers, timeoutMillis, compression, httpAgentOptions, keepAlive };
  return { ...sending, concurrencyLimit, userAgent, selfObsMeterProvider };
}

/** Requests under way at once: an agent with fewer sockets allows fewer. Absent: the core's default. */
function chooseConcurrency(maxConcurrency, maxSockets) {
  if (maxSockets === null) return maxConcurrency;
  return Math.min(maxConcurrency ?? DEFAULT_MAX_CONCURRENCY, maxSockets);
}

/**
 * How many requests may be under way at once, slow ones included. Undefined leaves it to the core: a limit that the user
 * has set holds for both, and otherwise the core has a default.
 */
function chooseUnderWay(maxConcurrency, maxSockets) {
  if (maxSockets === null || maxConcurrency !== undefined) return undefined;
  return Math.min(DEFAULT_MAX_UNDER_WAY, maxSockets);
}

function reasonInUrl(parts) {
  if (parts.scheme !== 'http:' && parts.scheme !== 'https:') return `the protocol ${parts.scheme}`;
  return parts.malformedCredentials ? 'the credentials in the URL' : null;
}

/**
 * Validates and completes a configuration. Throws and warns as the stock exporter does, in its order.
 *
 * The result keeps credentials: hold it in a private field and never log it. `url` is for the self-metrics only;
 * `endpoint` is what to connect to and the form that may be shown.
 *
 * @param {object} [userConfig] never changed, kept only where a later read is part of the contract (`headers`)
 * @param {{ protocol: 'http/protobuf' | 'http/json' | 'grpc', signal?: 'TRACES', fixedProtocol?: boolean }} defaults
 *   `fixedProtocol`: the class has one wire format and ignores `userConfig.protocol`, as the stock packages do
 */
function resolveConfig(userConfig = {}, { protocol: defaultProtocol, signal = 'TRACES', fixedProtocol = false }) {
  const wantedProtocol = fixedProtocol ? defaultProtocol : protocolOf(userConfig?.protocol ?? defaultProtocol, signal);
  if (wantedProtocol === 'grpc') {
    // Here, and not above, as with TLS: whoever sends over plain HTTP pays for neither when the program starts.
    const { resolveGrpcConfig } = require('./grpc/resolve.js');
    return resolveGrpcConfig(userConfig, { signal, isStock: fixedProtocol });
  }
  const options = readStockOptions(userConfig);
  const environment = readEnvironment(signal, RESOURCE_PATHS[signal]);

  const timeoutMillis = chooseTimeoutMillis(options.timeoutMillis, environment.timeoutMillis);
  const compression = options.compression ?? environment.compression ?? 'none';
  const url = normaliseUserUrl(options.url) ?? environment.url ?? `http://localhost:4318/${RESOURCE_PATHS[signal]}`;

  const read = (name, value) => readOption(name, OPTIONS.OTLPTraceExporter[name], value);
  const protocol = read('protocol', wantedProtocol);
  const { transport: wantedTransport, proxy: wantedProxy, grpc, ...own } = readOptions(OWN, userConfig);
  const concurrencyLimit = read('concurrencyLimit', options.concurrencyLimit);
  const selfObsMeterProvider = read('selfObsMeterProvider', options.selfObsMeterProvider);

  const userAgent = buildUserAgent(read('userAgent', options.userAgent));
  const parts = dissectUrl(url);
  const agent = resolveAgent(options, environment);
  const { connectionHeader, ...connection } = agent.facts;
  const { proxy, reason: reasonInProxy, refusal } = chooseProxy(wantedProxy, agent, parts);
  const headers = createHeaderSource({
    userHeaders: options.headers,
    environmentHeaders: environment.headers,
    required: { 'Content-Type': CONTENT_TYPES[protocol], 'User-Agent': userAgent },
    fallbacks: { authorization: parts.authorization, connection: connectionHeader ?? null },
  });
  const native = agent.reason === null && parts.scheme === 'https:';
  const tls = native ? require('./tls.js').resolveTls(agent.options) : { settings: null, reason: null };
  const reason =
    reasonInUrl(parts) ??
    agent.reason ??
    tls.reason ??
    reasonInProxy ??
    reasonInHeaders({
      environmentHeaders: environment.headers,
      userHeaders: options.headers,
      userAgent,
      scheme: parts.scheme,
      isOfProxyEnv: proxy !== null && wantedProxy === undefined,
    });

  return Object.freeze({
    url,
    endpoint: parts.endpoint,
    protocol,
    contentType: CONTENT_TYPES[protocol],
    headers,
    userAgent,
    timeoutMillis,
    concurrencyLimit,
    compression: COMPRESSIONS.has(compression) ? compression : 'none',
    ...chooseTransport(wantedTransport, reason),
    tls: tls.settings && Object.freeze(tls.settings),
    ...connectionDefaults,
    ...connection,
    proxy,
    // Whose agent goes through it: of ours where the option says so, and Node's where its options do.
    hasOwnProxy: wantedProxy !== undefined,
    refusal,
    agentFactory: agent.factory,
    agentOptions: agent.options,
    ...own,
    maxConcurrency: chooseConcurrency(own.maxConcurrency, connection.maxSockets ?? null),
    maxUnderWay: chooseUnderWay(own.maxConcurrency, connection.maxSockets ?? null),
    selfObsMeterProvider,
  });
}

const NO_PROXY = { proxy: null, reason: null, refusal: null };

/** Loads nothing where neither the option nor an agent's options ask for a proxy. */
function chooseProxy(wanted, agent, parts) {
  if (wanted && agent.factory !== null) {
    throw new Error(
      'Configuration: proxy and httpAgentOptions that are a function exclude each other, the agent decides how it connects',
    );
  }
  const isHttp = parts.scheme === 'http:' || parts.scheme === 'https:';
  if (!isHttp || (!wanted && (wanted === '' || agent.proxyEnv === null))) return NO_PROXY;
  return require('./proxy.js').chooseProxy(wanted, agent.proxyEnv, parts, agent.options?.socketPath);
}

const connectionDefaults = {
  keepAlive: true,
  maxSockets: null,
  maxIdleSockets: null,
  socketPath: null,
};

/** What an option of a class without a protocol of its own means: 'env' asks for that of the variables. */
function protocolOf(option, signal) {
  return option === 'env' ? readProtocol(signal) : option;
}

/** Static property of an exporter class that has one wire format, whatever its user's `protocol` says. */
const FIXED_PROTOCOL = Symbol('offloop.fixedProtocol');

/** The second argument of `resolveConfig` for an exporter class: `defaultsFor(new.target)` in its constructor. */
function defaultsFor(exporterClass) {
  const fixed = exporterClass[FIXED_PROTOCOL];
  return { protocol: fixed ?? 'http/protobuf', signal: 'TRACES', fixedProtocol: fixed !== undefined };
}

/** Whether a constructor makes an instance of `Base`, or of a class with one wire format, and not of a subclass of the user's. */
function isPublic(exporterClass, Base) {
  try {
    return isItself(exporterClass, Base) || Object.hasOwn(exporterClass.prototype.constructor, FIXED_PROTOCOL);
  } catch {
    return false; // a Proxy of the application's
  }
}

module.exports = { defaultsFor, FIXED_PROTOCOL, isPublic, protocolOf, resolveConfig };
