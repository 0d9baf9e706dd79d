'use strict';
// A scripted HTTP proxy on loopback: tunnels by CONNECT, and requests in absolute form. It does what a script says and
// remembers everything that it was asked. It leads only to this machine, whatever host it is asked for.

const { once } = require('node:events');
const http = require('node:http');
const https = require('node:https');
const net = require('node:net');
const {
  answer,
  countBytes,
  credentialsOf,
  didAct,
  drained,
  end,
  grant,
  limitsOf,
  normalize,
  pump,
  rewritten,
} = require('./exchange.js');

const toSamePort = (_host, port) => ({ host: '127.0.0.1', port });

/**
 * A step of the script is a status that the proxy answers by itself, or an object, or a function of the request that gives
 * one of these:
 *
 * - `answer`: a status that the proxy answers by itself, with `headers`, `body` and `close`; `close` alone ends the connection
 *   after the answer to a request in absolute form;
 * - `raw`: bytes in place of any answer, after which the connection ends, unless `open` is set;
 * - `stall`: nothing is answered; `gate`: a promise to wait for before the answer;
 * - `end` | `reset`: the connection ends without an answer;
 * - `grant`: how a tunnel is granted: `{ line, headers, interim, pieces, isGlued }`; `isGlued` waits until the other end
 *   has spoken and writes its first words together with the answer;
 * - `cut`: `{ clientBytes, serverBytes, reset }`: where the exchange ends, counted in bytes that went through in either
 *   direction; of a request in absolute form the bytes of its body are counted, and of the body of its answer.
 */
class ScriptedProxy {
  #script;
  #otherwise;
  #credentials;
  #route;
  #server;
  #sockets = new Set();
  #tunnels = new Set();
  #waiters = new Set();
  #isSecure;

