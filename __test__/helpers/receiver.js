'use strict';

const net = require('node:net');
const tls = require('node:tls');
const zlib = require('node:zlib');
const { STATUS_CODES } = require('node:http');
const { performance } = require('node:perf_hooks');
const { SocketReader } = require('./socket_reader.js');

/**
 * A scripted OTLP receiver on a raw loopback socket, for the faults of docs/spec/faults.md.
 *
 * `script` is the list of steps for the first requests in order of arrival, `otherwise` the step for all others.
 * A step is a status number, an object, or a function `(request) => step` (for behaviour chosen by a marker):
 *
 *   status, reason, headers (object or list of pairs), body    the reply; default 200 with an empty body
 *   interim: [103]              1xx replies before it
 *   delayMillis, gate           waits before the reply: a time, or a promise
 *   early: true                 answers after the request's head, before its body
 *   stall: 'request'|'response'|'head'|'body'   reads nothing more | answers nothing | stops within the head | within the body
 *   reset | hangUp: 'head'|'request'|'body'     RST | FIN after the request's head, after the request, within the reply's body
 *   drip: { bytes, everyMillis, from: 'head'|'body' }          writes the reply in pieces
 *   raw                         sent in place of a reply
 *   chunked: true | contentLength: n | false                   framing; n may lie, false means "until close"
 *   close: true                 `Connection: close`; closeAfterMillis: n closes the idle connection later, without a word
 */
class Receiver {
  /** Requests in order of arrival of their heads. */
  requests = [];
  /** Connections in order of their opening: `{ id, openedMillis, closedMillis, requests }`. */
  connections = [];

  #script;
  #otherwise;
  #record;
  #onRequest;
  #server;
  #sockets = new Set();
  #timers = new Set();
  #waiters = new Set();
  #scheme;

  constructor({ script = [], otherwise = 200, record = 'full', onRequest, tls: tlsOptions } = {}) {
    this.#script = [...script];
    this.#otherwise = otherwise;
    this.#record = record;
    this.#onRequest = onRequest;
    this.#scheme = tlsOptions ? 'https' : 'http';
    const onConnection = (socket) => this.#accept(socket);
    this.#server = tlsOptions
      ? tls.createServer(tlsOptions, onConnection).on('tlsClientError', () => {})
      : net.createServer({ noDelay: true }, onConnection);
  }

  async listen() {
    await new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    this.port = this.#server.address().port;
    this.origin = `${this.#scheme}://127.0.0.1:${this.port}`;
    this.url = `${this.origin}/v1/traces`;
    return this;
  }

  /** Requests whose body has arrived to its end. */
  get completed() {
    return this.requests.filter((request) => request.completedMillis !== null);
  }

  /** Connections that are open now. */
  get openConnections() {
    return this.#sockets.size;
  }

  /** Appends steps to the script. */
  plan(...steps) {
    this.#script.push(...steps);
  }

  /** Resolves once `count` requests have arrived whole; rejects when `timeoutMillis` have passed first. */
  waitForRequests(count, timeoutMillis = 15_000) {
    return this.waitFor(
      () => this.completed.length >= count,
      timeoutMillis,
      () => {
        return `${this.completed.length} of ${count} requests arrived`;
      },
    ).then(() => this.completed);
  }

