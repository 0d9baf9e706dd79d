'use strict';
// Owns sending through Node's own http and https, for configurations that only Node can honour: user agents, look-ups,
// certificates and headers that are code or that our own stack does not have.
// It refuses to decide: no retry, no verdict, only the facts of one attempt, in the shape the native sink reports them.

const { factsOfError, nameProxy } = require('./network_facts.js');
const wrongPort = require('./wrong_port.js');

const MAX_RESPONSE_BYTES = 4 * 1024 * 1024;
const MAX_HEAD_BYTES = 64 * 1024; // informational responses included: those may come without an end
const MAX_TIMER_MILLIS = 2 ** 31 - 1;
const NO_BODY = Buffer.alloc(0);
const guarded = new WeakSet();

// Loaded at the first request: instrumentation may want to patch these modules first.
const moduleOf = (scheme) => (scheme === 'http:' ? require('http') : require('https'));
const { clearTimeout, setTimeout, unref } = require('../guards/timers.js');
const { contained, ignore } = require('../guards/user_code.js');

/** Throws what Node's http throws for a header it refuses to send. */
function throwHeaderError(name, value) {
  const http = moduleOf('http:');
  http.validateHeaderName(name);
  http.validateHeaderValue(name, value);
}

function createAgent(options, scheme) {
  const { Agent } = moduleOf(scheme);
  if (scheme !== 'http:') return new Agent(options);
  const { ca, cert, key, ...plain } = options;
  return new Agent(plain);
}

/** The agent of one exporter: made at the first request, once, also when several exports start together. */
class AgentSlot {
  #config;
  #scheme;
  #agent = null;
  #isMade = false;
  #createProxyAgent = null;

  constructor(config, scheme) {
    this.#config = config;
    this.#scheme = scheme;
    // Now: a call with spans loads nothing.
    if (config.proxy != null && config.hasOwnProxy)
      this.#createProxyAgent = require('./proxy_agent.js').createProxyAgent;
  }

  get() {
    this.#agent ??= this.#create().catch((error) => {
      this.#agent = null; // the next export asks again
      throw error;
    });
    return this.#agent;
  }

  /** An export has waited for it in vain: the next one asks again. */
  giveUp() {
    if (!this.#isMade) this.#agent = null;
  }

  async #create() {
    const { agentFactory, agentOptions } = this.#config;
    const agent = await (agentFactory === null ? this.#own(agentOptions) : agentFactory(this.#scheme));
    this.#isMade = true;
    return agent;
  }

  #own(options) {
    const { proxy, hasOwnProxy, timeoutMillis } = this.#config;
    if (this.#createProxyAgent !== null) return this.#createProxyAgent(options, this.#scheme, proxy, timeoutMillis);
    return createAgent(hasOwnProxy ? { ...options, proxyEnv: undefined } : options, this.#scheme);
  }

  /** Ends the connections of an agent that is ours; one that the user's factory made belongs to the user. Never rejects. */
  async close() {
    if (this.#agent === null || this.#config.agentFactory !== null) return;
    const agent = await this.#agent.catch(() => undefined);
    this.#agent = null; // a request that comes all the same has connections of its own
    agent?.destroy();
  }
}

function factsOfReply(response, url, body, bodyError) {
  return {
    outcome: 'reply',
    status: response.statusCode,
    reason: wrongPort.reasonOf(response, body, url),
    retryAfter: response.headers['retry-after'],
    date: response.headers.date,
    location: response.headers.location,
    body,
    bodyError,
  };
}

function timedOut() {
  return factsOfError(new Error('Request timed out'), 'timed_out');
}

/** Node's words for a connection that has gone without an answer. */
function hungUp() {
  return factsOfError(Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }));
}

function tooLongHead() {
  return factsOfError(Object.assign(new Error('Parse Error: Header overflow'), { code: 'HPE_HEADER_OVERFLOW' }));
}

/**
 * A connection does not hold the process: who waits for an export does (js/native/hold.js), or the drain at the end. And its
 * error is never unheard: between an early answer and the end of the request's own writes Node itself listens to none.
 */
function guard(socket) {
  socket.unref();
  if (guarded.has(socket)) return;
  guarded.add(socket);
  socket.on('error', ignore);
}

/**
 * One request; settles with the facts, and whether it went out on a connection that had been used before and has given
 * nothing since. `attempt.onHead` gets the facts of a reply when its head has come: they hold if nobody waits for the rest.
 */
