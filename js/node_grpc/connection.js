'use strict';
// Owns opening one HTTP/2 connection through Node: plain or TLS, to a host, a socket, or through a proxy.
// It refuses to keep the process alive by it.

const net = require('node:net');
const { contained, ignore } = require('../guards/user_code.js');

// Loaded at the first connection: instrumentation may want to patch these modules first.
const modules = {
  http2: () => require('http2'),
  tls: () => require('tls'),
};

/** Resolves with `{ session, socket }`, ready to be used; rejects with what Node says. `signal.end` is set to give up. */
async function openSession(config, signal) {
  const socket = loose(await openSocket(config, signal));
  const options = { createConnection: () => socket, settings: { enablePush: false } };
  const session = modules.http2().connect(config.dial, options);
  session.on('error', ignore); // each request has its own
  session.unref();
  return { session, socket };
}

async function openSocket(config, signal) {
  const options = config.tlsOptions === null ? null : secureOptions(config);
  const raw = config.proxy === null ? dial(config) : loose(await tunnel(config, signal));
  const socket = await connected(raw, 'connect', signal, config.proxy !== null);
  // Not before: Node crashes where TLS has begun over a socket that then tries the second address of its host.
  return options === null ? socket : connected(secure(options, socket), 'secureConnect', signal, false);
}

/** `socket`, which does not hold the process: not while it is being connected either. */
function loose(socket) {
  contained(ignore, () => socket.unref());
  return socket;
}

/** Through a proxy: all connections, also plain ones. */
function tunnel({ hostname, port, proxy }, signal) {
  return require('../node_http/tunnel.js').openTunnel(proxy, `${hostname}:${port}`, {}, signal);
}

function dial({ socketPath, hostname, port }) {
  if (socketPath !== null) return loose(net.connect({ path: socketPath }));
  return loose(net.connect({ host: hostname.replace(/^\[|\]$/g, ''), port }));
}

/** @throws {Error} of Node for material that it refuses: before anybody is dialled */
function secureOptions({ hostname, tlsOptions }) {
  const host = hostname.replace(/^\[|\]$/g, '');
  const options = { ...tlsOptions, host, ALPNProtocols: ['h2'] };
  if (net.isIP(host) === 0) options.servername = host;
  // Node's own function stands where there is no other: a value that is undefined would be called.
  for (const name of Object.keys(options)) if (options[name] === undefined) delete options[name];
  // As `tls.connect` makes it.
  options.secureContext ??= modules.tls().createSecureContext({ ...options, singleUse: true });
  return options;
}

/** @throws {Error} of Node for options that it refuses; the connection below is ended then */
function secure(options, socket) {
  socket.on('error', ignore); // whoever speaks TLS over it hears of it as well
  try {
    return loose(modules.tls().connect({ ...options, socket }));
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function connected(socket, event, signal, isConnected) {
  return new Promise((resolve, reject) => {
    signal.end = () => socket.destroy(new Error('The attempt was given up'));
    socket.once('error', reject);
    socket.once('close', () => reject(Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })));
    if (isConnected) resolve(socket);
    else socket.once(event, () => resolve(socket));
  }).finally(() => socket.on('error', ignore));
}

module.exports = { openSession };