  constructor({ script = [], otherwise = {}, credentials = null, route = toSamePort, tls = null } = {}) {
    this.#script = [...script];
    this.#otherwise = otherwise;
    this.#credentials = credentials;
    this.#route = route;
    this.#isSecure = tls !== null;
    const settings = { keepAliveTimeout: 60_000, headersTimeout: 0, requestTimeout: 0 };
    this.#server = tls === null ? http.createServer(settings) : https.createServer({ ...settings, ...tls });
    this.#server.on(tls === null ? 'connection' : 'secureConnection', (socket) => this.#met(socket));
    this.#server.on('request', (request, response) => this.#forward(request, response).catch(() => request.destroy()));
    this.#server.on('connect', (request, socket, head) =>
      this.#tunnel(request, socket, head).catch(() => socket.destroy()),
    );
    this.#server.on('tlsClientError', () => {});
    this.#server.on('clientError', (_error, socket) => socket.destroy());
    this.connections = [];
    this.requests = [];
  }

  async listen(port = 0) {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.port = this.#server.address().port;
    this.host = `127.0.0.1:${this.port}`;
    this.scheme = this.#isSecure ? 'https' : 'http';
    this.url = `${this.scheme}://${this.host}`;
    return this;
  }

  /** Its URL with `user:password` in it, as they are to be written there. */
  urlWith(userinfo) {
    return `${this.scheme}://${userinfo}@${this.host}`;
  }

  /** Forgets what it was asked, ends all connections, and takes a new script. */
  reset({ script = [], otherwise = {}, credentials = null } = {}) {
    this.#script = [...script];
    this.#otherwise = otherwise;
    this.#credentials = credentials;
    for (const socket of this.#sockets) socket.destroy();
    this.connections = [];
    this.requests = [];
  }

  plan(...steps) {
    this.#script.push(...steps);
  }

  get openConnections() {
    return this.#sockets.size;
  }

  /** Ends everything that goes through it now. */
  cut({ reset = false } = {}) {
    for (const socket of this.#sockets) end(socket, reset);
  }

  /** Is gone, as a proxy that has crashed; `listen(port)` brings it back. */
  async stop() {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    for (const other of this.#tunnels) other.destroy();
    await closed;
  }

  close() {
    return this.#server.listening ? this.stop() : Promise.resolve();
  }

  waitForRequests(count, timeoutMillis) {
    const isThere = () => this.requests.length >= count;
    return this.waitFor(isThere, timeoutMillis, () => `the proxy was asked ${this.requests.length} times of ${count}`);
  }

  /** Resolves once `condition()` holds; it is looked at after each request and each end of a connection. */
  waitFor(condition, timeoutMillis = 15_000, describe = () => 'the condition does not hold') {
    if (condition()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const waiter = () => {
        if (!condition()) return;
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiters.delete(waiter);
        reject(new Error(`after ${timeoutMillis} ms: ${describe()}`));
      }, timeoutMillis);
      this.#waiters.add(waiter);
    });
  }

  #notify() {
    for (const waiter of [...this.#waiters]) waiter();
  }

  #met(socket) {
    const connection = { id: this.connections.length, requests: 0, isOpen: true };
    this.connections.push(connection);
    socket.proxied = connection;
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      connection.isOpen = false;
      this.#sockets.delete(socket);
      this.#notify();
    });
  }

  /** Remembers the request, and says what to do about it. */
  async #judge(request) {
    const { method, url: target, headers, rawHeaders, httpVersion } = request;
    const connection = request.socket.proxied;
    connection.requests += 1;
    const seen = { index: this.requests.length, connection: connection.id, method, target, httpVersion, headers };
    seen.rawHeaders = rawHeaders;
    seen.credentials = credentialsOf(headers['proxy-authorization']);
    this.requests.push(seen);
    this.#notify();
    const next = this.#script.length > 0 ? this.#script.shift() : this.#otherwise;
    const step = normalize(typeof next === 'function' ? await next(seen) : next);
    const isRefused = this.#credentials !== null && seen.credentials !== this.#credentials;
    return isRefused && step.answer === undefined ? { ...step, answer: 407 } : step;
  }

  async #tunnel(request, socket, head) {
    const step = await this.#judge(request);
    if (await didAct(socket, step)) return;
    if (step.answer !== undefined) return void answer(socket, step);
    const { hostname, port } = new URL(`http://${request.url}`);
    const other = net.connect(this.#route(hostname, Number(port || 80)));
    this.#tunnels.add(other);
    other.on('close', () => this.#tunnels.delete(other));
    try {
      await once(other, 'connect');
    } catch {
      return void answer(socket, { answer: 502 });
    }
    await grant(socket, other, step.grant);
    if (head.length > 0) socket.unshift(head);
    pump(socket, other, step.cut);
  }

  async #forward(request, response) {
    const step = await this.#judge(request);
    const { socket } = request;
    if (await didAct(socket, step)) return;
    if (!/^http:\/\//i.test(request.url)) return void answer(socket, { answer: 400, body: 'not a proxy request' });
    if (step.answer !== undefined) {
      await drained(request);
      return void answer(socket, step);
    }
    const { hostname, port, pathname, search } = new URL(request.url);
    const headers = rewritten(request.rawHeaders);
    const options = { ...this.#route(hostname, Number(port || 80)), method: request.method, path: pathname + search };
    const cut = limitsOf(step.cut);
    if (cut.clientBytes === 0) return end(socket, cut.reset);
    const onward = http.request({ ...options, headers, agent: false });
    socket.once('close', () => onward.destroy());
    countBytes(request, cut.clientBytes, () => {
      onward.destroy();
      end(socket, cut.reset);
    });
    request.pipe(onward);
    const answered = await firstOf(onward);
    if (answered === null) return void (socket.destroyed || answer(socket, { answer: 502 }));
    answered.on('error', () => socket.destroy());
    response.sendDate = false;
    if (step.close) response.shouldKeepAlive = false;
    const length = answered.headers['content-length'];
    // What is to be cut must have been sent up to there.
    response.writeHead(answered.statusCode, answered.statusMessage, rewritten(answered.rawHeaders));
    if (cut.serverBytes === 0 || (cut.serverBytes < Infinity && length === '0')) {
      response.flushHeaders();
      return void setImmediate(() => end(socket, cut.reset));
    }
    countBytes(answered, cut.serverBytes, () => setImmediate(() => end(socket, cut.reset)));
    answered.pipe(response);
  }
}

/** The answer to a request that was passed on, or null. */
function firstOf(onward) {
  return new Promise((resolve) => {
    onward.once('response', resolve);
    onward.on('error', () => resolve(null));
    onward.on('close', () => resolve(null));
  });
}

/** Starts a proxy; pass the test's context to have it closed when the test ends. */
async function startScriptedProxy(options, t) {
  const proxy = await new ScriptedProxy(options).listen();
  t?.after(() => proxy.close());
  return proxy;
}

module.exports = { startScriptedProxy };