function exchange(url, options, body, attempt) {
  return new Promise((resolve) => {
    let request;
    let reply = null;
    let isOver = false;
    let chunks = [];
    let receivedBytes = 0;
    let givenBytes = 0; // by the connection, for this request; what TLS adds does not count

    const noteGiven = (bytes) => {
      givenBytes += bytes.length;
    };
    const finish = (facts) => {
      if (isOver) return;
      isOver = true;
      request?.socket?.removeListener('data', noteGiven);
      const isUntouched = request?.reusedSocket === true && givenBytes === 0;
      resolve({ facts, isUntouched });
      chunks = [];
    };
    const finishReply = (bodyError) => finish(factsOfReply(reply, url, Buffer.concat(chunks), bodyError));
    const fail = (error) => (reply === null ? finish({ outcome: 'failed', error }) : finishReply(error));

    const onResponse = (response) => {
      reply = response;
      attempt.peer.hasSpoken = true;
      attempt.onHead?.(factsOfReply(response, url, NO_BODY, timedOut()));
      response.on('data', (chunk) => {
        receivedBytes += chunk.length;
        if (receivedBytes <= MAX_RESPONSE_BYTES) {
          chunks.push(chunk);
          return;
        }
        const message = `OTLP export response body exceeded size limit of ${MAX_RESPONSE_BYTES} bytes`;
        fail(factsOfError(new Error(message), 'response_too_large'));
        response.destroy();
      });
      response.on('end', () => finishReply(undefined));
      response.on('error', (error) => fail(factsOfError(error)));
      response.on('close', () => fail(hungUp())); // code that sees the response may end it
    };

    try {
      request = moduleOf(url.protocol).request(url, options, onResponse);
    } catch (error) {
      fail(factsOfError(error, 'unsendable'));
      return;
    }
    request.on('error', (error) => {
      // A proxy that is asked in absolute form is at another port.
      if (!attempt.isOfProxy) wrongPort.nameWrongPort(error, url, givenBytes === 0 && !attempt.peer.hasSpoken);
      fail(factsOfError(error));
    });
    request.on('socket', (socket) => {
      socket.prependListener('data', noteGiven); // before Node reads them
      contained(ignore, () => guard(socket));
    });
    request.on('information', () => {
      if (givenBytes <= MAX_HEAD_BYTES) return;
      fail(tooLongHead());
      request.destroy();
    });
    // Nobody has asked for another protocol: what comes after that head is no answer.
    request.on('upgrade', (_response, socket) => {
      fail(hungUp());
      socket.destroy();
    });
    request.on('close', () => {
      if (reply === null) fail(hungUp());
    });
    attempt.expire = () => {
      fail(timedOut());
      request.destroy();
    };
    request.end(body);
  });
}

/**
 * A sender over Node's http. Call `send` inside the async context of the `export()` call it serves.
 *
 * @param {object} config as `resolveConfig` gives it
 * @returns {{ send: Function, close: () => Promise<void> }}
 */
function createNodeSender(config) {
  const url = new URL(config.url);
  const slot = new AgentSlot(config, url.protocol);
  // To an endpoint without TLS the proxy speaks HTTP itself: its answers look as the endpoint's.
  const isOfProxy = config.proxy != null && url.protocol === 'http:';
  // Node's own agents, for `proxyEnv`, do the same by themselves.
  const absolute = isOfProxy && config.hasOwnProxy ? absoluteForm(url, config.proxy) : null;
  const peer = { hasSpoken: false }; // HTTP, so the port is the right one

  /**
   * One attempt. Never rejects.
   * @param {Uint8Array} body encoded and compressed
   * @param {[string, string][] | (() => unknown)} headers entries, or `config.headers.read`, called after the agent is there
   * @param {number} timeoutMillis for the whole exchange, the user's code included
   * @param {'gzip' | 'zstd' | null} [contentEncoding] what `body` is compressed with
   * @param {{ end: (() => void) | null, onHead?: (facts: object) => void }} [signal] gets what ends the attempt before its
   *   time; its `onHead` gets the facts of a reply as soon as its head has come
   */
  function send(body, headers, timeoutMillis, contentEncoding = null, signal = {}) {
    return new Promise((resolve) => {
      const expire = () => {
        slot.giveUp();
        settle({ outcome: 'failed', error: timedOut() });
      };
      const attempt = { over: false, expire, onHead: onHeadOf(signal), isOfProxy, peer };
      const settle = (facts) => {
        attempt.over = true;
        clearTimeout(timer);
        resolve(config.proxy == null ? facts : nameProxy(facts, config.proxy, isOfProxy));
      };
      const timer = unref(setTimeout(() => attempt.expire(), Math.min(timeoutMillis, MAX_TIMER_MILLIS)));
      signal.end = () => attempt.expire();
      run(attempt, body, headers, contentEncoding).then(settle);
    });
  }

  /** The body that has not come is told of at once: later its facts are given to nobody. */
  function onHeadOf({ onHead }) {
    if (onHead === undefined || config.proxy == null) return onHead;
    return (facts) => onHead(nameProxy(facts, config.proxy, isOfProxy));
  }

  async function run(attempt, body, headers, contentEncoding) {
    let options;
    try {
      const agent = await slot.get();
      if (attempt.over) return null;
      const entries = typeof headers === 'function' ? await headers() : headers;
      options = { method: 'POST', headers: toHeaderObject(entries, contentEncoding), agent };
      if (absolute !== null) throughProxy(options, absolute);
    } catch (error) {
      return { outcome: 'failed', error: factsOfError(error, 'unsendable') };
    }
    if (attempt.over) return null; // the deadline has answered already
    const first = await exchange(url, options, body, attempt);
    // The server closed an idle connection while this request was on its way: not a failure of the request.
    const stale = first.isUntouched && first.facts.outcome === 'failed' && first.facts.error.kind === 'reset';
    return stale ? (await exchange(url, options, body, attempt)).facts : first.facts;
  }

  return { send, close: () => slot.close() };
}

/** What a request to a proxy has beside others. */
function absoluteForm({ protocol, host, pathname, search }, { authorization }) {
  const headers = authorization === null ? [] : [['Proxy-Authorization', authorization]];
  return { path: `${protocol}//${host}${pathname}${search}`, headers };
}

function throughProxy(options, { path, headers }) {
  options.path = path;
  for (const [name, value] of headers) setHeader(options.headers, name, value);
  const { keepAlive, maxSockets } = options.agent;
  setHeader(options.headers, 'Proxy-Connection', keepAlive || maxSockets !== Infinity ? 'keep-alive' : 'close');
}

function toHeaderObject(entries, contentEncoding) {
  const headers = Object.fromEntries(entries);
  if (contentEncoding !== null) setHeader(headers, 'Content-Encoding', contentEncoding);
  return headers;
}

/** In place of what has that name in any letter case. */
function setHeader(headers, wanted, value) {
  for (const name of Object.keys(headers)) {
    if (name.toLowerCase() === wanted.toLowerCase()) delete headers[name];
  }
  headers[wanted] = value;
}

module.exports = { createNodeSender, throwHeaderError };