  /** Resolves once `condition()` holds; it is looked at after each request and each closed connection. */
  waitFor(condition, timeoutMillis = 15_000, describe = () => 'the condition does not hold') {
    if (condition()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const waiter = { condition, resolve: () => settle(resolve) };
      const timer = setTimeout(() => {
        settle(() => reject(new Error(`after ${timeoutMillis} ms: ${describe()}`)));
      }, timeoutMillis);
      const settle = (how) => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        how();
      };
      this.#waiters.add(waiter);
    });
  }

  /** Cuts every connection. */
  cut() {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Closes the listener and every connection. */
  async close() {
    for (const timer of this.#timers) clearTimeout(timer);
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #notify() {
    for (const waiter of [...this.#waiters]) if (waiter.condition()) waiter.resolve();
  }

  #accept(socket) {
    const connection = {
      id: this.connections.length,
      openedMillis: performance.now(),
      closedMillis: null,
      requests: 0,
    };
    this.connections.push(connection);
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      connection.closedMillis = performance.now();
      this.#sockets.delete(socket);
      this.#notify();
    });
    this.#serve(socket, connection).catch((error) => {
      connection.error = error;
      socket.destroy();
    });
  }

  async #serve(socket, connection) {
    const reader = new SocketReader(socket);
    for (;;) {
      const head = await reader.until('\r\n\r\n');
      if (head === null) return;
      const request = parseHead(head, connection, this.requests.length);
      this.requests.push(request);
      connection.requests += 1;
      let step = this.#script.length > 0 ? this.#script.shift() : this.#otherwise;
      // A marker may sit in the body, so a function waits for it unless it says that it answers early.
      const late = typeof step === 'function' && !step.early;
      if (!late) step = await normalize(step, request);
      if (step.stall === 'request') return void socket.pause();
      if (step.reset === 'head') return reset(socket);
      if (step.hangUp === 'head') return void socket.end();
      if (!step.early) {
        if (!(await this.#readBody(reader, request))) return;
        if (late) step = await normalize(step, request);
      }
      this.#notify();
      this.#onRequest?.(request);
      if ((await this.#answer(socket, step)) === 'last') return;
    }
  }

  async #readBody(reader, request) {
    const keep = this.#record === 'full';
    const parts = [];
    const take = async (length) => {
      request.wireBytes += length;
      if (!keep) return (await reader.skip(length)) !== null;
      const part = await reader.exactly(length);
      if (part !== null) parts.push(part);
      return part !== null;
    };
    if (request.chunked) {
      for (;;) {
        const line = await reader.until('\r\n');
        if (line === null) return false;
        const size = Number.parseInt(line.toString('latin1'), 16);
        if (size > 0 && !(await take(size))) return false;
        if ((await reader.until('\r\n')) === null) return false;
        if (size === 0) break;
      }
    } else if (!(await take(Number(request.headers['content-length'] ?? 0)))) {
      return false;
    }
    request.completedMillis = performance.now();
    if (keep) request.wireBody = Buffer.concat(parts);
    return true;
  }

  async #answer(socket, step) {
    if (step.reset === 'request') return reset(socket);
    if (step.hangUp === 'request') return this.#hangUp(socket);
    if (step.stall === 'response') return 'last';
    if (step.gate) await step.gate;
    if (step.delayMillis) await this.#sleep(step.delayMillis);
    if (step.raw !== undefined) {
      socket.write(step.raw);
      return this.#finish(socket, step);
    }
    for (const status of step.interim ?? [])
      socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Interim'}\r\n\r\n`);
    const { head, body } = renderReply(step);
    if (step.stall === 'head') {
      socket.write(head.subarray(0, Math.floor(head.length / 2)));
      return 'last';
    }
    if (step.stall === 'body' || step.reset === 'body' || step.hangUp === 'body') {
      socket.write(Buffer.concat([head, body.subarray(0, Math.floor(body.length / 2))]));
      // The peer must see the first half before the connection ends.
      if (step.reset) return this.#sleep(step.afterMillis ?? 30).then(() => reset(socket));
      if (step.hangUp) return this.#hangUp(socket);
      return 'last';
    }
    if (step.drip) {
      if (step.drip.from === 'body') socket.write(head);
      const bytes = step.drip.from === 'body' ? body : Buffer.concat([head, body]);
      for (let at = 0; at < bytes.length && !socket.destroyed; at += step.drip.bytes ?? 1) {
        socket.write(bytes.subarray(at, at + (step.drip.bytes ?? 1)));
        await this.#sleep(step.drip.everyMillis);
      }
    } else {
      socket.write(body.length > 0 ? Buffer.concat([head, body]) : head);
    }
    return this.#finish(socket, step);
  }

  #finish(socket, step) {
    if (step.close || step.early || step.contentLength === false || step.raw !== undefined) return this.#hangUp(socket);
    if (step.closeAfterMillis !== undefined) {
      this.#timer(step.closeAfterMillis, () => socket.end());
    }
    return 'next';
  }

  #hangUp(socket) {
    socket.end();
    return 'last';
  }

  #sleep(millis) {
    return new Promise((resolve) => this.#timer(millis, resolve));
  }

  #timer(millis, callback) {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      callback();
    }, millis);
    this.#timers.add(timer);
  }
}

