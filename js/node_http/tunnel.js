'use strict';
// Owns asking a proxy for a tunnel through Node, by CONNECT, and the words for a proxy that opens none.
// It refuses to know what goes through, and to keep the process alive by it.

const { contained, ignore } = require('../guards/user_code.js');
const { throughProxy } = require('../config/proxy.js');

// Loaded at the first connection: instrumentation may want to patch these modules first.
const moduleFor = ({ isSecure }) => (isSecure ? require('https') : require('http'));

/** `socket`, which does not hold the process: not while it is being connected either. */
function loose(socket) {
  contained(ignore, () => socket.unref());
  return socket;
}

/**
 * Resolves with the socket behind the proxy's answer.
 * @param {import('../config/proxy.js').Proxy} proxy
 * @param {string} to `host:port`, an address of version 6 in brackets
 * @param {{ options?: object, keepsAlive?: boolean }} how `options` of the connection to the proxy
 * @param {{ end: ((why?: Error) => void) | null }} signal is set to give up
 */
function openTunnel(proxy, to, { options, keepsAlive = false }, signal) {
  const headers = { Host: to };
  if (proxy.authorization !== null) headers['Proxy-Authorization'] = proxy.authorization;
  if (keepsAlive) headers['Proxy-Connection'] = 'keep-alive';
  return new Promise((resolve, reject) => {
    const { hostname: host, port } = proxy;
    // Without an agent: the one of the process may go through a proxy itself.
    const request = moduleFor(proxy).request({
      ...options,
      // Not that of the Host header, which Node would take.
      servername: serverName(host),
      method: 'CONNECT',
      host,
      port,
      path: to,
      headers,
      agent: false,
    });
    signal.end = (why = new Error('The attempt was given up')) => request.destroy(why);
    request.once('socket', loose);
    request.once('error', (error) => reject(hasReached(error) ? noTunnel(proxy, to, error.message) : error));
    request.once('connect', (response, socket, head) => {
      const { statusCode, statusMessage, httpVersion } = response;
      if (statusCode >= 200 && statusCode < 300) {
        // The endpoint may speak first, and its words may come together with those of the proxy.
        if (head.length > 0) socket.unshift(head);
        resolve(socket);
        return;
      }
      socket.destroy();
      const line = `HTTP/${httpVersion} ${statusCode} ${statusMessage}`.trim();
      reject(Object.assign(noTunnel(proxy, to, line), { statusCode }));
    });
    request.end();
  });
}

/** What a proxy that is spoken to over TLS is called there: an address has no name. */
function serverName(host) {
  return require('net').isIP(host) === 0 ? host : '';
}

/** Whether the proxy was there: what it has said is no answer, or it has closed without one. */
function hasReached({ code, syscall }) {
  return syscall === undefined && (code === 'ECONNRESET' || String(code).startsWith('HPE_'));
}

function noTunnel(proxy, to, why) {
  const error = new Error(`no tunnel to ${to} ${throughProxy(proxy)}: ${why}`);
  return Object.assign(error, { code: 'ERR_PROXY_TUNNEL' });
}

module.exports = { loose, openTunnel, serverName };
