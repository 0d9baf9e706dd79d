'use strict';
// Owns Node's agents for the option `proxy`: connections to the proxy for `http:`, tunnels through it for `https:`. Node's
// own `proxyEnv` is not in every version, and reads variables.
// It refuses to decide what goes through: it is made for one endpoint.

const { loose, openTunnel, serverName } = require('./tunnel.js');
const { clearTimeout, setTimeout, unref } = require('../guards/timers.js');
const { ignore, timerMillis } = require('../guards/user_code.js');

// What says how this machine connects holds for the proxy; what says whom to trust is the endpoint's.
const OF_THE_CONNECTION = ['localAddress', 'localPort', 'family', 'hints', 'lookup', 'noDelay', 'autoSelectFamily'];

/**
 * @param {object} options of the agent
 * @param {string} scheme of the endpoint
 * @param {import('../config/proxy.js').Proxy} proxy
 * @param {number} limitMillis how long a tunnel may take
 */
function createProxyAgent({ proxyEnv, ...options }, scheme, proxy, limitMillis) {
  const { Agent } = scheme === 'http:' ? require('http') : require('https');
  const agent = new Agent(options);
  const opening = new Set();
  agent.createConnection =
    scheme === 'http:'
      ? (wanted) => dial(proxy, wanted)
      : (wanted, done) => tunnel(agent, wanted, done, { proxy, limitMillis, opening });
  const { destroy } = agent;
  agent.destroy = (...args) => {
    for (const end of opening) end(Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }));
    return destroy.apply(agent, args);
  };
  return agent;
}

function connectionOptions(wanted) {
  const chosen = {};
  for (const name of OF_THE_CONNECTION) if (wanted[name] !== undefined) chosen[name] = wanted[name];
  return chosen;
}

/** To the proxy, which gets requests in absolute form. */
function dial({ isSecure, hostname: host, port }, wanted) {
  const options = { ...connectionOptions(wanted), host, port };
  if (!isSecure) return loose(require('net').connect(options));
  return loose(require('tls').connect({ ...options, servername: serverName(host) }));
}

/** `done(error, socket)`: as an agent takes it from whoever connects later. */
function tunnel(agent, wanted, done, { proxy, limitMillis, opening }) {
  const signal = { end: null };
  const end = (why) => signal.end?.(why);
  const timer = unref(setTimeout(() => end(tooSlow(proxy)), timerMillis(limitMillis)));
  opening.add(end);
  const host = require('net').isIPv6(wanted.host) ? `[${wanted.host}]` : wanted.host;
  const how = { options: connectionOptions(wanted), keepsAlive: agent.keepAlive || agent.maxSockets !== Infinity };
  openTunnel(proxy, `${host}:${wanted.port}`, how, signal)
    .finally(() => {
      clearTimeout(timer);
      opening.delete(end);
    })
    .then((socket) => {
      socket.on('error', ignore); // whoever speaks TLS over it hears of it as well
      let secured;
      try {
        secured = loose(require('tls').connect({ ...wanted, socket }));
      } catch (error) {
        socket.destroy();
        throw error;
      }
      done(null, secured);
    })
    .catch(done);
}

function tooSlow({ hostname, port }) {
  return Object.assign(new Error(`connect ETIMEDOUT ${hostname}:${port}`), { code: 'ETIMEDOUT', syscall: 'connect' });
}

module.exports = { createProxyAgent };
