'use strict';
// Owns sending over gRPC through Node's own http2 and tls, where only Node's TLS can honour the certificates or the process.
// It refuses to decide: no retry, no verdict, only the facts of one attempt.

const { factsOfError, textOfError } = require('../node_http/network_facts.js');
const { clearTimeout, now, setTimeout, unref } = require('../guards/timers.js');
const { ignore, timerMillis } = require('../guards/user_code.js');
const { call, requestHeaders } = require('./call.js');
const { openSession } = require('./connection.js');

const PING_TIMEOUT_MILLIS = 20_000;

/** @param {object} config as `resolveGrpcConfig` gives it */
function createHttp2Sender(config) {
  let opening = null; // a promise of the one connection, which all calls share

  function send(body, headers, timeoutMillis, contentEncoding = null, signal = {}) {
    return new Promise((resolve) => {
      const attempt = { end: null };
      const deadline = now() + timeoutMillis;
      const expire = () => {
        forget(); // a connection that is silent is given up: the next call opens another
        attempt.end?.();
        finish(failed({ ...factsOfError(new Error('Deadline exceeded')), kind: 'timed_out' }));
      };
      const timer = unref(setTimeout(expire, timerMillis(timeoutMillis)));
      const finish = (facts) => {
        clearTimeout(timer);
        resolve(facts);
      };
      signal.end = expire;
      run(body, headers, deadline, contentEncoding, attempt).then(finish);
    });
  }

  async function run(body, headers, deadline, contentEncoding, attempt) {
    let request;
    try {
      const entries = typeof headers === 'function' ? await headers() : headers;
      const left = deadline - now();
      request = {
        body,
        headers: requestHeaders(config, entries, left, contentEncoding),
        isCompressed: contentEncoding !== null,
      };
    } catch (error) {
      return { outcome: 'failed', error: factsOfError(error, 'unsendable') };
    }
    let connection;
    try {
      connection = await connected(attempt);
    } catch (error) {
      return failed(connectFacts(error, config));
    }
    connection.calls += 1;
    keepAlive(connection, config);
    try {
      return await call(connection.session, config, request, attempt);
    } catch (error) {
      forget();
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
        connection.session.on('close', isGone);
        connection.session.on('goaway', () => {
          connection.isLeaving = true; // what is under way may end there
          isGone();
          endIfIdle(connection);
        });
      }, isGone);
    }
    return opening;
  }

  async function open(attempt) {
    return { ...(await openSession(config, attempt)), calls: 0, isLeaving: false, isPinging: false };
  }

  function forget() {
    const gone = opening;
    opening = null;
    gone?.then(end, ignore);
  }

  return { send, close: async () => forget() };
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

/** Facts of the network: the application is told a status, and not Node's error. */
function failed({ original, ...error }) {
  return { outcome: 'failed', error };
}

/** In the words of @grpc/grpc-js. */
function connectFacts(error, { target }) {
  const last = Object(error).errors?.at?.(-1) ?? error;
  const facts = factsOfError(last);
  const isUnknown = facts.kind === 'dns';
  const name = facts.code?.startsWith('ERR_') ? `Error [${facts.code}]` : 'Error';
  const kind = facts.kind === 'spent' ? 'other' : facts.kind;
  const message = isUnknown
    ? `Name resolution failed for target dns:${target}`
    : `No connection established. Last error: ${name}: ${textOfError(last)}. Resolution note: `;
  return { ...facts, kind, message };
}

module.exports = { createHttp2Sender };
