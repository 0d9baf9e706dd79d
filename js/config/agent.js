'use strict';
// Owns the meaning of `keepAlive` and `httpAgentOptions`: which agent Node would make, and whether plain data can say the same.
// It refuses to approximate: an option it does not know sends the requests through Node's own http.

const { invalid } = require('./options/read.js');

// Each entry answers: can this value be honoured without Node's agent?
const PLAIN_OPTIONS = {
  keepAlive: () => true,
  keepAliveMsecs: isPositiveOrZero,
  maxSockets: isSocketCount,
  maxFreeSockets: isSocketCount,
  maxTotalSockets: isSocketCount,
  scheduling: (value) => value === 'lifo' || value === 'fifo',
  timeout: isPositiveOrZero,
  noDelay: (value) => typeof value === 'boolean',
  // A zero byte begins a name in Linux's abstract namespace, which the native sender cannot dial.
  // On Windows it is a named pipe, which Node's agent alone can open.
  socketPath: (value) =>
    process.platform !== 'win32' && typeof value === 'string' && value !== '' && !value.includes('\0'),
  proxyEnv: () => true, // what it means is read elsewhere (proxy.js)
};

const TLS_OPTIONS = new Set([
  'ca',
  'cert',
  'key',
  'passphrase',
  'rejectUnauthorized',
  'servername',
  'minVersion',
  'maxVersion',
]);

function isPositiveOrZero(value) {
  return typeof value === 'number' && value >= 0 && value !== Infinity;
}

function isSocketCount(value) {
  return typeof value === 'number' && value >= 1;
}

/**
 * The options Node's agent would be made from. Options of the user replace those of the environment wholesale; a lone
 * `keepAlive` leaves the certificates of the environment in place (X8).
 */
function chooseAgentOptions({ keepAlive, httpAgentOptions }, environment) {
  if (httpAgentOptions != null) return keepAlive == null ? httpAgentOptions : { keepAlive, ...httpAgentOptions };
  const { ca, cert, key } = environment;
  return { keepAlive: keepAlive ?? true, ca, cert, key };
}

/**
 * What a native transport has to know of the agent, or in `reason` why only Node's http can honour it. `proxyEnv` is what the
 * agent would look for proxies in, or null.
 * @param {{ keepAlive?: unknown, httpAgentOptions?: unknown }} userConfig
 * @param {{ ca?: Buffer, cert?: Buffer, key?: Buffer }} environment certificates found there
 */
function resolveAgent(userConfig, environment) {
  if (typeof userConfig.httpAgentOptions === 'function') {
    const reason = 'httpAgentOptions is a function';
    return { factory: userConfig.httpAgentOptions, options: null, reason, facts: {}, proxyEnv: null };
  }
  try {
    const options = chooseAgentOptions(userConfig, environment);
    const [reason, facts] = [reasonForNode(options), connectionFacts(options)];
    return { factory: null, options, reason, facts, proxyEnv: proxyEnvOf(options) };
  } catch {
    throw invalid('httpAgentOptions', 'object that can be read', userConfig.httpAgentOptions);
  }
}

function reasonForNode(options) {
  if (typeof options !== 'object') return 'httpAgentOptions is not an object';
  // Only own enumerable options reach Node's agent.
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || TLS_OPTIONS.has(name)) continue;
    if (!Object.hasOwn(PLAIN_OPTIONS, name) || !PLAIN_OPTIONS[name](value)) return `httpAgentOptions.${name}`;
  }
  return null;
}

/** Agents look there since the versions of Node that have this flag. */
function proxyEnvOf(options) {
  if (!Object.prototype.propertyIsEnumerable.call(options, 'proxyEnv')) return null;
  if (!process.allowedNodeEnvironmentFlags.has('--use-env-proxy')) return null;
  const { proxyEnv } = options;
  return typeof proxyEnv === 'object' ? proxyEnv : null;
}

function connectionFacts(options) {
  const keepAlive = Boolean(options.keepAlive);
  const maxSockets = Math.min(countOrInfinity(options.maxSockets), countOrInfinity(options.maxTotalSockets));
  return {
    keepAlive,
    // Node announces keep-alive also where it only queues requests for a bounded number of sockets.
    connectionHeader: !keepAlive && Number.isFinite(options.maxSockets || Infinity) ? 'keep-alive' : null,
    maxSockets: Number.isFinite(maxSockets) ? Math.max(1, Math.floor(maxSockets)) : null,
    maxIdleSockets: Number.isFinite(options.maxFreeSockets) ? Math.floor(options.maxFreeSockets) : null,
    socketPath: PLAIN_OPTIONS.socketPath(options.socketPath) ? options.socketPath : null,
  };
}

function countOrInfinity(value) {
  return typeof value === 'number' && value >= 1 ? value : Infinity;
}

module.exports = { resolveAgent };