function parseHead(head, connection, index) {
  const text = head.toString('latin1');
  const [startLine, ...lines] = text.slice(0, -4).split('\r\n');
  const [method, target, httpVersion] = startLine.split(' ');
  const rawHeaders = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  const headers = {};
  for (const [name, value] of rawHeaders) {
    const key = name.toLowerCase();
    headers[key] = key in headers ? `${headers[key]}, ${value}` : value;
  }
  return {
    index,
    connection: connection.id,
    arrivedMillis: performance.now(),
    completedMillis: null,
    method,
    target,
    httpVersion,
    head: text,
    rawHeaders,
    headers,
    chunked: /chunked/i.test(headers['transfer-encoding'] ?? ''),
    wireBytes: 0,
    wireBody: null,
    /** The body without its content encoding. */
    get body() {
      return decompress(this.wireBody, headers['content-encoding']);
    },
  };
}

function decompress(bytes, encoding) {
  if (bytes === null || encoding === undefined || encoding === 'identity') return bytes;
  if (encoding === 'gzip') return zlib.gunzipSync(bytes);
  if (encoding === 'zstd' && zlib.zstdDecompressSync) return zlib.zstdDecompressSync(bytes);
  throw new Error(`a body with content-encoding ${encoding}`);
}

async function normalize(step, request) {
  const value = typeof step === 'function' ? await step(request) : step;
  if (value === undefined) return { status: 200 };
  return typeof value === 'number' ? { status: value } : value;
}

function renderReply(step) {
  const status = step.status ?? 200;
  const reason = step.reason ?? STATUS_CODES[status] ?? '';
  // 204 and 304 have no body, whatever is wished (RFC 9110 §6.4.1).
  const isBodiless = status === 204 || status === 304;
  let body = isBodiless ? Buffer.alloc(0) : Buffer.from(step.body ?? '');
  const pairs = Array.isArray(step.headers) ? [...step.headers] : Object.entries(step.headers ?? {});
  if (step.chunked && !isBodiless) {
    pairs.push(['Transfer-Encoding', 'chunked']);
    const half = Math.ceil(body.length / 2);
    const pieces = [body.subarray(0, half), body.subarray(half)].filter((piece) => piece.length > 0);
    const framed = pieces.flatMap((piece) => [`${piece.length.toString(16)}\r\n`, piece, '\r\n']);
    body = Buffer.concat([...framed, '0\r\n\r\n'].map((part) => Buffer.from(part)));
  } else if (step.contentLength !== false && status !== 204) {
    pairs.push(['Content-Length', String(step.contentLength ?? body.length)]);
  }
  if (step.close) pairs.push(['Connection', 'close']);
  const lines = [`HTTP/1.1 ${status} ${reason}`, ...pairs.map(([name, value]) => `${name}: ${value}`)];
  return { head: Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), body };
}

function reset(socket) {
  if (socket.resetAndDestroy && !socket.encrypted) socket.resetAndDestroy();
  else socket.destroy();
  return 'last';
}

/** Starts a receiver; pass the test's context to have it closed when the test ends. */
async function startReceiver(options, t) {
  const receiver = await new Receiver(options).listen();
  t?.after(() => receiver.close());
  return receiver;
}

/** A URL on loopback where nobody listens. */
async function refusedUrl() {
  const receiver = await startReceiver();
  await receiver.close();
  return receiver.url;
}

module.exports = { startReceiver, refusedUrl };
