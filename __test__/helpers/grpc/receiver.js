'use strict';
// A collector on loopback that speaks gRPC through Node's own HTTP/2, and does what a script says. It takes plain text and,
// if it has a certificate, TLS on the same port, and remembers everything that can be seen from outside.
// It refuses to use a gRPC library: what is under test must not meet a relative of itself.

const { once } = require('node:events');
const http2 = require('node:http2');
const net = require('node:net');
const { performance } = require('node:perf_hooks');
const { countSpans } = require('../otlp_decoder.js');
const { frame, messagesOf } = require('./framing.js');

const TLS_HANDSHAKE = 0x16;
const EMPTY = Buffer.alloc(0);

/**
 * A step of the script is a gRPC status, `undefined` for success, a function of the call that gives one, or an object:
 *
 * - `status`, `message`, `details` (bytes of grpc-status-details-bin), `trailers`, `headers`: what the answer says. A status
 *   other than 0 is an answer of trailers only, unless `body` is there;
 * - `body`: the message of the answer, a list of messages, or `null` for none; `wire`: bytes instead of framed messages;
 * - `noStatus`: the stream ends without a status; `http`: `{ status, headers, body }`, an answer that is no gRPC;
 * - `delayMillis`, `gate` (a promise) before the answer; `early`: do not wait for the request's end;
 * - `stall`: `'answer'`, `'trailers'` (the answer begins and does not end);
 * - `rst`: an HTTP/2 error code for the stream, with `after: 'headers'` of the answer; `goaway`: `{ code, lastStreamId }`
 *   before the answer, or instead of it with `only: true`; `destroy`: the connection is cut.
 */
class GrpcReceiver {
  #script = [];
  #otherwise;
  #onCall;
  #keep;
  #servers = {};
  #listener;
  #byPort = new Map();
  #sockets = new Set();
  #sessions = new Set();
  #rawSockets = new WeakMap();
  #waiters = new Set();
  #timers = new Set();
  #listen;
  #speaksFirst;

