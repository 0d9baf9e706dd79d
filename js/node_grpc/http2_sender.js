'use strict';
// Owns sending over gRPC through Node's own http2 and tls, where only Node's TLS can honour the certificates or the process.
// It refuses to decide: no retry, no verdict, only the facts of one attempt.

const { factsOfError, nameProxy, textOfError } = require('../node_http/network_facts.js');
const wrongPort = require('../node_http/wrong_port.js');
const { clearTimeout, now, setTimeout, unref } = require('../guards/timers.js');
const { ignore, timerMillis } = require('../guards/user_code.js');
const { call, requestHeaders } = require('./call.js');
const { CODES } = require('./reply.js');
const { openSession } = require('./connection.js');

const PING_TIMEOUT_MILLIS = 20_000;

/** @param {object} config as `resolveGrpcConfig` gives it */
function createHttp2Sender(config) {
  let opening = null; // a promise of the one connection, which all calls share

  function send(body, headers, timeoutMillis, contentEncoding = null, signal = {}) {
    return new Promise((resolve) => {
      const attempt = { isOver: false, end: null, connection: null };
      const deadline = now() + timeoutMillis;
      const finish = (facts) => {
        attempt.isOver = true;
        clearTimeout(timer);
        resolve(config.proxy == null ? facts : nameProxy(facts, config.proxy, false));
      };
      const expire = () => {
        if (attempt.isOver) return;
        finish(late());
        attempt.end?.();
        // It may be silent: the next call opens another. Those that are under way may still have their answers there.
        if (attempt.connection !== null) leave(attempt.connection);
      };
      const timer = unref(setTimeout(expire, timerMillis(timeoutMillis)));
      signal.end = expire;
      run(body, headers, deadline, contentEncoding, attempt).then(finish);
    });
  }

  /** What comes to an attempt that was given up meanwhile sends nothing any more, and null is nobody's answer. */
  async function run(body, headers, deadline, contentEncoding, attempt) {
    let entries;
    try {
      entries = typeof headers === 'function' ? await headers() : headers;
    } catch (error) {
      return { outcome: 'failed', error: factsOfError(error, 'unsendable') };
    }
    if (attempt.isOver) return null;
    let connection;
    try {
      connection = await connected(attempt);
    } catch (error) {
      return failed(connectFacts(error, config));
    }
    if (attempt.isOver) return null;
    const left = deadline - now();
    if (left <= 0) return late(); // a busy loop has kept the timer waiting
    const request = {
      body,
      headers: requestHeaders(config, entries, left, contentEncoding),
      isCompressed: contentEncoding !== null,
    };
    attempt.connection = connection;
    connection.calls += 1;
    keepAlive(connection, config);
    try {
      const facts = await call(connection.session, config, request, attempt);
      return connection.hasSpoken ? facts : withHint(facts, connection, config);
    } catch (error) {
      const { closed, destroyed } = connection.session;
      // What Node does not send over a connection that stands, it does not send over any.
      if (!closed && !destroyed) return { outcome: 'failed', error: factsOfError(error, 'unsendable') };
      leave(connection);
      return failed(factsOfError(error));
    } finally {
      connection.calls -= 1;
      endIfIdle(connection);
    }
  }

  function connected(attempt) {
    if (opening === null) {
      const mine = open(attempt);
      opening = mine;
      const isGone = () => {
        if (opening === mine) opening = null;
      };
      mine.then((connection) => {
        connection.isGone = isGone;
        connection.session.on('close', isGone);
        connection.session.on('goaway', () => leave(connection));
        if (opening !== mine) leave(connection); // it was forgotten meanwhile
      }, isGone);
    }
    return opening;
  }

  async function open(attempt) {
    const opened = await openSession(config, attempt);
    const connection = { ...opened, hasSpoken: false, calls: 0, isLeaving: false, isPinging: false, isGone: ignore };
    connection.session.once('remoteSettings', () => {
      connection.hasSpoken = true;
    });
    return connection;
  }

  function forget() {
    const gone = opening;
    opening = null;
    gone?.then(end, ignore);
  }

  return { send, close: async () => forget() };
}

/** It takes no more calls; what is under way may end there. */
function leave(connection) {
  connection.isLeaving = true;
  connection.isGone();
  endIfIdle(connection);
}

/** Pings while calls are under way, if they are wanted; a peer that leaves one unanswered is gone. */
function keepAlive(connection, config) {
  const { keepAlivePingMillis, keepAlivePingTimeoutMillis = PING_TIMEOUT_MILLIS } = config;
  if (keepAlivePingMillis === undefined || connection.isPinging) return;
  connection.isPinging = true;
  const ping = () => {
    connection.isPinging = false;
    const { session } = connection;
    if (connection.calls === 0 || session.destroyed) return;
    const late = unref(setTimeout(() => end(connection), timerMillis(keepAlivePingTimeoutMillis)));
    const isSent = session.ping(() => {
      clearTimeout(late);
      keepAlive(connection, config);
    });
    if (!isSent) clearTimeout(late);
  };
  unref(setTimeout(ping, timerMillis(keepAlivePingMillis)));
}

function endIfIdle(connection) {
  if (connection.isLeaving && connection.calls === 0) end(connection);
}

/** Node itself waits for the peer to end the connection. */
function end({ session, socket }) {
  session.destroy();
  socket.destroy();
}

function late() {
  return failed(factsOfError(new Error('Deadline exceeded'), 'timed_out'));
}

/** Facts of the network: the application is told a status, and not Node's error. */
function failed({ original, ...error }) {
  return { outcome: 'failed', error };
}

/** Says of a peer that has never spoken HTTP/2 what that tells of the port. */
function withHint(facts, { socket }, config) {
  if (facts.grpcStatus !== CODES.UNAVAILABLE) return facts;
  const { grpcMessage: text } = facts;
  const silence = { isPlain: config.tlsOptions === null, bytes: socket.bytesRead, text, port: config.port };
  const hint = wrongPort.hintOfHttp2Silence(silence);
  return hint === null ? facts : { ...facts, grpcMessage: wrongPort.withHint(text, peerOf(config), hint) };
}

function peerOf({ socketPath, hostname, port }) {
  return socketPath ?? `${hostname}:${port}`;
}

/** In the words of @grpc/grpc-js. */
function connectFacts(error, config) {
  const { target } = config;
  const last = Object(error).errors?.at?.(-1) ?? error;
  const facts = factsOfError(last);
  const isUnknown = facts.kind === 'dns';
  const name = facts.code?.startsWith('ERR_') ? `Error [${facts.code}]` : 'Error';
  const kind = facts.kind === 'spent' ? 'other' : facts.kind;
  const text = textOfError(last);
  const hint = wrongPort.hintOfGrpcHandshake(text);
  const said = hint === null ? text : wrongPort.withHint(text, peerOf(config), hint);
  const message = isUnknown
    ? `Name resolution failed for target dns:${target}`
    : `No connection established. Last error: ${name}: ${said}. Resolution note: `;
  return { ...facts, kind, message };
}

module.exports = { createHttp2Sender };
