'use strict';
// Owns the step from what the user typed to what an exporter over gRPC means, as ../resolve_config.js does for HTTP.
// It refuses to read the environment twice, and to load @grpc/grpc-js.

const { readOption, readOptions } = require('../options/read.js');
const { OPTIONS, OWN } = require('../options/table.js');
const { chooseTimeoutMillis } = require('../timeout.js');
const { buildUserAgent } = require('../../exporter/user_agent.js');
const { textOfError } = require('../../node_http/network_facts.js');
const { DEFAULT_URL, parseAddress } = require('./address.js');
const { chooseConnection } = require('./connection.js');
const { describeCredentials } = require('./credentials.js');
const { readGrpcEnvironment } = require('./environment.js');
const { createMetadataSource } = require('./metadata.js');
const { grpcError, UNKNOWN } = require('./status.js');

const SERVICE = 'opentelemetry.proto.collector.trace.v1.TraceService';
const METHOD = `/${SERVICE}/Export`;

/**
 * Validates and completes a configuration. Throws and warns as the stock exporter does, in its order.
 *
 * The result keeps credentials: hold it in a private field and never log it.
 *
 * @param {object} userConfig never changed, kept because its `metadata` and `headers` are read again for each attempt
 * @param {{ signal: 'TRACES', isStock: boolean }} defaults `isStock`: the class has the stock exporter's options only, and
 *   so ignores `headers`
 */
function resolveGrpcConfig(userConfig, { signal, isStock }) {
  const given = userConfig.credentials;
  const {
    url,
    compression,
    timeoutMillis: wantedMillis,
    concurrencyLimit,
    userAgent,
    selfObsMeterProvider,
  } = userConfig;
  const environment = readGrpcEnvironment(signal);
  const timeoutMillis = chooseTimeoutMillis(wantedMillis, environment.timeoutMillis);
  const address = parseAddress(url ?? environment.url ?? DEFAULT_URL);

  const read = (name, value) => readOption(name, OPTIONS.OTLPTraceExporter[name], value);
  const { transport: wantedTransport, proxy: wantedProxy, grpc, ...own } = readOptions(OWN, userConfig);
  const credentials = describeCredentials(given);
  const { isInsecure } = environment;
  const connection = chooseConnection({ address, credentials, isInsecure, signal, wantedTransport, wantedProxy });

  const headers = isStock ? () => undefined : () => userConfig.headers;
  // Whoever sends with the object itself has its metadata from there.
  const isAsked = credentials?.generate && (connection.transport === 'native' || connection.object === null);
  const source = createMetadataSource({
    isGiven: userConfig.metadata != null || headers() != null,
    metadata: () => userConfig.metadata,
    headers,
    environment: environment.metadata,
    callCredentials: isAsked ? { generate: () => askForMetadata(credentials, connection) } : null,
  });
  return Object.freeze({
    protocol: 'grpc',
    url: metricsUrl(address),
    headers: source,
    userAgent: buildUserAgent(read('userAgent', userAgent)),
    timeoutMillis,
    concurrencyLimit: read('concurrencyLimit', concurrencyLimit),
    compression: (compression ?? environment.compression) === 'gzip' ? 'gzip' : 'none',
    ...connection,
    ...own,
    ...grpc,
    maxUnderWay: undefined,
    selfObsMeterProvider: read('selfObsMeterProvider', selfObsMeterProvider),
  });
}

/** Metadata of composed credentials, for one call. @throws {Error} in the words of @grpc/grpc-js */
async function askForMetadata({ generate }, { hostname }) {
  const host = hostname.replace(/^\[|\]$/g, '');
  try {
    return await generate({ method_name: METHOD, service_url: `https://${host}/${SERVICE}` });
  } catch (error) {
    const code = typeof error?.code === 'number' ? error.code : UNKNOWN;
    throw grpcError(code, `Getting metadata from plugin failed with error: ${textOfError(error)}`);
  }
}

/** As the stock exporter's metrics have it: a target without a port counts as port 80 there. */
function metricsUrl({ target }) {
  return target.includes('://') ? target : `http://${target}`;
}

module.exports = { resolveGrpcConfig };