  /** `speaksFirst`: sends its settings as soon as somebody connects, and takes no TLS. */
  constructor({ script = [], otherwise, onCall, tls, settings, listen, keep = true, speaksFirst, ...more } = {}) {
    this.#onCall = onCall;
    this.#speaksFirst = speaksFirst === true;
    this.#keep = keep;
    this.#listen = listen ?? { port: 0, host: '127.0.0.1' };
    this.#servers.plain = http2.createServer({ settings, ...more });
    if (tls) this.#servers.tls = http2.createSecureServer({ settings, ...tls, ...more });
    for (const server of Object.values(this.#servers)) {
      server.on('session', (session) => this.#met(session));
      server.on('sessionError', () => {});
      server.on('error', () => {});
      server.on('tlsClientError', (error) => this.tlsErrors.push(error.code ?? error.message));
      server.on('unknownProtocol', (socket) => socket.destroy());
      server.on('stream', (stream, headers, _flags, rawHeaders) => this.#serve(stream, headers, rawHeaders));
    }
    this.#listener = net.createServer((socket) => this.accept(socket));
    this.reset({ script, otherwise });
  }

  async listen() {
    this.#listener.listen(this.#listen);
    await once(this.#listener, 'listening');
    const address = this.#listener.address();
    this.port = address.port;
    this.host = `127.0.0.1:${address.port}`;
    this.origin = `http://${this.host}`;
    this.secureOrigin = `https://${this.host}`;
    return this;
  }

  /** Forgets everything, closes connections, and takes a new script. */
  reset({ script = [], otherwise } = {}) {
    for (const socket of this.#sockets) socket.destroy();
    this.#script = [...script];
    this.#otherwise = otherwise;
    this.calls = [];
    this.connections = [];
    this.tlsErrors = [];
    this.spans = 0;
  }

  get completed() {
    return this.calls.filter(({ completedMillis }) => completedMillis !== null);
  }

  get openConnections() {
    return this.connections.filter(({ closedMillis }) => closedMillis === null).length;
  }

  /** Takes a connection, from the listener or from a proxy that was asked for `target`. */
  accept(socket, target) {
    const connection = { id: this.connections.length, target, isTls: null, calls: 0, closedMillis: null, goaway: null };
    const { connections } = this;
    connections.push(connection);
    connection.openedMillis = performance.now();
    this.#byPort.set(socket.remotePort, connection);
    this.#sockets.add(socket);
    this.#rawSockets.set(connection, socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      connection.closedMillis = performance.now();
      this.#sockets.delete(socket);
      this.#notify();
    });
    if (this.#speaksFirst) {
      connection.isTls = false;
      this.#servers.plain.emit('connection', socket);
      return;
    }
    socket.once('data', (first) => {
      socket.pause();
      socket.unshift(first);
      connection.isTls = first[0] === TLS_HANDSHAKE;
      const server = connection.isTls ? this.#servers.tls : this.#servers.plain;
      if (server) server.emit('connection', socket);
      else socket.destroy();
    });
  }

  /** Resolves once `count` calls have arrived whole. */
  waitForCalls(count, timeoutMillis) {
    const isThere = () => this.completed.length >= count;
    return this.waitFor(isThere, timeoutMillis, () => `${this.completed.length} of ${count} calls arrived`);
  }

  waitForSpans(count, timeoutMillis) {
    return this.waitFor(
      () => this.spans >= count,
      timeoutMillis,
      () => `${this.spans} of ${count} spans arrived`,
    );
  }

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

  /** Says GOAWAY on every connection. */
  goaway(code = 0, lastStreamId = undefined) {
    for (const session of this.#sessions) session.goaway(code, lastStreamId);
  }

  /** Cuts every connection. */
  cut() {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close() {
    for (const timer of this.#timers) clearTimeout(timer);
    const closed = new Promise((resolve) => this.#listener.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    for (const session of this.#sessions) session.destroy();
    await closed;
  }

  #notify() {
    for (const waiter of [...this.#waiters]) if (waiter.condition()) waiter.resolve();
  }

  #met(session) {
    const connection = this.#byPort.get(session.socket?.remotePort) ?? this.connections.at(-1);
    this.#sessions.add(session);
    session.connection = connection;
    session.on('error', () => {});
    session.on('close', () => this.#sessions.delete(session));
    session.on('goaway', (code) => {
      connection.goaway = code;
    });
    session.on('remoteSettings', (settings) => {
      connection.settings ??= settings;
    });
    connection.pings = 0;
    session.on('ping', () => {
      connection.pings += 1;
    });
    if (connection.isTls) {
      const { servername, alpnProtocol } = session.socket;
      const subject = session.socket.getPeerCertificate()?.subject;
      Object.assign(connection, { servername, alpnProtocol, client: subject?.CN });
    }
  }

  async #serve(stream, headers, rawHeaders) {
    const { connection } = stream.session;
    const call = {
      index: this.calls.length,
      connection: connection.id,
      streamId: stream.id,
      headers: { ...headers },
      rawHeaders,
      arrivedMillis: performance.now(),
      completedMillis: null,
      endedMillis: null,
      rstCode: null,
      wireBytes: 0,
      spans: 0,
      messages: [],
      /** The bytes of its one message, without compression. */
      get message() {
        return this.messages[0]?.message;
      },
    };
    this.calls.push(call);
    connection.calls += 1;
    stream.on('error', () => {});
    stream.on('close', () => {
      call.endedMillis = performance.now();
      call.rstCode = stream.rstCode;
      this.#notify();
    });
    const next = this.#script.length > 0 ? this.#script.shift() : this.#otherwise;
    const isLate = typeof next === 'function';
    let step = isLate ? null : normalize(next);
    if (isLate || !step.early) {
      await this.#readBody(stream, call);
      if (isLate) step = normalize(await next(call, stream));
    } else stream.resume();
    this.#notify();
    this.#onCall?.(call);
    try {
      await this.#answer(stream, step);
    } catch (error) {
      call.error = error; // the stream was closed meanwhile
    }
  }

  async #readBody(stream, call) {
    const parts = [];
    let length = 0;
    stream.on('data', (chunk) => {
      length += chunk.length;
      parts.push(chunk);
    });
    await new Promise((resolve) => {
      stream.once('end', resolve);
      stream.once('close', resolve);
    });
    call.wireBytes = length;
    if (stream.aborted) return;
    const encoding = call.headers['grpc-encoding'];
    const messages = messagesOf(Buffer.concat(parts), encoding);
    for (const { message } of messages) call.spans += message?.length > 0 ? countSpans(message, 'protobuf') : 0;
    this.spans += call.spans;
    call.messages = this.#keep ? messages : [];
    call.completedMillis = performance.now();
  }

  async #answer(stream, step) {
    if (step.gate) await step.gate;
    if (step.delayMillis) await this.#sleep(step.delayMillis);
    if (stream.destroyed || step.stall === 'answer') return;
    if (step.goaway) {
      const { code = 0, lastStreamId = stream.id } = step.goaway;
      stream.session.goaway(code, lastStreamId);
      if (step.goaway.only) return;
    }
    if (step.destroy) return void this.#rawSockets.get(stream.session.connection).destroy();
    if (step.rst !== undefined && step.after !== 'headers') return void stream.close(step.rst);
    if (step.http) {
      const { status, headers = { 'content-type': 'text/html' }, body = '' } = step.http;
      stream.respond({ ':status': status, ...headers }, { sendDate: false });
      return void stream.end(body);
    }
    const trailers = trailersOf(step);
    const head = { ':status': 200, 'content-type': 'application/grpc', ...step.headers };
    const messages = step.body === null ? [] : [step.body ?? []].flat();
    const isTrailersOnly = messages.length === 0 && step.wire === undefined && step.status !== 0 && !step.noStatus;
    if (isTrailersOnly && !step.stall && step.rst === undefined) {
      return void stream.respond({ ...head, ...trailers }, { endStream: true, sendDate: false });
    }
    if (step.status === 0 && step.body === undefined && step.wire === undefined) messages.push(EMPTY);
    stream.respond(head, { waitForTrailers: !step.noStatus && !step.stall, sendDate: false });
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    for (const message of messages) stream.write(frame(message));
    if (step.wire !== undefined) stream.write(step.wire);
    if (step.rst !== undefined) {
      await this.#sleep(20); // what was written must be seen before the stream ends
      return void stream.close(step.rst);
    }
    if (!step.stall) stream.end();
  }

  #sleep(millis) {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        resolve();
      }, millis);
      this.#timers.add(timer);
    });
  }
}

function normalize(step) {
  const value = typeof step === 'number' ? { status: step } : (step ?? {});
  return { status: 0, ...value };
}

function trailersOf({ status, message, details, trailers }) {
  return {
    'grpc-status': String(status),
    ...(message !== undefined && { 'grpc-message': message }),
    ...(details !== undefined && { 'grpc-status-details-bin': details.toString('base64') }),
    ...trailers,
  };
}

/** Starts a receiver; pass the test's context to have it closed when the test ends. */
async function startGrpcReceiver(options, t) {
  const receiver = await new GrpcReceiver(options).listen();
  t?.after(() => receiver.close());
  return receiver;
}

module.exports = { startGrpcReceiver };
